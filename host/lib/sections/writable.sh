# Every filesystem that is going to be written can be: asked before the bundle is staged, which needs the disk itself, and
# before anything is given back.
# Reads STATE; sets FOLDERS, MOUNTS; adds to PROBLEMS.

readonly DISK_NEEDED=$((32 * 1024 * 1024))

# Folders that will be written, and where the filesystem of each is mounted.
declare -a FOLDERS=()
declare -A MOUNTS=()

# preflight_writable ARRAY [EXTRA]: of the loaded bundle, which may be empty; EXTRA bytes are needed beside the 32 MiB.
preflight_writable() {
  local folder
  local -A told=()
  written_folders "$1"
  for folder in "${FOLDERS[@]}"; do
    mount_of "$folder"
    MOUNTS[$folder]=$MOUNT
    [[ ! -w $folder && -z ${told[$MOUNT]-} ]] || continue
    told[$MOUNT]=1
    problem "$folder is read-only: mount it writable (mount -o remount,rw $MOUNT), or take its attribute away (chattr -i $folder)"
  done
  preflight_room "$((DISK_NEEDED + ${2:-0}))"
}

# written_folders ARRAY: FOLDERS, those that are there already or the next above them; the manager's own ones first.
written_folders() {
  local -n written=$1
  local path
  local -A seen=()
  local -a paths=(/etc/x "${STATE%/*}/x" "$STATE/x")
  FOLDERS=() MOUNTS=()
  entries "$1" files
  paths+=("${ENTRIES[@]}")
  entries "$1" json
  paths+=("${ENTRIES[@]}")
  entries "$1" backups
  for path in "${ENTRIES[@]}"; do paths+=("${written["backups|$path|"]-}"); done
  for path in "${paths[@]}"; do
    [[ $path == /?* ]] || continue
    path=${path%/*}
    while [[ -n $path && ! -d $path ]]; do path=${path%/*}; done
    path=${path:-/}
    [[ -n ${seen[$path]-} ]] || FOLDERS+=("$path")
    seen[$path]=1
  done
}

# preflight_room BYTES: one question for each filesystem, and one process for all.
preflight_room() {
  local folder text available block inodes free needed
  local -a ask=()
  local -A seen=()
  local -i i=0
  for folder in "${FOLDERS[@]}"; do
    [[ -n ${seen[${MOUNTS[$folder]}]-} ]] || ask+=("$folder")
    seen[${MOUNTS[$folder]}]=1
  done
  human "$(($1 / 1048576 * 1048576))"
  needed=$REPLY
  text=$(stat -f -c '%a %S %c %d' -- "${ask[@]}")
  while read -r available block inodes free; do
    folder=${ask[i]}
    i+=1
    # Some filesystems make inodes as they need them, and have none to count.
    ((inodes == 0 || free >= 200)) || problem "the filesystem of $folder (mounted at ${MOUNTS[$folder]}) has $free inodes free, 200 are needed. Remove files there (du --inodes -xs ${MOUNTS[$folder]%/}/*)"
    ((available * block < $1)) || continue
    human "$((available * block / 4096 * 4096))"
    problem "the disk is full: $REPLY free on the filesystem of $folder (mounted at ${MOUNTS[$folder]}), $needed are needed. Free some (du -xsh ${MOUNTS[$folder]%/}/*)"
  done <<<"$text"
}

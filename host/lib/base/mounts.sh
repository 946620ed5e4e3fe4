# Mounts. Sets MOUNT, MOUNT_TYPE.

# mount_of PATH: MOUNT is where the filesystem that holds the path is mounted, MOUNT_TYPE its type.
MOUNT='' MOUNT_TYPE=''
mount_of() {
  local path=$1 point line REPLY
  MOUNT='' MOUNT_TYPE=''
  while read -r _ _ _ _ point line; do
    REPLY=$point
    [[ $point != *\\* ]] || decode_octal "$point"
    [[ $path == "$REPLY" || $path == "${REPLY%/}/"* ]] || continue
    ((${#REPLY} >= ${#MOUNT})) || continue
    MOUNT=$REPLY line=${line#*' - '}
    MOUNT_TYPE=${line%% *}
  done </proc/self/mountinfo
}

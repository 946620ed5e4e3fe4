# Swap files, before anything changes: where one may lie, and whether it fits.
# Reads WANT, SEEN_SWAP; sets REPLY, FIX, ANSWER.

preflight_swap_files() {
  local path
  local -a paths
  entries WANT swapFiles
  paths=("${ENTRIES[@]}")
  ((${#paths[@]} > 0)) || return 0
  preflight_no_container 'a swap file'
  [[ -n $ANSWER ]] || return 0
  preflight_kubelet
  for path in "${paths[@]}"; do preflight_swap_file "$path"; done
}

# preflight_no_container WHAT: ANSWER is empty, and it is said, where the kernel is not the host's own.
preflight_no_container() {
  ANSWER=yes
  [[ -e /run/systemd/container ]] || return 0
  ANSWER=
  problem "this host is a container, whose kernel belongs to its provider: $1 is impossible here. Use a VPS with its own kernel (KVM)"
}

preflight_swap_file() {
  local path=$1 setting FIX
  # The bundle names the size's setting; the path's stands beside it.
  setting=${WANT["swapFiles|$1|setting"]:-goblin-host:swap}
  setting=${setting%.size}
  # Not one that would be refused, too.
  FIX=/swapfile
  [[ $path != /swapfile ]] || FIX=/swapfile2
  wrong_place "$path"
  [[ -n $REPLY ]] || wrong_folder "$path"
  [[ -n $REPLY ]] || in_the_way "$path"
  if [[ -n $REPLY ]]; then
    problem "$setting.path: $REPLY. Fix: pulumi config set --path '$setting.path' $FIX"
  else
    preflight_swap_size "$path" "$setting"
  fi
}

# wrong_place PATH: REPLY says why no swap file can be at this very path, or nothing.
wrong_place() {
  local path=$1
  owner_of swapFiles "$path" "$NAME"
  if [[ -n $REPLY ]]; then
    REPLY="$path belongs to the bundle $REPLY"
  elif [[ $path != /* || $path == */../* || $path == */./* || $path == *//* || $path == */@(|.|..) || ${#path} -gt 180 ]]; then
    REPLY="$path is no plain absolute path"
  elif [[ -d $path && ! -L $path ]]; then
    FIX=$path/swapfile
    REPLY="$path is a folder. Allowed: a file that does not exist yet, or a swap file"
  elif [[ -L $path || -e $path && ! -f $path ]]; then
    REPLY="$path is no regular file (a link or a device)"
  fi
}

# wrong_folder PATH: the same of the folder that it would be in.
wrong_folder() {
  local path=$1
  REPLY=
  if [[ ! -d ${path%/*}/ ]]; then
    REPLY="the folder ${path%/*} does not exist"
    return
  fi
  folder_facts "$path"
  case $FS_TYPE in
    tmpfs | overlayfs | btrfs | zfs | ramfs | squashfs | nfs)
      REPLY="$path is on $FS_TYPE, where swap files do not work. Allowed: a folder on ext4 or xfs"
      ;;
    *)
      unsafe_folder "$path"
      [[ -z $REPLY ]] || REPLY+=". Allowed: a path below folders that only root may write"
      ;;
  esac
}

# unsafe_folder PATH: REPLY says which of its parents somebody else than root may write, who could put another file in the
# place of ours; nothing where there is none.
unsafe_folder() {
  local folder=${1%/*} facts mode owner name
  local -a parents=(/)
  REPLY=
  while [[ -n $folder ]]; do
    if [[ -L $folder ]]; then
      REPLY="$folder is a link, and the kernel would show the swap file under another path"
      return
    fi
    parents+=("$folder")
    folder=${folder%/*}
  done
  facts=$(stat -c '%a %u %n' -- "${parents[@]}")
  while read -r mode owner name; do
    ((owner == 0 && (8#$mode & 8#022) == 0)) ||
      REPLY="others than root may write $name (mode $mode, owner $owner)"
  done <<<"$facts"
}

# in_the_way PATH: REPLY says which file there is somebody's, or nothing.
in_the_way() {
  local path=$1 file
  REPLY=
  [[ ! -e $path ]] || is_swap "$path"
  if [[ -e $path && -z $ANSWER ]]; then
    REPLY="$path exists and is no swap file, so it stays as it is. Allowed: a file that does not exist yet, or a swap file"
    return
  fi
  original swapFiles "$path"
  [[ -z ${RECORD[0]-} && -z ${WAS["has|swapFiles|$path"]-} ]] || return 0
  for file in "$path".goblin-{new,bridge,original}; do
    [[ ! -e $file && ! -L $file ]] ||
      REPLY="$file is in the way of what this project makes beside $path: move it away, or take another path"
  done
}

# preflight_swap_size PATH SETTING
preflight_swap_size() {
  local path=$1 size=${WANT["swapFiles|$1|size"]} have=0 shown fix='free some disk'
  local -i fits
  swap_file_state "$path"
  [[ -n $REPLY ]] || return 0
  # One of ours goes before the new one comes, where both do not fit; its room counts. The owner's stays.
  original swapFiles "$path"
  theirs_at "$path"
  [[ ! -f $path || -z ${RECORD[0]-} || -n $ANSWER ]] || have=$(stat -c %s -- "$path")
  ((have != size && size + DISK_RESERVE > FS_FREE + have)) || return 0
  fits=$(((FS_FREE + have - DISK_RESERVE) / 1073741824))
  ((fits <= 0)) || fix="pulumi config set --path '$2.size' ${fits}GiB"
  human "$size"
  shown=$REPLY
  problem "$2.size: $shown do not fit on the disk of $path, which has $(((FS_FREE + have) / 1048576)) MiB free (1 GiB stays free). Fix: $fix"
}

preflight_zram() {
  local device kernel size
  entries WANT zram
  ((${#ENTRIES[@]} > 0)) || return 0
  preflight_no_container zram
  [[ -n $ANSWER ]] || return 0
  preflight_generator "${ENTRIES[@]}"
  preflight_kubelet
  read -r kernel </proc/sys/kernel/osrelease
  for device in "${ENTRIES[@]}"; do
    [[ -d /sys/module/zram ]] || modprobe -n -q zram ||
      problem "this kernel has no zram module (uname -r: $kernel): install the distribution's kernel"
    # What has a size holds something, swap or not. zram-tools' goes with zram-tools.
    size=0
    [[ ! -e $BLOCK_DEVICES/$device/disksize ]] || read -r size <"$BLOCK_DEVICES/$device/disksize"
    [[ $size != 0 && ${SEEN_UNIT["zramswap.service|ActiveState"]-} != active && -z ${WAS["has|zram|$device"]-} ]] || continue
    original zram "$device"
    [[ -n ${RECORD[0]-} ]] ||
      problem "/dev/$device is in use by something this project does not know. Switch it off (swapoff /dev/$device; zramctl --reset /dev/$device), then run this again"
  done
}

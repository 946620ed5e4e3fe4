# Disks: which one holds a path, what is below it, and whether any of them weighs IO.
# Reads BLOCK_DEVICES, CGROUPS; sets DISK, DISK_BELOW, DISK_LAYERS, WEIGHED_BY.

readonly MOUNTINFO=/proc/self/mountinfo
readonly DEVICES_BY_NUMBER=/sys/dev/block

# disk_of PATH, without a process, and once for all limits on the disk of one path: what observe has seen holds until it looks
# again. All are empty where the path is on no disk.
#   DISK         the whole disk, or the mapped device (LVM, LUKS), that the path's filesystem is on: it reads ahead
#   DISK_BELOW   the disk at the bottom, which schedules
#   DISK_LAYERS  the numbers of all of them, and of partitions between, from the top to the bottom
DISK='' DISK_BELOW='' DISK_LAYERS=''
declare -A DISK_OF=()
disk_of() {
  if [[ -z ${DISK_OF[$1]+set} ]]; then
    find_disk "$1"
    DISK_OF[$1]="$DISK|$DISK_BELOW|$DISK_LAYERS"
  fi
  IFS='|' read -r DISK DISK_BELOW DISK_LAYERS <<<"${DISK_OF[$1]}"
}

# find_disk PATH: disk_of, without a memory.
find_disk() {
  local path=$1 best='' number='' line point where REPLY
  DISK='' DISK_BELOW='' DISK_LAYERS=''
  while read -r _ _ where _ point line; do
    REPLY=$point
    [[ $point != *\\* ]] || decode_octal "$point"
    [[ $path == "$REPLY" || $path == "${REPLY%/}/"* ]] || continue
    ((${#REPLY} >= ${#best})) || continue
    best=$REPLY number=$where
  done <"$MOUNTINFO"
  [[ -z $number || ! -e $DEVICES_BY_NUMBER/$number/uevent ]] || descend "$DEVICES_BY_NUMBER/$number"
  [[ -n $DISK && -n $DISK_BELOW ]] || DISK='' DISK_BELOW='' DISK_LAYERS=''
}

# descend DEVICE: a folder below /sys. A device may go while it is looked at.
descend() {
  local device=$1 number
  local -a below
  for ((;;)); do
    { read -r number <"$device/dev"; } 2>/dev/null || number=
    if [[ -z $number ]]; then
      DISK=
      return
    fi
    DISK_LAYERS+=${DISK_LAYERS:+ }$number
    if [[ -e $device/partition ]]; then
      # It lies in its disk.
      device+=/..
      continue
    fi
    device_name "$device"
    DISK=${DISK:-$REPLY} DISK_BELOW=$REPLY
    below=("$device"/slaves/*)
    # One over several (RAID) is the bottom: what is above is scheduled and limited by none of those alone.
    ((${#below[@]} == 1)) || return 0
    device=${below[0]}
  done
}

# device_name DEVICE: REPLY, as /sys calls it: the name of a device in a folder of /dev has an exclamation mark there.
device_name() {
  local line
  REPLY=
  while read -r line; do
    [[ $line != DEVNAME=* ]] || REPLY=${line#DEVNAME=} REPLY=${REPLY//\//!}
  done 2>/dev/null <"$1/uevent" || REPLY=
}

# find_weighing: WEIGHED_BY is bfq or iocost where any disk weighs IO by it now, else none.
WEIGHED_BY=''
find_weighing() {
  local file text
  WEIGHED_BY=none
  for file in "$BLOCK_DEVICES"/*/queue/scheduler; do
    # As above.
    { read -r text <"$file"; } 2>/dev/null || continue
    if [[ $text == *'[bfq]'* ]]; then
      WEIGHED_BY=bfq
      return
    fi
  done
  [[ -r $CGROUPS/io.cost.qos ]] || return 0
  while read -r text; do
    [[ $text != *enable=1* ]] || WEIGHED_BY=iocost
  done <"$CGROUPS/io.cost.qos"
}

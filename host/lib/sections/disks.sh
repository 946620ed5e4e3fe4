# Disks: which one holds a path, and whether any of them weighs IO.
# Reads BLOCK_DEVICES, CGROUPS; sets DISK, DISK_NUMBER, WEIGHED_BY.

readonly MOUNTINFO=/proc/self/mountinfo
readonly DEVICES_BY_NUMBER=/sys/dev/block

# disk_of PATH: DISK and DISK_NUMBER of the whole disk whose filesystem holds the path, empty where it is on none. Without a
# process, and once for all limits on the disk of one path: what observe has seen holds until it looks again.
DISK='' DISK_NUMBER=''
declare -A DISK_OF=()
disk_of() {
  if [[ -z ${DISK_OF[$1]+set} ]]; then
    find_disk "$1"
    DISK_OF[$1]="$DISK $DISK_NUMBER"
  fi
  DISK=${DISK_OF[$1]% *} DISK_NUMBER=${DISK_OF[$1]#* }
}

# find_disk PATH: disk_of, without a memory.
find_disk() {
  local path=$1 best='' number='' line point where device REPLY
  DISK='' DISK_NUMBER=''
  while read -r _ _ where _ point line; do
    REPLY=$point
    [[ $point != *\\* ]] || decode_octal "$point"
    [[ $path == "$REPLY" || $path == "${REPLY%/}/"* ]] || continue
    ((${#REPLY} >= ${#best})) || continue
    best=$REPLY number=$where
  done <"$MOUNTINFO"
  device=$DEVICES_BY_NUMBER/$number
  [[ -n $number && -e $device/uevent ]] || return 0
  # A partition lies in its disk.
  [[ ! -e $device/partition ]] || device+=/..
  # It may go while it is looked at.
  {
    while read -r line; do
      # The name of a device in a folder of /dev has an exclamation mark in /sys.
      [[ $line != DEVNAME=* ]] || DISK=${line#DEVNAME=} DISK=${DISK//\//!}
    done <"$device/uevent"
    read -r DISK_NUMBER <"$device/dev"
  } 2>/dev/null || DISK='' DISK_NUMBER=''
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

# Disks: which one holds a path, and whether any of them weighs IO.
# Reads BLOCK_DEVICES, CGROUPS; sets DISK, DISK_NUMBER, WEIGHED_BY.

readonly MOUNTINFO=/proc/self/mountinfo

# disk_of PATH: DISK and DISK_NUMBER of the whole disk whose filesystem holds the path, empty where it is on none. Without a
# process.
DISK='' DISK_NUMBER=''
disk_of() {
  local path=$1 best='' number='' line point where file REPLY
  DISK='' DISK_NUMBER=''
  while read -r _ _ where _ point line; do
    decode_octal "$point"
    [[ $path == "$REPLY" || $path == "${REPLY%/}/"* ]] || continue
    ((${#REPLY} >= ${#best})) || continue
    best=$REPLY number=$where
  done <"$MOUNTINFO"
  [[ -n $number ]] || return 0
  for file in "$BLOCK_DEVICES"/*/dev "$BLOCK_DEVICES"/*/*/dev; do
    # A device may go while it is looked at.
    { read -r where <"$file"; } 2>/dev/null || continue
    [[ $where == "$number" ]] || continue
    DISK=${file#"$BLOCK_DEVICES/"}
    DISK=${DISK%%/*}
    read -r DISK_NUMBER <"$BLOCK_DEVICES/$DISK/dev"
    return
  done
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

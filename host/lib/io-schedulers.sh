# IO weights weigh only where the device's scheduler is BFQ (pitfall: on virtio disks nothing weighs by default).

# disk_of MOUNT-PATH: DISK and DISK_NUMBER of the whole disk whose filesystem holds the path, without a process.
disk_of() {
  local path=$1 best='' number='' line point where file
  DISK='' DISK_NUMBER=''
  while read -r _ _ where _ point line; do
    printf -v point '%b' "$point"
    [[ $path == "$point" || $path == "${point%/}/"* ]] && ((${#point} >= ${#best})) && best=$point number=$where
  done </proc/self/mountinfo
  [[ -n $number ]] || return 1
  for file in /sys/block/*/dev /sys/block/*/*/dev; do
    read -r where <"$file"
    [[ $where == "$number" ]] || continue
    DISK=${file#/sys/block/}
    DISK=${DISK%%/*}
    read -r DISK_NUMBER <"/sys/block/$DISK/dev"
    return 0
  done
  return 1
}

# block_devices ENTRY: DEVICES=(the devices the entry stands for); "*" is the disks of / and of /srv/models.
block_devices() {
  local path
  DEVICES=()
  if [[ $1 != '*' ]]; then
    [[ ! -e /sys/block/$1 ]] || DEVICES=("$1")
    return 0
  fi
  for path in / /srv/models; do
    disk_of "$path" || continue
    [[ " ${DEVICES[*]} " == *" $DISK "* || ! -e /sys/block/$DISK/queue/scheduler ]] || DEVICES+=("$DISK")
  done
}

scheduler_of() {
  read -r REPLY <"/sys/block/$1/queue/scheduler"
  [[ $REPLY == *\[* ]] || return 0
  REPLY=${REPLY#*\[}
  REPLY=${REPLY%%\]*}
}

change_schedulers() {
  local entry device wanted before
  local -a DEVICES
  entries WANT ioSchedulers
  for entry in "${ENTRIES[@]}"; do
    wanted=${WANT["ioSchedulers|$entry|"]}
    block_devices "$entry"
    for device in "${DEVICES[@]}"; do
      scheduler_of "$device"
      before=$REPLY
      [[ $before != "$wanted" ]] || continue
      original ioSchedulers "$device" || record_original ioSchedulers "$device" "$before"
      modprobe -q "$wanted" 2>/dev/null || :
      if printf '%s' "$wanted" 2>/dev/null >"/sys/block/$device/queue/scheduler"; then
        say "  $device: IO scheduler $wanted"
      else
        warn "this kernel has no IO scheduler $wanted: IO weights on $device are inert"
      fi
    done
  done
}

give_back_schedulers() {
  local entry device
  local -a DEVICES
  entries WAS ioSchedulers
  for entry in "${ENTRIES[@]}"; do
    ! has WANT ioSchedulers "$entry" || continue
    block_devices "$entry"
    for device in "${DEVICES[@]}"; do
      original ioSchedulers "$device" || continue
      printf '%s' "${RECORD[0]}" 2>/dev/null >"/sys/block/$device/queue/scheduler" || :
      forget_original ioSchedulers "$device"
    done
  done
}

# weighing: whether any disk weighs IO now, by BFQ or by iocost; WEIGHED_BY names it.
WEIGHED_BY=''
find_weighing() {
  local file text
  WEIGHED_BY=none
  for file in /sys/block/*/queue/scheduler; do
    read -r text <"$file" && [[ $text == *'[bfq]'* ]] && WEIGHED_BY=bfq && return 0
  done
  if [[ -r /sys/fs/cgroup/io.cost.qos ]]; then
    while read -r text; do [[ $text != *enable=1* ]] || WEIGHED_BY=iocost; done </sys/fs/cgroup/io.cost.qos
  fi
  return 0
}

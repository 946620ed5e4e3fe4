# IO weights weigh only where the device's scheduler is BFQ (pitfall: on virtio disks nothing weighs by default).

# disk_of MOUNT-PATH: DISK and DISK_NUMBER of the whole disk whose filesystem holds the path, without a process.
disk_of() {
  local path=$1 best='' number='' line point where file REPLY
  DISK='' DISK_NUMBER=''
  while read -r _ _ where _ point line; do
    decode_octal "$point"
    point=$REPLY
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


# scheduler_of PATH: REPLY is the scheduler of the disk that holds PATH; fails where there is none to choose.
scheduler_of() {
  disk_of "$1" && [[ -r /sys/block/$DISK/queue/scheduler ]] || return 1
  read -r REPLY <"/sys/block/$DISK/queue/scheduler"
  [[ $REPLY == *\[* ]] || return 1
  REPLY=${REPLY#*\[}
  REPLY=${REPLY%%\]*}
}

change_schedulers() {
  local path wanted before
  entries WANT ioSchedulers
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["ioSchedulers|$path|"]}
    scheduler_of "$path" || continue
    before=$REPLY
    [[ $before != "$wanted" ]] || continue
    original ioSchedulers "$path" || record_original ioSchedulers "$path" "$before"
    make_durable || return 1
    modprobe -q "$wanted" 2>/dev/null || :
    if printf '%s' "$wanted" 2>/dev/null >"/sys/block/$DISK/queue/scheduler"; then
      say "  $DISK: IO scheduler $wanted"
    else
      warn "this kernel has no IO scheduler $wanted: IO weights on $DISK are inert"
    fi
  done
}

give_back_schedulers() {
  local path
  gone_entries ioSchedulers
  for path in "${ENTRIES[@]}"; do
    original ioSchedulers "$path" || continue
    ! disk_of "$path" || printf '%s' "${RECORD[0]}" 2>/dev/null >"/sys/block/$DISK/queue/scheduler" || :
    forget_original ioSchedulers "$path"
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

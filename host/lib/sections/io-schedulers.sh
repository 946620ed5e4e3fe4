# IO weights weigh only where the device's scheduler is BFQ (pitfall: on virtio disks nothing weighs by default).
# Reads WANT, WAS, BLOCK_DEVICES; sets DISK_BELOW, SCHEDULERS, RECORD, REPLY, ANSWER.

# scheduler_of PATH: REPLY is the scheduler of the disk that holds PATH, DISK_BELOW its name, and SCHEDULERS all that it could
# have; REPLY is empty where there is none to choose.
SCHEDULERS=''
scheduler_of() {
  REPLY='' SCHEDULERS=''
  disk_of "$1"
  [[ -n $DISK_BELOW && -r $BLOCK_DEVICES/$DISK_BELOW/queue/scheduler ]] || return 0
  read -r SCHEDULERS <"$BLOCK_DEVICES/$DISK_BELOW/queue/scheduler"
  [[ $SCHEDULERS == *\[* ]] || return 0
  REPLY=${SCHEDULERS#*\[}
  REPLY=${REPLY%%\]*}
  SCHEDULERS=${SCHEDULERS//[\[\]]/}
}

# set_scheduler PATH SCHEDULER: of the disk in DISK_BELOW; ANSWER is yes where it has that one then. The kernel loads its module.
set_scheduler() {
  ANSWER=
  # A name that the kernel does not know is refused.
  { printf '%s' "$2" >"$BLOCK_DEVICES/$DISK_BELOW/queue/scheduler"; } 2>/dev/null || return 0
  scheduler_of "$1"
  [[ $REPLY != "$2" ]] || ANSWER=yes
}

change_schedulers() {
  local path wanted before
  entries WANT ioSchedulers
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["ioSchedulers|$path|"]}
    scheduler_of "$path"
    before=$REPLY
    [[ -n $before && $before != "$wanted" ]] || continue
    original ioSchedulers "$path"
    if [[ -z ${RECORD[0]-} ]]; then
      record_original ioSchedulers "$path" "$before"
      make_durable
    fi
    set_scheduler "$path" "$wanted"
    if [[ -n $ANSWER ]]; then
      say "  $DISK_BELOW: IO scheduler $wanted"
    else
      warn "this kernel has no IO scheduler $wanted: IO weights on $DISK_BELOW are inert"
    fi
  done
}

give_back_schedulers() {
  local path
  gone_entries ioSchedulers
  for path in "${ENTRIES[@]}"; do
    original ioSchedulers "$path"
    [[ -n ${RECORD[0]-} ]] || continue
    scheduler_of "$path"
    if [[ -n $REPLY && $REPLY != "${RECORD[0]}" ]]; then
      set_scheduler "$path" "${RECORD[0]}"
      [[ -n $ANSWER ]] || warn "$DISK_BELOW had the IO scheduler ${RECORD[0]} before, which this kernel does not have any more"
    fi
    forget_original ioSchedulers "$path"
  done
}

find_scheduler_drift() {
  local path wanted
  entries WANT ioSchedulers
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["ioSchedulers|$path|"]}
    scheduler_of "$path"
    # A kernel without this scheduler is no drift: the verdict of each IOWeight says inert.
    [[ -n $REPLY && $REPLY != "$wanted" && " $SCHEDULERS " == *" $wanted "* ]] || continue
    finding "$DISK_BELOW" scheduler "$wanted" '' "$REPLY" 'another IO scheduler is selected'
  done
}

# Read-ahead of the disk that holds a path: how much the kernel reads at once from a file that is read in order.
# Reads WANT, WAS, BLOCK_DEVICES, NAME; sets DISK, RECORD, REPLY; adds to PROBLEMS.

# read_ahead_of PATH: REPLY is what its disk has, in KiB, and DISK its name; REPLY is empty where there is no such disk.
read_ahead_of() {
  REPLY=
  disk_of "$1"
  [[ -z $DISK || ! -r $BLOCK_DEVICES/$DISK/queue/read_ahead_kb ]] || first_of_kernel "$BLOCK_DEVICES/$DISK/queue/read_ahead_kb"
}

# set_read_ahead PATH KIB: of the disk in DISK.
set_read_ahead() {
  write_kernel "$BLOCK_DEVICES/$DISK/queue/read_ahead_kb" "$2"
  read_ahead_of "$1"
  [[ $REPLY == "$2" ]] || fail "$DISK has a read-ahead of $REPLY KiB after $2 was written"
}

change_read_ahead() {
  local path wanted before
  entries WANT readAhead
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["readAhead|$path|kib"]}
    read_ahead_of "$path"
    before=$REPLY
    [[ -n $before && $before != "$wanted" ]] || continue
    original readAhead "$path"
    if [[ -z ${RECORD[0]-} ]]; then
      record_original readAhead "$path" "$before"
      make_durable
    fi
    set_read_ahead "$path" "$wanted"
    say "  $DISK: read-ahead $wanted KiB"
  done
}

give_back_read_ahead() {
  local path
  gone_entries readAhead
  for path in "${ENTRIES[@]}"; do
    original readAhead "$path"
    [[ -n ${RECORD[0]-} ]] || continue
    read_ahead_of "$path"
    # A disk that is gone has nothing to give back.
    [[ -z $REPLY || $REPLY == "${RECORD[0]}" ]] || set_read_ahead "$path" "${RECORD[0]}"
    forget_original readAhead "$path"
  done
}

find_read_ahead_drift() {
  local path wanted
  entries WANT readAhead
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["readAhead|$path|kib"]}
    read_ahead_of "$path"
    if [[ -z $REPLY ]]; then
      finding "$path" readAhead "$wanted KiB" '' 'no disk' 'its filesystem is on no disk of this host'
    elif [[ $REPLY != "$wanted" ]]; then
      finding "$DISK" readAhead "$wanted KiB" '' "$REPLY KiB" 'changed at run time'
    fi
  done
}

preflight_read_ahead() {
  local path setting
  entries WANT readAhead
  for path in "${ENTRIES[@]}"; do
    setting=${WANT["readAhead|$path|setting"]:-$NAME}
    if [[ ! ${WANT["readAhead|$path|kib"]-} =~ ^[0-9]{1,9}$ ]]; then
      problem "$setting: no number of KiB"
      continue
    fi
    read_ahead_of "$path"
    [[ -z $REPLY ]] || continue
    mount_of "$path"
    problem "$setting: $path is on $MOUNT_TYPE (mounted at $MOUNT), which has no disk whose read-ahead could be set. Allowed: a folder on a disk (ext4, xfs). Fix: pulumi config rm --path '$setting'"
  done
}

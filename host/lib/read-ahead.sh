# Read-ahead of the disk that holds a path: how much the kernel reads at once from a file that is read in order.

# read_ahead_of PATH: REPLY is what its disk has, in KiB; fails where there is no such disk.
read_ahead_of() {
  disk_of "$1" && [[ -r /sys/block/$DISK/queue/read_ahead_kb ]] || return 1
  read -r REPLY <"/sys/block/$DISK/queue/read_ahead_kb"
}

change_read_ahead() {
  local path wanted
  entries WANT readAhead
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["readAhead|$path|kib"]}
    read_ahead_of "$path" || continue
    [[ $REPLY != "$wanted" ]] || continue
    original readAhead "$path" || { read_ahead_of "$path" && record_original readAhead "$path" "$REPLY"; }
    make_durable || return 1
    if printf '%s' "$wanted" 2>/dev/null >"/sys/block/$DISK/queue/read_ahead_kb"; then
      say "  $DISK: read-ahead $wanted KiB"
    else
      REPLY="the kernel refuses a read-ahead of $wanted KiB for $DISK"
      return 1
    fi
  done
}

give_back_read_ahead() {
  local path
  gone_entries readAhead
  for path in "${ENTRIES[@]}"; do
    original readAhead "$path" || continue
    ! disk_of "$path" || printf '%s' "${RECORD[0]}" 2>/dev/null >"/sys/block/$DISK/queue/read_ahead_kb" || :
    forget_original readAhead "$path"
  done
}

find_read_ahead_drift() {
  local path wanted
  entries WANT readAhead
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["readAhead|$path|kib"]}
    if ! read_ahead_of "$path"; then
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
    [[ ${WANT["readAhead|$path|kib"]-} =~ ^[0-9]{1,9}$ ]] || { problem "$setting: no number of KiB"; continue; }
    read_ahead_of "$path" && continue
    mount_of "$path"
    problem "$setting: $path is on $MOUNT_TYPE (mounted at $MOUNT), which has no disk whose read-ahead could be set. Allowed: a folder on a disk (ext4, xfs). Fix: pulumi config rm --path '$setting'"
  done
}

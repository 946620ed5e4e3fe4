# Slices that nobody needs any more: systemd keeps one without processes until it is stopped.
# Reads WAS, WANT, SEEN_UNIT, BOOTING.

# stop_empty_slice SLICE: one that holds no process and no unit, which would be stopped with it.
stop_empty_slice() {
  local slice=$1 said
  # At boot a unit in it may be about to start, which this would cancel; one that is left over holds nothing.
  [[ -z $BOOTING ]] || return 0
  has_processes "$slice"
  [[ -z $ANSWER ]] || return 0
  query_units ActiveState,RequiredBy "$slice"
  seen "$slice" ActiveState
  [[ $REPLY == active ]] || return 0
  seen "$slice" RequiredBy
  any_running "$REPLY"
  [[ -z $ANSWER ]] || return 0
  said=$(systemctl stop -- "$slice" 2>&1) || warn "the slice $slice is empty and cannot be stopped: $said"
}

# has_processes SLICE: ANSWER, from the kernel.
has_processes() {
  local group='' part='' word key value
  local -a words
  ANSWER=
  # a-b.slice is /a.slice/a-b.slice
  IFS=- read -r -a words <<<"${1%.slice}"
  for word in "${words[@]}"; do
    part+=${part:+-}$word
    group+=/$part.slice
  done
  [[ -r $CGROUPS$group/cgroup.events ]] || return 0
  # It may go meanwhile.
  while read -r key value; do
    [[ $key != populated || $value == 0 ]] || ANSWER=yes
  done 2>/dev/null <"$CGROUPS$group/cgroup.events" || return 0
}

# any_running UNITS: ANSWER. One that ran and ended, and remains active, has no process.
any_running() {
  local unit
  local -a units
  read -r -a units <<<"$1"
  query_units ActiveState "${units[@]}"
  for unit in "${units[@]}"; do
    seen "$unit" ActiveState
    is_running "$REPLY"
    [[ -z $ANSWER ]] || return 0
  done
  ANSWER=
}

# stop_gone_slices: those that came with the bundle, and those that only its units were in.
stop_gone_slices() {
  local path unit slice
  entries WAS files
  for path in "${ENTRIES[@]}"; do
    [[ $path != "$UNIT_FOLDER"/*.slice || -e $path ]] || stop_empty_slice "${path##*/}"
  done
  gone_entries limits
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" Slice
    slice=$REPLY
    while [[ $slice == ?*.slice && ! -e $UNIT_FOLDER/$slice && ! -e /usr/lib/systemd/system/$slice ]]; do
      stop_empty_slice "$slice"
      [[ $slice == *-*.slice ]] || break
      slice=${slice%-*}.slice
    done
  done
}

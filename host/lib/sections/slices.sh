# Slices that nobody needs any more: systemd keeps one without processes until it is stopped.
# Reads WAS, WANT, SEEN_UNIT, BOOTING.

# stop_empty_slice SLICE
stop_empty_slice() {
  local group='' part='' word key value said
  local -a words
  # At boot a unit in it may be about to start, which this would cancel; one that is left over holds nothing.
  [[ -z $BOOTING ]] || return 0
  # a-b.slice is /a.slice/a-b.slice
  IFS=- read -r -a words <<<"${1%.slice}"
  for word in "${words[@]}"; do
    part+=${part:+-}$word
    group+=/$part.slice
  done
  [[ -r $CGROUPS$group/cgroup.events ]] || return 0
  # It may go meanwhile.
  while read -r key value; do
    [[ $key != populated || $value == 0 ]] || return 0
  done 2>/dev/null <"$CGROUPS$group/cgroup.events" || return 0
  said=$(systemctl stop -- "$1" 2>&1) || warn "the slice $1 is empty and cannot be stopped: $said"
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

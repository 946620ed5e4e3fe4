# Events: what was applied, found and repaired, rolled back, taken back or restored, a line each, for the audit.

readonly EVENTS=$STATE/events.log EVENTS_BYTES=262144

# record_event KIND BUNDLE TEXT
record_event() {
  [[ -d $STATE ]] || return 0
  printf '%(%s)T\t%s\t%s\t%s\n' -1 "$1" "$2" "${3//[[:cntrl:]]/ }" >>"$EVENTS" 2>/dev/null || :
}

# record_findings KIND [LINE...]: findings as they are told to people.
record_findings() {
  local kind=$1 line
  shift
  for line in "$@"; do
    finding_text "$line"
    record_event "$kind" "${FIELDS[0]}" "$REPLY"
  done
}

# bound_events: the younger half stays, from a whole line on.
bound_events() {
  local size
  [[ -r $EVENTS ]] && size=$(stat -c %s -- "$EVENTS") && ((size > EVENTS_BYTES)) || return 0
  tail -c $((EVENTS_BYTES / 2)) -- "$EVENTS" | tail -n +2 >"$EVENTS.new"
  mv -T -- "$EVENTS.new" "$EVENTS"
}

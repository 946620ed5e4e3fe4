# Events: what was applied, found and repaired, rolled back, taken back or restored, a line each, for the audit.
# Reads STATE, LOCK_FILE.

readonly EVENTS=$STATE/events.log EVENTS_BYTES=262144

# record_event KIND BUNDLE TEXT: a line that several may add at once, so it is one write to the end of the file.
record_event() {
  local text=${3//[[:cntrl:]]/ }
  [[ -d $STATE ]] || return 0
  # What bash writes in one piece, and more than a line needs.
  ((${#text} <= 3900)) || text=${text:0:3897}...
  { printf '%(%s)T\t%s\t%s\t%s\n' -1 "$1" "$2" "$text" >>"$EVENTS"; } 2>/dev/null ||
    warn "$EVENTS cannot be written: the audit will not tell that $2 was $1"
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

# bound_events: the younger half stays, from a whole line on. Who adds a line holds the lock, so nobody does meanwhile;
# where somebody has it, the next time is early enough.
bound_events() {
  local size text
  [[ -e $EVENTS ]] || return 0
  size=$(stat -c %s -- "$EVENTS")
  ((size > EVENTS_BYTES)) || return 0
  if [[ -e $LOCK_FILE ]]; then
    exec 8<"$LOCK_FILE"
    flock -n 8 || return 0
  fi
  text=$(tail -c "$((EVENTS_BYTES / 2))" -- "$EVENTS")
  write_text "$EVENTS" - "${text#*$'\n'}"$'\n' "$EVENTS"
  end_look
}

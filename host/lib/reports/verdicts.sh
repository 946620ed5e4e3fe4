# Verdicts for the monitor: a line for each declared limit with its bundle, unit, property and verdict, as of the last
# look at it.
# Reads LIMITS, BOOTING.

readonly VERDICTS=$RUN/limits.tsv

# tell_monitor FUNCTION ARGUMENT...: what only the monitor needs is no reason to call a run failed that did its work.
tell_monitor() {
  local STATUS=0 FAILURE=''
  attempt "$@"
  ((STATUS == 0)) || warn 'the monitor is not told of this: it shows what was before'
}

# remember_verdicts NAME...: what LIMITS holds replaces what was known of these bundles.
remember_verdicts() {
  local line text='' old='' replaced=" $* "
  # While the host boots, what runs later has no limits yet.
  [[ -z $BOOTING && -d $RUN ]] || return 0
  if [[ -e $VERDICTS ]]; then
    text_of "$VERDICTS"
    old=$REPLY
    while IFS= read -r line; do
      [[ -z $line || $replaced == *" ${line%%$'\t'*} "* ]] || text+=$line$'\n'
    done <<<"$old"
  fi
  for line in "${LIMITS[@]}"; do
    split_tabs "$line"
    printf -v line '%s\t%s\t%s\t%s\n' "${FIELDS[@]:0:3}" "${FIELDS[5]}"
    text+=$line
  done
  [[ ! -e $VERDICTS || $text != "$old" ]] || return 0
  tell_monitor write_text "$VERDICTS" 0644 "$text"
}

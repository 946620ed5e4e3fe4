# Verdicts for the monitor: a line for each declared limit with its bundle, unit, property and verdict, as of the last
# look at it.

readonly VERDICTS=$RUN/limits.tsv

# remember_verdicts NAME...: what LIMITS holds replaces what was known of these bundles.
remember_verdicts() {
  # While the host boots, what runs later has no limits yet.
  [[ -z $BOOTING && -d $RUN ]] || return 0
  local line names=" $* "
  {
    if [[ -r $VERDICTS ]]; then
      while IFS= read -r line; do
        [[ $names == *" ${line%%$'\t'*} "* ]] || printf '%s\n' "$line"
      done <"$VERDICTS"
    fi
    for line in "${LIMITS[@]}"; do
      split_tabs "$line"
      printf '%s\t%s\t%s\t%s\n' "${FIELDS[@]:0:3}" "${FIELDS[5]}"
    done
  } >"$VERDICTS.new"
  mv -T -- "$VERDICTS.new" "$VERDICTS"
}

# Verify: what a look found, for people.
# Reads FINDINGS, LIMITS, EXAMINED, BUSY; sets STATUS (what the program ends with), REPLY, FIELDS.

# verify [NAME] [--table]
verify() {
  local table=''
  if [[ ${1-} == --table ]]; then
    table=1
    shift
  elif [[ ${2-} == --table ]]; then
    table=1
    set -- "$1"
  fi
  begin_look
  examine "$@"
  finish_look
  if [[ -n $BUSY ]]; then
    lock_holder
    warn "$LOCK_HOLDER is changing this host: what differs now may be its work"
  fi
  [[ -z $table ]] || print_table
  report_findings "$table"
}

# report_findings TABLE: also STATUS. TABLE is empty where none was printed, which says it all.
report_findings() {
  STATUS=0
  print_findings
  if ((${#FINDINGS[@]} > 0)); then
    STATUS=$EXIT_DRIFT
  elif [[ -z $1 ]]; then
    say "${#EXAMINED[@]} bundles, ${#LIMITS[@]} limits: all holds"
  fi
}

# print_table: every declared limit with what the kernel enforces and the verdict.
print_table() {
  local line red='' green='' yellow='' plain='' colour
  if [[ -t 1 ]]; then red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'; fi
  printf -v line '%-28s %-20s %-18s %-18s %s' UNIT LIMIT DECLARED KERNEL VERDICT
  say "$line"
  for line in "${LIMITS[@]}"; do
    split_tabs "$line"
    case ${FIELDS[5]} in enforced) colour=$green ;; inert) colour=$yellow ;; *) colour=$red ;; esac
    printf -v line '%-28s %-20s %-18s %-18s %s' "${FIELDS[1]}" "${FIELDS[2]}" "${FIELDS[3]}" "${FIELDS[4]:--}" \
      "$colour${FIELDS[5]}$plain${FIELDS[6]:+ (${FIELDS[6]})}"
    say "$line"
  done
}

print_findings() {
  local line
  for line in "${FINDINGS[@]}"; do
    finding_text "$line"
    say "${FIELDS[0]}: $REPLY"
  done
}

# finding_text LINE: REPLY is a finding as people read it, and FIELDS its parts.
finding_text() {
  split_tabs "$1"
  local declared=${FIELDS[3]} file=${FIELDS[4]} kernel=${FIELDS[5]}
  [[ $file != "$declared" && $file != "$kernel" ]] || file=
  REPLY="${FIELDS[1]} ${FIELDS[2]}: declared $declared${file:+, on file $file}${kernel:+, kernel $kernel} (${FIELDS[6]})"
}

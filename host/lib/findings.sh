# Findings: the one comparison of what a bundle wants with what the machine shows. apply, verify and status
# all use it, so that what apply repairs is exactly what verify sees.

declare -a FINDINGS=() LIMITS=()

# finding UNIT PROPERTY DECLARED FILE KERNEL REASON
finding() {
  local line
  printf -v line '%s\t' "$NAME" "$@"
  FINDINGS+=("${line%$'\t'}")
}

# find_drift: fills FINDINGS and LIMITS for the bundle NAME, loaded as WANT and observed.
find_drift() {
  find_file_drift
  find_folder_drift
  find_json_drift
  find_package_drift
  find_unit_drift
  find_ready_drift
  find_sysctl_drift
  find_swap_drift
  find_scheduler_drift
  find_read_ahead_drift
  find_docker_drift
  find_limit_drift
}

find_file_drift() {
  local path
  entries WANT files
  for path in "${ENTRIES[@]}"; do
    file_state "$path"
    [[ -z $REPLY ]] || finding "$path" file 'as applied' "$REPLY" '' "$REPLY"
  done
}

find_package_drift() {
  local package
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    if [[ -z $REPLY ]]; then
      finding "$package" package installed "${SEEN_PACKAGE[$package]:-absent}" '' 'package not installed'
    elif [[ $REPLY == *' and '* ]]; then
      finding "$package" package 'one of the two' "$REPLY" '' "installed are $REPLY"
    fi
  done
}

find_unit_drift() {
  local unit line
  local -a words
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" UnitFileState
    if [[ ${WANT["units|$unit|enabled"]-} == true ]] && ! is_enabled "$REPLY"; then
      finding "$unit" enabled yes "${REPLY:-no such unit}" '' "is ${REPLY:-absent}"
    fi
    [[ -z $BOOTING ]] || continue
    seen "$unit" ActiveState
    if [[ ${WANT["units|$unit|active"]-} == true && $REPLY != active ]]; then
      finding "$unit" active active '' "${REPLY:-absent}" "is ${REPLY:-absent}"
    elif [[ -n ${WANT["units|$unit|cmdline"]-} ]]; then
      seen "$unit" MainPID
      mapfile -d '' -t words 2>/dev/null <"/proc/${REPLY:-0}/cmdline" || words=()
      line="${words[*]-}"
      [[ $line == "${WANT["units|$unit|cmdline"]}" ]] || finding "$unit" ExecStart "${WANT["units|$unit|cmdline"]}" '' "$line" 'runs with other arguments'
    fi
    ! is_pending "restart%$unit" || finding "$unit" restart 'restarted' '' pending 'its restart is still to come'
    ! is_pending "reload%$unit" || finding "$unit" reload 'reloaded' '' pending 'its reload is still to come'
  done
  entries WANT replaces
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    [[ $REPLY != active ]] || finding "$unit" active inactive '' active "is active again (${WANT["replaces|$unit|"]})"
  done
}

find_sysctl_drift() {
  local key value
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    value=
    read_sysctl "$key"
    value=$REPLY
    [[ $value == "${WANT["sysctls|$key|"]}" ]] && continue
    overriding_sysctl "$key"
    finding "$key" sysctl "${WANT["sysctls|$key|"]}" '' "$value" "${REPLY:-changed at run time}"
  done
}

find_swap_drift() {
  local path device
  entries WANT swapFiles
  for path in "${ENTRIES[@]}"; do
    swap_file_state "$path"
    [[ -n $REPLY ]] || continue
    local found=$REPLY
    human "${WANT["swapFiles|$path|size"]}"
    finding "$path" swap "$REPLY, priority ${WANT["swapFiles|$path|priority"]-any}" '' "$found" "is $found"
  done
  entries WANT zram
  for device in "${ENTRIES[@]}"; do
    zram_state "$device"
    [[ -n $REPLY ]] || continue
    found=$REPLY
    human "${WANT["zram|$device|size"]}"
    finding "$device" zram "$REPLY, ${WANT["zram|$device|algorithm"]-any}, priority ${WANT["zram|$device|priority"]-any}" '' "$found" "has ${found/#limit/another memory limit}"
  done
}

find_scheduler_drift() {
  local path wanted found available
  entries WANT ioSchedulers
  for path in "${ENTRIES[@]}"; do
    wanted=${WANT["ioSchedulers|$path|"]}
    scheduler_of "$path" || continue
    found=$REPLY
    read -r available <"/sys/block/$DISK/queue/scheduler"
    # A kernel without this scheduler is no drift: the verdict of each IOWeight says inert.
    [[ $found == "$wanted" || " ${available//[\[\]]/} " != *" $wanted "* ]] ||
      finding "$DISK" scheduler "$wanted" '' "$found" 'another IO scheduler is selected'
  done
}

find_limit_drift() {
  local unit key property declared line
  local -a properties
  entries WANT limits
  ((${#ENTRIES[@]} == 0)) || find_weighing
  for unit in "${ENTRIES[@]}"; do
    properties=()
    for key in "${!WANT[@]}"; do [[ $key != "limits|$unit|"?* ]] || properties+=("${key##*|}"); done
    sort_words "${properties[@]}"
    for property in "${SORTED[@]}"; do
      expand_tokens "${WANT["limits|$unit|$property"]}"
      declared=$REPLY
      check_limit "$unit" "$property" "$declared"
      readable "$property" "$declared"
      declared=$REPLY
      readable "$property" "$ENFORCED"
      printf -v line '%s\t' "$NAME" "$unit" "$property" "$declared" "$REPLY" "$VERDICT"
      LIMITS+=("$line$REASON")
      if [[ $WRONG == loaded ]]; then
        loaded_value "$unit" "$property"
        readable "$property" "$REPLY"
        local loaded=$REPLY
        readable "$property" "$ENFORCED"
        finding "$unit" "$property" "$declared" "$loaded" "$REPLY" "$REASON"
      elif [[ $WRONG == kernel ]]; then
        finding "$unit" "$property" "$declared" "$declared" "$REPLY" "$REASON"
      fi
    done
  done
}

# readable PROPERTY VALUE: bytes for people, the rest as it is.
readable() {
  case $1 in
    Memory*) human "${2/#max/infinity}" ;;
    CPUQuota)
      if [[ $2 =~ ^([0-9]+)\ 100000$ ]]; then REPLY=$((BASH_REMATCH[1] / 1000))%; else REPLY=${2/#max */infinity}; fi
      ;;
    IOWeight) REPLY=${2#default } ;;
    *) REPLY=$2 ;;
  esac
}

# sort_words WORD...: SORTED, by insertion (a handful of words; a process would cost more).
declare -a SORTED=()
sort_words() {
  local word
  local -i i
  SORTED=()
  for word in "$@"; do
    for ((i = ${#SORTED[@]}; i > 0; i--)); do
      [[ ${SORTED[i - 1]} > $word ]] || break
      SORTED[i]=${SORTED[i - 1]}
    done
    SORTED[i]=$word
  done
}

# finding_text LINE: REPLY is a finding as people read it, and FIELDS its parts.
finding_text() {
  split_tabs "$1"
  local declared=${FIELDS[3]} file=${FIELDS[4]} kernel=${FIELDS[5]}
  [[ $file != "$declared" && $file != "$kernel" ]] || file=
  REPLY="${FIELDS[1]} ${FIELDS[2]}: declared $declared${file:+, on file $file}${kernel:+, kernel $kernel} (${FIELDS[6]})"
}

print_findings() {
  local line
  for line in "${FINDINGS[@]}"; do
    finding_text "$line"
    say "${FIELDS[0]}: $REPLY"
  done
}

# split_tabs LINE: FIELDS, empty ones kept (read folds tabs).
declare -a FIELDS=()
split_tabs() {
  local tail=$1
  FIELDS=()
  while [[ $tail == *$'\t'* ]]; do
    FIELDS+=("${tail%%$'\t'*}")
    tail=${tail#*$'\t'}
  done
  FIELDS+=("$tail")
}

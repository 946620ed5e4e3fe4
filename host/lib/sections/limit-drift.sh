# Limits: which are not as declared, each with its verdict. Most hold letter for letter, and are told of without working it out.
# Reads WANT, SEEN_UNIT, NAME, WEIGHED_BY; sets LIMITS, FINDINGS, ANSWER, REPLY.

# By property: the kernel's file of those that systemd and the kernel may spell as they are declared.
declare -rA PLAIN_FILES=(
  [MemoryMax]=memory.max [MemoryHigh]=memory.high [MemoryLow]=memory.low [MemoryMin]=memory.min
  [MemorySwapMax]=memory.swap.max [CPUWeight]=cpu.weight [TasksMax]=pids.max [OOMScoreAdjust]=/oom_score_adj
)

# By property and value: what is told of it.
declare -A PLAINLY=()

# find_limit_drift: LIMITS gets a line for every limit, FINDINGS one for each that is not as declared.
find_limit_drift() {
  local unit property declared
  local -a units
  entries WANT limits
  units=("${ENTRIES[@]}")
  ((${#units[@]} > 0)) || return 0
  [[ -n $WEIGHED_BY ]] || find_weighing
  for unit in "${units[@]}"; do
    limits_of "$unit"
    for property in "${LIMITED[@]}"; do
      declared=${WANT["limits|$unit|$property"]}
      if [[ $declared == *'@{'* ]]; then
        expand_tokens "$declared"
        declared=$REPLY
      fi
      holds_plainly "$unit" "$property" "$declared"
      if [[ -n $ANSWER ]]; then
        LIMITS+=("$NAME"$'\t'"$unit"$'\t'"$property"$'\t'"$REPLY"$'\t'"$REPLY"$'\tenforced\t')
      else
        check_limit "$unit" "$property" "$declared"
        report_limit "$unit" "$property" "$declared"
      fi
    done
  done
}

# holds_plainly UNIT PROPERTY DECLARED: ANSWER, and the readable value as REPLY, where systemd and the kernel say what is
# declared letter for letter, as they do of most limits: to work their values out takes three times as long. What else they
# say is check_limit's.
holds_plainly() {
  local file=${PLAIN_FILES[$2]-} group=${SEEN_UNIT["$1|ControlGroup"]-} now=''
  ANSWER=
  [[ -n $file && ${SEEN_UNIT["$1|$2"]-} == "$3" && ${SEEN_UNIT["$1|LoadState"]-} == loaded ]] || return 0
  if [[ $file == /* ]]; then
    file=$PROCESSES/${SEEN_UNIT["$1|MainPID"]-}$file
  elif [[ -n $group ]]; then
    file=$CGROUPS$group/$file
  fi
  [[ $file == /* && -r $file ]] || return 0
  read -r now 2>/dev/null <"$file" || :
  [[ -n $now && $now == "${3/#infinity/max}" ]] || return 0
  if [[ $2 == Memory@(Low|Min) ]]; then
    ancestors_protect "$group" "${PLAIN_FILES[$2]}"
    [[ -n $ANSWER ]] || return 0
  fi
  REPLY=${PLAINLY["$2|$3"]-}
  if [[ -z $REPLY ]]; then
    limit_row "$2"
    readable "$3"
    PLAINLY["$2|$3"]=$REPLY
  fi
  ANSWER=yes
}

# report_limit UNIT PROPERTY DECLARED: what check_limit has found.
report_limit() {
  local unit=$1 property=$2 declared enforced
  readable "$3"
  declared=$REPLY
  readable "$ENFORCED"
  enforced=$REPLY
  LIMITS+=("$NAME"$'\t'"$unit"$'\t'"$property"$'\t'"$declared"$'\t'"$enforced"$'\t'"$VERDICT"$'\t'"$REASON")
  if [[ $WRONG == loaded ]]; then
    loaded_value "$unit" "$property"
    readable "$REPLY"
    finding "$unit" "$property" "$declared" "$REPLY" "$enforced" "$REASON"
  elif [[ -n $WRONG ]]; then
    finding "$unit" "$property" "$declared" "$declared" "$enforced" "$REASON"
  fi
}

# CPU lists. Sets CPUS, ANSWER, REPLY.

# expand_cpus LIST: "0-2,5" -> CPUS=(0 1 2 5); ANSWER is empty for anything else.
declare -a CPUS=()
expand_cpus() {
  local part cpu
  local -i highest=0
  local -A seen=()
  CPUS=() ANSWER=
  for part in ${1//,/ }; do
    if [[ $part =~ ^([0-9]{1,4})-([0-9]{1,4})$ ]] && ((10#${BASH_REMATCH[1]} <= 10#${BASH_REMATCH[2]})); then
      for ((cpu = 10#${BASH_REMATCH[1]}; cpu <= 10#${BASH_REMATCH[2]}; cpu++)); do seen[$cpu]=1; done
    elif [[ $part =~ ^[0-9]{1,4}$ ]]; then
      seen[$((10#$part))]=1
    else
      return 0
    fi
  done
  for cpu in "${!seen[@]}"; do ((cpu <= highest)) || highest=$cpu; done
  for ((cpu = 0; cpu <= highest; cpu++)); do [[ -z ${seen[$cpu]-} ]] || CPUS+=("$cpu"); done
  ANSWER=yes
}

# join_cpus: CPUS=(0 1 2 5) -> REPLY="0-2,5"
join_cpus() {
  local -i i=0 start
  REPLY=
  while ((i < ${#CPUS[@]})); do
    start=$i
    while ((i + 1 < ${#CPUS[@]} && CPUS[i + 1] == CPUS[i] + 1)); do i+=1; done
    REPLY+="${REPLY:+,}${CPUS[start]}"
    ((i <= start)) || REPLY+="-${CPUS[i]}"
    i+=1
  done
}

# cpus_within LIST OTHER: ANSWER, whether each CPU of the first is one of the second's; not where the first has none.
cpus_within() {
  local cpu
  local -A allowed=()
  expand_cpus "$2"
  [[ -n $ANSWER ]] || return 0
  for cpu in "${CPUS[@]}"; do allowed[$cpu]=1; done
  expand_cpus "$1"
  [[ -n $ANSWER && ${#CPUS[@]} -gt 0 ]] || { ANSWER=; return; }
  for cpu in "${CPUS[@]}"; do [[ -n ${allowed[$cpu]-} ]] || ANSWER=; done
}

# normal_cpus LIST: REPLY has ranges joined; what is no list stays as it is.
normal_cpus() {
  expand_cpus "$1"
  if [[ -n $ANSWER ]]; then join_cpus; else REPLY=$1; fi
}

# cpus_except LIST: REPLY is every online CPU that is not in LIST.
cpus_except() {
  local -A out=()
  local -a rest=()
  local cpu
  expand_cpus "$1"
  [[ -n $ANSWER ]] || die "$EXIT_USAGE" "\"$1\" is no CPU list"
  for cpu in "${CPUS[@]}"; do out[$cpu]=1; done
  expand_cpus "$ONLINE_CPUS"
  for cpu in "${CPUS[@]}"; do [[ -n ${out[$cpu]-} ]] || rest+=("$cpu"); done
  CPUS=("${rest[@]}")
  join_cpus
}

# Limits: what each is worth on this host, and which are not as declared.
# Reads WANT, SEEN_UNIT, WEIGHED_BY, NAME; sets ENFORCED, VERDICT, REASON, WRONG, LIMITS.

# check_limit UNIT PROPERTY DECLARED: sets ENFORCED (the kernel's value), VERDICT and REASON, and WRONG when
# the limit is not what is declared.
check_limit() {
  local unit=$1 property=$2 declared=$3 loaded group
  ENFORCED='' VERDICT=enforced REASON='' WRONG=''
  limit_row "$property"
  holds_plainly "$unit" "$property" "$declared"
  [[ -z $ANSWER ]] || return 0
  if [[ ${SEEN_UNIT["$unit|LoadState"]-} != loaded ]]; then
    VERDICT=inert REASON="$unit is not on this host"
    return
  fi
  if [[ $SPELLING == advice ]]; then
    check_gpu_limit "$unit" "$property" "$declared"
    return
  fi
  canonical "${SEEN_UNIT["$unit|$LOADED_AS"]-}"
  loaded=$REPLY
  [[ $loaded == "$declared" ]] || canonical "$declared"
  if [[ $loaded != "$REPLY" ]]; then
    override_of "$unit" "$property"
    WRONG=loaded VERDICT=inert ENFORCED=$loaded REASON=${REPLY:-systemd has another value}
  fi
  group=${SEEN_UNIT["$unit|ControlGroup"]-}
  if [[ -n $group && -d $CGROUPS$group ]]; then
    check_enforced "$unit" "$property" "$declared" "$group"
  elif [[ -z $WRONG ]]; then
    VERDICT=inert REASON="$unit is not running"
  fi
}

# holds_plainly UNIT PROPERTY DECLARED: ANSWER, and ENFORCED, where systemd and the kernel say what is declared letter for
# letter, as they do of most limits: a look takes half as long where their values are not worked out. Whatever else they say
# is for who does that. A protection needs its ancestors', too.
holds_plainly() {
  local now=''
  ANSWER=
  [[ $SPELLING == @(bytes|number|weight) && $2 != Memory@(Low|Min) && ${SEEN_UNIT["$1|$LOADED_AS"]-} == "$3" ]] || return 0
  [[ ${SEEN_UNIT["$1|LoadState"]-} == loaded ]] || return 0
  limit_file "$1"
  [[ -n $LIMIT_FILE && -r $LIMIT_FILE ]] || return 0
  read -r now 2>/dev/null <"$LIMIT_FILE" || :
  [[ -n $now && $now == "${3/#infinity/max}" ]] || return 0
  ENFORCED=$now ANSWER=yes
}

# check_enforced UNIT PROPERTY DECLARED GROUP: the same of a unit that runs, by the kernel's word.
check_enforced() {
  local property=$2
  enforced_value "$1" "$3"
  kernel_value "$3" "$ENFORCED"
  if [[ $property == CPUAffinity ]]; then
    # A process may keep to fewer of its CPUs (taskset, numactl).
    cpus_within "$ENFORCED" "$REPLY"
    [[ -z $ANSWER ]] || return 0
  fi
  if [[ -z $ENFORCED && $property == IOWeight ]]; then
    VERDICT=inert REASON='no disk of this host weighs IO'
  elif [[ -z $ENFORCED ]]; then
    VERDICT=unsupported REASON='the kernel has no file for it here'
  elif [[ $ENFORCED != "$REPLY" ]]; then
    [[ -z $WRONG ]] || return 0
    WRONG=kernel VERDICT=inert REASON='written by hand or not taken by the kernel'
    [[ $property != Slice ]] || WRONG=place REASON='its processes are in another slice until its next start'
  elif [[ $property == IOWeight && $WEIGHED_BY == none ]]; then
    VERDICT=inert REASON='no disk of this host weighs IO (scheduler bfq or io.cost.qos)'
  elif [[ $property == Memory@(Low|Min) ]]; then
    ancestors_protect "$4"
    [[ -n $ANSWER ]] || VERDICT=inert REASON="a slice above has no $property"
  fi
}

# ancestors_protect GROUP: whether every slice above has the protection too, without which the kernel ignores it.
ancestors_protect() {
  local group=${1%/*} value
  ANSWER=
  while [[ -n $group ]]; do
    # A slice that ends meanwhile protects nothing.
    read -r value 2>/dev/null <"$CGROUPS$group/$KERNEL_FILE" || return 0
    [[ $value != 0 ]] || return 0
    group=${group%/*}
  done
  ANSWER=yes
}

# override_of UNIT PROPERTY: REPLY names the drop-in that wins over ours.
override_of() {
  local file winner='' property=''
  local -a files
  seen "$1" DropInPaths
  read -r -a files <<<"$REPLY"
  for file in "${files[@]}"; do
    [[ -r $file ]] || continue
    text_of "$file"
    [[ $'\n'$REPLY == *$'\n'"$2="* ]] || continue
    if [[ $file == */systemd/system.control/* ]]; then
      # What set-property wrote holds at once, and where systemd reads its files again, only where it comes last.
      property=$file
    elif [[ $file == */@(50|60|zz)-goblin?(-exec).conf ]]; then
      # Ours comes after what stood before it. 1.0 called it otherwise.
      winner=
    else
      winner=$file
    fi
  done
  winner=${winner:-$property}
  case $winner in
    /run/systemd/system.control/*) REPLY="runtime override $winner" ;;
    /etc/systemd/system.control/*) REPLY="persistent override $winner" ;;
    ?*) REPLY="overridden by $winner" ;;
    *) REPLY= ;;
  esac
}

# find_limit_drift: LIMITS gets a line for every limit, FINDINGS one for each that is not as declared.
find_limit_drift() {
  local unit property declared
  local -a units properties
  entries WANT limits
  units=("${ENTRIES[@]}")
  ((${#units[@]} > 0)) || return 0
  find_weighing
  for unit in "${units[@]}"; do
    limits_of "$unit"
    properties=("${SORTED[@]}")
    for property in "${properties[@]}"; do
      expand_tokens "${WANT["limits|$unit|$property"]}"
      declared=$REPLY
      check_limit "$unit" "$property" "$declared"
      report_limit "$unit" "$property" "$declared"
    done
  done
}

# report_limit UNIT PROPERTY DECLARED: what check_limit has found.
report_limit() {
  local unit=$1 property=$2 declared enforced line
  readable "$3"
  declared=$REPLY
  readable "$ENFORCED"
  enforced=$REPLY
  printf -v line '%s\t' "$NAME" "$unit" "$property" "$declared" "$enforced" "$VERDICT"
  LIMITS+=("$line$REASON")
  if [[ $WRONG == loaded ]]; then
    loaded_value "$unit" "$property"
    readable "$REPLY"
    finding "$unit" "$property" "$declared" "$REPLY" "$enforced" "$REASON"
  elif [[ -n $WRONG ]]; then
    finding "$unit" "$property" "$declared" "$declared" "$enforced" "$REASON"
  fi
}

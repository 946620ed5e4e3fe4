# Limits: what each is worth on this host.
# Reads WANT, SEEN_UNIT, WEIGHED_BY; sets ENFORCED, VERDICT, REASON, WRONG.

# check_limit UNIT PROPERTY DECLARED: sets ENFORCED (the kernel's value), VERDICT and REASON, and WRONG when
# the limit is not what is declared.
check_limit() {
  local unit=$1 property=$2 declared=$3 loaded group
  ENFORCED='' VERDICT=enforced REASON='' WRONG=''
  limit_row "$property"
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
    ancestors_protect "$4" "$KERNEL_FILE"
    [[ -n $ANSWER ]] || VERDICT=inert REASON="a slice above has no $property"
  fi
}

# ancestors_protect GROUP FILE: whether every slice above has the protection too, without which the kernel ignores it. What
# they have is read once a look: most services are in the same ones.
declare -A PROTECTION=()
ancestors_protect() {
  local group=${1%/*} value
  ANSWER=
  while [[ -n $group ]]; do
    value=${PROTECTION["$2|$group"]-}
    if [[ -z $value ]]; then
      # A slice that ends meanwhile protects nothing.
      read -r value 2>/dev/null <"$CGROUPS$group/$2" || return 0
      PROTECTION["$2|$group"]=$value
    fi
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

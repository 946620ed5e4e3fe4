# Limits: what systemd has loaded and the kernel enforces, and the kernel's files put right.
# Reads WANT, SEEN_UNIT, WEIGHED_BY; sets LIMIT_FILE, ENFORCED, REPLY, ANSWER.

readonly PROCESSES=/proc

# loaded_value UNIT PROPERTY: REPLY is what systemd has loaded, as a bundle declares it.
loaded_value() {
  limit_row "$2"
  canonical "${SEEN_UNIT["$1|$LOADED_AS"]-}"
}

# limit_file UNIT: LIMIT_FILE is the kernel's file of the limit in question, empty where there is none now.
limit_file() {
  LIMIT_FILE=
  if [[ $KERNEL_FILE == /* ]]; then
    REPLY=${SEEN_UNIT["$1|MainPID"]-}
    [[ ${REPLY:-0} == 0 ]] || LIMIT_FILE=$PROCESSES/$REPLY$KERNEL_FILE
  elif [[ $KERNEL_FILE != - ]]; then
    REPLY=${SEEN_UNIT["$1|ControlGroup"]-}
    [[ -z $REPLY ]] || LIMIT_FILE=$CGROUPS$REPLY/$KERNEL_FILE
  fi
}

# enforced_value UNIT DECLARED: ENFORCED is what the kernel enforces now of the limit in question, empty when it cannot be
# read. A unit may end while it is looked at.
enforced_value() {
  local line='' file
  ENFORCED=
  if [[ $SPELLING == slice ]]; then
    enforced_slice "$1"
    return
  fi
  limit_file "$1"
  file=$LIMIT_FILE
  # What the cgroup was given of what it was told.
  [[ $KERNEL_FILE != cpuset.cpus ]] || file+=.effective
  [[ -n $LIMIT_FILE && -r $file ]] || return 0
  case $KERNEL_FILE in
    /status)
      while read -r line; do
        [[ $line != Cpus_allowed_list:* ]] || read -r _ ENFORCED <<<"$line"
      done 2>/dev/null <"$file" || :
      ;;
    io.max) enforced_of_disk "$2" "$file" ;;
    *) read -r ENFORCED 2>/dev/null <"$file" || : ;;
  esac
}

# enforced_slice UNIT: the one that its processes are in, whatever systemd would start it in now.
enforced_slice() {
  ENFORCED=${SEEN_UNIT["$1|ControlGroup"]-}
  ENFORCED=${ENFORCED%/*}
  ENFORCED=${ENFORCED##*/}
}

# enforced_of_disk DECLARED FILE: of the disk that holds the declared path; LIMITED_LAYER is the number of the device.
LIMITED_LAYER=''
enforced_of_disk() {
  local line number
  disk_of "${1% *}"
  [[ -n $DISK_LAYERS ]] || return 0
  ENFORCED=max LIMITED_LAYER=${DISK_LAYERS##* }
  # How far systemd follows a device down to its disk depends on its version: the limit is where it has put it.
  while read -r number line; do
    [[ " $DISK_LAYERS " == *" $number "* && " $line" == *" $IO_KEY="* ]] || continue
    line=${line#*"$IO_KEY="}
    [[ ${line%% *} != max ]] || continue
    ENFORCED=${line%% *} LIMITED_LAYER=$number
  done 2>/dev/null <"$2" || :
}

# drop_overrides: what systemctl set-property left wins over every drop-in, so it goes before the reload.
drop_overrides() {
  local unit property file
  local -a units files held
  entries WANT limits
  units=("${ENTRIES[@]}")
  for unit in "${units[@]}"; do
    seen "$unit" DropInPaths
    read -r -a files <<<"$REPLY"
    for file in "${files[@]}"; do
      [[ $file == */systemd/system.control/* && -e $file ]] || continue
      property=${file##*/50-}
      property=${property%.conf}
      [[ -n ${WANT["limits|$unit|$property"]-} ]] || continue
      mark_reload
      displace "$file"
      held=("${file%/*}"/* "${file%/*}"/.[!.]* "${file%/*}"/..?*)
      ((${#held[@]} > 0)) || rmdir -- "${file%/*}" || warn "the empty folder ${file%/*} cannot be removed"
    done
  done
}

# mark_strayed: a unit that runs in another slice than the one that it is declared and loaded in gets there by a restart alone.
mark_strayed() {
  local unit declared
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    declared=${WANT["limits|$unit|Slice"]-}
    [[ -n $declared && ${SEEN_UNIT["$unit|Slice"]-} == "$declared" ]] || continue
    enforced_slice "$unit"
    [[ -z $ENFORCED || $ENFORCED == "$declared" ]] || mark_pending "restart%$unit"
  done
}

# limits_of UNIT: SORTED=(the properties that are declared for it).
limits_of() {
  local -a properties
  read -r -a properties <<<"${WANT["limits|$1|properties"]-}"
  sort_words "${properties[@]}"
}

# write_limits: a kernel value that differs although systemd has the right one was written by hand: put it back.
write_limits() {
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
      [[ $WRONG != kernel ]] || write_limit "$unit" "$property" "$declared"
    done
  done
}

# write_limit UNIT PROPERTY DECLARED: what the kernel then has is what counts.
write_limit() {
  local unit=$1 property=$2 declared=$3 value wanted
  limit_row "$property"
  kernel_value "$declared" "$ENFORCED"
  wanted=$REPLY value=$REPLY
  limit_file "$unit"
  case $KERNEL_FILE in
    /status)
      seen "$unit" MainPID
      # A thread may end meanwhile; what they have is read below.
      taskset -apc "$value" "$REPLY" >/dev/null || warn "$unit: not every thread of its process can be given the CPUs $value"
      ;;
    io.max)
      value="$LIMITED_LAYER $IO_KEY=$value"
      write_kernel "$LIMIT_FILE" "$value"
      ;;
    *) write_kernel "$LIMIT_FILE" "$value" ;;
  esac
  enforced_value "$unit" "$declared"
  if [[ $ENFORCED == "$wanted" ]]; then
    say "  set $unit ${LIMIT_FILE##*/} to $value"
  else
    warn "$unit: ${LIMIT_FILE##*/} is ${ENFORCED:-gone} after $value was written"
  fi
}

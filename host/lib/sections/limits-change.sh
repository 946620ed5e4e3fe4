# Limits, put right: what wins over ours goes, and the kernel's files are written where systemd alone does not.
# Reads WANT, SEEN_UNIT, WRONG; sets ENFORCED, REPLY.

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

# write_limits: a kernel value that differs although systemd has the right one was written by hand: put it back.
write_limits() {
  local unit property declared
  local -a units
  entries WANT limits
  units=("${ENTRIES[@]}")
  ((${#units[@]} > 0)) || return 0
  find_weighing
  for unit in "${units[@]}"; do
    limits_of "$unit"
    for property in "${LIMITED[@]}"; do
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

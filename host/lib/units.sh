# Units: enabled, started and restarted only when they must be; what they were before is given back.

# What must still be done survives a kill: pending/reload and pending/restart%UNIT.
mark_pending() { [[ -e $STATE/pending/$1 ]] || : >"$STATE/pending/$1"; }
is_pending() { [[ -e $STATE/pending/$1 ]]; }
done_pending() { rm -f -- "$STATE/pending/$1"; }

# plan_restarts: RESTART_ON[UNIT] = the files, old and new, whose change restarts it.
declare -A RESTART_ON=()
plan_restarts() {
  local unit
  RESTART_ON=()
  entries WAS units
  for unit in "${ENTRIES[@]}"; do RESTART_ON[$unit]=${WAS["units|$unit|restartOn"]-}; done
  entries WANT units
  for unit in "${ENTRIES[@]}"; do RESTART_ON[$unit]="${RESTART_ON[$unit]-} ${WANT["units|$unit|restartOn"]-}"; done
}

# capture_units: remembers how each unit stood before this project first touched it.
capture_units() {
  local unit section
  for section in units replaces; do
    entries WANT "$section"
    for unit in "${ENTRIES[@]}"; do
      original "$section" "$unit" && continue
      seen "$unit" UnitFileState
      local file=${REPLY:-none}
      seen "$unit" ActiveState
      record_original "$section" "$unit" "$file" "${REPLY:-inactive}"
    done
  done
  make_durable
}

reload_if_pending() {
  is_pending reload || return 0
  systemctl daemon-reload
  done_pending reload
  say "  reloaded systemd"
}

enable_unit() {
  case $1 in
    masked*) systemctl unmask --no-reload -- "$2" >/dev/null 2>&1 || systemctl unmask -- "$2" ;;
  esac
  systemctl enable --no-reload --quiet -- "$2" 2>/dev/null || systemctl enable --quiet -- "$2"
}

# Units of older tools: stopped and disabled, and said.
retire_units() {
  local unit
  entries WANT replaces
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" LoadState
    [[ $REPLY == loaded ]] || continue
    seen "$unit" ActiveState
    if [[ $REPLY == active || $REPLY == activating ]]; then
      systemctl stop -- "$unit"
      say "  stopped $unit (${WANT["replaces|$unit|"]}), which this bundle replaces"
    fi
    seen "$unit" UnitFileState
    if [[ $REPLY == enabled ]]; then
      systemctl disable --no-reload --quiet -- "$unit" 2>/dev/null
      say "  disabled $unit (${WANT["replaces|$unit|"]})"
    fi
  done
}

# is_enabled STATE: also for units that need no enabling.
is_enabled() { [[ $1 == enabled || $1 == static || $1 == generated ]]; }

# enable_units: before the reload, because systemd remembers the old state of a unit until then.
enable_units() {
  local unit
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    [[ ${WANT["units|$unit|enabled"]-} == true ]] || continue
    seen "$unit" UnitFileState
    # One that a generator made (a swap file's, from fstab) ends with what it was made from.
    if is_enabled "$REPLY" && { [[ $REPLY != generated ]] || ! has WANT files "/etc/systemd/system/$unit"; }; then continue; fi
    mark_pending reload
    enable_unit "$REPLY" "$unit"
    say "  enabled $unit"
  done
}

# change_units: starts or restarts one at a time, each proven to run before the next.
change_units() {
  local unit active
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    active=$REPLY
    if [[ -n $BOOTING ]]; then
      # At boot the unit may be ordered after this run: never wait for it. It starts with the new files, unless it has
      # started already.
      ! is_pending "restart%$unit" || systemctl try-restart --no-block -- "$unit" 2>/dev/null || :
      done_pending "restart%$unit"
      done_pending "start%$unit"
    elif is_pending "start%$unit"; then
      start_unit start "$unit" || return 1
      done_pending "start%$unit"
      done_pending "restart%$unit"
      say "  started $unit"
      done_pending "reload%$unit"
    elif is_pending "restart%$unit"; then
      if [[ $active == active || $active == reloading || $active == activating || ${WANT["units|$unit|active"]-} == true ]]; then
        restart_unit "$unit" || return 1
      fi
      done_pending "restart%$unit"
      done_pending "reload%$unit"
    elif [[ ${WANT["units|$unit|active"]-} == true && $active != active ]]; then
      systemctl reset-failed -- "$unit" 2>/dev/null || :
      start_unit start "$unit" || return 1
      say "  started $unit"
      done_pending "reload%$unit"
    elif is_pending "reload%$unit"; then
      reload_unit "$unit" || return 1
    fi
  done
}

restart_unit() {
  hold_json "$1" || return 1
  start_unit restart "$1" || return 1
  say "  restarted $1"
}

# start_unit VERB UNIT: the unit must be active, and still be two checks later.
start_unit() {
  local check state
  ! has WANT ready "$2" || mark_pending "ready%$2"
  if ! systemctl "$1" -- "$2" 2>/dev/null; then
    REPLY="$2 did not $1: $(last_journal_line "$2")"
    return 1
  fi
  [[ $2 == *.service ]] || return 0
  for check in 1 2; do
    sleep 0.5
    state=$(systemctl show --property=ActiveState,SubState,Result -- "$2")
    if [[ $state == *ActiveState=failed* || $state == *SubState=auto-restart* ]]; then
      REPLY="$2 ended right after its $1 (check $check): $(last_journal_line "$2")"
      return 1
    fi
  done
}

# last_journal_line UNIT: prints what its process said last in its last run, or what systemd did.
last_journal_line() {
  local line='' said=''
  while IFS= read -r line; do
    case $line in
      'Starting '* | 'Started '*) said='' ;;
      '' | "$1: "* | 'Failed to start '* | 'Stopped '* | 'Stopping '*) ;;
      *) said=$line ;;
    esac
  done < <(journalctl --no-pager -q -o cat -n 50 -u "$1" 2>/dev/null)
  [[ -n $said ]] || said=$(journalctl --no-pager -q -o cat -n 1 -u "$1" 2>/dev/null) || :
  printf '%s' "${said:-see journalctl -u $1}"
}

# stop_gone_units: before their files go, units that this bundle brought stop.
stop_gone_units() {
  local unit
  gone_entries units
  for unit in "${ENTRIES[@]}"; do
    original units "$unit" || continue
    seen "$unit" ActiveState
    # One whose file is ours may run without being wanted active: since the boot, or started by hand.
    if [[ ${RECORD[1]} != active ]] && { [[ ${WAS["units|$unit|active"]-} == true ]] ||
      { [[ $REPLY == active && -z $BOOTING ]] && has WAS files "/etc/systemd/system/$unit"; }; }; then
      systemctl stop -- "$unit" 2>/dev/null || :
      say "  stopped $unit"
    fi
    if [[ ${WAS["units|$unit|enabled"]-} == true && ${RECORD[0]} != enabled ]]; then
      systemctl disable --no-reload --quiet -- "$unit" 2>/dev/null || :
    fi
  done
  stop_docker_parts
}

# stop_empty_slice SLICE: a slice without processes lives on in systemd until it is stopped.
stop_empty_slice() {
  local path=${1%.slice} group='' part='' key value
  # a-b.slice is /a.slice/a-b.slice
  for key in ${path//-/ }; do
    part+=${part:+-}$key
    group+=/$part.slice
  done
  [[ -e /sys/fs/cgroup$group/cgroup.events ]] || return 0
  while read -r key value; do [[ $key != populated || $value == 0 ]] || return 0; done <"/sys/fs/cgroup$group/cgroup.events"
  systemctl stop -- "$1" 2>/dev/null || :
}

# stop_gone_slices: those that came with the bundle, and those that only its units were in.
stop_gone_slices() {
  local path unit slice
  entries WAS files
  for path in "${ENTRIES[@]}"; do
    [[ $path != /etc/systemd/system/*.slice || -e $path ]] || stop_empty_slice "${path##*/}"
  done
  gone_entries limits
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" Slice
    slice=$REPLY
    while [[ $slice == ?*.slice && ! -e /etc/systemd/system/$slice && ! -e /usr/lib/systemd/system/$slice ]]; do
      stop_empty_slice "$slice"
      [[ $slice == *-*.slice ]] || break
      slice=${slice%-*}.slice
    done
  done
}

# give_back_units: after our files are gone, each unit stands again as it stood before.
give_back_units() {
  local unit section active
  for section in units replaces; do
    gone_entries "$section"
    for unit in "${ENTRIES[@]}"; do
      original "$section" "$unit" || continue
      local file=${RECORD[0]} was=${RECORD[1]}
      case $section:$file in
        replaces:enabled) systemctl enable --no-reload --quiet -- "$unit" 2>/dev/null || : ;;
        *:masked) systemctl mask --no-reload --quiet -- "$unit" 2>/dev/null || : ;;
      esac
      active=$(systemctl show --property=ActiveState --value -- "$unit")
      if [[ $was == active && $active != active ]] && { [[ $section == replaces || -n ${WAS["units|$unit|container"]-} ]]; }; then
        systemctl start -- "$unit" || warn "$unit ran before and does not start again: $(last_journal_line "$unit")"
        say "  started $unit again"
      elif is_pending "restart%$unit" && [[ $active == active ]]; then
        hold_json "$unit" || return 1
        systemctl restart -- "$unit" || warn "$unit does not start without its drop-ins: $(last_journal_line "$unit")"
        say "  restarted $unit"
      elif is_pending "reload%$unit"; then
        reload_unit "$unit" || return 1
      fi
      done_pending "restart%$unit"
      done_pending "service%$unit"
      [[ $unit != *.timer ]] || rm -f -- "/var/lib/systemd/timers/stamp-$unit"
      done_pending "reload%$unit"
      forget_original "$section" "$unit"
    done
  done
}

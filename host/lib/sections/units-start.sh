# Units, started and restarted: only when they must be, one at a time, each proven to run before the next.
# What must still be done survives a kill: pending/start%UNIT, restart%UNIT, reload%UNIT, ready%UNIT, watch%UNIT.
# Reads WANT, WAS, SEEN_UNIT, BOOTING; sets RESTART_ON, STARTED, REPLY, ANSWER.
#
# At boot (BOOTING) a unit may be ordered after this run: whoever waited for its start, stop, restart or reload would wait for
# itself. systemd is only told (--no-block), and pending/ keeps what the next run has to prove. What does block at boot is no
# job of a unit and cannot wait for one: systemctl show, is-enabled, enable, disable, mask, unmask and
# daemon-reload, which the service manager answers at once; systemd-analyze and journalctl, which only read files; and
# docker's client, asked only while dockerd runs already, because its socket would start it.

# plan_restarts: RESTART_ON[UNIT] = the files, old and new, whose change restarts it.
declare -A RESTART_ON=()
plan_restarts() {
  local unit link section field value
  RESTART_ON=()
  entries WAS units
  for unit in "${ENTRIES[@]}"; do RESTART_ON[$unit]=${WAS["units|$unit|restartOn"]-}; done
  entries WANT units
  for unit in "${ENTRIES[@]}"; do RESTART_ON[$unit]="${RESTART_ON[$unit]-} ${WANT["units|$unit|restartOn"]-}"; done
  # A unit of another bundle that reads a file of this one (a workload's secret variables): its own apply restarts it.
  for link in "$STATE"/bundles/*; do
    [[ ${link##*/} != "$NAME" ]] || continue
    while IFS=$'\x1f' read -r section unit field value; do
      [[ $section/$field != units/restartOn ]] || RESTART_ON[$unit]="${RESTART_ON[$unit]-} $value"
    done <"$link/index"
  done
}

# change_units: starts or restarts what the changes ask for.
change_units() {
  local unit
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    if [[ -n $BOOTING ]]; then settle_at_boot "$unit"; else change_unit "$unit"; fi
  done
}

change_unit() {
  local unit=$1 state due running active=${WANT["units|$1|active"]-}
  seen "$unit" ActiveState
  state=$REPLY
  is_running "$state"
  running=$ANSWER
  restart_due "$unit"
  due=$ANSWER
  if [[ -e $PENDING/start%$unit && $state != active ]]; then
    start_unit start "$unit"
    say "  started $unit"
    done_pending "start%$unit" "restart%$unit" "restarting%$unit" "reload%$unit"
  elif [[ -n $due ]]; then
    if [[ -n $running || $active == true ]]; then restart_unit "$unit"; fi
    done_pending "start%$unit" "restart%$unit" "restarting%$unit" "reload%$unit"
  elif [[ $active == true && $state != active ]]; then
    reset_failed "$unit"
    start_unit start "$unit"
    say "  started $unit"
    done_pending "restarting%$unit" "reload%$unit"
  else
    done_pending "start%$unit" "restarting%$unit"
    [[ ! -e $PENDING/reload%$unit ]] || reload_unit "$unit"
  fi
}

# settle_at_boot UNIT: one that does not run yet starts with the new files; of one that has started already systemd is told.
settle_at_boot() {
  local unit=$1
  # The run of it that was to be watched ended with the boot before.
  done_pending "watch%$unit"
  seen "$unit" ActiveState
  is_running "$REPLY"
  if [[ -z $ANSWER ]]; then
    [[ ! -e $PENDING/start%$unit ]] || tell_systemd start "$unit"
    done_pending "restart%$unit" "restarting%$unit" "reload%$unit"
  elif [[ -e $PENDING/restart%$unit ]]; then
    holds_json "$unit"
    if [[ -n $ANSWER ]]; then
      # It would have to be proven first that it has taken over what its files hold for that.
      say "  $unit has started already; its restart is left to the next run"
      return
    fi
    seen "$unit" InvocationID
    write_new "$PENDING/restarting%$unit" "$REPLY"$'\n'
    tell_systemd try-restart "$unit"
    done_pending "restart%$unit" "reload%$unit"
    say "  told systemd to restart $unit"
  elif [[ -e $PENDING/reload%$unit ]]; then
    reload_unit "$unit"
  fi
}

# tell_systemd VERB UNIT: the job is queued, and nobody waits for it.
tell_systemd() {
  local said
  said=$(systemctl --no-block "$1" -- "$2" 2>&1) || fail "systemd does not $1 $2: $said"
}

# holds_json UNIT: ANSWER, whether a file of its must hold something while it restarts.
holds_json() {
  local path
  local -a paths
  ANSWER=
  read -r -a paths <<<"${RESTART_ON[$1]-}"
  for path in "${paths[@]}"; do
    hold_of "$path"
    [[ -z $REPLY ]] || ANSWER=yes
  done
}

restart_unit() {
  hold_json "$1"
  start_unit restart "$1"
  say "  restarted $1"
}

# reset_failed UNIT: systemd remembers how often one has failed, and only of one that has.
reset_failed() {
  local said
  seen "$1" ActiveState
  [[ $REPLY == failed ]] || return 0
  said=$(systemctl reset-failed -- "$1" 2>&1) || fail "the failure of $1 cannot be reset: $said"
}

# start_unit VERB UNIT
start_unit() {
  [[ -z ${WANT["has|ready|$2"]-} ]] || mark_pending "ready%$2"
  [[ $2 != *.service ]] || mark_pending "watch%$2"
  try_start "$1" "$2"
  [[ -z $REPLY ]] || fail "$2 $REPLY"
  # The start of such a one lasts until its program has ended.
  seen "$2" Type
  [[ $REPLY != oneshot ]] || done_pending "watch%$2"
}

# try_start VERB UNIT: the unit must be active, and still be two checks later; else REPLY says what happened.
try_start() {
  local check run said state looks=0
  if ! said=$(systemctl "$1" -- "$2" 2>&1); then
    last_journal_line "$2" "${said%%$'\n'*}"
    REPLY="did not $1: $REPLY"
    return
  fi
  REPLY=
  [[ $2 == *.service ]] || return 0
  STARTED[$2]=
  for check in 0 1 2; do
    ((check == 0)) || sleep 0.5
    # It has just answered; one look that fails is another check that says nothing.
    look_at "$2"
    said=$REPLY
    [[ -n $ANSWER ]] || continue
    looks=1
    run_of "$2"
    run=$REPLY
    [[ -n ${STARTED[$2]} ]] || STARTED[$2]=$run
    state="${SEEN_UNIT["$2|ActiveState"]-} ${SEEN_UNIT["$2|SubState"]-}"
    if [[ $state == failed* || $state == *auto-restart* || $run != "${STARTED[$2]}" ]]; then
      last_journal_line "$2" ''
      REPLY="ended right after its $1: $REPLY"
      return
    fi
  done
  REPLY=
  ((looks > 0)) || REPLY="may have ended right after its $1: systemd does not say ($said)"
}

# last_journal_line UNIT [SAID]: REPLY is what its process said last in its last run, or what systemd did; else SAID.
last_journal_line() {
  local text line said=''
  # Only the reason for what has failed already.
  text=$(journalctl --no-pager -q -o cat -n 50 -u "$1" 2>/dev/null) || text=
  while IFS= read -r line; do
    case $line in
      'Starting '* | 'Started '*) said='' ;;
      '' | "$1: "* | 'Failed to start '* | 'Stopped '* | 'Stopping '*) ;;
      *) said=$line ;;
    esac
  done <<<"$text"
  text=${text##*$'\n'}
  REPLY=${said:-${text:-${2:-see journalctl -u $1}}}
}

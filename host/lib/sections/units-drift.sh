# Units: which are not as declared, and what is still to come of what was to be done with them.
# Reads WANT, SEEN_UNIT, BOOTING, PENDING; sets ANSWER.

find_unit_drift() {
  local unit
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" UnitFileState
    is_enabled "$REPLY"
    [[ -n $ANSWER || ${WANT["units|$unit|enabled"]-} != true ]] ||
      finding "$unit" enabled yes "${REPLY:-no such unit}" '' "is ${REPLY:-absent}"
    # At boot nobody has waited for it.
    [[ -n $BOOTING ]] || find_run_drift "$unit"
  done
  [[ -z $BOOTING ]] || return 0
  entries WANT replaces
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    [[ $REPLY != active ]] || finding "$unit" active inactive '' active "is active again (${WANT["replaces|$unit|"]})"
  done
}

# find_run_drift UNIT: whether it runs, with what, and what is still to follow.
find_run_drift() {
  local unit=$1 state line mark
  seen "$unit" ActiveState
  state=$REPLY
  if [[ ${WANT["units|$unit|active"]-} == true && $state != active ]]; then
    finding "$unit" active active '' "${state:-absent}" "is ${state:-absent}"
  elif [[ -n ${WANT["units|$unit|cmdline"]-} ]]; then
    command_line "$unit"
    line="${WORDS[*]}"
    [[ $line == "${WANT["units|$unit|cmdline"]}" ]] ||
      finding "$unit" ExecStart "${WANT["units|$unit|cmdline"]}" '' "$line" 'runs with other arguments'
  fi
  restart_due "$unit"
  [[ -z $ANSWER ]] || finding "$unit" restart 'restarted' '' pending 'its restart is still to come'
  [[ ! -e $PENDING/start%$unit || $state == active ]] || finding "$unit" start 'started' '' pending 'its start is still to come'
  [[ ! -e $PENDING/reload%$unit ]] || finding "$unit" reload 'reloaded' '' pending 'its reload is still to come'
  [[ ! -e $PENDING/watch%$unit ]] || finding "$unit" watch 'running on' '' pending 'it has not proven that it runs on'
  for mark in "$PENDING/stop%$unit%"*; do
    # Without dockerd nothing would start it either.
    may_ask_docker
    [[ -z $ANSWER ]] || finding "$unit" container 'stopped' '' pending "the container ${mark##*%} is still to be stopped"
  done
}

# command_line UNIT: WORDS=(of its main process), none where there is none or it ends meanwhile.
declare -a WORDS=()
command_line() {
  WORDS=()
  seen "$1" MainPID
  [[ ${REPLY:-0} == 0 ]] || mapfile -d '' -t WORDS 2>/dev/null <"$PROCESSES/$REPLY/cmdline" || WORDS=()
}

# is_enabled STATE: ANSWER, also for units that need no enabling.
is_enabled() {
  if [[ $1 == @(enabled|static|generated) ]]; then ANSWER=yes; else ANSWER=; fi
}

# find_ready_drift: what must run and does not.
find_ready_drift() {
  local unit
  [[ -z $BOOTING ]] || return 0
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    [[ ${WANT["ready|$unit|start"]-} != true || $REPLY == active ]] ||
      finding "$unit" active active '' "${REPLY:-absent}" "is ${REPLY:-absent}"
    [[ ! -e $PENDING/ready%$unit ]] || finding "$unit" ready 'healthy' '' pending 'it has not proven that it is well'
  done
}

# restart_due UNIT: ANSWER. One that was told to restart at boot has done so when another run of it has begun.
restart_due() {
  local asked
  ANSWER=
  if [[ -e $PENDING/restart%$1 ]]; then
    ANSWER=yes
  elif [[ -e $PENDING/restarting%$1 ]]; then
    first_line "$PENDING/restarting%$1"
    asked=$REPLY
    seen "$1" InvocationID
    [[ $REPLY != "$asked" ]] || ANSWER=yes
  fi
}

# Workloads that change between a service and a container under the same unit name: the old form is gone before the
# new one starts. What runs now is read from the process, so that a killed run heals.

# runs_container UNIT: whether its main process is docker's client attached to a container, as our units have it.
runs_container() {
  local -a words=()
  seen "$1" MainPID
  [[ ${REPLY:-0} != 0 ]] || return 1
  mapfile -d '' -t words 2>/dev/null <"/proc/$REPLY/cmdline" || return 1
  [[ ${words[0]-} == */docker && "${words[*]:1:2}" == 'start --attach' ]]
}

# stop_switched_units: before their files change, because systemd stops a unit by the file that it has loaded.
stop_switched_units() {
  local unit
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    if [[ -n ${WANT["units|$unit|container"]-} ]]; then
      stop_service "$unit" "${WANT["units|$unit|container"]}"
    elif [[ -n ${WAS["units|$unit|container"]-} ]]; then
      stop_container "$unit" "${WAS["units|$unit|container"]}"
    fi
  done
}

# stop_service UNIT CONTAINER: remembered until the unit is a service again, which then runs again.
stop_service() {
  seen "$1" ActiveState
  [[ $REPLY == @(active|activating|reloading) ]] || return 0
  ! runs_container "$1" || return 0
  mark_pending "service%$1"
  systemctl stop -- "$1"
  say "  stopped $1: the container $2 takes its place"
}

# stop_container UNIT CONTAINER: also one that somebody started without its unit.
stop_container() {
  seen "$1" ActiveState
  if [[ $REPLY == @(active|activating) ]] || is_pending "service%$1"; then mark_pending "start%$1"; fi
  done_pending "service%$1"
  systemctl stop -- "$1" 2>/dev/null || :
  docker stop "$2" >/dev/null 2>&1 9>&- </dev/null || :
  say "  stopped the container $2: $1 takes its place"
}

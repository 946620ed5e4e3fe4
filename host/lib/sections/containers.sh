# Workloads that change between a service and a container under the same unit name: the old form is gone before the
# new one starts. What runs now is read from the process, so that a killed run heals.
# pending/service%UNIT: it ran as a service; pending/stop%UNIT%CONTAINER: the container is still to be stopped.
# Reads WANT, WAS, SEEN_UNIT, BOOTING; sets REPLY, ANSWER.

# runs_container UNIT: ANSWER, whether its main process is docker's client attached to a container, as our units have it.
runs_container() {
  ANSWER=
  command_line "$1"
  [[ ${WORDS[0]-} != */docker || "${WORDS[*]:1:2}" != 'start --attach' ]] || ANSWER=yes
}

# stop_switched_units: before their files change, because systemd stops a unit by the file that it has loaded.
stop_switched_units() {
  local unit mark
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    if [[ -n ${WANT["units|$unit|container"]-} ]]; then
      for mark in "$PENDING/stop%$unit%"*; do done_pending "${mark##*/}"; done
      stop_service "$unit" "${WANT["units|$unit|container"]}"
      continue
    fi
    [[ -z ${WAS["units|$unit|container"]-} ]] || stop_container_unit "$unit" "${WAS["units|$unit|container"]}"
    for mark in "$PENDING/stop%$unit%"*; do stop_container "$unit" "${mark##*%}"; done
  done
}

# stop_service UNIT CONTAINER: remembered until the unit is a service again, which then runs again.
stop_service() {
  seen "$1" ActiveState
  is_running "$REPLY"
  [[ -n $ANSWER ]] || return 0
  runs_container "$1"
  [[ -z $ANSWER ]] || return 0
  mark_pending "service%$1"
  stop_unit "$1"
  say "  $REPLY $1: the container $2 takes its place"
}

# stop_container_unit UNIT CONTAINER: the unit, whose own stop stops its container, and the container.
stop_container_unit() {
  seen "$1" ActiveState
  is_running "$REPLY"
  [[ -z $ANSWER && ! -e $PENDING/service%$1 ]] || mark_pending "start%$1"
  done_pending "service%$1"
  mark_pending "stop%$1%$2"
  if [[ -n $ANSWER ]]; then
    stop_unit "$1"
    say "  $REPLY the container $2: $1 takes its place"
  elif [[ -n $BOOTING ]]; then
    # It may be about to start.
    seen "$1" LoadState
    [[ $REPLY != loaded ]] || tell_systemd stop "$1"
  fi
}

# stop_container UNIT CONTAINER: also one that somebody, or dockerd itself, started without its unit.
stop_container() {
  may_ask_docker
  if [[ -z $ANSWER ]]; then
    # dockerd may start it when it starts itself.
    say "  the container $2 will be stopped by the next run in which dockerd runs"
    return
  fi
  container_runs "$2"
  if [[ -n $ANSWER ]]; then
    REPLY=$(docker stop "$2" 2>&1 9>&- </dev/null) || fail "the container $2 cannot be stopped: $REPLY"
    container_runs "$2"
    [[ -z $ANSWER ]] || fail "the container $2 runs again after it was stopped. Stop it (docker stop $2), then run this again"
    say "  stopped the container $2: $1 takes its place"
  fi
  done_pending "stop%$1%$2"
}

# may_ask_docker: ANSWER is empty where nobody answers, or where at boot the question would start dockerd.
may_ask_docker() {
  local unit answering=''
  local -a units=(docker.service)
  [[ -n $BOOTING ]] || units+=(docker.socket)
  query_units ActiveState "${units[@]}"
  for unit in "${units[@]}"; do
    seen "$unit" ActiveState
    [[ $REPLY != @(active|reloading) ]] || answering=yes
  done
  ANSWER=$answering
}

# container_runs CONTAINER: ANSWER
container_runs() {
  local names line
  ANSWER=
  names=$(timeout 60 docker ps --format '{{.Names}}' 2>&1 9>&- </dev/null) || fail "docker does not say which containers run: $names"
  while IFS= read -r line; do
    # Links give one further names.
    [[ ,$line, != *",$1,"* ]] || ANSWER=yes
  done <<<"$names"
}

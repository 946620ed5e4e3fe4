# Readiness: a unit that was started, restarted or given another revision must prove that it is well, by systemd's
# word and by its own check, before anything else happens.

# http_status URL: REPLY is the status code of a GET, or why there is none. Bash alone: a host may have no client.
http_status() {
  local url=${1#http://} host port=80 path=/
  host=${url%%/*}
  [[ $url != */* ]] || path=/${url#*/}
  [[ ! $host =~ ^(.*):([0-9]+)$ ]] || host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
  host=${host#[} host=${host%]}
  # shellcheck disable=SC2016 # the inner shell expands them
  REPLY=$(timeout 5 bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" "$3" "$1" >&3
    read -r _ status _ <&3 && printf "%s" "$status"' _ "$host" "$port" "$path" 2>/dev/null) || :
  REPLY=${REPLY:-no answer}
}

# is_well UNIT: its own check passes; else REPLY says what it said.
is_well() {
  local url=${WANT["ready|$1|http"]-} command=${WANT["ready|$1|command"]-} container=${WANT["ready|$1|container"]-} said
  if [[ -n $url ]]; then
    http_status "$url"
    [[ $REPLY != [23][0-9][0-9] ]] || return 0
    REPLY="GET $url: $REPLY"
    return 1
  fi
  [[ -n $command ]] || return 0
  if [[ -n $container ]]; then
    said=$(timeout 30 docker exec "$container" sh -c "$command" 2>&1 9>&- </dev/null) && return 0
  else
    said=$(timeout 30 sh -c "$command" 2>&1 9>&- </dev/null) && return 0
  fi
  REPLY="$command: ${said##*$'\n'}"
  return 1
}

# ready_entry ARRAY UNIT: REPLY is all that the bundle says about the unit's readiness.
ready_entry() {
  local -n bundle=$1
  local field
  REPLY=
  for field in revision http command container; do REPLY+=${bundle["ready|$2|$field"]-}$'\x1f'; done
}

# plan_readiness: who has to prove it again. Remembered, so that the run after a killed one asks.
plan_readiness() {
  local unit was
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    ready_entry WAS "$unit"
    was=$REPLY
    ready_entry WANT "$unit"
    if [[ $was != "$REPLY" ]] || ! has WAS ready "$unit"; then mark_pending "ready%$unit"; fi
  done
  gone_entries ready
  for unit in "${ENTRIES[@]}"; do done_pending "ready%$unit"; done
}

# prove_ready: starts what must run, and waits for each in turn.
prove_ready() {
  local unit
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    if [[ -n $BOOTING ]]; then
      done_pending "ready%$unit"
      continue
    fi
    seen "$unit" ActiveState
    if [[ $REPLY != active && ${WANT["ready|$unit|start"]-} == true ]]; then
      mark_pending "ready%$unit"
      systemctl reset-failed -- "$unit" 2>/dev/null || :
      start_unit start "$unit" || return 1
      say "  started $unit"
    elif [[ $REPLY != active ]]; then
      done_pending "ready%$unit"
    fi
    is_pending "ready%$unit" || continue
    await_ready "$unit" || return 1
    done_pending "ready%$unit"
  done
}

# containers_well: one that is not has to prove it again.
containers_well() {
  local unit
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    [[ -z ${WANT["ready|$unit|container"]-} ]] || is_well "$unit" || mark_pending "ready%$unit"
    ! is_pending "ready%$unit" || return 1
  done
}

# await_ready UNIT
await_ready() {
  local unit=$1 limit=${WANT["ready|$1|timeout"]:-60} started=$SECONDS why
  [[ -n ${WANT["ready|$unit|http"]-}${WANT["ready|$unit|command"]-} ]] || return 0
  while ! is_well "$unit"; do
    why=$REPLY
    if ((SECONDS - started >= limit)); then
      REPLY="$unit did not become healthy within $limit s ($why)$(last_lines "$unit")"
      # Back to a version that was not well either is still the way back.
      [[ -z $ROLLING_BACK ]] || { warn "$REPLY"; return 0; }
      return 1
    fi
    sleep 1
  done
  say "  $unit: healthy after $((SECONDS - started)) s"
}

# last_lines UNIT: what it, or its container, said last.
last_lines() {
  local container=${WANT["ready|$1|container"]-} setting=${WANT["ready|$1|setting"]-} text
  if [[ -n $container ]]; then
    text=$(docker logs --tail 5 "$container" 2>&1 9>&-) || :
  else
    text=$(journalctl --no-pager -q -o cat -n 5 -u "$1" 2>/dev/null) || :
  fi
  printf '. Its last lines:\n%s' "${text:-(none)}" | cut -c 1-500
  [[ -z $setting ]] || printf '\nTo go back, give %s the value it had before and run pulumi up' "$setting"
}

# find_ready_drift: what must run and does not.
find_ready_drift() {
  local unit
  [[ -z $BOOTING ]] || return 0
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    [[ ${WANT["ready|$unit|start"]-} != true || $REPLY == active ]] || finding "$unit" active active '' "${REPLY:-absent}" "is ${REPLY:-absent}"
    ! is_pending "ready%$unit" || finding "$unit" ready 'healthy' '' pending 'it has not proven that it is well'
  done
}

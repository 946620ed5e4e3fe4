# Readiness: a unit that was started, restarted or given another revision must prove that it is well, by systemd's
# word and by its own check, before anything else happens. pending/ready%UNIT is there until it has.
# Reads WANT, WAS, SEEN_UNIT, STARTED, BOOTING, ROLLING_BACK; sets REPLY, ANSWER.

# http_status URL: REPLY is the status code of a GET, or why there is none. Bash alone: a host may have no client.
http_status() {
  local url=${1#http://} host port=80 path=/
  host=${url%%/*}
  [[ $url != */* ]] || path=/${url#*/}
  [[ ! $host =~ ^(.*):([0-9]+)$ ]] || host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
  host=${host#[} host=${host%]}
  # What does not answer is not well yet, whatever the reason.
  # shellcheck disable=SC2016 # the inner shell expands them
  REPLY=$(timeout 5 bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit 1
    printf "GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" "$3" "$1" >&3
    read -r _ status _ <&3 && printf "%s" "$status"' _ "$host" "$port" "$path" 2>/dev/null) || :
  REPLY=${REPLY:-no answer}
}

# is_well UNIT: ANSWER is yes where its own check passes; else REPLY says what it said.
is_well() {
  local url=${WANT["ready|$1|http"]-} command=${WANT["ready|$1|command"]-} container=${WANT["ready|$1|container"]-} said
  local -a shell=(sh)
  ANSWER=yes REPLY=
  if [[ -n $url ]]; then
    http_status "$url"
    [[ $REPLY == [23][0-9][0-9] ]] || ANSWER='' REPLY="GET $url: $REPLY"
  elif [[ -n $command ]]; then
    [[ -z $container ]] || shell=(docker exec "$container" sh)
    said=$(timeout 30 "${shell[@]}" -c "$command" 2>&1 9>&- </dev/null) || ANSWER='' REPLY="$command: ${said##*$'\n'}"
  fi
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
    [[ $was == "$REPLY" && -n ${WAS["has|ready|$unit"]-} ]] || mark_pending "ready%$unit"
  done
  gone_entries ready
  for unit in "${ENTRIES[@]}"; do done_pending {ready,watch}"%$unit"; done
}

# prove_ready: starts what must run, and waits for each in turn. At boot nobody can wait for them; the next run does.
prove_ready() {
  local unit
  [[ -z $BOOTING ]] || return 0
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    if [[ $REPLY != active && ${WANT["ready|$unit|start"]-} == true ]]; then
      reset_failed "$unit"
      start_unit start "$unit"
      say "  started $unit"
    elif [[ $REPLY != active && -z ${STARTED[$unit]-} ]]; then
      done_pending "ready%$unit"
    fi
    [[ -e $PENDING/ready%$unit ]] || continue
    await_ready "$unit"
    done_pending "ready%$unit"
  done
  watch_started
}

# containers_well: ANSWER is yes where nobody has to prove it. A container may be another one than the one that was well.
containers_well() {
  local unit well=yes
  ANSWER=yes
  # At boot their check would wait for dockerd.
  [[ -z $BOOTING ]] || return 0
  entries WANT ready
  for unit in "${ENTRIES[@]}"; do
    if [[ -n ${WANT["ready|$unit|container"]-} ]]; then
      is_well "$unit"
      [[ -n $ANSWER ]] || mark_pending "ready%$unit"
    fi
    [[ ! -e $PENDING/ready%$unit ]] || well=
  done
  ANSWER=$well
}

# await_ready UNIT: its own check decides, unless systemd starts it again meanwhile.
await_ready() {
  local unit=$1 limit=${WANT["ready|$1|timeout"]:-60} started=$SECONDS well said
  local -i waited
  [[ -n ${WANT["ready|$unit|http"]-}${WANT["ready|$unit|command"]-} ]] || return 0
  while true; do
    is_well "$unit"
    well=$ANSWER said=$REPLY waited=$((SECONDS - started))
    still_runs "$unit"
    if [[ -n $REPLY ]]; then
      not_proven "$unit" "$unit $REPLY, before it was healthy${said:+ ($said)}"
      return
    fi
    [[ -z $well ]] || break
    if ((waited >= limit)); then
      not_proven "$unit" "$unit did not become healthy within $limit s ($said)"
      return
    fi
    sleep 1
  done
  done_pending "watch%$unit"
  say "  $unit: healthy after $waited s"
}

# last_lines UNIT: REPLY is what it, or its container, said last; in the run of it that this one began, where it did: what systemd
# says of the next starts would crowd that out.
last_lines() {
  local container=${WANT["ready|$1|container"]-} setting=${WANT["ready|$1|setting"]-${WANT["hardening|$1|setting"]-}} text line
  local run=${STARTED[$1]-}
  run=${run%% *}
  # Only more about a failure.
  if [[ -n $container ]]; then
    text=$(timeout 30 docker logs --tail 5 "$container" 2>&1 9>&-) || :
  elif [[ -n $run ]]; then
    text=$(journalctl --no-pager -q -o cat -n 8 "_SYSTEMD_INVOCATION_ID=$run" + "INVOCATION_ID=$run" 2>/dev/null) || :
  else
    text=$(journalctl --no-pager -q -o cat -n 5 -u "$1" 2>/dev/null) || :
  fi
  REPLY='. Its last lines:'
  while IFS= read -r line; do REPLY+=$'\n'${line:0:500}; done <<<"${text:-(none)}"
  [[ -z $setting ]] || REPLY+=$'\n'"To go back, give $setting the value it had before and run pulumi up"
}

# Watch: a service that this run has started must run on. A program that cannot read its model, or has no memory for it, ends
# seconds after its start; it was active until then, and with Restart= it is so again soon.
# A service with a check of its own (readiness.sh) is proven by that, if systemd did not start it again meanwhile. The others
# are watched together, at the end of the run. pending/watch%UNIT is there until it is known, so that the run after a killed
# one watches.
# Reads WANT, SEEN_UNIT, PENDING, ROLLING_BACK; sets STARTED, ANSWER, REPLY.

# Seconds from the start, of which try_start takes the first. Whatever ends within them is seen, however soon systemd starts it
# again (RestartSec=): its invocation is another one then, and NRestarts has grown.
readonly WATCH_SECONDS=6

readonly RUN_PROPERTIES=ActiveState,SubState,Result,Type,InvocationID,NRestarts

# STARTED[UNIT]: the run of it that this run has begun.
declare -A STARTED=()

# look_at UNIT...: SEEN_UNIT has how they run now; ANSWER is empty where systemd does not say, and REPLY what it said instead.
look_at() {
  local text
  local -a lines
  ANSWER=
  if ! text=$(systemctl show --property="$RUN_PROPERTIES" -- "$@" 2>&1); then
    REPLY=$text
    return
  fi
  mapfile -t lines <<<"$text"
  see_units "$@"
  ANSWER=yes REPLY=
}

# run_of UNIT: REPLY is the run of it that was seen.
run_of() { REPLY="${SEEN_UNIT["$1|InvocationID"]-} ${SEEN_UNIT["$1|NRestarts"]-}"; }

# runs_on UNIT: REPLY is empty where the run that began in this one goes on, as far as was seen; else what became of it.
runs_on() {
  local state sub
  seen "$1" SubState
  sub=$REPLY
  seen "$1" ActiveState
  state=$REPLY
  run_of "$1"
  if [[ $sub == *auto-restart* ]]; then
    REPLY='ended, and systemd is about to start it again'
  elif [[ $state == @(active|reloading|refreshing) ]]; then
    if [[ $REPLY == "${STARTED[$1]}" ]]; then REPLY=; else REPLY='ended, and systemd has started it again'; fi
  else
    seen "$1" Result
    REPLY="is ${state:-absent} (${REPLY:-no result})"
  fi
}

# still_runs UNIT: REPLY, as of runs_on, now. One that this run has not started is nothing to it; neither is a look without an
# answer, after which there is another one.
still_runs() {
  REPLY=
  [[ -n ${STARTED[$1]-} ]] || return 0
  look_at "$1"
  [[ -n $ANSWER ]] || { REPLY=; return; }
  runs_on "$1"
}

# not_proven UNIT WHY: ends the run. Back to a version that was not well either is still the way back.
not_proven() {
  last_lines "$1"
  [[ -n $ROLLING_BACK ]] || fail "$2$REPLY"
  warn "$2$REPLY"
  done_pending "watch%$1"
}

# units_to_watch: ENTRIES=(those of the bundle that have to prove it).
units_to_watch() {
  local unit
  local -a units
  local -A told=()
  entries WANT units
  units=("${ENTRIES[@]}")
  entries WANT ready
  units+=("${ENTRIES[@]}")
  ENTRIES=()
  for unit in "${units[@]}"; do
    [[ -e $PENDING/watch%$unit && -z ${told[$unit]-} ]] || continue
    told[$unit]=1
    ENTRIES+=("$unit")
  done
}

# watch_started: each must run on until the last of them has run for WATCH_SECONDS.
watch_started() {
  local unit said=''
  local -a watched left
  local -i second
  units_to_watch
  watched=("${ENTRIES[@]}")
  ((${#watched[@]} > 0)) || return 0
  take_up_watch "${watched[@]}"
  watched=("${ENTRIES[@]}")
  for ((second = 2; second <= WATCH_SECONDS && ${#watched[@]} > 0; second++)); do
    sleep 1
    look_at "${watched[@]}"
    said=$REPLY
    [[ -n $ANSWER ]] || continue
    left=()
    for unit in "${watched[@]}"; do
      runs_on "$unit"
      if [[ -n $REPLY ]]; then not_proven "$unit" "$unit $REPLY, within $WATCH_SECONDS s of its start"; else left+=("$unit"); fi
    done
    watched=("${left[@]}")
  done
  [[ -z $said ]] || fail "${watched[*]} may have ended: systemd does not say ($said)"
  for unit in "${watched[@]}"; do
    done_pending "watch%$unit"
    say "  $unit: still running after $WATCH_SECONDS s"
  done
}

# take_up_watch UNIT...: ENTRIES=(those that there is something to watch of). A killed run started them, and not this one.
take_up_watch() {
  local unit
  ENTRIES=()
  for unit in "$@"; do
    if [[ -z ${STARTED[$unit]-} ]]; then
      query_units "$RUN_PROPERTIES" "$unit"
      seen "$unit" ActiveState
      is_running "$REPLY"
      if [[ -z $ANSWER ]]; then
        seen "$unit" ActiveState
        # Somebody has stopped it since, or it has failed what it was to prove.
        [[ $REPLY != failed ]] || not_proven "$unit" "$unit has failed since an earlier run started it"
        done_pending "watch%$unit"
        continue
      fi
      run_of "$unit"
      STARTED[$unit]=$REPLY
    fi
    ENTRIES+=("$unit")
  done
}

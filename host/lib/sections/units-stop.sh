# Units, stopped and given back: each stands again as it stood before this project touched it. units-start.sh says what may
# not be waited for at boot.
# Reads WAS, WANT, SEEN_UNIT, RECORD, BOOTING; sets RECORD, REPLY, ANSWER.

readonly TIMER_STAMPS=/var/lib/systemd/timers

# stop_unit UNIT: REPLY is "stopped", or what was done where at boot it has not yet.
stop_unit() {
  local said
  local -i look
  if [[ -n $BOOTING ]]; then
    tell_systemd stop "$1"
  else
    said=$(systemctl stop -- "$1" 2>&1) || fail "$1 cannot be stopped: $said"
  fi
  # A job to stop waits for no start, so that it is over in a moment; if it is not, nobody here waits longer.
  for ((look = 0; look < 20; look++)); do
    state_of "$1"
    if [[ $REPLY == @(inactive|failed) ]]; then
      REPLY=stopped
      return
    fi
    [[ -n $BOOTING ]] || fail "$1 is $REPLY after it was stopped: something starts it again (systemctl status $1)"
    sleep 0.5
  done
  REPLY='told systemd to stop'
}

# ran_before: ANSWER, of the record in RECORD.
ran_before() { is_running "${RECORD[1]-}"; }

# stop_gone_units: before their files go, units that this bundle brought stop.
stop_gone_units() {
  local unit
  stop_docker_sockets
  gone_entries units
  for unit in "${ENTRIES[@]}"; do
    original units "$unit"
    [[ -n ${RECORD[0]-} ]] || continue
    stop_gone_unit "$unit"
    [[ ${WAS["units|$unit|enabled"]-} != true || ${RECORD[0]} == enabled ]] || disable_unit "$unit"
  done
  stop_containerd
}

# stop_gone_unit UNIT: also one that runs without being wanted active, if its file is ours: since the boot, or started by
# hand. At boot it may be about to start, which a stop cancels.
stop_gone_unit() {
  local unit=$1
  ran_before
  [[ -z $ANSWER ]] || return 0
  [[ ${WAS["units|$unit|active"]-} == true || -n ${WAS["has|files|$UNIT_FOLDER/$unit"]-} ]] || return 0
  seen "$unit" ActiveState
  is_running "$REPLY"
  if [[ -n $ANSWER ]]; then
    stop_unit "$unit"
    say "  $REPLY $unit"
  elif [[ -n $BOOTING ]]; then
    seen "$unit" LoadState
    [[ $REPLY != loaded ]] || tell_systemd stop "$unit"
  fi
}

# give_back_units: after our files are gone.
give_back_units() {
  local section unit
  local -a gone
  for section in units replaces; do
    gone_entries "$section"
    gone=("${ENTRIES[@]}")
    # Not their slices: those that they were in are still to be stopped.
    query_units ActiveState,InvocationID "${gone[@]}"
    for unit in "${gone[@]}"; do
      original "$section" "$unit"
      [[ -z ${RECORD[0]-} ]] || give_back_unit "$section" "$unit"
    done
  done
}

# give_back_unit SECTION UNIT
give_back_unit() {
  local section=$1 unit=$2 file=${RECORD[0]} before running replaced='' mark
  ran_before
  before=$ANSWER
  give_back_enabled "$section" "$unit" "$file"
  seen "$unit" ActiveState
  is_running "$REPLY"
  running=$ANSWER
  [[ $section != replaces && -z ${WAS["units|$unit|container"]-} ]] || replaced=yes
  restart_due "$unit"
  if [[ -n $before && -n $replaced && -z $running ]]; then
    start_again "$unit"
  elif [[ -n $ANSWER && -n $running ]]; then
    restart_without "$unit"
  elif [[ -e $PENDING/reload%$unit ]]; then
    reload_unit "$unit"
  fi
  # One that is the owner's own has run before.
  [[ $unit != *.timer || $file != none ]] || remove_path "$TIMER_STAMPS/stamp-$unit"
  done_pending {start,restart,restarting,reload,service,watch}"%$unit"
  for mark in "$PENDING/stop%$unit%"*; do done_pending "${mark##*/}"; done
  forget_original "$section" "$unit"
}

# give_back_enabled SECTION UNIT STATE: what its owner has made of it since stays.
give_back_enabled() {
  local unit=$2 state=$3 said runtime=''
  case $1:$state in
    replaces:enabled)
      unit_file_state "$unit"
      case $REPLY in
        enabled | '') ;;
        disabled) enable_again "$unit" ;;
        *) warn "$unit was enabled before and is $REPLY now, which it stays" ;;
      esac
      ;;
    *:masked | *:masked-runtime)
      unit_file_state "$unit"
      [[ $REPLY != "$state" ]] || return 0
      if [[ $state == masked && (-e $UNIT_FOLDER/$unit || -L $UNIT_FOLDER/$unit) ]]; then
        warn "$unit was masked before; somebody has made $UNIT_FOLDER/$unit since, which stays"
        return
      fi
      [[ $state == masked ]] || runtime=--runtime
      said=$(systemctl mask ${runtime:+"$runtime"} --quiet -- "$unit" 2>&1) || fail "$unit cannot be masked again: $said"
      unit_file_state "$unit"
      [[ $REPLY == "$state" ]] || fail "$unit is ${REPLY:-absent} after it was masked again"
      ;;
  esac
}

# enable_again UNIT
enable_again() {
  make_links "$1"
  unit_file_state "$1"
  [[ $REPLY == enabled ]] || fail "$1 is ${REPLY:-absent} after it was enabled again"
}

# try_twice VERB UNIT: nobody comes back to a unit of the owner's once its bundle is gone, so one failure is not the last word.
try_twice() {
  try_start "$1" "$2"
  [[ -n $REPLY ]] || return 0
  warn "$2 $REPLY; it is tried once more"
  sleep 1
  try_start "$1" "$2"
}

# start_again UNIT: what our files took the place of. A failure of the owner's own unit is told; the host is given back.
start_again() {
  if [[ -n $BOOTING ]]; then
    tell_systemd start "$1"
    say "  told systemd to start $1 again"
    return
  fi
  try_twice start "$1"
  if [[ -z $REPLY ]]; then
    state_of "$1"
    is_running "$REPLY"
    if [[ -n $ANSWER ]]; then REPLY=; else REPLY="is $REPLY after its start"; fi
  fi
  if [[ -z $REPLY ]]; then
    say "  started $1 again"
  else
    warn "$1 ran before and does not start again: it $REPLY"
  fi
}

# restart_without UNIT: it runs with files that are gone.
restart_without() {
  if [[ -n $BOOTING ]]; then
    holds_json "$1"
    if [[ -n $ANSWER ]]; then
      warn "$1 has started already, and runs with what this bundle gave it until its next restart"
    else
      tell_systemd try-restart "$1"
      say "  told systemd to restart $1"
    fi
    return
  fi
  hold_json "$1"
  try_twice restart "$1"
  if [[ -z $REPLY ]]; then
    say "  restarted $1"
  else
    warn "$1 does not run without its drop-ins: it $REPLY"
  fi
}

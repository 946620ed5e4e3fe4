# Units: what systemd says of them.
# Reads STATE, BOOTING; sets SEEN_UNIT["UNIT|Property"] ("UNIT|Id" may differ from UNIT for an alias), REPLY, ANSWER.

declare -A SEEN_UNIT=()

readonly UNIT_PROPERTIES=Id,LoadState,ActiveState,SubState,Result,UnitFileState,NeedDaemonReload,InvocationID,MainPID,ControlGroup,Slice,FragmentPath,DropInPaths,MemoryMax,MemoryHigh,MemoryLow,MemoryMin,MemorySwapMax,CPUQuotaPerSecUSec,CPUWeight,AllowedCPUs,CPUAffinity,TasksMax,IOWeight,IOReadBandwidthMax,IOWriteBandwidthMax,IOReadIOPSMax,IOWriteIOPSMax,OOMScoreAdjust,DevicePolicy,DeviceAllow

# observe_units ARRAY: one question for all of them.
observe_units() {
  units_of "$1"
  SEEN_UNIT=()
  query_units "$UNIT_PROPERTIES" "${OBSERVED_UNITS[@]}"
}

# ask_units: systemd, which takes longest, is asked about all stored bundles by a process beside this one, before they are
# even loaded; hear_units takes the answer.
UNITS_ANSWER='' UNITS_ASKED=''
ask_units() {
  run_beside tell_of_units
  UNITS_ANSWER=$BESIDE UNITS_ASKED=$BESIDE_PID
}

# tell_of_units: how many units the stored bundles ask about, their names, and what systemd says of them. Becomes systemctl.
tell_of_units() {
  local -a units=() indexes=("$STATE"/bundles/*/index)
  local text=''
  # shellcheck disable=SC2016 # awk has variables of its own
  ((${#indexes[@]} == 0)) || text=$(exec awk -F '\037' '
    $1 == "zram" { $2 = "dev-" $2 ".swap" }
    $1 == "networks" { $2 = "docker.service" }
    $1 ~ /^(units|limits|replaces|ready|zram|networks)$/ && !told[$2]++ { print $2 }' "${indexes[@]}")
  [[ -z $text ]] || mapfile -t units <<<"$text"
  printf '%s\n' "${#units[@]}" "${units[@]}"
  ((${#units[@]} == 0)) || exec systemctl show --no-pager --property="$UNIT_PROPERTIES" -- "${units[@]}"
}

hear_units() {
  local -a lines
  local -i count
  mapfile -t -u "$UNITS_ANSWER" lines
  exec {UNITS_ANSWER}<&-
  count=${lines[0]:-0}
  OBSERVED_UNITS=("${lines[@]:1:count}")
  [[ -n ${lines[0]-} ]] || fail 'which units the stored bundles have cannot be read (awk)'
  wait "$UNITS_ASKED" || systemd_is_silent "${OBSERVED_UNITS[@]}"
  UNITS_ASKED='' SEEN_UNIT=()
  lines=("${lines[@]:1 + count}")
  ((count == 0)) || see_units "${OBSERVED_UNITS[@]}"
}

# units_of ARRAY: OBSERVED_UNITS=(all that its sections ask for, each once).
declare -a OBSERVED_UNITS=()
units_of() {
  local section unit
  local -A asked=()
  OBSERVED_UNITS=()
  for section in units limits replaces ready zram networks; do
    entries "$1" "$section"
    for unit in "${ENTRIES[@]}"; do
      [[ $section != zram ]] || unit=dev-$unit.swap
      [[ $section != networks ]] || unit=docker.service
      [[ -n ${asked[$unit]-} ]] || OBSERVED_UNITS+=("$unit")
      asked[$unit]=1
    done
  done
}

# query_units PROPERTIES UNIT...: SEEN_UNIT has what systemd says of them now.
query_units() {
  local text
  local -a lines
  (($# > 1)) || return 0
  text=$(systemctl show --no-pager --property="$1" -- "${@:2}") || systemd_is_silent "${@:2}"
  mapfile -t lines <<<"$text"
  see_units "${@:2}"
}

systemd_is_silent() { fail "systemd does not say how its units are (systemctl show $*)"; }

# see_units UNIT...: SEEN_UNIT has what the caller's `lines` say, a block for each unit, also for one that there is not. Only
# DeviceAllow takes a line for each of its values, and has them one a line.
see_units() {
  local line
  local -a units=("$@")
  local -i index=0
  for line in "${lines[@]}"; do
    if [[ -z $line ]]; then
      index+=1
    elif [[ $line == DeviceAllow=* ]] && ((index < ${#units[@]})); then
      SEEN_UNIT["${units[index]}|DeviceAllow"]+=${line#*=}$'\n'
    elif ((index < ${#units[@]})); then
      SEEN_UNIT["${units[index]}|${line%%=*}"]=${line#*=}
    fi
  done
  [[ -n ${lines[*]} && $((index + 1)) == "${#units[@]}" ]] ||
    fail "systemd was asked for ${#units[@]} units and has not answered for each (systemctl show ${units[*]})"
}

# seen UNIT PROPERTY: REPLY
seen() { REPLY=${SEEN_UNIT["$1|$2"]-}; }

# state_of UNIT: REPLY is its ActiveState now.
state_of() {
  query_units ActiveState "$1"
  seen "$1" ActiveState
}

# is_running STATE: ANSWER. One that systemd starts again and again is, too.
is_running() {
  if [[ $1 == @(active|activating|reloading) ]]; then ANSWER=yes; else ANSWER=; fi
}

# await_units ARRAY: what systemd is about to start is no drift yet (a container's client attaches again seconds after a
# restart of dockerd): it gets ten seconds. Two looks in a row must agree: one that starts and ends for ever is active at
# times.
await_units() {
  local -i check settled=0
  # What has to run is not asked then.
  [[ -z $BOOTING ]] || return 0
  in_transition "$1"
  [[ -n $ANSWER ]] || return 0
  for ((check = 0; check < 20 && settled < 2; check++)); do
    sleep 0.5
    observe_units "$1"
    in_transition "$1"
    if [[ -n $ANSWER ]]; then settled=0; else settled+=1; fi
  done
}

# in_transition ARRAY: whether a unit that must be active is between two states.
in_transition() {
  local -n loaded=$1
  local unit
  local -a units
  ANSWER=
  entries "$1" units
  units=("${ENTRIES[@]}")
  entries "$1" ready
  for unit in "${units[@]}" "${ENTRIES[@]}"; do
    [[ ${loaded["units|$unit|active"]-}${loaded["ready|$unit|start"]-} == *true* ]] || continue
    seen "$unit" ActiveState
    [[ $REPLY != @(activating|deactivating|reloading) ]] || ANSWER=yes
  done
}

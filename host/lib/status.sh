# verify and status: the same comparison for all stored bundles, with a handful of processes, changing nothing.

# examine [NAME...]: fills FINDINGS and LIMITS; one observation covers every bundle.
examine() {
  local name link
  local -a names=("$@")
  FINDINGS=() LIMITS=()
  if ((${#names[@]} == 0)); then
    stored_bundles
    names=("${BUNDLES[@]}")
  fi
  EXAMINED=("${names[@]}")
  EVERYTHING=()
  for name in "${names[@]}"; do
    current_version "$name"
    [[ -n $REPLY ]] || stored_bundles
    [[ -n $REPLY ]] || die "$EXIT_USAGE" "no bundle \"$name\" is stored on this host (stored: ${BUNDLES[*]:-none})"
    load_index EVERYTHING "$REPLY"
  done
  observe EVERYTHING
  await_units EVERYTHING
  for name in "${names[@]}"; do
    NAME=$name
    current_version "$name"
    load_want "$REPLY"
    find_drift
  done
  for link in "$STATE"/journal/* "$STATE"/removing/*; do
    NAME=${link##*/} NAME=${NAME%@*}
    finding "$NAME" apply complete '' interrupted 'a run was interrupted; the next one heals it'
  done
}

# await_units ARRAY: what systemd is about to start is no drift yet (a container's client attaches again seconds after a
# restart of dockerd): it gets ten seconds. Two looks in a row must agree: one that starts and ends for ever is active at
# times.
await_units() {
  local -i check settled=0
  in_transition "$1" || return 0
  for ((check = 0; check < 20 && settled < 2; check++)); do
    sleep 0.5
    observe_units "$1"
    if in_transition "$1"; then settled=0; else settled+=1; fi
  done
}

# in_transition ARRAY: whether a unit that must be active is between two states.
in_transition() {
  local -n loaded=$1
  local unit
  local -a units
  entries "$1" units
  units=("${ENTRIES[@]}")
  entries "$1" ready
  for unit in "${units[@]}" "${ENTRIES[@]}"; do
    [[ ${loaded["units|$unit|active"]-}${loaded["ready|$unit|start"]-} == *true* ]] || continue
    seen "$unit" ActiveState
    [[ $REPLY != @(activating|deactivating|reloading) ]] || return 0
  done
  return 1
}

verify() {
  local table='' status=0
  if [[ ${1-} == --table ]]; then
    table=1
    shift
  elif [[ ${2-} == --table ]]; then
    table=1
    set -- "$1"
  fi
  examine "$@"
  [[ -z $table ]] || print_table
  print_findings
  if ((${#FINDINGS[@]} > 0)); then
    status=$EXIT_DRIFT
  elif [[ -z $table ]]; then
    say "${#EXAMINED[@]} bundles, ${#LIMITS[@]} limits: all holds"
  fi
  return "$status"
}

# print_table: every declared limit with what the kernel enforces and the verdict.
print_table() {
  local line red='' green='' yellow='' plain='' colour
  if [[ -t 1 ]]; then red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'; fi
  printf '%-28s %-20s %-18s %-18s %s\n' UNIT LIMIT DECLARED KERNEL VERDICT
  for line in "${LIMITS[@]}"; do
    split_tabs "$line"
    case ${FIELDS[5]} in enforced) colour=$green ;; inert) colour=$yellow ;; *) colour=$red ;; esac
    printf '%-28s %-20s %-18s %-18s %s\n' "${FIELDS[1]}" "${FIELDS[2]}" "${FIELDS[3]}" "${FIELDS[4]:--}" \
      "$colour${FIELDS[5]}$plain${FIELDS[6]:+ (${FIELDS[6]})}"
  done
}

# status_json: {version, busy, boot, bundles: [{name, digest, generation, findings, limits}], interrupted}
status_json() {
  local name digest boot
  local -a records=()
  STATUS=1
  examine
  read -r boot </proc/sys/kernel/random/boot_id
  local is_busy=false
  ! busy || is_busy=true
  for name in "${EXAMINED[@]}"; do
    digest=
    [[ ! -r $STATE/bundles/$name/digest ]] || read -r digest <"$STATE/bundles/$name/digest"
    generation_of "$STATE/bundles/$name"
    records+=("bundle"$'\t'"$name"$'\t'"$digest"$'\t'"$REPLY")
  done
  local rows
  printf -v rows '%s\n' "${records[@]}" "${FINDINGS[@]/#/finding$'\t'}" "${LIMITS[@]/#/limit$'\t'}"
  jq -cRn --arg version "$VERSION" --argjson busy "$is_busy" --arg boot "$boot" '
      [inputs | select(. != "") | split("\t")] as $rows
      | {version: $version, busy: $busy, boot: $boot, bundles: [$rows[] | select(.[0] == "bundle") | . as [$_, $name, $digest, $generation] |
          {name: $name, digest: $digest, generation: ($generation | tonumber),
           findings: [$rows[] | select(.[0] == "finding" and .[1] == $name)
             | {unit: .[2], property: .[3], declared: .[4], file: .[5], kernel: .[6], reason: .[7]}],
           limits: [$rows[] | select(.[0] == "limit" and .[1] == $name)
             | {unit: .[2], property: .[3], declared: .[4], kernel: .[5], verdict: .[6], reason: .[7]}]}],
         interrupted: [$rows[] | select(.[0] == "finding" and .[3] == "apply") | .[1]]}' <<<"$rows"
}

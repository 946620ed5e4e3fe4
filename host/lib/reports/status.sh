# Status: one look at all stored bundles, with a handful of processes, changing nothing; and what it found as JSON.
# Reads STATE, LOCK_FILE, VERSION; sets EXAMINED, EVERYTHING, FINDINGS, LIMITS, UNFINISHED, NEWER, BUSY, LOOKING.

# EXAMINED: names of the bundles that were looked at. NEWER[NAME]: the version that a bundle of a newer manager needs.
declare -a EXAMINED=()
declare -A NEWER=()

# BUSY: another run is changing this host, or was during the look.
declare BUSY='' LOCK_WAS=''

# begin_look: from now on no run begins to change anything, until end_look or the end of this process.
begin_look() {
  BUSY='' LOCK_WAS=
  [[ ! -e $LOCK_FILE ]] || LOCK_WAS=yes
  share_lock
  [[ -n $ANSWER ]] || BUSY=yes
}

# finish_look: the first run of a boot makes the lock that the look could not take.
finish_look() {
  [[ -n $LOCK_WAS || ! -e $LOCK_FILE ]] || BUSY=yes
}

end_look() {
  exec 8<&-
}

# examine [NAME...]: fills FINDINGS and LIMITS; one observation covers every bundle.
examine() {
  local name
  local -a chosen=("$@")
  FINDINGS=() LIMITS=() EVERYTHING=() NEWER=()
  stored_bundles
  if ((${#chosen[@]} == 0)); then chosen=("${BUNDLES[@]}"); fi
  EXAMINED=("${chosen[@]}")
  for name in "${chosen[@]}"; do
    current_version "$name"
    [[ -n $REPLY ]] || die "$EXIT_USAGE" "no bundle \"$name\" is stored on this host (stored: ${BUNDLES[*]:-none})"
    load_index EVERYTHING "$REPLY"
  done
  observe EVERYTHING
  await_units EVERYTHING
  for name in "${chosen[@]}"; do examine_bundle "$name"; done
  unfinished_runs
  # What a run in progress has begun is not interrupted.
  [[ -z $BUSY ]] || UNFINISHED=()
  for name in "${UNFINISHED[@]}"; do
    NAME=$name
    finding "$name" apply complete '' interrupted 'a run was interrupted; the next one heals it'
  done
  NAME=
}

# examine_bundle NAME: one of those that were observed.
examine_bundle() {
  local folder
  NAME=$1
  current_version "$1"
  folder=$REPLY
  needs_newer "$folder"
  if [[ -n $REPLY ]]; then
    NEWER[$1]=$REPLY
    finding manager version "$REPLY" '' "$VERSION" \
      'a newer manager stored this bundle, and this one leaves it alone: run pulumi up with that version'
    return
  fi
  load_want "$folder"
  find_drift
}

# status_json: {version, busy, boot, bundles: [{name, digest, generation, owner, unconfirmed, findings, limits}], interrupted}
status_json() {
  local name boot busy=false rows
  local -a records=()
  # docker's client is a dozen processes by itself: it is not asked.
  LOOKING=1
  begin_look
  if [[ -z $BUSY ]]; then
    examine
    finish_look
  fi
  if [[ -n $BUSY ]]; then
    # What differs now may be the work of that run. Nobody knows, so nothing is said.
    busy=true FINDINGS=() LIMITS=() UNFINISHED=()
    stored_bundles
    EXAMINED=("${BUNDLES[@]}")
  fi
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  for name in "${EXAMINED[@]}"; do
    bundle_record "$name"
    records+=("$REPLY")
  done
  records+=("${FINDINGS[@]/#/finding$'\t'}" "${LIMITS[@]/#/limit$'\t'}" "${UNFINISHED[@]/#/interrupted$'\t'}")
  # A line each, whatever a program has on its command line.
  printf -v rows '%s\n' "${records[@]//$'\n'/ }"
  jq -cRn --arg version "$VERSION" --argjson busy "$busy" --arg boot "$boot" "$STATUS_PROGRAM" <<<"$rows"
}

# bundle_record NAME: REPLY is what the store says of it: its digest, generation, owner, whether its change waits for its
# confirmation, and when it went back without one.
bundle_record() {
  local folder=$STATE/bundles/$1 digest generation owner unconfirmed='' line
  first_line "$folder/digest"
  digest=$REPLY
  generation_of "$folder"
  generation=$REPLY
  stored_owner "$1"
  owner=$REPLY
  [[ ! -L $STATE/unconfirmed/$1 ]] || unconfirmed=yes
  first_line "$STATE/reverted/$1"
  printf -v line '%s\t' bundle "$1" "$digest" "$generation" "$owner" "$unconfirmed"
  REPLY=$line$REPLY
}

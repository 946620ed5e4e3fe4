# Status: one look at all stored bundles, with a handful of processes, changing nothing. status-json.sh tells what it found.
# Reads STATE, LOCK_FILE, VERSION; sets EXAMINED, EVERYTHING, FINDINGS, LIMITS, UNFINISHED, NEWER, BUSY, LOOKING.

# EXAMINED: names of the bundles that were looked at; EXAMINED_0, EXAMINED_1, ... is each as it is loaded.
# NEWER[NAME]: the version that a bundle of a newer manager needs.
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
  local -i i
  local -a chosen=("$@")
  FINDINGS=() LIMITS=() EVERYTHING=() NEWER=()
  stored_bundles
  if ((${#chosen[@]} == 0)); then chosen=("${BUNDLES[@]}"); fi
  EXAMINED=("${chosen[@]}")
  for ((i = 0; i < ${#chosen[@]}; i++)); do
    current_version "${chosen[i]}"
    [[ -n $REPLY ]] || die "$EXIT_USAGE" "no bundle \"${chosen[i]}\" is stored on this host (stored: ${BUNDLES[*]:-none})"
    declare -gA "EXAMINED_$i=()"
    load_index "EXAMINED_$i" "$REPLY"
    add_observed "EXAMINED_$i" EVERYTHING
  done
  observe EVERYTHING
  await_units EVERYTHING
  for ((i = 0; i < ${#chosen[@]}; i++)); do examine_bundle "${chosen[i]}" "EXAMINED_$i"; done
  unfinished_runs
  # What a run in progress has begun is not interrupted.
  [[ -z $BUSY ]] || UNFINISHED=()
  for name in "${UNFINISHED[@]}"; do
    NAME=$name
    finding "$name" apply complete '' interrupted 'a run was interrupted; the next one heals it'
  done
  NAME=
}

# examine_bundle NAME ARRAY: one of those that were observed, as it is loaded there.
examine_bundle() {
  NAME=$1
  local -n loaded=$2
  version_above "${loaded['meta|manager|']:-0}" "$VERSION"
  if [[ -n $ANSWER ]]; then
    NEWER[$1]=${loaded['meta|manager|']}
    finding manager version "${NEWER[$1]}" '' "$VERSION" \
      'a newer manager stored this bundle, and this one leaves it alone: run pulumi up with that version'
    return
  fi
  want_is "$2"
  find_drift
  want_nothing
}


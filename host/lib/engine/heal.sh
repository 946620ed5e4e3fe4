# Healing: what runs that were killed, or failed, left to be finished: interrupted removals go on, interrupted applies go
# back.
# Reads BOOTING; sets UNHEALED, DEFERRED.

# UNHEALED: names of the bundles whose unfinished run could not be finished, and whatever else is left undone.
# DEFERRED: those whose interrupted removal has to wait until dockerd runs.
declare -a UNHEALED=() DEFERRED=()

# heal [EXCEPT]: that bundle is what this run is about.
heal() {
  local name
  UNHEALED=() DEFERRED=()
  unfinished_runs
  for name in "${UNFINISHED[@]}"; do
    [[ $name != "${1-}" ]] || continue
    heal_bundle "$name"
    ((STATUS == 0)) || UNHEALED+=("$name")
  done
  # The owner's swap that did not come on again when its bundle went.
  attempt return_swaps
  ((STATUS == 0)) || UNHEALED+=("the owner's swap")
  attempt drop_garbage
  ((STATUS == 0)) || warn 'what nobody needs any more stays in the store until the next run'
  STATUS=0
}

# heal_bundle NAME: STATUS is how it ended.
heal_bundle() {
  local NAME=$1
  # The removal's first act is the rename of the link: with a version in force, an apply has taken it over.
  if [[ -L $STATE/removing/$NAME && ! -L $STATE/bundles/$NAME ]]; then
    awaits_docker
    if [[ -n $ANSWER ]]; then
      say "$NAME: its interrupted removal is finished once dockerd runs"
      DEFERRED+=("$NAME")
      STATUS=0
      return
    fi
    say "$NAME: finishing an interrupted removal"
    attempt finish_removal
    ((STATUS == 0)) || error "the interrupted removal of $NAME cannot be finished. Run ai-resource-manager remove $NAME, or apply it again"
  else
    say "$NAME: undoing an interrupted apply"
    attempt undo
    ((STATUS == 0)) || error "the interrupted apply of $NAME cannot be undone. Run it again"
  fi
  if ((STATUS == 0)); then
    record_event healed "$NAME" 'an interrupted run was undone or finished'
  else
    record_event failed "$NAME" "an interrupted run could not be finished: $FAILURE"
  fi
}

# awaits_docker: ANSWER, of the bundle NAME. At boot dockerd starts later than this run, which must not start it, and without it
# nobody can say whether a container or a network is still there.
awaits_docker() {
  local state section
  local -a docker=()
  ANSWER=
  [[ -n $BOOTING ]] || return 0
  load_was "$NAME"
  for section in containers networks; do
    entries WAS "$section"
    docker+=("${ENTRIES[@]}")
  done
  ((${#docker[@]} > 0)) || return 0
  query_units LoadState,ActiveState docker.service
  seen docker.service ActiveState
  state=$REPLY
  seen docker.service LoadState
  [[ $REPLY != loaded || $state == active ]] || ANSWER=yes
}

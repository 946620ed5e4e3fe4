# Garbage: what nothing in the store names any more.
# Reads STATE, RUN, SPOOL, KEPT.

# drop_garbage: versions that no link names and that are not kept as the past, half-written ones, and of runs that were
# killed the spools and what they were writing into the store.
drop_garbage() {
  local dir names
  local -A used=()
  local -a garbage=() links=("$STATE"/{bundles,journal,removing,unconfirmed}/*)
  if ((${#links[@]} > 0)); then
    names=$(exec readlink -- "${links[@]}")
    while IFS= read -r dir; do used[${dir##*/}]=1; done <<<"$names"
  fi
  kept_versions
  for dir in "$STATE"/versions/*; do [[ -n ${used[${dir##*/}]-}${KEPT[${dir##*/}]-} ]] || garbage+=("$dir"); done
  garbage+=("$STATE"/versions/.[!.]* "$STATE"/.*.goblin-new "$STATE"/*/.*.goblin-new)
  for dir in "$RUN"/spool.*; do
    spool_in_use "$dir"
    [[ -n $ANSWER ]] || garbage+=("$dir")
  done
  for dir in "$RUN"/failure.*; do [[ -e /proc/${dir##*.} ]] || garbage+=("$dir"); done
  remove_path "${garbage[@]}"
}

# leave_no_trace: at the end of a run, what a refused bundle had staged, and a store that holds nothing. A trap calls it,
# whose own failures are nobody's.
# shellcheck disable=SC2317
leave_no_trace() {
  trap - ERR
  set +e
  local -a held=("$STATE"/{bundles,journal,removing,originals,displaced}/*)
  rm -f -- "${SPOOL-}" "$FAILURE_FILE"
  rm -rf -- "$STATE"/versions/.[!.]*
  if ((${#held[@]} == 0)); then rm -rf -- "$STATE"; fi
}

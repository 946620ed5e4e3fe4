# One change at a time: a lock with a bounded wait that says who holds it.

readonly LOCK_FILE=$RUN/lock
readonly LOCK_WAIT_SECONDS=${AI_RESOURCE_MANAGER_LOCK_WAIT:-600}

take_lock() {
  local holder=''
  exec 9<>"$LOCK_FILE"
  # Who has just got it needs a moment to write who it is.
  if ! flock -w 1 9; then
    IFS= read -r holder <"$LOCK_FILE" || :
    say "waiting for ${holder:-another run} (at most $LOCK_WAIT_SECONDS s)"
    if ! flock -w "$LOCK_WAIT_SECONDS" 9; then
      IFS= read -r holder <"$LOCK_FILE" || :
      die "$EXIT_LOCKED" "still locked after $LOCK_WAIT_SECONDS s by ${holder:-another run}. Nothing was changed; run it again when that has ended"
    fi
  fi
  printf '%s (pid %s, since %(%F %T)T)\n' "$*" "$$" -1 >"$LOCK_FILE"
}

# busy: whether another run holds the lock now; used by the verbs that only look.
busy() {
  [[ -e $LOCK_FILE ]] && ! flock -n 8 8<"$LOCK_FILE"
}

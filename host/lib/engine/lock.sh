# One change at a time: a lock with a bounded wait that says who holds it. Who only looks shares it.
# Reads LOCK_WAIT_SECONDS; sets LOCK_HOLDER.

readonly LOCK_FILE=$RUN/lock
readonly LOCK_WAIT_SECONDS=${AI_RESOURCE_MANAGER_LOCK_WAIT:-600}

take_lock() {
  exec 9<>"$LOCK_FILE"
  # Who has just got it needs a moment to write who it is; who looks, seconds.
  if ! flock -w 1 9; then
    lock_holder
    say "waiting for $LOCK_HOLDER (at most $LOCK_WAIT_SECONDS s)"
    if ! flock -w "$LOCK_WAIT_SECONDS" 9; then
      lock_holder
      die "$EXIT_LOCKED" "still locked after $LOCK_WAIT_SECONDS s by $LOCK_HOLDER. Nothing was changed; run it again when that has ended"
    fi
  fi
  [[ $LOCK_FILE -ef /proc/self/fd/9 ]] || die "$EXIT_LOCKED" "the run that was waited for has removed the manager's folder. Nothing was changed; run it again"
  printf '%s (pid %s, since %(%F %T)T)\n' "$*" "$$" -1 >"$LOCK_FILE"
}

# lock_holder: LOCK_HOLDER is who wrote itself into the lock last.
LOCK_HOLDER=''
lock_holder() {
  IFS= read -r LOCK_HOLDER <"$LOCK_FILE" || :
  LOCK_HOLDER=${LOCK_HOLDER:-another run}
}

# share_lock: until this process ends nothing is changed; ANSWER is empty where somebody is changing something now.
share_lock() {
  ANSWER=yes
  [[ -e $LOCK_FILE ]] || return 0
  exec 8<"$LOCK_FILE"
  flock -s -n 8 || ANSWER=
}

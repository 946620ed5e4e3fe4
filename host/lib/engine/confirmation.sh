# Commit-confirmed changes: one that could cut the operator off goes back by itself unless a new connection confirms it
# in time. unconfirmed/NAME names the version to go back to, from before the change until its confirmation; a timer of
# systemd, the next boot and every repair see to it. reverted/NAME says when a change went back.
# Reads STATE, RUN, WANT; sets REVERTING, STORED, REPLY, ANSWER.

REVERTING='' STORED=''
readonly NOTHING=nothing

# A timer of systemd-run is there from its start until it has gone off.
readonly TRANSIENT_UNITS=/run/systemd/transient

uptime_seconds() {
  read -r REPLY _ </proc/uptime
  REPLY=${REPLY%.*}
}

# last_good NAME: REPLY is the version to go back to, or NOTHING; empty when nothing waits for its confirmation.
last_good() {
  REPLY=
  [[ ! -L $STATE/unconfirmed/$1 ]] || REPLY=$(exec readlink -- "$STATE/unconfirmed/$1")
}

# in_force NAME: REPLY is the link's target of the version in force, or NOTHING.
in_force() {
  REPLY=$NOTHING
  [[ ! -L $STATE/bundles/$1 ]] || REPLY=$(exec readlink -- "$STATE/bundles/$1")
}

# expect_confirmation NAME DIGEST: before the change. The same text again is a repair, with nothing to go back to.
expect_confirmation() {
  local window=${WANT["meta|confirm|"]-}
  [[ -n $window && -z $REVERTING && -z $STORED ]] || return 0
  if [[ ! -L $STATE/unconfirmed/$1 ]]; then
    stored_digest "$1"
    [[ $REPLY != "$2" ]] || return 0
    in_force "$1"
    ln -s -- "$REPLY" "$STATE/unconfirmed/$1" || fail "$STATE cannot be written"
    sync -- "$STATE/unconfirmed" || fail "$STATE cannot be written to the disk"
  fi
  arm "$1" "$window"
}

# awaits_confirmation NAME: REPLY is the time that it has, empty where nothing waits for one.
awaits_confirmation() {
  REPLY=
  [[ ! -L $STATE/unconfirmed/$1 || -n $REVERTING ]] || REPLY=${WANT["meta|confirm|"]-}
}

# open_window NAME: from now on that time counts.
open_window() {
  awaits_confirmation "$1"
  [[ -z $REPLY ]] || arm "$1" "$REPLY"
}

tell_window() {
  awaits_confirmation "$1"
  [[ -z $REPLY ]] || say "$1: goes back in $REPLY s unless a new connection confirms it"
}

# arm NAME SECONDS: the deadline decides; a timer of an earlier one that has gone off already finds it moved. It counts from
# the boot: each reload of systemd begins anew to count what counts from a timer's start.
arm() {
  local unit="ai-resource-manager-revert-$1-$$-$SECONDS" deadline old=''
  [[ ! -r $RUN/confirm-by%$1 ]] || read -r _ old <"$RUN/confirm-by%$1" || :
  # Two of one second are one timer.
  [[ $old != "$unit" ]] || unit+=-again
  uptime_seconds
  deadline=$((REPLY + $2))
  systemd-run --quiet --collect --unit="$unit" --on-boot="$deadline" --timer-property=AccuracySec=1s \
    --setenv=AI_RESOURCE_MANAGER_LOCK_WAIT=7200 \
    --description="ai-resource-manager revert: the change of $1 waits for its confirmation" \
    "$SELF" revert || fail "the timer that takes back the change of $1 cannot be set"
  # The old one goes last: at no time is there none.
  write_text "$RUN/confirm-by%$1" 0600 "$deadline $unit"$'\n'
  remove_path "$RUN/heard%$1"
  [[ -z $old ]] || stop_timer "$old"
}

disarm() {
  local unit
  remove_path "$RUN/heard%$1"
  [[ -r $RUN/confirm-by%$1 ]] || return 0
  read -r _ unit <"$RUN/confirm-by%$1" || :
  [[ -z $unit ]] || stop_timer "$unit"
  remove_path "$RUN/confirm-by%$1"
}

# stop_timer UNIT: it may have gone off; whoever it started finds another deadline, or none.
stop_timer() {
  [[ ! -e $TRANSIENT_UNITS/$1.timer ]] || systemctl stop -- "$1.timer" || warn "the timer $1.timer does not stop; it will find nothing to do"
}

# heard NAME: a confirmation that waits for the lock has come in time all the same.
heard() {
  [[ ! -r $RUN/confirm-by%$1 ]] || : >"$RUN/heard%$1"
}

# is_overdue NAME: nobody confirmed in time, or this is another boot.
is_overdue() {
  local deadline=''
  ANSWER=
  [[ ! -e $RUN/heard%$1 ]] || return 0
  [[ ! -r $RUN/confirm-by%$1 ]] || read -r deadline _ <"$RUN/confirm-by%$1" || :
  uptime_seconds
  [[ $deadline =~ ^[0-9]+$ ]] && ((REPLY < deadline)) || ANSWER=yes
}

forget_confirmation() {
  disarm "$1"
  remove_path "$STATE/unconfirmed/$1"
}

# confirm_bundle NAME DIGEST: what is in force is what was meant, and whoever says so has just connected.
confirm_bundle() {
  local dir found=''
  remove_path "$RUN/heard%$1"
  stored_digest "$1"
  if [[ $REPLY == "$2" ]]; then
    forget_confirmation "$1"
    remove_path "$STATE/reverted/$1"
    drop_garbage
    say "$1: confirmed"
    return
  fi
  for dir in "$STATE/versions/$1"@*; do
    first_line "$dir/digest"
    [[ $REPLY != "$2" || ! -e $dir/applied ]] || found=$dir
  done
  [[ -n $found ]] ||
    die "$EXIT_FAILED" "the last change of $1 is not in force on this host, and nothing is kept of it: run pulumi up with goblin-host:observe on, which finds and applies it"
  # Pulumi believes that it is applied, and would not send it again.
  say "$1: its change went back because nobody confirmed it in time. It is applied once more"
  cp -- "$found/bundle.yaml" "$SPOOL" || fail "$found/bundle.yaml cannot be read"
  apply_bundle "$1" "$SPOOL"
  [[ -L $STATE/unconfirmed/$1 ]] || return 0
  die "$EXIT_FAILED" "the change of $1 had gone back because nobody confirmed it in time (journalctl -u 'ai-resource-manager-revert-*'). It is in force again and goes back once more unless another connection confirms it: run pulumi up again now"
}

# settle_confirmation NAME: an apply that did not come to its end has nothing to confirm.
settle_confirmation() {
  local good
  last_good "$1"
  good=$REPLY
  in_force "$1"
  [[ -z $good || $good != "$REPLY" ]] || forget_confirmation "$1"
}

# revert_overdue: takes back every change that nobody confirmed in time; STATUS is not 0 where one did not go back.
revert_overdue() {
  local link name status=0
  for link in "$STATE"/unconfirmed/*; do
    name=${link##*/}
    is_overdue "$name"
    [[ -n $ANSWER ]] || continue
    attempt revert_bundle "$name"
    ((STATUS == 0)) || status=$STATUS
  done
  STATUS=$status
}

# revert_bundle NAME: an attempt. As a version of its own, because the count of its applies never goes down.
revert_bundle() {
  local good now
  last_good "$1"
  good=$REPLY
  in_force "$1"
  if [[ $good != "$REPLY" ]]; then
    say "$1: nobody confirmed its last change in time, so it goes back"
    record_event back "$1" 'nobody confirmed its last change in time'
    if [[ $good == "$NOTHING" ]]; then
      remove_bundle "$1"
    else
      REVERTING=1
      cp -- "$STATE/unconfirmed/$1/bundle.yaml" "$SPOOL" || fail "$good cannot be read"
      apply_bundle "$1" "$SPOOL"
      printf -v now '%(%F %T)T' -1
      write_text "$STATE/reverted/$1" 0600 "$now"$'\n'
    fi
  fi
  forget_confirmation "$1"
  drop_garbage
}

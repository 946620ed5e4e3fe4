# Commit-confirmed changes: one that could cut the operator off goes back by itself unless a new connection confirms it
# in time. unconfirmed/NAME names the version to go back to, from before the change until its confirmation; a timer of
# systemd, the next boot and every repair see to it.

REVERTING='' STORED=''
readonly NOTHING=nothing

uptime_seconds() {
  read -r REPLY _ </proc/uptime
  REPLY=${REPLY%.*}
}

# last_good NAME: REPLY is the version to go back to, or NOTHING; empty when nothing waits for its confirmation.
last_good() {
  REPLY=
  [[ ! -L $STATE/unconfirmed/$1 ]] || REPLY=$(readlink -- "$STATE/unconfirmed/$1")
}

# in_force NAME: REPLY is the link's target of the version in force, or NOTHING.
in_force() {
  REPLY=$NOTHING
  [[ ! -L $STATE/bundles/$1 ]] || REPLY=$(readlink -- "$STATE/bundles/$1")
}

# expect_confirmation NAME DIGEST: before the change. The same text again is a repair, with nothing to go back to.
expect_confirmation() {
  local window=${WANT["meta|confirm|"]-} digest=''
  [[ -n $window && -z $REVERTING && -z $STORED ]] || return 0
  if [[ ! -L $STATE/unconfirmed/$1 ]]; then
    [[ ! -r $STATE/bundles/$1/digest ]] || read -r digest <"$STATE/bundles/$1/digest"
    [[ $digest != "$2" ]] || return 0
    in_force "$1"
    ln -s -- "$REPLY" "$STATE/unconfirmed/$1"
    sync -- "$STATE/unconfirmed"
  fi
  arm "$1" "$window"
}

# await_confirmation NAME: from now on its window counts.
await_confirmation() {
  local window=${WANT["meta|confirm|"]-}
  [[ -n $window && -L $STATE/unconfirmed/$1 && -z $REVERTING ]] || return 0
  arm "$1" "$window"
  say "$1: goes back in $window s unless a new connection confirms it"
}

# arm NAME SECONDS: the deadline decides; a timer of an earlier one that has gone off already finds it moved.
arm() {
  local unit="ai-resource-manager-revert-$1-$$-$SECONDS"
  disarm "$1"
  uptime_seconds
  printf '%s %s\n' "$((REPLY + $2))" "$unit" >"$RUN/confirm-by%$1"
  systemd-run --quiet --collect --unit="$unit" --on-active="$2" --timer-property=AccuracySec=1s \
    --description="ai-resource-manager revert: the change of $1 waits for its confirmation" \
    "$SELF" revert
}

disarm() {
  local unit
  rm -f -- "$RUN/heard%$1"
  [[ -r $RUN/confirm-by%$1 ]] || return 0
  read -r _ unit <"$RUN/confirm-by%$1" || :
  systemctl stop -- "$unit.timer" 2>/dev/null || :
  rm -f -- "$RUN/confirm-by%$1"
}

# heard NAME: a confirmation that waits for the lock has come in time all the same.
heard() {
  [[ ! -r $RUN/confirm-by%$1 ]] || : >"$RUN/heard%$1"
}

# overdue NAME: nobody confirmed in time, or this is another boot.
overdue() {
  local deadline
  [[ ! -e $RUN/heard%$1 ]] || return 1
  [[ -r $RUN/confirm-by%$1 ]] || return 0
  read -r deadline _ <"$RUN/confirm-by%$1" || return 0
  uptime_seconds
  ((REPLY >= deadline))
}

forget_confirmation() {
  disarm "$1"
  rm -f -- "$STATE/unconfirmed/$1"
}

# confirm_bundle NAME DIGEST: what is in force is what was meant, and whoever says so has just connected.
confirm_bundle() {
  local stored=''
  [[ ! -r $STATE/bundles/$1/digest ]] || read -r stored <"$STATE/bundles/$1/digest"
  rm -f -- "$RUN/heard%$1"
  if [[ $stored != "$2" ]]; then
    error "the last change of $1 is not in force on this host: it went back because nobody confirmed it in time (journalctl -u 'ai-resource-manager-revert-*'). Run pulumi up again to apply it"
    return "$EXIT_FAILED"
  fi
  forget_confirmation "$1"
  drop_garbage
  say "$1: confirmed"
}

# settle_confirmation NAME: an apply that did not come to its end has nothing to confirm.
settle_confirmation() {
  local good
  last_good "$1"
  good=$REPLY
  in_force "$1"
  [[ -z $good || $good != "$REPLY" ]] || forget_confirmation "$1"
}

# revert_overdue: takes back every change that nobody confirmed in time.
revert_overdue() {
  local link name good status=0
  for link in "$STATE"/unconfirmed/*; do
    name=${link##*/}
    overdue "$name" || continue
    last_good "$name"
    good=$REPLY
    in_force "$name"
    if [[ $good != "$REPLY" ]]; then
      say "$name: nobody confirmed its last change in time, so it goes back"
      record_event back "$name" 'nobody confirmed its last change in time'
      go_back "$name" "$good" || { status=$?; continue; }
    fi
    forget_confirmation "$name"
  done
  drop_garbage
  return "$status"
}

# go_back NAME VERSION: as a version of its own, because the count of its applies never goes down.
go_back() {
  local status=0
  if [[ $2 == "$NOTHING" ]]; then
    remove_bundle "$1"
    return
  fi
  REVERTING=1
  cp -- "$STATE/unconfirmed/$1/bundle.yaml" "$SPOOL"
  apply_bundle "$1" "$SPOOL" || status=$?
  REVERTING=
  return "$status"
}

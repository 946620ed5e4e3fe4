# The transaction of apply: stage, preflight, converge, verify, commit by one rename; on failure back to the version before.
# Reads STATE, NAME, STORED, REVERTING; sets WANT, WAS, ANSWER, REPLY, FINDINGS.

# is_unchanged NAME DIGEST: the same bundle is in force, nothing was interrupted, and the machine shows all of it. A
# container may be another one than the one that was well.
is_unchanged() {
  local -a unfinished=("$STATE/journal/$1"@* "$STATE/removing/$1")
  ANSWER=
  stored_digest "$1"
  [[ -n $REPLY && $REPLY == "$2" && ! -L ${unfinished[0]} && ! -e $PENDING/reload && ! -e $STATE/disowned/$1 ]] || return 0
  load_want "$STATE/bundles/$1"
  verified
  [[ -n $ANSWER ]] || return 0
  containers_well
}

# apply_bundle NAME SPOOL: ends the run, or the attempt, unless the bundle is in force.
apply_bundle() {
  local spool=$2 folder digest generation
  NAME=$1 FINDINGS=()
  digest_of "$spool"
  digest=$REPLY
  is_unchanged "$NAME" "$digest"
  if [[ -n $ANSWER ]]; then
    remember_verdicts "$NAME"
    open_window "$NAME"
    say "$NAME: unchanged"
    tell_window "$NAME"
    return
  fi
  local -a drift=("${FINDINGS[@]}")
  next_generation "$NAME"
  generation=$REPLY folder=$STATE/versions/.$NAME@$generation
  stage_and_check "$spool" "$folder"
  attempt expect_confirmation "$NAME" "$digest"
  if ((STATUS != 0)); then
    abandon "$folder" "$EXIT_FAILED" 'the timer of its confirmation cannot be set'
  fi
  say "$NAME:"
  report_repairs "${drift[@]}"
  attempt change_over "$folder"
  ((STATUS == 0)) || roll_back "$generation" "$FAILURE"
  finish_apply "$generation" "${drift[@]}"
}

# stage_and_check SPOOL FOLDER: ends the run where the bundle cannot be applied; nothing was changed then.
stage_and_check() {
  local spool=$1 folder=$2 size
  size=$(stat -c %s -- "$spool")
  WANT=() PROBLEMS=()
  # The text itself, what is read from it, and as much again.
  preflight_writable WANT "$((4 * size))"
  refuse_problems "bundle $NAME was not applied"
  attempt stage "$NAME" "$spool" "$folder"
  ((STATUS == 0)) || abandon "$folder" "$STATUS" ''
  load_want "$folder"
  [[ ${WANT["meta|name|"]-} == "$NAME" && ${WANT["meta|bundle|"]-} == 1 ]] ||
    abandon "$folder" "$EXIT_USAGE" "this is format ${WANT["meta|bundle|"]:-unknown} of bundle \"${WANT["meta|name|"]-}\", not format 1 of \"$NAME\""
  load_was "$NAME"
  look
  preflight
  ((${#PROBLEMS[@]} == 0)) || remove_path "$folder"
  refuse_problems "bundle $NAME was not applied"
}

# abandon FOLDER STATUS WHY: before anything was changed.
abandon() {
  settle_confirmation "$NAME"
  remove_path "$1"
  [[ -z $3 ]] || error "$3"
  die "$2" "bundle $NAME was not applied; nothing was changed"
}

report_repairs() {
  local line
  for line in "$@"; do
    split_tabs "$line"
    say "  found ${FIELDS[1]} ${FIELDS[2]}: ${FIELDS[6]}"
  done
}

# change_over FOLDER: an attempt. From its beginning on a killed run is an interrupted one, which the next run heals.
change_over() {
  local version=${1##*/.}
  mv -T -- "$1" "$STATE/versions/$version" || fail "$STATE cannot be written"
  ln -s -- "../versions/$version" "$STATE/journal/$version" || fail "$STATE cannot be written"
  sync -- "$STATE/versions/$version"/{,blobs/}* "$STATE"/{"versions/$version",versions,journal} ||
    fail "$STATE cannot be written to the disk"
  load_want "$STATE/versions/$version"
  converge
  verified
  [[ -n $ANSWER ]] || fail "$REPLY"
  remember_merged "$STATE/versions/$version"
  # Verdicts before the commit, which a failure of theirs must not undo.
  remember_verdicts "$NAME"
  warn_overridden
  warn_of_earlier
  warn_of_replaced_variables
  warn_of_other_swap
  commit "$version"
}

# commit VERSION: one rename. Before it the old version is in force, after it the new one.
commit() {
  remember_version "$NAME" "$STATE/versions/$1"
  make_durable
  rename_path "$STATE/journal/$1" "$STATE/bundles/$NAME"
  forget_journal "$NAME"
  remove_path "$STATE/reverted/$NAME"
  # A repair, or going back, makes nobody its owner.
  if [[ -z $STORED && -z $REVERTING ]]; then remove_path "$STATE/disowned/$NAME"; fi
  remember_order
  drop_garbage
}

# finish_apply GENERATION [FINDING...]: what is told after the commit.
finish_apply() {
  record_event applied "$NAME" "generation $1"
  record_findings repaired "${@:2}"
  remember_deployment "$NAME"
  load_want "$STATE/bundles/$NAME"
  attempt open_window "$NAME"
  ((STATUS == 0)) || end_in_force "$1"
  say "$NAME: applied (generation $1)"
  tell_window "$NAME"
}

# end_in_force GENERATION: ends the run, after the commit and before its end.
end_in_force() {
  error "bundle $NAME: generation $1 is in force, but its run did not come to its end. Run it again"
  exit "$EXIT_FAILED"
}

# roll_back GENERATION WHY: back to the version in force before, or to nothing; always ends the run.
roll_back() {
  local version=$STATE/versions/$NAME@$1
  record_event failed "$NAME" "$2"
  [[ ! $version -ef $STATE/bundles/$NAME ]] || end_in_force "$1"
  current_version "$NAME"
  if [[ -n $REPLY ]]; then
    generation_of "$REPLY"
    say "$NAME: rolling back to generation $REPLY"
  else
    say "$NAME: rolling back to what was there before"
  fi
  attempt undo
  if ((STATUS == 0)); then
    leave_when_last
    error "bundle $NAME was rolled back; run ai-resource-manager verify to see what is in force"
  else
    # Whatever it was that failed: the owner's swap is not to wait for the next run.
    attempt return_swaps
    error "the rollback of $NAME is not complete; the next run continues it"
  fi
  exit "$EXIT_FAILED"
}

# undo: an attempt; what is in force of NAME is so again, and no run of it is unfinished.
undo() {
  ROLLING_BACK=1
  load_was "$NAME"
  current_version "$NAME"
  load_want "$REPLY"
  converge
  verified
  [[ -n $ANSWER ]] || fail "$REPLY"
  remember_verdicts "$NAME"
  if [[ ! -L $STATE/bundles/$NAME ]]; then
    forget_versions "$NAME"
    remember_order
  fi
  forget_journal "$NAME"
  settle_confirmation "$NAME"
  drop_garbage
}

warn_overridden() {
  local key
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    overriding_sysctl "$key"
    [[ -z $REPLY ]] || warn "$key is $REPLY: it holds now and is lost at the next boot. Remove the line there"
  done
}

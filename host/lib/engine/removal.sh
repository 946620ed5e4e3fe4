# Removal: gives back what was there before. Already absent is success.
# Reads STATE, RUN, SELF, NEW_STORE, AFTER_BOOT.

# remove_bundle NAME [OWNER]: ends the run unless it is gone, or was never OWNER's.
remove_bundle() {
  local owner=${2-}
  local -a begun=("$STATE/journal/$1"@*)
  NAME=$1
  is_anothers "$NAME" "$owner"
  if [[ -n $ANSWER ]]; then
    say "$NAME: belongs to \"$REPLY\" now and not to \"$owner\", so nothing was removed"
    return
  fi
  ((${#begun[@]} == 0)) || [[ -L $STATE/bundles/$NAME || -L $STATE/removing/$NAME ]] || die "$EXIT_FAILED" "an interrupted apply of $NAME could not be undone (see above): mend that, then run this again"
  if [[ ! -L $STATE/bundles/$NAME && ! -L $STATE/removing/$NAME ]]; then
    leave_when_last
    say "$NAME: already absent"
    return
  fi
  [[ $NAME != manager ]] || refuse_others
  load_was "$NAME"
  WANT=()
  preflight_removal
  refuse_problems "bundle $NAME was not removed"
  say "$NAME:"
  [[ ! -L $STATE/bundles/$NAME ]] || rename_path "$STATE/bundles/$NAME" "$STATE/removing/$NAME"
  attempt finish_removal
  if ((STATUS != 0)); then
    record_event failed "$NAME" "it cannot be removed: $FAILURE"
    die "$EXIT_FAILED" "bundle $NAME is not removed: what is said above is in the way. Run ai-resource-manager remove $NAME again"
  fi
  leave_when_last
  say "$NAME: removed"
}

# refuse_others: the manager goes last, after all that needs it to be given back.
refuse_others() {
  local other
  local -a others=()
  stored_bundles
  unfinished_runs
  for other in "${BUNDLES[@]}"; do [[ $other == manager ]] || others+=("$other"); done
  for other in "${UNFINISHED[@]}"; do
    [[ $other == manager || " ${others[*]} " == *" $other "* ]] || others+=("$other")
  done
  ((${#others[@]} == 0)) ||
    die "$EXIT_USAGE" "the manager goes last, and these are still applied, or not yet given back: ${others[*]}. Remove them first"
}

# finish_removal: an attempt, of NAME.
finish_removal() {
  # Whoever removes has nothing to confirm any more, and nothing to go back to.
  forget_confirmation "$NAME"
  load_was "$NAME"
  load_want ''
  converge
  forget_versions "$NAME"
  LIMITS=()
  remember_verdicts "$NAME"
  remove_path "$STATE/disowned/$NAME" "$STATE/reverted/$NAME"
  forget_journal "$NAME"
  remember_order
  drop_garbage
}

# leave_when_last: nothing is applied any more, so the manager's own folder goes too, and the manager itself last.
leave_when_last() {
  local self=''
  stored_bundles
  unfinished_runs
  ((${#BUNDLES[@]} == 0 && ${#UNFINISHED[@]} == 0)) || return 0
  original files "$SELF"
  # Installed and without a store: a removal was killed between the last two commands.
  if [[ -n $NEW_STORE && $NAME == manager && $0 == "$SELF" || ${RECORD[0]-} == absent ]]; then self=$SELF; fi
  [[ -z ${RECORD[0]-} ]] || forget_original files "$SELF"
  stop_timer "$AFTER_BOOT"
  drop_store
  remove_path "$RUN"
  [[ -z $self ]] || remove_path "$self"
}

# drop_store: all of it but what somebody wrote into our files, and what was kept and never given back, which are not ours
# to delete.
drop_store() {
  local part noun='files'
  local -a kept=("$STATE"/displaced/*) originals=("$STATE"/originals/*.data)
  for part in "$STATE"/* "$STATE"/.[!.]*; do
    case ${part##*/}:${#kept[@]}:${#originals[@]} in
      displaced:[1-9]* | originals:*:[1-9]*) ;;
      *) remove_path "$part" ;;
    esac
  done
  ((${#originals[@]} == 0)) || warn "kept in $STATE/originals what was never given back: ${#originals[@]} of your files. When nobody needs them: rm -r $STATE"
  if ((${#kept[@]} == 0)); then
    ((${#originals[@]} > 0)) || remove_path "$STATE"
    return
  fi
  ((${#kept[@]} != 1)) || noun='file'
  say "kept ${#kept[@]} edited $noun in $STATE/displaced; when nobody needs them: rm -r $STATE"
}

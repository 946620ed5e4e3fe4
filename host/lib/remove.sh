# remove: gives back what was there before. Already absent is success.

remove_bundle() {
  local name=$1
  NAME=$name
  if [[ ! -L $STATE/bundles/$name && ! -L $STATE/removing/$name ]]; then
    say "$name: already absent"
    leave_when_last
    return 0
  fi
  if [[ $name == manager ]]; then
    stored_bundles
    local -a others=()
    local other
    for other in "${BUNDLES[@]}"; do [[ $other == manager ]] || others+=("$other"); done
    ((${#others[@]} == 0)) || die "$EXIT_USAGE" "the manager goes last, and these are still applied: ${others[*]}. Remove them first"
  fi
  say "$name:"
  [[ ! -L $STATE/bundles/$name ]] || mv -T -- "$STATE/bundles/$name" "$STATE/removing/$name"
  finish_removal "$name" || return
  say "$name: removed"
  leave_when_last
}

finish_removal() {
  local link
  NAME=$1
  load_was "$1"
  load_want ''
  if ! converge; then
    error "bundle $1 cannot be removed: $REPLY. Run ai-resource-manager remove $1 again"
    return "$EXIT_FAILED"
  fi
  forget_confirmation "$1"
  forget_versions "$1"
  LIMITS=()
  remember_verdicts "$1"
  rm -f -- "$STATE/removing/$1"
  for link in "$STATE/journal/$1"@*; do rm -f -- "$link"; done
  remember_order
  drop_garbage
}

# leave_when_last: nothing is applied any more, so the manager's own folder goes too, and the manager itself last.
leave_when_last() {
  local self=''
  stored_bundles
  ((${#BUNDLES[@]} == 0)) || return 0
  # Installed and without a store: a removal was killed between the two commands below.
  if [[ -n $NEW_STORE && $NAME == manager && $0 == "$SELF" ]] || { original files "$SELF" && [[ ${RECORD[0]} == absent ]]; }; then self=$SELF; fi
  drop_store
  rm -rf -- "$RUN"
  [[ -z $self ]] || rm -f -- "$self"
}

# drop_store: all of it but what somebody wrote into our files, which is not ours to delete.
drop_store() {
  local part noun='files'
  local -a kept=("$STATE"/displaced/*)
  if ((${#kept[@]} == 0)); then
    rm -rf -- "$STATE"
    return
  fi
  for part in "$STATE"/* "$STATE"/.[!.]*; do [[ $part == "$STATE/displaced" ]] || rm -rf -- "$part"; done
  ((${#kept[@]} != 1)) || noun='file'
  say "kept ${#kept[@]} edited $noun in $STATE/displaced; when nobody needs them: rm -r $STATE"
}

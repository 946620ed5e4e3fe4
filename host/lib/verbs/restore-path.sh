# restore PATH: a file as it was. What stands in its place is kept in its turn.
# Reads FIELDS (the backup that was chosen), WAS; sets REPLY, ANSWER.

# restore_path PATH AT: nothing is moved before what comes is beside its place.
restore_path() {
  local path=$1 source owner merged when='' kept
  pick_backup 'original edited' "$path" "$2"
  if [[ -z ${FIELDS[0]-} ]]; then
    [[ $2 == "$ANY_TIME" ]] || printf -v when ' as of %(%F %T)T' "$2"
    die "$EXIT_USAGE" "nothing is kept of $path$when. See: ai-resource-manager backups"
  fi
  refuse_damaged
  source=${FIELDS[3]}
  refuse_mount "$path"
  owner_of json "$path" ''
  merged=$REPLY
  owner_of files "$path" ''
  owner=$REPLY
  must_be_kept "$path" "$source" "$owner"
  kept=$ANSWER
  touches_units "$path"
  [[ -z $ANSWER ]] || mark_reload
  if [[ -n $kept ]]; then put_in_place_of "$path" "$source"; else copy_file "$source" "$path"; fi
  say "restored $path from $source"
  reload_if_pending
  if [[ -n $owner ]]; then
    warn "$path belongs to the bundle $owner: this is drift until the next apply, which keeps it once more"
  elif [[ -n $merged ]]; then
    warn "$path has keys of the bundle $merged: they are drift until the next apply, which sets them again"
  fi
}

# refuse_mount PATH: nothing can take the place of what is mounted.
refuse_mount() {
  mount_of "$1"
  [[ $MOUNT != "$1" ]] || die "$EXIT_USAGE" "something is mounted at $1, and nothing can take its place: unmount it, then run this again"
}

# must_be_kept PATH SOURCE BUNDLE: whether what stands there is neither what comes, nor what the bundle that has the file,
# if there is one, wrote.
must_be_kept() {
  local path=$1 source=$2 bundle=$3
  ANSWER=
  [[ -e $path || -L $path ]] || return 0
  same_content "$path" "$source"
  if [[ -z $ANSWER && -n $bundle ]]; then
    load_was "$bundle"
    observe_files WAS
    was_ours "$path"
  fi
  if [[ -n $ANSWER ]]; then ANSWER=; else ANSWER=yes; fi
}

# put_in_place_of PATH SOURCE: what stands there is kept before it gives way, a file in one step. Only then the oldest of
# what is kept go: SOURCE may be one of them.
put_in_place_of() {
  local path=$1 kept
  if [[ -d $path && ! -L $path ]]; then
    prepare_copy "$2" "$path"
    make_way "$path"
    place_prepared
    return
  fi
  displaced_name "$path"
  kept=$REPLY
  prepare_copy "$path" "$kept"
  prepare_copy "$2" "$path"
  place_prepared
  say "  kept what stood at $path as $kept"
  remember_displaced "$kept"
}

# Files, given back: the original is put back, compared, and only then forgotten.
# Reads WAS, WANT, SELF; sets REFUSED (paths whose original is damaged), ANSWER.

declare -a REFUSED=()

# give_back_files: those that WAS has and WANT has not.
give_back_files() {
  local path
  local -a gone leaving=()
  REFUSED=()
  gone_entries files
  gone=("${ENTRIES[@]}")
  for path in "${gone[@]}"; do
    beside "$path"
    remove_path "$REPLY"
    original files "$path"
    if [[ -z ${RECORD[0]-} ]]; then
      # Of a run that was killed before it recorded the original, and so before it changed anything.
      drop_copy
      forget_original files "$path"
      continue
    fi
    # While anything is still to be done, the program that does it stays.
    [[ $path != "$SELF" || ${RECORD[0]} != absent ]] || continue
    changed_file "$path" changed
    if [[ ${RECORD[0]} == kept ]]; then put_back_file "$path"; else leaving+=("$path"); fi
  done
  remove_files "${leaving[@]}"
  refuse_damaged_originals
  ((${#gone[@]} == 0)) || remove_empty_folders
}

# put_back_file PATH: on the disk beside its place before what stands there gives way.
put_back_file() {
  local path=$1 copy
  original files "$path"
  copy=${RECORD[1]--}
  is_sound
  if [[ -z $ANSWER ]]; then
    REFUSED+=("$path")
    return
  fi
  prepare_copy "$ORIGINAL.data" "$path"
  is_edited "$path"
  if [[ -n $ANSWER ]]; then make_way "$path"; fi
  place_prepared
  original files "$path"
  same_content "$ORIGINAL.data" "$path"
  [[ -n $ANSWER ]] || fail "$path was put back, and is not what was kept of it in $ORIGINAL.data, which stays"
  say "  put back $path"
  [[ $copy == - ]] || remove_unit_copy "$copy"
  forget_original files "$path"
}

# remove_files PATH...: nothing was there before; what somebody wrote into ours is kept.
remove_files() {
  local path
  for path in "$@"; do
    is_edited "$path"
    [[ -z $ANSWER ]] || displace "$path"
  done
  remove_path "$@"
  for path in "$@"; do
    say "  removed $path"
    forget_original files "$path"
  done
}

# is_sound: whether the data of ORIGINAL is what was recorded. A link has no checksum, nor has a folder.
is_sound() {
  local recorded sum
  ANSWER=
  [[ -e $ORIGINAL.data || -L $ORIGINAL.data ]] || return 0
  first_line "$ORIGINAL.sha256"
  recorded=$REPLY
  if [[ -n $recorded ]]; then
    [[ -f $ORIGINAL.data && ! -L $ORIGINAL.data ]] || return 0
    sum=$(sha256sum <"$ORIGINAL.data")
    [[ ${sum%% *} == "$recorded" ]] || return 0
  fi
  ANSWER=yes
}

# damaged_original PATH: REPLY says what is the matter with the original in ORIGINAL, and what to do.
damaged_original() {
  if [[ -e $ORIGINAL.data || -L $ORIGINAL.data ]]; then
    REPLY="what was kept of $1, $ORIGINAL.data, is damaged: its checksum is not the recorded one. It is not put back. Put a good copy in its place, or accept it as it is (rm '$ORIGINAL.sha256'), then run this again"
  else
    REPLY="what was kept of $1, $ORIGINAL.data, is gone. Put a copy of that file in its place (or what stands at $1 now, to keep that), remove '$ORIGINAL.sha256', then run this again"
  fi
}

# refuse_damaged_originals: when all the others are given back.
refuse_damaged_originals() {
  local path text=''
  for path in "${REFUSED[@]}"; do
    original files "$path"
    damaged_original "$path"
    text+="${text:+; }$REPLY"
  done
  [[ -z $text ]] || fail "$text"
}

# preflight_originals: that what WAS has and WANT has not can be given back is known before anything changes.
preflight_originals() {
  local section path
  for section in files json; do
    gone_entries "$section"
    for path in "${ENTRIES[@]}"; do
      original "$section" "$path"
      [[ ${RECORD[0]-} == kept ]] || continue
      is_sound
      [[ -z $ANSWER ]] || continue
      damaged_original "$path"
      problem "$REPLY"
    done
  done
}

# remove_empty_folders: those that came with our files and hold nothing any more, deepest first.
remove_empty_folders() {
  local record line folder
  local -a made=() held
  local -i i
  for record in "$STATE"/originals/folders%*; do
    first_line "$record"
    line=$REPLY
    # Without its end, the folder was not made yet.
    if [[ $line == *$'\tend' ]]; then made+=("${line%%$'\t'*}"); else remove_path "$record"; fi
  done
  sort_words "${made[@]}"
  for ((i = ${#SORTED[@]} - 1; i >= 0; i--)); do
    folder=${SORTED[i]}
    if [[ -d $folder && ! -L $folder ]]; then
      held=("$folder"/* "$folder"/.[!.]* "$folder"/..?*)
      ((${#held[@]} == 0)) || continue
      mount_of "$folder"
      [[ $MOUNT != "$folder" ]] || continue
      rmdir -- "$folder" || fail "the folder $folder is empty and cannot be removed"
    fi
    forget_original folders "$folder"
  done
}

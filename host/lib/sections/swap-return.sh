# Swap files, given back: ours goes, the owner's come back as they were. Each step can be repeated after a kill.
# Reads WAS, WANT, SEEN_SWAP; sets RECORD, REMEMBERED, REPLY.

# give_back_swap_files: those that WAS has and WANT has not.
give_back_swap_files() {
  local path
  gone_entries swapFiles
  ((${#ENTRIES[@]} > 0)) || return 0
  observe_swaps
  for path in "${ENTRIES[@]}"; do
    original swapFiles "$path"
    # Without a record, nothing was changed.
    [[ -z ${RECORD[0]-} ]] || give_back_swap_file "$path"
  done
}

# give_back_swap_file PATH
give_back_swap_file() {
  local path=$1 aside=${RECORD[0]} theirs receipt="removed the swap file $1"
  drop_half_made "$path.goblin-new"
  drop_bridge "$path"
  theirs_at "$path"
  theirs=$ANSWER
  if [[ -z $theirs && -e $path ]]; then
    [[ -z ${SEEN_SWAP[$path]-} ]] || swap_off "$path"
    is_swap "$path"
    if [[ -n $ANSWER ]]; then
      remove_path "$path"
    else
      receipt="kept $path, which is no swap file any more"
    fi
  fi
  if [[ $aside != - && -e $aside ]]; then
    [[ ! -e $path ]] || fail "$path is no swap file any more, so it stays, and the one that stood there before waits as $aside. Move it away, then run this again"
    rename_path "$aside" "$path"
  fi
  edit_fstab give-back
  remembered_paths "${RECORD[1]-}"
  remember_to_return
  forget_original swapFiles "$path"
  say "  $receipt"
}

# remember_to_return: before the record goes, what is REMEMBERED is noted: it comes back only after the reload.
remember_to_return() {
  local file note
  for file in "${REMEMBERED[@]}"; do
    note=${file//%/%25}
    prepare_text "$PENDING/swapon%${note//\//%2F}" 0600 "$file"$'\n'
  done
  place_prepared
}

# return_swaps: after the reload, the owner's own swap files are on again. What cannot be switched on is said, and tried
# again by the next run.
return_swaps() {
  local note file
  local -a notes=("$PENDING"/swapon%*)
  ((${#notes[@]} > 0)) || return 0
  observe_swaps
  for note in "${notes[@]}"; do
    text_of "$note"
    file=${REPLY%$'\n'}
    if [[ -n $file && -z ${SEEN_SWAP[$file]-} ]]; then
      switch_on_again "$file"
      [[ -n $ANSWER ]] || continue
    fi
    remove_path "$note"
  done
}

# switch_on_again FILE: as fstab has it; ANSWER is empty where it is to be tried again.
switch_on_again() {
  local file=$1 said
  local -a flags=()
  ANSWER=yes
  if [[ ! -e $file ]]; then
    warn "$file was swapped to before, and is not there any more"
    return
  fi
  options_of "$file"
  [[ -z $REPLY ]] || flags=(-o "$REPLY")
  # By itself, not by its unit, for which systemd may wait at boot: whatever is on is systemd's unit, too.
  if ! said=$(swapon "${flags[@]}" -- "$file" 2>&1); then
    ANSWER=
    warn "$file was swapped to before and cannot be switched on again: ${said#swapon: }. Mend it, and the next run switches it on (ai-resource-manager apply --stored, or now: swapon '$file'); where nobody needs it any more, delete it"
    return
  fi
  observe_swaps
  if [[ -n ${SEEN_SWAP[$file]-} ]]; then
    say "  swap file $file is on again"
  else
    ANSWER=
    warn "$file was swapped to before and is not on after swapon; the next run tries again"
  fi
}

# options_of FILE: REPLY is how fstab switches it on; empty where it is not there.
options_of() {
  local -i i
  fstab_swap_files
  REPLY=
  for ((i = 0; i < ${#FSTAB[@]}; i++)); do
    [[ ${FSTAB[i]} != "$1" ]] || REPLY=${FSTAB_OPTIONS[i]}
  done
}

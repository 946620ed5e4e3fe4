# Folders, changed and given back. What they were is recorded; one that this project made goes again when it is empty.
# Reads WANT, WAS, SEEN_FOLDER; sets SEEN_FOLDER.

change_folders() {
  local path receipt
  local -a changed=() receipts=()
  local -i i
  entries WANT folders
  for path in "${ENTRIES[@]}"; do
    folder_state "$path"
    ((${#DIFFERS[@]} > 0)) || continue
    receipt="set ${DIFFERS[0]} of $path"
    [[ ${DIFFERS[0]} != folder ]] || receipt="made $path"
    capture_folder "$path"
    bring_folder "$path"
    changed+=("$path")
    receipts+=("$receipt")
  done
  look_at_folders "${changed[@]}"
  for ((i = 0; i < ${#changed[@]}; i++)); do
    path=${changed[i]}
    folder_state "$path"
    ((${#DIFFERS[@]} == 0)) || fail "$path does not become as declared: ${DIFFERS[0]} is ${DIFFERS[2]}, not ${DIFFERS[1]} (its filesystem may not keep it: findmnt -T $path)"
    say "  ${receipts[i]}"
  done
}

# capture_folder PATH: on the disk before the change.
capture_folder() {
  local path=$1 kind mode numbers
  answers "$path"
  original folderState "$path"
  [[ -z ${RECORD[0]-} ]] || return 0
  capture_parents "$path"
  read -r kind mode numbers _ <<<"${SEEN_FOLDER[$path]-}"
  if [[ $kind == directory ]]; then
    record_original folderState "$path" kept "$mode" "$numbers"
  else
    record_original folderState "$path" absent
  fi
  make_durable
}

# bring_folder PATH
bring_folder() {
  local path=$1 kind wanted
  folder_kind "$path"
  kind=$REPLY
  [[ -z $kind || $kind == directory ]] || fail "$path is a ${kind//-/ }, not a folder. Move it away, then run this again"
  enter_folder "$path" make
  wanted=${WANT["folders|$path|owner"]-}
  [[ -z $wanted ]] || chown -- "$wanted" . || fail "$path cannot be given to $wanted"
  wanted=${WANT["folders|$path|mode"]-}
  [[ -z $wanted ]] || chmod -- "$wanted" . || fail "$path cannot be given the mode $wanted"
  cd /
}

# enter_folder PATH [make]: it is the working folder then, whatever is renamed meanwhile. A folder on the way may be a
# service's, whose user can put a link in its place at any moment.
enter_folder() {
  local folder=${1%/*}
  local -a parents=(/)
  while [[ -n $folder && ! -L $folder ]]; do
    [[ ! -d $folder ]] || parents+=("$folder")
    folder=${folder%/*}
  done
  if [[ -z $folder ]]; then others_write "${parents[@]}"; else ANSWER=yes; fi
  if [[ -n $ANSWER ]]; then
    walk_to "$@"
    return
  fi
  [[ -d $1 || -z ${2-} ]] || mkdir -p -- "$1" || fail "$1 cannot be made"
  cd -P -- "$1" || fail "$1 cannot be entered"
}

# walk_to PATH [make]: the same from / down, a folder at a time: a link is followed only where nobody but root can put one.
walk_to() {
  local way=${1#/}/ part seen
  local -i followed=0
  cd /
  while [[ -n $way ]]; do
    part=./${way%%/*} way=${way#*/}
    [[ $part != ./ ]] || continue
    if [[ -L $part ]]; then
      others_write .
      [[ -z $ANSWER ]] || fail "$1 cannot be reached: ${part#./}, on the way, is a link that others than root may replace. Put a folder in its place, then run this again"
      followed+=1
      ((followed <= 40)) || fail "$1 cannot be reached: the links on the way lead in a circle"
      part=$(readlink -- "$part")
      [[ $part != /* ]] || cd /
      way=$part/$way
      continue
    fi
    [[ -d $part || -z ${2-} ]] || mkdir -- "$part" || fail "$1 cannot be made"
    seen=$(exec stat -c '%d:%i' -- "$part")
    cd -P -- "$part" || fail "$1 cannot be entered"
    part=$(exec stat -c '%d:%i' .)
    [[ $part == "$seen" ]] || fail "$1 cannot be reached: a folder on the way is being replaced. Run this again"
  done
}

# give_back_folders: one that this project made goes when it is empty; another gets its mode and owner back.
give_back_folders() {
  local path kind
  local -a gone
  gone_entries folders
  gone=("${ENTRIES[@]}")
  for path in "${gone[@]}"; do
    original folderState "$path"
    [[ -n ${RECORD[0]-} ]] || continue
    answers "$path"
    folder_kind "$path"
    kind=$REPLY
    # What is no folder any more is its owner's, as it is.
    if [[ $kind == directory && ${RECORD[0]} == kept ]]; then
      give_back_owner "$path" "${RECORD[1]}" "${RECORD[2]}"
    elif [[ $kind == directory ]]; then
      leave_folder "$path"
    fi
    forget_original folderState "$path"
  done
  ((${#gone[@]} == 0)) || remove_empty_folders
}

# give_back_owner PATH MODE UID:GID
give_back_owner() {
  local kind mode numbers
  printf -v mode '%04o' "0$2"
  enter_folder "$1"
  # In this order: a change of the owner takes set-user and set-group bits away.
  chown -- "$3" . || fail "$1 cannot be given back to $3"
  chmod -- "$mode" . || fail "$1 cannot be given back its mode $mode"
  cd /
  look_at_folders "$1"
  read -r kind mode numbers _ <<<"${SEEN_FOLDER[$1]-}"
  [[ "$kind $mode $numbers" == "directory $2 $3" ]] || fail "$1 was given back its mode $2 and owner $3, and has ${mode:-none} and ${numbers:-none}"
}

# leave_folder PATH: what a program of ours left below /run would be gone with the next boot; models may lie there all
# the same.
leave_folder() {
  local path=$1 what='is not empty'
  local -a held=("$1"/* "$1"/.[!.]* "$1"/..?*)
  is_mount_or_has_one "$path"
  if [[ -n $ANSWER ]]; then
    what='is a mount, or has one in it'
  elif ((${#held[@]} == 0)); then
    enter_folder "${path%/*}"
    rmdir -- "./${path##*/}" || fail "the folder $path is empty and cannot be removed"
    cd /
    what=
  elif [[ ${WAS["folders|$path|data"]-} == true ]]; then
    what='holds data. When nobody needs it: rm -r '"$path"
  elif [[ $path == /run/?* ]]; then
    enter_folder "${path%/*}"
    rm -rf --one-file-system -- "./${path##*/}" || fail "the folder $path cannot be removed"
    cd /
    what=
  fi
  if [[ -z $what ]]; then say "  removed $path"; else say "  kept $path: it $what"; fi
}

# is_mount_or_has_one PATH
is_mount_or_has_one() {
  local point line REPLY
  ANSWER=
  while read -r _ _ _ _ point line; do
    decode_octal "$point"
    [[ $REPLY != "$1" && $REPLY != "$1"/* ]] || ANSWER=yes
  done </proc/self/mountinfo
}

# Files: written beside their place and renamed into it; what was there before is kept as the original.

# content_of ARRAY PATH: REPLY is the content that the loaded bundle gives PATH on this machine.
content_of() {
  local -n bundle=$1
  IFS= read -r -d '' REPLY <"${bundle["files|$2|dir"]}/blobs/${bundle["files|$2|blob"]}" || :
  [[ ${bundle["files|$2|expand"]-} != true ]] || expand_tokens "$REPLY"
}

# holds_content ARRAY PATH: whether the file at PATH has the content that the loaded bundle gives it.
holds_content() {
  local -n which=$1
  local actual
  if [[ ${which["files|$2|expand"]-} == true ]]; then
    content_of "$1" "$2"
    IFS= read -r -d '' actual <"$2" || :
    [[ $actual == "$REPLY" ]]
  else
    [[ ${SEEN_SHA[$2]-} == "${which["files|$2|sha256"]-}" ]]
  fi
}

# was_ours PATH: whether what stands at PATH is what an earlier version of this bundle wrote, or is kept already.
was_ours() {
  [[ ${SEEN_FILE[$1]-} == regular* ]] || return 1
  [[ -z ${SEEN_SHA[$1]-} || ${WAS["files|$1|known"]-} != *" ${SEEN_SHA[$1]} "* ]] || return 0
  # A killed run may have kept the original and written nothing yet.
  original files "$1" && [[ ${RECORD[0]} == kept ]] || return 1
  original_id files "$1"
  cmp -s -- "$REPLY.data" "$1"
}

# file_state PATH: REPLY is empty when the file is as wanted, else what is wrong with it.
file_state() {
  local path=$1 found=${SEEN_FILE[$1]-} mode=${WANT["files|$1|mode"]} actual
  REPLY=
  if [[ -z $found ]]; then
    REPLY=missing
  elif [[ $found != regular* ]]; then
    REPLY="a ${found%% *}"
  elif holds_content WANT "$path"; then
    REPLY=
  else
    REPLY='content differs'
  fi
  if [[ -z $REPLY ]]; then
    read -r _ actual _ <<<"$found"
    if [[ $actual != "${mode#0}" && 0$actual != "$mode" ]]; then
      REPLY="mode $actual"
    elif [[ ${found##* } != 0:0 ]]; then
      REPLY="owner ${found##* }"
    fi
  fi
}

# capture_parents PATH: remembers which of its parent folders do not exist yet.
capture_parents() {
  local parent=${1%/*}
  while [[ -n $parent && ! -d $parent ]]; do
    record_original folders "$parent" "$parent"
    parent=${parent%/*}
  done
}

# capture_file PATH: remembers what stands at PATH, and which of its parent folders do not exist yet.
capture_file() {
  local path=$1 data copy='-'
  original files "$path" && return 0
  capture_parents "$path"
  original_id files "$path"
  data=$REPLY.data
  if [[ ! -e $path && ! -L $path ]]; then
    record_original files "$path" absent
    return
  fi
  drop_copy "$REPLY"
  if is_ours "$path"; then
    # Of a store that is gone: put back at removal it would be ours for ever.
    displace "$path"
    record_original files "$path" absent
    return
  fi
  original_id files "$path"
  keep_data "$path" "$REPLY"
  if [[ $path == /etc/systemd/system/* ]]; then
    printf -v copy '%s.backup.%(%Y%m%dT%H%M%S)T' "$path" -1
    printf '%s\n' "$copy" >"${data%.data}.copy"
    cp -a -- "$path" "$copy"
    sync_copy "$copy"
    say "  backed up $path as $copy"
  fi
  record_original files "$path" kept "$copy"
}

# is_ours PATH: whether a file says of itself that this project wrote it.
is_ours() {
  local line
  local -i number
  [[ -f $1 && ! -L $1 ]] || return 1
  for number in 1 2 3; do
    IFS= read -r line || return 1
    [[ $line != '# Written by goblin-host.'* ]] || return 0
  done <"$1" 2>/dev/null
  return 1
}

# forget_half_kept SECTION PATH: what a run left that was killed before it recorded the original.
forget_half_kept() {
  original_id "$1" "$2"
  drop_copy "$REPLY"
  forget_original "$1" "$2"
}

# drop_copy ID: the copy of a run that was killed before it recorded the original.
drop_copy() {
  local copy
  [[ -r $1.copy ]] || return 0
  read -r copy <"$1.copy" || :
  rm -f -- "$copy" "$1.copy"
}

# keep_edited PATH: what was ours and somebody changed is theirs: their version is kept.
keep_edited() {
  [[ -e $1 || -L $1 ]] || return 0
  was_ours "$1" || displace "$1"
}

# write_beside TEMPORARY MODE CONTENT
write_beside() {
  if [[ $2 == 0644 ]]; then
    printf '%s' "$3" 2>/dev/null >"$1"
  else
    (umask 077 && printf '%s' "$3" 2>/dev/null >"$1") && chmod "$2" -- "$1"
  fi
}

write_file() {
  local path=$1 mode=${WANT["files|$1|mode"]} temporary
  temporary=${path%/*}/.${path##*/}.goblin-new
  ! has WAS files "$path" || keep_edited "$path"
  [[ -d ${path%/*} ]] || mkdir -p -- "${path%/*}"
  content_of WANT "$path"
  # On a disk that has just become full half a file must not take the place of a whole one.
  if ! write_beside "$temporary" "$mode" "$REPLY" || ! sync_manager "$path" "$temporary" ||
    ! mv -T -- "$temporary" "$path"; then
    rm -f -- "$temporary"
    REPLY="$path cannot be written"
    return 1
  fi
  WRITTEN+=("$path")
  say "  wrote $path"
}

# sync_manager PATH TEMPORARY: what heals the host after a power cut must not have been left empty by it.
sync_manager() {
  [[ $1 != "$SELF" ]] || sync -- "$2"
}

# restore_file PATH: puts the original back.
restore_file() {
  local path=$1
  rm -f -- "${path%/*}/.${path##*/}.goblin-new"
  original files "$path" || return 0
  keep_edited "$path"
  original files "$path"
  original_id files "$path"
  case ${RECORD[0]} in
    absent)
      rm -f -- "$path"
      say "  removed $path"
      ;;
    kept)
      cp -a --remove-destination -T -- "$REPLY.data" "$path.goblin-new" && sync_copy "$path.goblin-new" &&
        mv -T -- "$path.goblin-new" "$path"
      say "  put back $path"
      [[ ${RECORD[1]} == - ]] || rm -f -- "${RECORD[1]}"
      ;;
  esac
  forget_original files "$path"
}

# remove_empty_folders: those that came with our files and hold nothing any more, deepest first.
remove_empty_folders() {
  local record folder
  local -a folders=()
  for record in "$STATE"/originals/folders%*; do
    IFS=$'\t' read -r folder _ <"$record" || :
    folders+=("$folder")
  done
  sort_words "${folders[@]}"
  local -i i
  for ((i = ${#SORTED[@]} - 1; i >= 0; i--)); do
    folder=${SORTED[i]}
    if [[ ! -d $folder ]] || rmdir -- "$folder" 2>/dev/null; then forget_original folders "$folder"; fi
  done
}

# touches_units PATH: whether systemd must be told.
touches_units() {
  [[ $1 == /etc/systemd/system/* || $1 == /etc/systemd/zram-generator.conf || $1 == /etc/fstab ]]
}

# changed_file PATH: what must follow a change of PATH is remembered before it happens.
changed_file() {
  local path=$1 unit
  ! touches_units "$path" || mark_pending reload
  for unit in "${!RESTART_ON[@]}"; do
    [[ " ${RESTART_ON[$unit]} " != *" $path "* ]] || mark_pending "restart%$unit"
  done
}

# change_files: brings every file of the bundle to its wanted state. WRITTEN lists what was written.
change_files() {
  local path
  local -a differing=()
  WRITTEN=()
  entries WANT files
  for path in "${ENTRIES[@]}"; do
    file_state "$path"
    [[ -n $REPLY ]] || continue
    capture_file "$path"
    differing+=("$path")
  done
  make_durable || return 1
  for path in "${differing[@]}"; do
    changed_file "$path"
    write_file "$path" || return 1
  done
  gone_entries files
  for path in "${ENTRIES[@]}"; do
    original files "$path" || { forget_half_kept files "$path"; continue; }
    # While anything is still to be done, the program that does it stays.
    [[ $path != "$SELF" || ${RECORD[0]} != absent ]] || continue
    changed_file "$path"
    restore_file "$path"
  done
  ((${#ENTRIES[@]} == 0)) || remove_empty_folders
  ((${#WRITTEN[@]} == 0)) || sync -- "${WRITTEN[@]}"
}

# backups: a copy of a user's file under the name that the specification gives it, before its tool is taken over.
copy_backups() {
  local path copy
  entries WANT backups
  for path in "${ENTRIES[@]}"; do
    copy=${WANT["backups|$path|"]}
    [[ -e $path && ! -e $copy ]] || continue
    record_original backups "$copy" copy
    make_durable || return 1
    cp -a -- "$path" "$copy.goblin-new" && sync_copy "$copy.goblin-new" && mv -T -- "$copy.goblin-new" "$copy"
    say "  backed up $path as $copy"
  done
  gone_entries backups
  for path in "${ENTRIES[@]}"; do
    copy=${WAS["backups|$path|"]}
    original backups "$copy" || continue
    rm -f -- "$copy" "$copy.goblin-new"
    forget_original backups "$copy"
  done
}

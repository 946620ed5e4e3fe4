# The one way to write. What shall be somewhere is produced beside its place, read back and compared with what was meant,
# on the disk, and then renamed: after a failure the target is what it was. A run that is killed leaves at most the file
# beside, which the next write of the same path replaces.
# Reads and sets PREPARED, PREPARED_FOR (what waits for its rename), REPLY, ANSWER.

declare -a PREPARED=() PREPARED_FOR=()

# beside PATH: REPLY is where its successor is produced.
beside() { REPLY=${1%/*}/.${1##*/}.goblin-new; }

# prepare_text PATH MODE TEXT [LIKE]: MODE is four octal digits; with LIKE mode, owner and attributes are that file's.
prepare_text() {
  local path=$1 mode=$2 text=$3 like=${4-} temporary back
  prepare "$path"
  temporary=$REPLY
  if [[ -n $like ]]; then
    [[ ! -L $like ]] || fail "$path cannot be written: $like is a link. Put the file itself in its place, then run this again"
    cp -a --attributes-only --no-target-directory -- "$like" "$temporary" || fail "$path cannot be written: nothing can be made beside it"
  else
    (umask 077 && : >"$temporary") || fail "$path cannot be written: nothing can be made beside it"
  fi
  printf '%s' "$text" >"$temporary" || fail "$path cannot be written; it is as it was"
  { IFS= read -r -d '' back || :; } <"$temporary"
  [[ $back == "$text" ]] || fail "$path cannot be written: what was read back is not what was written; it is as it was"
  [[ -n $like || $mode == 0600 ]] || chmod -- "$mode" "$temporary" || fail "$path cannot be given the mode $mode"
}

# prepare_copy SOURCE PATH: a file with all its attributes, a link, or a folder with what is in it.
prepare_copy() {
  local source=$1 path=$2 temporary
  prepare "$path"
  temporary=$REPLY
  cp -a --no-target-directory -- "$source" "$temporary" || fail "$path cannot be written; it is as it was"
  same_content "$source" "$temporary"
  [[ -n $ANSWER ]] || fail "$path cannot be written: the copy is not what $source is; it is as it was"
}

# prepare PATH: REPLY is the empty place beside it.
prepare() {
  [[ -d ${1%/*}/ ]] || mkdir -p -- "${1%/*}" || fail "the folder ${1%/*} cannot be made"
  beside "$1"
  [[ ! -e $REPLY && ! -L $REPLY ]] || rm -rf -- "$REPLY" || fail "$REPLY cannot be removed"
  PREPARED+=("$REPLY")
  PREPARED_FOR+=("$1")
}

# place_prepared: all that was prepared is on the disk, then in its place.
place_prepared() {
  local -i i
  local folder
  local -A folders=()
  ((${#PREPARED[@]} > 0)) || return 0
  sync_paths "${PREPARED[@]}"
  for ((i = 0; i < ${#PREPARED[@]}; i++)); do
    # mv alone would not let a file take the place of a folder, nor the other way round, and neither do we.
    mv -T -- "${PREPARED[i]}" "${PREPARED_FOR[i]}" || fail "${PREPARED_FOR[i]} cannot be replaced; it is as it was"
    folder=${PREPARED_FOR[i]%/*}
    folders[${folder:-/}]=1
  done
  PREPARED=() PREPARED_FOR=()
  sync -- "${!folders[@]}" || fail "${!folders[*]} cannot be written to the disk"
}

# sync_paths PATH...: their content is on the disk. A link has none, and sync would follow it; of a folder it would write
# the names only.
sync_paths() {
  local path
  local -a files=()
  for path in "$@"; do
    if [[ -L $path ]]; then
      :
    elif [[ -d $path ]]; then
      sync -f -- "$path" || fail "$path cannot be written to the disk"
    else
      files+=("$path")
    fi
  done
  ((${#files[@]} == 0)) || sync -- "${files[@]}" || fail "${files[*]} cannot be written to the disk"
}

# write_text PATH MODE TEXT [LIKE], copy_file SOURCE PATH: one at once.
write_text() {
  prepare_text "$@"
  place_prepared
}

copy_file() {
  prepare_copy "$@"
  place_prepared
}

# same_content A B: ANSWER is yes where both are the same file, link or folder by their contents.
same_content() {
  local one two
  local -i status=0
  ANSWER=
  if [[ -L $1 || -L $2 ]]; then
    [[ -L $1 && -L $2 ]] || return 0
    one=$(readlink -- "$1")
    two=$(readlink -- "$2")
    [[ $one != "$two" ]] || ANSWER=yes
  elif [[ -d $1 && -d $2 ]]; then
    diff -rq --no-dereference -- "$1" "$2" >/dev/null || status=$?
    compared "$status" "$1" "$2"
  elif [[ -f $1 && -f $2 ]]; then
    cmp -s -- "$1" "$2" || status=$?
    compared "$status" "$1" "$2"
  fi
}

# compared STATUS A B: ANSWER, after cmp or diff, which end with 1 where A and B differ, and with more where nobody knows.
compared() {
  case $1 in
    0) ANSWER=yes ;;
    1) ANSWER= ;;
    *) fail "$2 cannot be compared with $3" ;;
  esac
}

# drop_unfinished: after a failure, what lies beside its place.
drop_unfinished() {
  ((${#PREPARED[@]} == 0)) || rm -rf -- "${PREPARED[@]}" || warn "what could not be written stays behind: ${PREPARED[*]}"
  PREPARED=() PREPARED_FOR=()
}

# remove_path PATH...: whatever is there, with what is in it.
remove_path() {
  local path
  local -a there=()
  for path in "$@"; do [[ ! -e $path && ! -L $path ]] || there+=("$path"); done
  ((${#there[@]} > 0)) || return 0
  rm -rf -- "${there[@]}" || fail "${there[*]} cannot be removed"
  for path in "${there[@]}"; do [[ ! -e $path && ! -L $path ]] || fail "$path is still there after its removal"; done
}

# rename_path FROM TO: in one step, and on the disk.
rename_path() {
  mv -T -- "$1" "$2" || fail "$1 cannot be renamed to $2"
  sync -- "${1%/*}/" "${2%/*}/" || fail "the folders of $1 and $2 cannot be written to the disk"
}

# write_kernel FILE VALUE: below /proc and /sys, where a write is taken or refused as a whole.
write_kernel() {
  try_kernel "$1" "$2"
  [[ -n $ANSWER ]] || fail "the kernel does not take \"$2\" in $1"
}

# try_kernel FILE VALUE: ANSWER is yes where the kernel has taken it.
try_kernel() {
  ANSWER=yes
  { printf '%s' "$2" >"$1"; } 2>/dev/null || ANSWER=
}

# write_new FILE TEXT: in a folder of ours that counts for nothing yet, and that is synced as a whole before it does.
write_new() {
  local back
  { printf '%s' "$2" >"$1"; } || fail "$1 cannot be written"
  { IFS= read -r -d '' back || :; } <"$1"
  [[ $back == "$2" ]] || fail "$1 cannot be written: what was read back is not what was written"
}

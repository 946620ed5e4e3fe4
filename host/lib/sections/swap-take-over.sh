# The owner's own swap files, in fstab or at our path: they step aside, are remembered, and come back as they were.
# A record of swapFiles holds where the file that stood at our path lies now (or -), the swap files that were on (or -), and
# which file the first is (inode and birth). pending/swapon%PATH names one that shall be on again.
# Reads SEEN_SWAP, FSTAB; sets RECORD, REMEMBERED, REPLY, ANSWER.

declare -a REMEMBERED=()

# escape_blanks PATH: as fstab writes it, so that a record can hold several.
escape_blanks() {
  REPLY=${1//\\/\\134}
  REPLY=${REPLY// /\\040}
  REPLY=${REPLY//$'\t'/\\011}
  REPLY=${REPLY//$'\n'/\\012}
}

# remembered_paths FIELD: REMEMBERED=(the paths of a record's field).
remembered_paths() {
  local path
  local -a words
  REMEMBERED=()
  read -r -a words <<<"${1#-}"
  for path in "${words[@]}"; do
    decode_octal "$path"
    REMEMBERED+=("$REPLY")
  done
}

# theirs_at PATH: of the record in RECORD: whether the owner's file stands at PATH, as before it stepped aside or after it
# came back.
theirs_at() {
  ANSWER=
  [[ ${RECORD[0]:--} != - && -e $1 && ! -e ${RECORD[0]} ]] || return 0
  ANSWER=yes
  # Records of version 1.0 do not say.
  [[ ${RECORD[2]:--} != - ]] || return 0
  which_file "$1"
  # Somebody has deleted it where it lay, and what stands here is ours.
  [[ $REPLY == "${RECORD[2]}" ]] || ANSWER=
}

# which_file PATH: REPLY tells it from all others, wherever it is renamed to: an inode's number alone comes again.
which_file() { REPLY=$(stat -c '%i:%.9W' -- "$1"); }

# take_over_swaps PATH: idempotent, so that the next run finishes what a killed one began.
take_over_swaps() {
  local path=$1 file theirs
  remember_swaps "$path"
  theirs_at "$path"
  theirs=$ANSWER
  for file in "${REMEMBERED[@]}"; do
    # What is on at our path is ours once theirs lies aside.
    [[ -n ${SEEN_SWAP[$file]-} && ($file != "$path" || -n $theirs) ]] || continue
    swap_off "$file"
    say "  took over the swap file $file (off now; given back on removal)"
  done
  edit_fstab set-aside
  [[ -z $theirs ]] || rename_path "$path" "${RECORD[0]}"
}

# remember_swaps PATH: RECORD and REMEMBERED, with what came since an earlier run, on the disk before anything changes.
remember_swaps() {
  local path=$1 aside=- which=- theirs=''
  local -a waiting=("$PENDING"/swapon%*)
  original swapFiles "$path"
  if [[ -n ${RECORD[0]-} ]]; then
    theirs_at "$path"
    theirs=$ANSWER aside=${RECORD[0]} which=${RECORD[2]--}
  elif [[ -e $path || -L $path ]]; then
    only_swap "$path"
    aside=$path.goblin-original theirs=yes
    [[ ! -e $aside && ! -L $aside ]] || fail "$aside is in the way of the swap file at $path, which would go there. Move it away, then run this again"
    which_file "$path"
    which=$REPLY
  fi
  remembered_paths "${RECORD[1]-}"
  collect_swaps "${theirs:+$path}" "${waiting[@]}"
  # As the record has it.
  if [[ -z ${RECORD[0]-} || ${RECORD[1]-} != "$REPLY" ]]; then
    record_original swapFiles "$path" "$aside" "$REPLY" "$which"
    make_durable
  fi
  # Another path of ours has just given these back, and they are taken over again.
  remove_path "${waiting[@]}"
}

# collect_swaps THEIRS NOTE...: REMEMBERED gets the swap files that are on, in fstab and at our path, and those that wait to
# be on again; REPLY is the record's field.
collect_swaps() {
  local file note field=''
  local -a known=()
  fstab_swap_files
  known=("${FSTAB[@]}")
  [[ -z $1 ]] || known+=("$1")
  for file in "${known[@]}"; do [[ -z ${SEEN_SWAP[$file]-} ]] || REMEMBERED+=("$file"); done
  for note in "${@:2}"; do
    text_of "$note"
    [[ -z ${REPLY%$'\n'} ]] || REMEMBERED+=("${REPLY%$'\n'}")
  done
  for file in "${REMEMBERED[@]}"; do
    escape_blanks "$file"
    [[ " $field " == *" $REPLY "* ]] || field+=${field:+ }$REPLY
  done
  remembered_paths "$field"
  REPLY=${field:--}
}

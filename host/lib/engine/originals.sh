# Originals: what was there before the first change, kept per resource until the resource is given back.
# A record is one line that ends in TAB "end"; the data it speaks of is written before it, so that a record without its
# end means that nothing had been changed yet. After a power cut that is so only if it was on the disk before the change:
# the kernel writes a file's name at once and its content up to half a minute later.
# Sets ORIGINAL (the record's path), RECORD (its fields, none where there is none), UNSYNCED.

declare ORIGINAL=''
declare -a RECORD=() UNSYNCED=()

# original SECTION ENTRY: its data is "$ORIGINAL.data", the data's checksum "$ORIGINAL.sha256".
original() {
  local line='' entry=${2//%/%25}
  RECORD=()
  ORIGINAL=$STATE/originals/$1%${entry//\//%2F}
  [[ -e $ORIGINAL ]] || return 0
  IFS= read -r line <"$ORIGINAL" || :
  [[ $line != *$'\tend' ]] || IFS=$'\t' read -r -a RECORD <<<"${line%$'\tend'}"
}

# record_original SECTION ENTRY FIELD...: to be followed by make_durable before the change. A record that there was is
# replaced in one step.
record_original() {
  local line fields
  original "$1" "$2"
  printf -v fields '%s\t' "${@:3}"
  line=${fields}end$'\n'
  if [[ -n ${RECORD[0]-} ]]; then
    write_text "$ORIGINAL" 0600 "$line"
  else
    write_new "$ORIGINAL" "$line"
    UNSYNCED+=("$ORIGINAL")
  fi
  IFS=$'\t' read -r -a RECORD <<<"${fields%$'\t'}"
}

# make_durable: what was recorded since the last time is on the disk.
make_durable() {
  ((${#UNSYNCED[@]} > 0)) || return 0
  sync_paths "${UNSYNCED[@]}"
  sync -- "$STATE/originals" || fail "$STATE cannot be written to the disk"
  UNSYNCED=()
}

# keep_data SOURCE: the copy that the original in ORIGINAL is put back from, and the checksum of both.
keep_data() {
  local sums one two
  remove_path "$ORIGINAL.data" "$ORIGINAL.sha256"
  cp -a --no-target-directory -- "$1" "$ORIGINAL.data" || fail "$1 cannot be kept in $STATE; it was not changed"
  if [[ -f $ORIGINAL.data && ! -L $ORIGINAL.data ]]; then
    sums=$(sha256sum --zero -- "$1" "$ORIGINAL.data" | tr '\0' '\n')
    one=${sums%% *} two=${sums#*$'\n'}
    [[ $one == "${two%% *}" ]] || fail "$1 cannot be kept in $STATE: the copy differs; it was not changed"
    write_new "$ORIGINAL.sha256" "$one"$'\n'
    UNSYNCED+=("$ORIGINAL.sha256")
  else
    same_content "$1" "$ORIGINAL.data"
    [[ -n $ANSWER ]] || fail "$1 cannot be kept in $STATE: the copy differs; it was not changed"
  fi
  UNSYNCED+=("$ORIGINAL.data")
}

# forget_original SECTION ENTRY: what it spoke of is given back. The record goes first: without it the data means nothing.
forget_original() {
  original "$1" "$2"
  remove_path "$ORIGINAL"
  remove_path "$ORIGINAL".{data,copy,sha256}
}

# Originals: what was there before the first change, kept per resource until the resource is given back.
# A record is one line that ends in TAB "end"; the data it speaks of is written before it, so that a record
# without its end means that nothing had been changed yet. After a power cut that is so only if it was on the disk before
# the change: the kernel writes a file's name at once and its content up to half a minute later.

original_id() {
  REPLY=${2//%/%25}
  REPLY=$STATE/originals/$1%${REPLY//\//%2F}
}

# original SECTION ENTRY: RECORD=(fields); fails if there is none.
declare -a RECORD=()
original() {
  local line=''
  RECORD=()
  original_id "$1" "$2"
  [[ -e $REPLY ]] || return 1
  IFS= read -r line <"$REPLY" || :
  [[ $line == *$'\tend' ]] || return 1
  IFS=$'\t' read -r -a RECORD <<<"${line%$'\tend'}"
}

# record_original SECTION ENTRY FIELD...: to be followed by make_durable before the change.
record_original() {
  local line=''
  original_id "$1" "$2"
  printf -v line '%s\t' "${@:3}"
  printf '%send\n' "$line" >"$REPLY"
  UNSYNCED+=("$REPLY")
}

# make_durable: what was recorded since the last time is on the disk.
declare -a UNSYNCED=()
make_durable() {
  ((${#UNSYNCED[@]} > 0)) || return 0
  sync -- "${UNSYNCED[@]}" "$STATE/originals" || { REPLY="$STATE cannot be written to the disk"; return 1; }
  UNSYNCED=()
}

# sync_copy PATH: a copy is on the disk, before its source goes.
sync_copy() {
  # A link has no content, and sync would follow it; of a folder it would write the names only.
  if [[ -d $1 && ! -L $1 ]]; then
    sync -f -- "$1"
  elif [[ ! -L $1 ]]; then
    sync -- "$1"
  fi
}

forget_original() {
  original_id "$1" "$2"
  rm -rf -- "$REPLY" "$REPLY".{data,copy,sha256}
}

# keep_data PATH ID: the copy that an original is put back from, and its checksum.
keep_data() {
  rm -rf -- "$2.data"
  cp -a -- "$1" "$2.data"
  if [[ -f $2.data && ! -L $2.data ]]; then
    local sum
    read -r sum _ < <(sha256sum -- "$2.data")
    printf '%s\n' "$sum" >"$2.sha256"
  fi
  sync_copy "$2.data"
}

# displace PATH: keeps a copy of something that stands where our file belongs (an edited drop-in, a folder).
displace() {
  displaced_name "$1"
  mv -T -- "$1" "$REPLY" 2>/dev/null || { cp -a -- "$1" "$REPLY" && sync_copy "$REPLY" && rm -rf -- "$1"; }
  say "  kept what stood at $1 as $REPLY"
  remember_displaced "$REPLY"
}

# keep_copy PATH: the same for a file of which only a part is ours and somebody changed that.
keep_copy() {
  displaced_name "$1"
  cp -a -- "$1" "$REPLY"
  sync_copy "$REPLY"
  say "  kept $1 as it was edited as $REPLY"
  remember_displaced "$REPLY"
}

displaced_name() {
  printf -v REPLY '%s/displaced/%(%Y%m%dT%H%M%S)T%s' "$STATE" -1 "${1//\//%2F}"
  rm -rf -- "$REPLY"
}

# remember_displaced COPY: its checksum; the oldest go.
remember_displaced() {
  local file name sum oldest
  local -a kept=("$STATE"/displaced/*)
  local -i index
  if [[ -f $1 && ! -L $1 ]]; then
    read -r sum _ < <(sha256sum -- "$1")
    printf '%s %s\n' "$sum" "${1##*/}" >>"$STATE/displaced.sums"
  fi
  # Names begin with their time, in an order that texts have too.
  printf -v oldest '%(%Y%m%dT%H%M%S)T' "$(($(printf '%(%s)T' -1) - KEEP_EDITED_DAYS * 86400))"
  for ((index = 0; index < ${#kept[@]}; index++)); do
    file=${kept[index]} name=${file##*/}
    if ((${#kept[@]} - index > KEEP_EDITED)) || [[ $name < $oldest ]]; then rm -rf -- "$file"; fi
  done
  forget_lost_sums
}

# forget_lost_sums: a checksum goes with its file.
forget_lost_sums() {
  local sum name
  local -a lines=()
  [[ -r $STATE/displaced.sums ]] || return 0
  while read -r sum name; do [[ ! -e $STATE/displaced/$name ]] || lines+=("$sum $name"); done <"$STATE/displaced.sums"
  if ((${#lines[@]} == 0)); then
    rm -f -- "$STATE/displaced.sums"
    return
  fi
  printf '%s\n' "${lines[@]}" >"$STATE/displaced.sums.new"
  mv -T -- "$STATE/displaced.sums.new" "$STATE/displaced.sums"
}

# Displaced: what somebody wrote where something of ours belongs is theirs, and is kept.
# Reads KEEP_EDITED, KEEP_EDITED_DAYS; sets REPLY.

readonly KEEP_EDITED=50 KEEP_EDITED_DAYS=365

# displace PATH: moves aside what stands where our file belongs (an edited drop-in, a folder).
displace() {
  local kept devices
  displaced_name "$1"
  kept=$REPLY
  # A link on its own device is the folder's, not that of what it points to.
  devices=$(stat -c %d -- "$1" "$STATE/displaced")
  if [[ ${devices%%$'\n'*} == "${devices##*$'\n'}" ]]; then
    rename_path "$1" "$kept"
  else
    copy_file "$1" "$kept"
    remove_path "$1"
  fi
  remember_displaced "$kept"
  say "  kept what stood at $1 as $kept"
}

# keep_copy PATH: the same for a file of which only a part is ours and somebody changed that.
keep_copy() {
  local kept
  displaced_name "$1"
  kept=$REPLY
  copy_file "$1" "$kept"
  remember_displaced "$kept"
  say "  kept $1 as it was edited as $kept"
}

# displaced_name PATH: REPLY begins with its time, to the second; a second one of that second gets a number.
displaced_name() {
  local stamp path=${1//\//%2F}
  local -i number=1
  printf -v stamp '%s/displaced/%(%Y%m%dT%H%M%S)T' "$STATE" -1
  REPLY=$stamp$path
  while [[ -e $REPLY || -L $REPLY ]]; do
    number+=1
    REPLY=$stamp.$number$path
  done
}

# remember_displaced COPY: its checksum; the oldest go. The number is one file's own: what one run keeps is of many, and what a
# program edits again and again drives out no edit of another file.
remember_displaced() {
  local file sum oldest old='' path=${1#*%2F}
  local -a kept=("$STATE"/displaced/*) same=()
  local -i now index
  if [[ -f $1 && ! -L $1 ]]; then
    sum=$(sha256sum <"$1")
    if [[ -e $STATE/displaced.sums ]]; then
      text_of "$STATE/displaced.sums"
      old=$REPLY
    fi
    write_text "$STATE/displaced.sums" 0600 "$old${sum%% *} ${1##*/}"$'\n'
  fi
  # Names begin with their time, in an order that texts have too.
  printf -v now '%(%s)T' -1
  printf -v oldest '%(%Y%m%dT%H%M%S)T' "$((now - KEEP_EDITED_DAYS * 86400))"
  for file in "${kept[@]}"; do
    [[ $file != "$1" ]] || continue
    if [[ ${file##*/} < $oldest ]]; then
      remove_path "$file"
    elif [[ ${file#*%2F} == "$path" ]]; then
      same+=("$file")
    fi
  done
  # The new one is among those that stay.
  for ((index = 0; index <= ${#same[@]} - KEEP_EDITED; index++)); do remove_path "${same[index]}"; done
  forget_lost_sums
}

# forget_lost_sums: a checksum goes with its file.
forget_lost_sums() {
  local sum name text='' old
  [[ -r $STATE/displaced.sums ]] || return 0
  text_of "$STATE/displaced.sums"
  old=$REPLY
  while read -r sum name; do
    [[ -z $name || ! -e $STATE/displaced/$name ]] || text+="$sum $name"$'\n'
  done <<<"$old"
  if [[ -z $text ]]; then
    remove_path "$STATE/displaced.sums"
  elif [[ $text != "$old" ]]; then
    write_text "$STATE/displaced.sums" 0600 "$text"
  fi
}

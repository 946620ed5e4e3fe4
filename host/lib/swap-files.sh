# Swap files: made beside their place. Swap in use is never lost: what a file holds is moved before the file goes.

readonly DISK_RESERVE=$((1024 * 1024 * 1024))

# folder_facts PATH: FS_TYPE and FS_FREE (bytes) of the filesystem that holds PATH's folder.
folder_facts() {
  local folder=${1%/*} available block
  read -r FS_TYPE available block < <(stat -f -c '%T %a %S' -- "${folder:-/}")
  FS_FREE=$((available * block))
}

# fstab_swap_files: FSTAB=(swap files, never partitions, that /etc/fstab switches on).
fstab_swap_files() {
  local device _ type
  FSTAB=()
  [[ -r /etc/fstab ]] || return 0
  while read -r device _ type _; do
    [[ $type == swap && $device == /* && $device != /dev/* ]] || continue
    decode_octal "$device"
    FSTAB+=("$REPLY")
  done </etc/fstab
}

# escape_blanks PATH: as fstab writes it, so that a record can hold several.
escape_blanks() {
  REPLY=${1//\\/\\134}
  REPLY=${REPLY// /\\040}
  REPLY=${REPLY//$'\t'/\\011}
}

# remembered_paths FIELD: REMEMBERED=(the paths of a record's field).
remembered_paths() {
  local path
  REMEMBERED=()
  for path in ${1#-}; do
    decode_octal "$path"
    REMEMBERED+=("$REPLY")
  done
}

# can_swapoff PATH SPARE: whether PATH's pages fit into memory and the other swaps (and SPARE bytes more), on the
# machine and in each cgroup; else REPLY says why not.
can_swapoff() {
  local path=$1 key value memory=0 disk=$2 zram=0 device size used capacity shown
  while read -r key value _; do [[ $key == MemAvailable: ]] && memory=$((value * 1024)); done </proc/meminfo
  # A tenth of memory stays free: swapoff itself must not wake the OOM killer.
  memory=$((memory * 9 / 10))
  for device in "${!SEEN_SWAP[@]}"; do
    [[ $device != "$path" ]] || continue
    read -r _ size used _ <<<"${SEEN_SWAP[$device]}"
    if [[ $device == /dev/zram* ]]; then
      zram_room "${device#/dev/}" "$((size - used))"
      zram=$((zram + REPLY))
    else
      disk=$((disk + size - used))
    fi
  done
  # What goes to zram takes half its size of memory: two to one is what lz4 reaches on ordinary pages.
  ((zram <= 2 * memory)) || zram=$((2 * memory))
  capacity=$((disk + memory + zram / 2))
  read -r _ _ used _ <<<"${SEEN_SWAP[$path]:-x 0 0 0}"
  if ((used > capacity)); then
    human "$used"
    shown=$REPLY
    REPLY="$path holds $shown that fits into neither memory nor the other swaps: stop a workload (systemctl stop ollama), then run this again"
    return 1
  fi
  ((used <= disk)) || has_room_in_cgroups "$path" "$((disk + zram))"
}

# zram_room DEVICE FREE: REPLY is how many more bytes it can take: its limit counts compressed bytes.
zram_room() {
  local limit taken
  REPLY=$2
  read -r _ _ taken limit _ 2>/dev/null <"/sys/block/$1/mm_stat" && ((limit > 0)) || return 0
  ((REPLY <= 2 * (limit - taken))) || REPLY=$((limit > taken ? 2 * (limit - taken) : 0))
}

# has_room_in_cgroups PATH OTHER: a page that comes back counts against the limit of its cgroup, where only page cache
# and the OTHER bytes of swap give way; beyond that the kernel kills in there, however much memory the machine has.
has_room_in_cgroups() {
  local path=$1 other=$2 root=/sys/fs/cgroup file group key value max now swapped cache
  shopt -s globstar
  for file in "$root"/**/memory.swap.current; do
    group=${file%/*}
    read -r swapped 2>/dev/null <"$file" || continue
    read -r max 2>/dev/null <"$group/memory.max" || continue
    [[ $swapped != 0 && $max != max ]] || continue
    read -r now 2>/dev/null <"$group/memory.current" || continue
    cache=0
    while read -r key value; do [[ $key != file ]] || { cache=$value; break; }; done 2>/dev/null <"$group/memory.stat" || :
    ((now - cache + swapped > max + other)) || continue
    human "$((swapped / 1048576 * 1048576))"
    REPLY="$path cannot be switched off: the cgroup ${group#"$root"} is near its memory limit and has $REPLY swapped, which would not fit into it, so that the kernel would kill there. Stop it or raise its limit, then run this again"
    shopt -u globstar
    return 1
  done
  shopt -u globstar
}

# make_swap_file PATH SIZE: a formatted swap file at PATH, 0600 from its first byte, without holes.
make_swap_file() {
  local path=$1 size=$2
  rm -f -- "$path"
  (umask 077 && : >"$path")
  if ! fallocate -l "$size" -- "$path" 2>/dev/null && ! dd if=/dev/zero of="$path" bs=4M count="$((size / 4194304))" conv=fsync status=none; then
    rm -f -- "$path"
    human "$size"
    REPLY="no $REPLY could be allocated at $path"
    return 1
  fi
  mkswap -- "$path" >/dev/null
}

# swap_file_size PATH: its length in bytes, empty when it is no regular file.
swap_file_size() {
  REPLY=
  [[ -f $1 && ! -L $1 ]] && REPLY=$(stat -c %s -- "$1")
  return 0
}

# swap_file_state PATH: REPLY is empty when the kernel swaps to PATH as wanted, else what is wrong.
swap_file_state() {
  local path=$1 size used priority wanted=${WANT["swapFiles|$1|size"]}
  REPLY=
  if [[ -z ${SEEN_SWAP[$path]-} ]]; then
    REPLY=off
    return
  fi
  read -r _ size used priority <<<"${SEEN_SWAP[$path]}"
  # The kernel counts the header page out.
  if ((size != wanted - 4096)); then
    human "$((size + 4096))"
    REPLY="on with $REPLY"
  elif [[ ${WANT["swapFiles|$path|priority"]-$priority} != "$priority" ]]; then
    REPLY="on at priority $priority"
  fi
}

change_swap_files() {
  local path
  entries WANT swapFiles
  for path in "${ENTRIES[@]}"; do
    rm -f -- "$path.goblin-new"
    swap_file_state "$path"
    if [[ -n $REPLY ]]; then
      take_over_swaps "$path" || return 1
      bring_swap_file "$path" "${WANT["swapFiles|$path|size"]}" "${WANT["swapFiles|$path|priority"]--1}" || return 1
    fi
    drop_bridge "$path" || return 1
  done
}

# take_over_swaps PATH: swap files of the operator's own, in fstab or at our path, step aside and are remembered.
# Idempotent, so that the next run finishes what a killed one began.
take_over_swaps() {
  local path=$1 file aside='-'
  local -a FSTAB REMEMBERED on=()
  fstab_swap_files
  if ! original swapFiles "$path"; then
    [[ ! -e $path ]] || aside=$path.goblin-original
    for file in "${FSTAB[@]}" "$path"; do
      [[ -n ${SEEN_SWAP[$file]-} ]] || continue
      escape_blanks "$file"
      [[ " ${on[*]} " == *" $REPLY "* ]] || on+=("$REPLY")
    done
    record_original swapFiles "$path" "$aside" "${on[*]:--}"
    make_durable || return 1
    original swapFiles "$path"
  fi
  aside=${RECORD[0]}
  remembered_paths "${RECORD[1]-}"
  for file in "${REMEMBERED[@]}"; do
    # What is on at our path is ours once theirs lies aside.
    [[ -n ${SEEN_SWAP[$file]-} ]] || continue
    [[ $file != "$path" || ! -e $aside ]] || continue
    can_swapoff "$file" 0 || return 1
    swapoff -- "$file" || { REPLY="swapoff $file failed"; return 1; }
    say "  took over the swap file $file (off now; given back on removal)"
  done
  ((${#FSTAB[@]} == 0)) ||
    edit_fstab '/^[[:space:]]*\/dev\//! s|^([[:space:]]*/[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap[[:space:]].*)$|#goblin-host# \1|'
  if [[ $aside != - && -e $path && ! -e $aside ]]; then mv -T -- "$path" "$aside"; fi
  observe_swaps
}

# edit_fstab EXPRESSION: what else the operator writes there stays.
edit_fstab() {
  mark_pending reload
  sed -E "$1" /etc/fstab >/etc/.fstab.goblin-new
  chmod --reference=/etc/fstab /etc/.fstab.goblin-new
  sync -- /etc/.fstab.goblin-new
  mv -T /etc/.fstab.goblin-new /etc/fstab
}

# bring_swap_file PATH SIZE PRIORITY
bring_swap_file() {
  local path=$1 size=$2 priority=$3 shown
  local -a flags=()
  ((priority < 0)) || flags=(-p "$priority")
  human "$size"
  shown=$REPLY
  if [[ -n ${SEEN_SWAP[$path]-} ]]; then switch_off "$path" "$size" || return 1; fi
  swap_file_size "$path"
  if [[ $REPLY != "$size" ]] || ! swapon "${flags[@]}" -- "$path" 2>/dev/null; then
    rm -f -- "$path"
    make_swap_file "$path.goblin-new" "$size" || return 1
    mv -T -- "$path.goblin-new" "$path"
    swapon "${flags[@]}" -- "$path" || { REPLY="swapon $path failed"; return 1; }
  fi
  observe_swaps
  say "  swap file $path: $shown, on${flags[1]:+ at priority ${flags[1]}}"
}

# switch_off PATH SIZE: empties PATH, so that a file of SIZE can take its place: the kernel lets nobody rename or
# remove a swap file in use. Its pages wait in a bridge beside it if the disk has room. Memory alone would do for
# the machine, but not for a cgroup at its limit, where it would wake the OOM killer.
switch_off() {
  local path=$1 size=$2 bridge=$1.goblin-bridge have used room why
  can_swapoff "$path" "$size" || return 1
  read -r _ have used _ <<<"${SEEN_SWAP[$path]}"
  room=$(((used + used / 4) / 4194304 * 4194304 + 67108864))
  folder_facts "$path"
  if ((used > 0 && FS_FREE >= room + DISK_RESERVE && FS_FREE + have >= room + size + DISK_RESERVE)) &&
    [[ -z ${SEEN_SWAP[$bridge]-} ]]; then
    make_swap_file "$bridge" "$room" || return 1
    swapon "${flags[@]}" -- "$bridge" || { REPLY="swapon $bridge failed"; return 1; }
    observe_swaps
  fi
  if ! can_swapoff "$path" 0; then
    why=$REPLY
    drop_bridge "$path" || :
    REPLY=$why
    return 1
  fi
  swapoff -- "$path" || { REPLY="swapoff $path failed"; return 1; }
  observe_swaps
}

# drop_bridge PATH: the pages that waited move on to the swap file, or back to memory.
drop_bridge() {
  local bridge=$1.goblin-bridge
  [[ -e $bridge ]] || return 0
  if [[ -n ${SEEN_SWAP[$bridge]-} ]]; then
    can_swapoff "$bridge" 0 || return 1
    swapoff -- "$bridge" || { REPLY="swapoff $bridge failed"; return 1; }
  fi
  rm -f -- "$bridge"
  observe_swaps
}

# give_back_swap_files: ours goes, the operator's own comes back as it was.
give_back_swap_files() {
  local path file
  local -a REMEMBERED
  gone_entries swapFiles
  for path in "${ENTRIES[@]}"; do
    rm -f -- "$path.goblin-new"
    original swapFiles "$path" || continue
    for file in "$path" "$path.goblin-bridge"; do
      [[ -n ${SEEN_SWAP[$file]-} && -e $file ]] || continue
      [[ $file != "$path" || ${RECORD[0]} == - || -e ${RECORD[0]} ]] || continue
      can_swapoff "$file" 0 || return 1
      swapoff -- "$file" || { REPLY="swapoff $file failed"; return 1; }
    done
    rm -f -- "$path.goblin-bridge"
    [[ ${RECORD[0]} != - && ! -e ${RECORD[0]} ]] || rm -f -- "$path"
    [[ ${RECORD[0]} == - || ! -e ${RECORD[0]} ]] || mv -T -- "${RECORD[0]}" "$path"
    rm -f -- /etc/.fstab.goblin-new
    ! grep -q '^#goblin-host# ' /etc/fstab 2>/dev/null || edit_fstab 's/^#goblin-host# //'
    # Remembered before the record goes: they come back only after the reload.
    remembered_paths "${RECORD[1]-}"
    for file in "${REMEMBERED[@]}"; do printf '%s\n' "$file" >"$STATE/pending/swapon%${file//\//%}"; done
    forget_original swapFiles "$path"
    say "  removed the swap file $path"
  done
}

# return_swaps: after the reload, the operator's own swap files are on again.
return_swaps() {
  local note file unit
  for note in "$STATE"/pending/swapon%*; do
    read -r file <"$note" || :
    if [[ -e $file && -z ${SEEN_SWAP[$file]-} ]]; then
      unit=$(systemd-escape --path --suffix=swap -- "$file")
      systemctl start -- "$unit" 2>/dev/null || swapon -- "$file" || warn "$file was swapped to before and cannot be switched on"
      say "  swap file $file is on again"
    fi
    rm -f -- "$note"
  done
}

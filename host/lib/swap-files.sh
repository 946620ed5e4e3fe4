# Swap files: made beside their place, put into use before the old one goes, so that swap in use is never lost.

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
    [[ $type == swap && $device == /* && $device != /dev/* ]] && FSTAB+=("$device")
  done </etc/fstab
  return 0
}

# can_swapoff PATH SPARE: whether PATH's pages fit into memory and the other swaps (and SPARE bytes more).
can_swapoff() {
  local key value available=0 free=$2 size used path
  while read -r key value _; do [[ $key == MemAvailable: ]] && available=$((value * 1024)); done </proc/meminfo
  for path in "${!SEEN_SWAP[@]}"; do
    [[ $path != "$1" ]] || continue
    read -r _ size used _ <<<"${SEEN_SWAP[$path]}"
    free=$((free + size - used))
  done
  read -r _ _ used _ <<<"${SEEN_SWAP[$1]:-x 0 0 0}"
  # A tenth of memory stays free: swapoff itself must not wake the OOM killer.
  ((used <= free + available * 9 / 10)) && return 0
  local in_use=$used
  human "$in_use"
  local shown=$REPLY
  REPLY="$1 holds $shown that fits into neither memory nor the other swaps: stop a workload (systemctl stop ollama), then run this again"
  return 1
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
    finish_swap_file "$path" || return 1
    swap_file_state "$path"
    [[ -n $REPLY ]] || continue
    take_over_swaps "$path" || return 1
    bring_swap_file "$path" "${WANT["swapFiles|$path|size"]}" "${WANT["swapFiles|$path|priority"]--1}" || return 1
  done
}

# finish_swap_file PATH: clears what a killed run left: the half-made file, and the old one still on.
finish_swap_file() {
  rm -f -- "$1.goblin-new"
  [[ -e $1.goblin-old ]] || return 0
  if [[ -n ${SEEN_SWAP["$1.goblin-old"]-} ]]; then
    can_swapoff "$1.goblin-old" 0 || return 1
    swapoff -- "$1.goblin-old" || return 1
  fi
  rm -f -- "$1.goblin-old"
  observe_swaps
}

# take_over_swaps PATH: swap files of the operator's own, in fstab or at our path, step aside and are remembered.
take_over_swaps() {
  local path=$1 file active
  local -a FSTAB
  original swapFiles "$path" && return 0
  fstab_swap_files
  local aside='-'
  [[ -e $path ]] && aside=$path.goblin-original
  local -a on=()
  for file in "${FSTAB[@]}" "$path"; do
    [[ -n ${SEEN_SWAP[$file]-} && " ${on[*]} " != *" $file "* ]] && on+=("$file")
  done
  active=${on[*]-}
  record_original swapFiles "$path" "$aside" "${active:--}"
  step_aside "$path" "$aside" "${on[@]}"
}

# step_aside PATH ASIDE SWAP...: idempotent, so that a killed take-over is finished by the next run.
step_aside() {
  local path=$1 aside=$2 file
  for file in "${@:3}"; do
    [[ -n ${SEEN_SWAP[$file]-} ]] || continue
    can_swapoff "$file" 0 || return 1
    swapoff -- "$file" || { REPLY="swapoff $file failed"; return 1; }
    say "  took over the swap file $file (off now; given back on removal)"
  done
  if grep -qE '^[[:space:]]*/[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap[[:space:]]' /etc/fstab 2>/dev/null; then
    mark_pending reload
    sed -E '/^[[:space:]]*\/dev\//! s|^([[:space:]]*/[^[:space:]]+[[:space:]]+[^[:space:]]+[[:space:]]+swap[[:space:]].*)$|#goblin-host# \1|' \
      /etc/fstab >/etc/.fstab.goblin-new
    chmod --reference=/etc/fstab /etc/.fstab.goblin-new
    mv -T /etc/.fstab.goblin-new /etc/fstab
  fi
  if [[ $aside != - && -e $path && ! -e $aside ]]; then mv -T -- "$path" "$aside"; fi
  observe_swaps
}

# bring_swap_file PATH SIZE PRIORITY
bring_swap_file() {
  local path=$1 size=$2 priority=$3 have
  local -a flags=()
  ((priority < 0)) || flags=(-p "$priority")
  original swapFiles "$path" && step_aside "$path" "${RECORD[0]}"
  swap_file_size "$path"
  have=$REPLY
  human "$size"
  local shown=$REPLY
  if [[ $have == "$size" && -n ${SEEN_SWAP[$path]-} ]]; then
    can_swapoff "$path" 0 || return 1
    swapoff -- "$path"
    swapon "${flags[@]}" -- "$path"
    say "  swap file $path: priority $priority"
    return
  fi
  if [[ $have == "$size" ]] && swapon "${flags[@]}" -- "$path" 2>/dev/null; then
    say "  swap file $path: on"
    return
  fi
  replace_swap_file "$path" "$size" "$shown"
}

# replace_swap_file PATH SIZE SHOWN: new beside old when the disk holds both, else old away first.
replace_swap_file() {
  local path=$1 size=$2
  folder_facts "$path"
  if [[ -e $path ]] && ((FS_FREE < size + DISK_RESERVE)); then
    if [[ -n ${SEEN_SWAP[$path]-} ]]; then
      can_swapoff "$path" 0 || return 1
      swapoff -- "$path"
    fi
    rm -f -- "$path"
    observe_swaps
  fi
  make_swap_file "$path.goblin-new" "$size" || return 1
  if [[ -n ${SEEN_SWAP[$path]-} ]]; then
    can_swapoff "$path" "$size" || { rm -f -- "$path.goblin-new"; return 1; }
    mv -T -- "$path" "$path.goblin-old"
  fi
  mv -T -- "$path.goblin-new" "$path"
  swapon "${flags[@]}" -- "$path" || { REPLY="swapon $path failed"; return 1; }
  if [[ -e $path.goblin-old ]]; then
    swapoff -- "$path.goblin-old" || { REPLY="swapoff of the old $path failed"; return 1; }
    rm -f -- "$path.goblin-old"
  fi
  say "  swap file $path: $3, on"
}

# give_back_swap_files: ours goes, the operator's own comes back as it was.
give_back_swap_files() {
  local path file
  gone_entries swapFiles
  for path in "${ENTRIES[@]}"; do
    rm -f -- "$path.goblin-new"
    original swapFiles "$path" || continue
    for file in "$path" "$path.goblin-old"; do
      [[ -n ${SEEN_SWAP[$file]-} && -e $file ]] || continue
      [[ $file != "$path" || ${RECORD[0]} == - || -e ${RECORD[0]} ]] || continue
      can_swapoff "$file" 0 || return 1
      swapoff -- "$file" || { REPLY="swapoff $file failed"; return 1; }
    done
    rm -f -- "$path.goblin-old"
    [[ ${RECORD[0]} != - && ! -e ${RECORD[0]} ]] || rm -f -- "$path"
    [[ ${RECORD[0]} == - || ! -e ${RECORD[0]} ]] || mv -T -- "${RECORD[0]}" "$path"
    if grep -q '^#goblin-host# ' /etc/fstab 2>/dev/null; then
      mark_pending reload
      sed 's/^#goblin-host# //' /etc/fstab >/etc/.fstab.goblin-new
      chmod --reference=/etc/fstab /etc/.fstab.goblin-new
      mv -T /etc/.fstab.goblin-new /etc/fstab
    fi
    RETURN_SWAPS="${RECORD[1]#-}"
    forget_original swapFiles "$path"
    say "  removed the swap file $path"
  done
}

# return_swaps: after the reload, the operator's own swap files are on again.
RETURN_SWAPS=''
return_swaps() {
  local file unit
  for file in $RETURN_SWAPS; do
    [[ -e $file ]] || continue
    unit=$(systemd-escape --path --suffix=swap -- "$file")
    systemctl start -- "$unit" 2>/dev/null || swapon -- "$file" || warn "$file was swapped to before and cannot be switched on"
    say "  swap file $file is on again"
  done
  RETURN_SWAPS=''
}

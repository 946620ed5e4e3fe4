# Swap files: made beside their place and whole before they are used. Swap in use is never lost: what a file holds is
# moved before the file goes, and nothing but swap is ever removed.
# Reads WANT, SEEN_SWAP; sets FS_TYPE, FS_FREE, REPLY, ANSWER.

readonly DISK_RESERVE=$((1024 * 1024 * 1024))

# folder_facts PATH: FS_TYPE and FS_FREE (bytes) of the filesystem that holds PATH's folder.
folder_facts() {
  local folder=${1%/*} facts available block
  facts=$(stat -f -c '%a %S %T' -- "${folder:-/}")
  read -r available block FS_TYPE <<<"$facts"
  FS_FREE=$((available * block))
}

# is_swap PATH: a regular file that the kernel swaps to, or that mkswap has written its signature into.
is_swap() {
  local -i status=0
  ANSWER=
  [[ -f $1 && ! -L $1 ]] || return 0
  if [[ -n ${SEEN_SWAP[$1]-} ]]; then
    ANSWER=yes
    return
  fi
  page_size
  # At the end of the first page, whose size is the kernel's.
  cmp -s -n 10 -i "$((PAGE_SIZE - 10)):0" -- "$1" - <<<SWAPSPACE2 || status=$?
  compared "$status" "$1" "a swap file's signature"
}

# only_swap PATH: what else stands there is somebody's, and stays.
only_swap() {
  [[ -e $1 || -L $1 ]] || return 0
  is_swap "$1"
  [[ -n $ANSWER ]] || fail "$1 is no swap file, so it stays as it is. Move it away, then run this again"
}

# drop_half_made PATH: what a killed run was making there.
drop_half_made() {
  [[ -e $1 || -L $1 ]] || return 0
  [[ -f $1 && ! -L $1 ]] || fail "$1 is in the way of a swap file that is made there. Move it away, then run this again"
  remove_path "$1"
}

# make_swap_file PATH SIZE FOR: a formatted swap file at PATH, 0600 from its first byte, without holes. Until it is in its
# place FOR (place_prepared) or on, a failure removes it.
make_swap_file() {
  local path=$1
  unsafe_folder "$path"
  [[ -z $REPLY ]] || fail "no swap file is made at $path: $REPLY"
  drop_half_made "$path"
  # With noclobber, bash opens a file only if it makes it (O_EXCL).
  (umask 077 && set -o noclobber && : >"$path") || fail "$path cannot be made"
  PREPARED+=("$path")
  PREPARED_FOR+=("$3")
  allocate "$path" "$2"
  mkswap -- "$path" >/dev/null || fail "$path cannot be made a swap file: mkswap failed"
}

# allocate PATH SIZE: exactly SIZE bytes, all of them on the disk.
allocate() {
  local said shown
  human "$2"
  shown=$REPLY
  if ! said=$(fallocate -l "$2" -- "$1" 2>&1); then
    # Anything else (a full disk, a quota) would befall dd too, after hours and with the disk full.
    [[ $said == *'Operation not supported'* ]] || fail "no $shown could be allocated at $1: ${said##*: }"
    dd if=/dev/zero of="$1" bs=4M count="$2" iflag=count_bytes conv=fsync,notrunc status=none ||
      fail "no $shown could be written to $1"
  fi
  said=$(stat -c %s -- "$1")
  [[ $said == "$2" ]] || fail "$1 has $said bytes after $2 were allocated"
}

change_swap_files() {
  local path
  entries WANT swapFiles
  ((${#ENTRIES[@]} > 0)) || return 0
  observe_swaps
  for path in "${ENTRIES[@]}"; do
    drop_half_made "$path.goblin-new"
    swap_file_state "$path"
    if [[ -n $REPLY ]]; then
      take_over_swaps "$path"
      bring_swap_file "$path" "${WANT["swapFiles|$path|size"]}" "${WANT["swapFiles|$path|priority"]--1}"
    fi
    drop_bridge "$path"
  done
}

# bring_swap_file PATH SIZE PRIORITY
bring_swap_file() {
  local path=$1 size=$2 priority=$3 shown
  local -a flags=()
  ((priority < 0)) || flags=(-p "$priority")
  [[ -z ${SEEN_SWAP[$path]-} ]] || switch_off "$path" "$size" "${flags[@]}"
  is_whole "$path" "$size"
  # One with holes is refused by swapon, which says so, and made anew.
  if [[ -z $ANSWER ]] || ! swapon "${flags[@]}" -- "$path"; then
    replace_swap_file "$path" "$size"
    swapon "${flags[@]}" -- "$path" || fail "swapon $path failed"
  fi
  observe_swaps
  human "$size"
  shown=$REPLY
  swap_file_state "$path"
  [[ -z $REPLY ]] || fail "the swap file $path is $REPLY after it was switched on with $shown, priority $priority"
  say "  swap file $path: $shown, on${flags[1]:+ at priority ${flags[1]}}"
}

# is_whole PATH SIZE: a swap file of that size, which nobody else may read.
is_whole() {
  local facts
  is_swap "$1"
  [[ -n $ANSWER ]] || return 0
  facts=$(stat -c '%s %a' -- "$1")
  [[ $facts == "$2 600" ]] || ANSWER=
}

# replace_swap_file PATH SIZE: what is there is off. It goes first only where the disk cannot hold both.
replace_swap_file() {
  only_swap "$1"
  folder_facts "$1"
  ((FS_FREE >= $2 + DISK_RESERVE)) || remove_path "$1"
  make_swap_file "$1.goblin-new" "$2" "$1"
  place_prepared
}

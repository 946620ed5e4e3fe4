# Swap files, switched off: the kernel lets nobody rename or remove one in use, so that one that shall be replaced is
# emptied first. Its pages wait in a bridge, PATH.goblin-bridge, if the disk has room: memory alone would do for the
# machine, but not for a cgroup at its limit, where it would wake the OOM killer.
# Reads SEEN_SWAP; sets FS_TYPE, FS_FREE, REPLY.

# switch_off PATH SIZE FLAG...: empties PATH, so that a file of SIZE can take its place. The flags are swapon's.
switch_off() {
  local path=$1 size=$2 have used room
  can_swapoff "$path" "$size"
  [[ -z $REPLY ]] || fail "$REPLY"
  read -r _ have used _ <<<"${SEEN_SWAP[$path]}"
  room=$(((used + used / 4) / 4194304 * 4194304 + 67108864))
  folder_facts "$path"
  if ((used > 0 && FS_FREE >= room + DISK_RESERVE && FS_FREE + have >= room + size + DISK_RESERVE)) &&
    [[ -z ${SEEN_SWAP[$path.goblin-bridge]-} ]]; then
    build_bridge "$path.goblin-bridge" "$room" "${@:3}"
  fi
  can_swapoff "$path" 0
  [[ -z $REPLY ]] || leave_on "$path" "$REPLY"
  swap_off "$path"
}

# build_bridge BRIDGE SIZE FLAG...
build_bridge() {
  make_swap_file "$1" "$2" "$1"
  swapon "${@:3}" -- "$1" || fail "swapon $1 failed"
  # From now on it may hold pages, and is no half-made file.
  PREPARED=() PREPARED_FOR=()
  observe_swaps
}

# leave_on PATH WHY: it cannot be emptied after all.
leave_on() {
  attempt drop_bridge "$1"
  fail "$2"
}

# drop_bridge PATH: the pages that waited move on to the swap file, or back to memory.
drop_bridge() {
  local bridge=$1.goblin-bridge
  [[ -e $bridge || -L $bridge ]] || return 0
  [[ -z ${SEEN_SWAP[$bridge]-} ]] || swap_off "$bridge"
  drop_half_made "$bridge"
}

# Swap in use: switched off only where all of its pages fit elsewhere.
# Reads SEEN_SWAP, /proc/meminfo, the cgroups; sets REPLY.

# swap_off PATH: its pages move to memory and the other swaps, or it stays on and this fails.
swap_off() {
  can_swapoff "$1" 0
  [[ -z $REPLY ]] || fail "$REPLY"
  swapoff -- "$1" || fail "swapoff $1 failed"
  observe_swaps
  [[ -z ${SEEN_SWAP[$1]-} ]] || fail "$1 is still on after swapoff"
}

# can_swapoff PATH SPARE: REPLY is empty when PATH's pages fit into memory and the other swaps (and SPARE bytes more), on
# the machine and in each cgroup; else it says why not.
can_swapoff() {
  local path=$1 used
  local -i DISK_ROOM=$2 ZRAM_ROOM=0 MEMORY_ROOM=0
  read -r _ _ used _ <<<"${SEEN_SWAP[$path]:-x 0 0 0}"
  find_room "$path"
  if ((used > DISK_ROOM + MEMORY_ROOM + ZRAM_ROOM / 2)); then
    human "$(((used + 1048575) / 1048576 * 1048576))"
    REPLY="$path holds $REPLY that fits into neither memory nor the other swaps: stop a workload (systemctl stop ollama), then run this again"
  elif ((used > DISK_ROOM)); then
    find_tight_cgroup "$path" "$((DISK_ROOM + ZRAM_ROOM))"
  else
    REPLY=
  fi
}

# find_room PATH: MEMORY_ROOM, and what the swaps other than PATH have: DISK_ROOM (added to) and ZRAM_ROOM.
find_room() {
  local path=$1 key value device size used
  while read -r key value _; do [[ $key != MemAvailable: ]] || MEMORY_ROOM=$((value * 1024)); done <"$MEMINFO"
  # A tenth of memory stays free: swapoff itself must not wake the OOM killer.
  MEMORY_ROOM=$((MEMORY_ROOM * 9 / 10))
  for device in "${!SEEN_SWAP[@]}"; do
    [[ $device != "$path" ]] || continue
    read -r _ size used _ <<<"${SEEN_SWAP[$device]}"
    if [[ $device == /dev/zram* ]]; then
      zram_room "${device#/dev/}" "$((size - used))"
      ZRAM_ROOM+=$REPLY
    else
      DISK_ROOM+=$((size - used))
    fi
  done
  # What goes to zram takes half its size of memory: two to one is what lz4 reaches on ordinary pages.
  ((ZRAM_ROOM <= 2 * MEMORY_ROOM)) || ZRAM_ROOM=$((2 * MEMORY_ROOM))
}

# zram_room DEVICE FREE: REPLY is how many more bytes it can take: its limit counts compressed bytes.
zram_room() {
  local taken='' limit=''
  [[ ! -r $BLOCK_DEVICES/$1/mm_stat ]] || read -r _ _ taken limit _ <"$BLOCK_DEVICES/$1/mm_stat" || :
  REPLY=$2
  ((${limit:-0} > 0)) || return 0
  ((REPLY <= 2 * (limit - taken))) || REPLY=$((limit > taken ? 2 * (limit - taken) : 0))
}

# find_tight_cgroup PATH OTHER: a page that comes back counts against the limit of its cgroup, where only page cache and
# the OTHER bytes of swap give way; beyond that the kernel kills in there, however much memory the machine has. REPLY
# names a cgroup in which that would happen.
find_tight_cgroup() {
  local path=$1 other=$2 file group max now swapped
  local -a files
  REPLY=
  shopt -s globstar
  files=("$CGROUPS"/**/memory.swap.current)
  shopt -u globstar
  for file in "${files[@]}"; do
    group=${file%/*}
    # One that ends meanwhile has no pages any more.
    { read -r swapped <"$file" && read -r max <"$group/memory.max" && read -r now <"$group/memory.current"; } 2>/dev/null || continue
    [[ $swapped != 0 && $max != max ]] || continue
    cache_of "$group"
    if ((now - REPLY + swapped <= max + other)); then
      REPLY=
      continue
    fi
    human "$((swapped / 1048576 * 1048576))"
    REPLY="$path cannot be switched off: the cgroup ${group#"$CGROUPS"} is near its memory limit and has $REPLY swapped, which would not fit into it, so that the kernel would kill there. Stop it or raise its limit, then run this again"
    return
  done
}

# cache_of GROUP: REPLY is its page cache in bytes, without what lives in tmpfs, which gives way to nothing but swap.
cache_of() {
  local key value
  local -i cache=0
  while read -r key value; do
    case $key in
      file) cache+=$value ;;
      shmem) cache+=-$value ;;
    esac
  done 2>/dev/null <"$1/memory.stat" || :
  REPLY=$((cache > 0 ? cache : 0))
}

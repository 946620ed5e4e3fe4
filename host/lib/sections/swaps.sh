# Swap in use: what is on, and what is not as declared. swap-off.sh switches it off without losing a page.
# Reads /proc/swaps, WANT; sets SEEN_SWAP, REPLY.

declare -A SEEN_SWAP=()

readonly SWAPS=/proc/swaps
readonly MEMINFO=/proc/meminfo
readonly CGROUPS=/sys/fs/cgroup
readonly BLOCK_DEVICES=/sys/block

# observe_swaps: SEEN_SWAP[PATH]="type sizeBytes usedBytes priority".
observe_swaps() {
  local path type size used priority REPLY
  SEEN_SWAP=()
  # A kernel without swap.
  [[ -e $SWAPS ]] || return 0
  while read -r path type size used priority; do
    [[ $path == /* ]] || continue
    decode_octal "$path"
    SEEN_SWAP[$REPLY]="$type $((size * 1024)) $((used * 1024)) $priority"
  done <"$SWAPS"
}

# swap_file_state PATH: REPLY is empty when the kernel swaps to PATH as wanted, else what is wrong.
swap_file_state() {
  local path=$1 size priority wanted=${WANT["swapFiles|$1|size"]}
  REPLY=
  if [[ -z ${SEEN_SWAP[$path]-} ]]; then
    REPLY=off
    return
  fi
  page_size
  read -r _ size _ priority <<<"${SEEN_SWAP[$path]}"
  # The kernel counts whole pages, and the header's out.
  if ((size != (wanted / PAGE_SIZE - 1) * PAGE_SIZE)); then
    human "$((size + PAGE_SIZE))"
    REPLY="on with $REPLY"
  elif [[ ${WANT["swapFiles|$path|priority"]-$priority} != "$priority" ]]; then
    REPLY="on at priority $priority"
  fi
}

find_swap_drift() {
  local path device found
  entries WANT swapFiles
  for path in "${ENTRIES[@]}"; do
    swap_file_state "$path"
    [[ -n $REPLY ]] || continue
    found=$REPLY
    human "${WANT["swapFiles|$path|size"]}"
    finding "$path" swap "$REPLY, priority ${WANT["swapFiles|$path|priority"]-any}" '' "$found" "is $found"
  done
  entries WANT zram
  for device in "${ENTRIES[@]}"; do
    zram_state "$device"
    [[ -n $REPLY ]] || continue
    found=$REPLY
    human "${WANT["zram|$device|size"]}"
    finding "$device" zram "$REPLY, ${WANT["zram|$device|algorithm"]-any}, priority ${WANT["zram|$device|priority"]-any}" '' "$found" "has ${found/#limit/another memory limit}"
  done
}

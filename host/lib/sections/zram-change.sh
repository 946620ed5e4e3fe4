# zram: made by systemd-zram-generator; at boot, when nobody may wait for its units, directly.
# Reads WANT, SEEN_SWAP, BOOTING; sets RECORD, REPLY.

change_zram() {
  local device
  entries WANT zram
  ((${#ENTRIES[@]} > 0)) || return 0
  observe_swaps
  for device in "${ENTRIES[@]}"; do
    original zram "$device"
    [[ -n ${RECORD[0]-} ]] || record_original zram "$device" absent
  done
  make_durable
  for device in "${ENTRIES[@]}"; do
    zram_state "$device"
    case $REPLY in
      '') ;;
      limit)
        limit_zram "$device"
        say "  $device: memory limit set"
        ;;
      *)
        remake_zram "$device"
        say "  $device: on"
        ;;
    esac
  done
}

# limit_zram DEVICE: the limit on the RAM that its pages may take, read back.
limit_zram() {
  local limit
  write_kernel "$BLOCK_DEVICES/$1/mem_limit" "${WANT["zram|$1|memoryLimit"]}"
  read -r _ _ _ limit _ <"$BLOCK_DEVICES/$1/mm_stat"
  in_pages "${WANT["zram|$1|memoryLimit"]}"
  [[ $limit == "$REPLY" ]] || fail "$1 has the memory limit $limit after $REPLY was written"
}

# remake_zram DEVICE: swap off when it is on, reset, and the generator's units make it anew.
remake_zram() {
  local device=$1
  switch_off_zram "$device"
  modprobe zram || fail 'the kernel has no zram module (modprobe zram failed)'
  stop_zram_setup "$device"
  reset_zram "$device"
  if [[ -n $BOOTING ]]; then make_zram "$device"; else start_zram "$device"; fi
  observe_swaps
  zram_state "$device"
  # A drop-in sets the limit; whoever has changed that is drift of the file.
  if [[ $REPLY == limit ]]; then
    limit_zram "$device"
    zram_state "$device"
  fi
  [[ -z $REPLY ]] || fail "$device was made anew and has $REPLY, which is not as declared"
}

# switch_off_zram DEVICE: its pages move to memory and the other swaps.
switch_off_zram() {
  local path=/dev/$1
  [[ -n ${SEEN_SWAP[$path]-} ]] || return 0
  can_swapoff "$path" 0
  [[ -z $REPLY ]] || fail "$REPLY"
  # At boot systemd may be waiting for this run before it does anything else.
  if [[ -z $BOOTING ]]; then
    systemctl stop -- "dev-$1.swap" || warn "systemd cannot stop dev-$1.swap, so it is switched off directly"
    observe_swaps
  fi
  [[ -z ${SEEN_SWAP[$path]-} ]] || swap_off "$path"
}

# stop_zram_setup DEVICE: at boot it is left alone; what it made is reset all the same.
stop_zram_setup() {
  local unit=systemd-zram-setup@$1.service
  [[ -z $BOOTING ]] || return 0
  state_of "$unit"
  [[ $REPLY != active ]] || systemctl stop -- "$unit" || fail "$unit cannot be stopped"
}

# reset_zram DEVICE: it has no size and no algorithm any more.
reset_zram() {
  local sys=$BLOCK_DEVICES/$1 size
  local -i try
  [[ -e $sys/reset ]] || return 0
  # udev opens the device for a moment when its swap is switched off, and the kernel refuses to reset one that is open.
  for ((try = 0; try < 20; try++)); do
    read -r size <"$sys/disksize"
    [[ $size != 0 ]] || return 0
    try_kernel "$sys/reset" 1
    [[ -n $ANSWER ]] || sleep 0.25
  done
  read -r size <"$sys/disksize"
  [[ $size == 0 ]] || fail "/dev/$1 is in use and cannot be reset (lsblk /dev/$1; fuser -v /dev/$1)"
}

# start_zram DEVICE: by the generator's units.
start_zram() {
  local unit
  for unit in "systemd-zram-setup@$1.service" "dev-$1.swap"; do
    state_of "$unit"
    [[ $REPLY != failed ]] || systemctl reset-failed -- "$unit" || fail "$unit cannot be reset"
  done
  if ! systemctl start -- "dev-$1.swap"; then
    last_journal_line "systemd-zram-setup@$1.service"
    fail "dev-$1.swap did not start: $REPLY"
  fi
}

# make_zram DEVICE: what the generator's units do, at boot, when nobody may wait for them.
make_zram() {
  local device=$1 sys=$BLOCK_DEVICES/$1 algorithm=${WANT["zram|$1|algorithm"]-} priority=${WANT["zram|$1|priority"]-}
  [[ -e $sys/disksize ]] || fail "the kernel has no /dev/$device"
  [[ -z $algorithm ]] || write_kernel "$sys/comp_algorithm" "$algorithm"
  write_kernel "$sys/disksize" "${WANT["zram|$device|size"]}"
  [[ -z ${WANT["zram|$device|memoryLimit"]-} ]] || limit_zram "$device"
  mkswap -- "/dev/$device" >/dev/null || fail "mkswap /dev/$device failed"
  swapon ${priority:+-p "$priority"} -- "/dev/$device" || fail "swapon /dev/$device failed"
}

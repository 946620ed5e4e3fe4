# zram, given back: off before its files go, and once more when nothing can start it any more.
# Reads WAS, WANT, SEEN_SWAP, BOOTING; sets ENTRIES, RECORD.

# give_back_zram: before its files go, the device is switched off and reset.
give_back_zram() {
  local device
  zram_to_return
  for device in "${ENTRIES[@]}"; do unmake_zram "$device"; done
}

# return_zram: after the reload nothing starts it any more; until then the start of any unit does, swap.target being what all
# of them need. Its record goes only now.
return_zram() {
  local device
  zram_to_return
  for device in "${ENTRIES[@]}"; do
    unmake_zram "$device"
    observe_swaps
    [[ -z ${SEEN_SWAP["/dev/$device"]-} ]] || fail "/dev/$device is on again: something has started dev-$device.swap. Run this again"
    stop_empty_slice 'system-systemd\x2dzram\x2dsetup.slice'
    forget_original zram "$device"
    say "  $device: off"
  done
}

# zram_to_return: ENTRIES are those that WAS has and WANT has not, with a record of ours; the swaps are looked at for them.
zram_to_return() {
  local device
  local -a ours=()
  gone_entries zram
  for device in "${ENTRIES[@]}"; do
    original zram "$device"
    [[ -z ${RECORD[0]-} ]] || ours+=("$device")
  done
  ENTRIES=("${ours[@]}")
  ((${#ENTRIES[@]} == 0)) || observe_swaps
}

# unmake_zram DEVICE
unmake_zram() {
  switch_off_zram "$1"
  stop_zram_setup "$1"
  reset_zram "$1"
}

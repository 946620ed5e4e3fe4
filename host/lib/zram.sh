# zram: made by systemd-zram-generator; the kernel's own files say whether it is as declared.

# zram_state DEVICE: REPLY is empty when the device is as wanted, "limit" when only its memory limit differs
# (set live), else what is wrong (the device must be made anew).
zram_state() {
  local device=$1 sys=/sys/block/$1 value priority limit
  REPLY=
  if [[ ! -e $sys/disksize ]]; then
    REPLY='no such device'
    return
  fi
  read -r value <"$sys/disksize"
  if [[ $value != "${WANT["zram|$device|size"]}" ]]; then
    human "$value"
    REPLY="size $REPLY"
    return
  fi
  read -r value <"$sys/comp_algorithm"
  value=${value#*\[}
  value=${value%%\]*}
  if [[ $value != "${WANT["zram|$device|algorithm"]-$value}" ]]; then
    REPLY="algorithm $value"
  elif [[ -z ${SEEN_SWAP["/dev/$device"]-} ]]; then
    REPLY='swap off'
  else
    read -r _ _ _ priority <<<"${SEEN_SWAP["/dev/$device"]}"
    [[ $priority == "${WANT["zram|$device|priority"]-$priority}" ]] || REPLY="priority $priority"
  fi
  [[ -z $REPLY ]] || return 0
  # mem_limit cannot be read; the fourth field of mm_stat is it, in bytes.
  read -r _ _ _ limit _ <"$sys/mm_stat"
  [[ $limit == "${WANT["zram|$device|memoryLimit"]-$limit}" ]] || REPLY=limit
}

change_zram() {
  local device
  entries WANT zram
  for device in "${ENTRIES[@]}"; do
    original zram "$device" || record_original zram "$device" absent
    make_durable || return 1
    zram_state "$device"
    case $REPLY in
      '') ;;
      limit)
        printf '%s' "${WANT["zram|$device|memoryLimit"]}" >"/sys/block/$device/mem_limit"
        say "  $device: memory limit set"
        ;;
      *)
        remake_zram "$device" || return 1
        say "  $device: on"
        ;;
    esac
  done
}

# remake_zram DEVICE: swap off when it is on, reset, and the generator's units make it anew.
remake_zram() {
  local device=$1
  if [[ -n ${SEEN_SWAP["/dev/$device"]-} ]]; then
    can_swapoff "/dev/$device" 0 || return 1
    systemctl stop -- "dev-$device.swap" 2>/dev/null || :
    observe_swaps
    [[ -z ${SEEN_SWAP["/dev/$device"]-} ]] || swapoff -- "/dev/$device" || { REPLY="swapoff /dev/$device failed"; return 1; }
  fi
  modprobe zram || { REPLY='the kernel has no zram module (modprobe zram failed)'; return 1; }
  systemctl stop -- "systemd-zram-setup@$device.service" 2>/dev/null || :
  [[ ! -e /sys/block/$device/reset ]] || printf 1 >"/sys/block/$device/reset" || { REPLY="/dev/$device is in use and cannot be reset"; return 1; }
  systemctl reset-failed -- "systemd-zram-setup@$device.service" "dev-$device.swap" 2>/dev/null || :
  systemctl start -- "dev-$device.swap" 2>/dev/null || { REPLY="dev-$device.swap did not start: $(last_journal_line "systemd-zram-setup@$device.service")"; return 1; }
  observe_swaps
}

# give_back_zram: before its files go, the device is switched off and reset.
give_back_zram() {
  local device
  gone_entries zram
  for device in "${ENTRIES[@]}"; do
    original zram "$device" || continue
    if [[ -n ${SEEN_SWAP["/dev/$device"]-} ]]; then
      can_swapoff "/dev/$device" 0 || return 1
    fi
    systemctl stop -- "dev-$device.swap" "systemd-zram-setup@$device.service" 2>/dev/null || :
    stop_empty_slice 'system-systemd\x2dzram\x2dsetup.slice'
    swapoff -- "/dev/$device" 2>/dev/null || :
    [[ ! -e /sys/block/$device/reset ]] || printf 1 2>/dev/null >"/sys/block/$device/reset" || :
    forget_original zram "$device"
    say "  $device: off"
  done
}

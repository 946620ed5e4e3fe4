# zram: the kernel's own files say whether it is as declared.
# Reads WANT, SEEN_SWAP; sets REPLY.

# zram_state DEVICE: REPLY is empty when the device is as wanted, "limit" when only its memory limit differs
# (set live), else what is wrong (the device must be made anew).
zram_state() {
  local device=$1 sys=$BLOCK_DEVICES/$1 value priority limit
  if [[ ! -e $sys/disksize ]]; then
    REPLY='no such device'
    return
  fi
  read -r value <"$sys/disksize"
  in_pages "${WANT["zram|$device|size"]}"
  if [[ $value != "$REPLY" ]]; then
    human "$value"
    REPLY="size $REPLY"
    return
  fi
  read -r value <"$sys/comp_algorithm"
  value=${value#*\[}
  value=${value%%\]*}
  read -r _ _ _ priority <<<"${SEEN_SWAP["/dev/$device"]-}"
  # mem_limit cannot be read; the fourth field of mm_stat is it, in bytes.
  read -r _ _ _ limit _ <"$sys/mm_stat"
  in_pages "${WANT["zram|$device|memoryLimit"]-$limit}"
  if [[ $value != "${WANT["zram|$device|algorithm"]-$value}" ]]; then
    REPLY="algorithm $value"
  elif [[ -z $priority ]]; then
    REPLY='swap off'
  elif [[ $priority != "${WANT["zram|$device|priority"]-$priority}" ]]; then
    REPLY="priority $priority"
  elif [[ $limit != "$REPLY" ]]; then
    REPLY=limit
  else
    REPLY=
  fi
}

# in_pages BYTES: REPLY is what the kernel makes of it: whole pages.
in_pages() {
  page_size
  REPLY=$((($1 + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE))
}

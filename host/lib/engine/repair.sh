# Repair: from the bundles stored on this host, without Pulumi and without the network.
# Reads BOOTING, PCI_DEVICES, CARDS_FROM; sets WANT, STATUS, ANSWER.

# settle_disks: a disk's scheduler and read-ahead come by udev, and the scheduler's module, whenever they come, and slices
# start before that with its default weight. That is how a boot goes and no drift.
settle_disks() {
  local name
  WANT=()
  stored_bundles
  for name in "${BUNDLES[@]}"; do load_index WANT "$STATE/bundles/$name"; done
  observe WANT
  attempt change_schedulers
  ((STATUS == 0)) || warn "$FAILURE"
  attempt change_read_ahead
  ((STATUS == 0)) || warn "$FAILURE"
  attempt write_limits
  ((STATUS == 0)) || warn "$FAILURE"
}

# settle_gpus: of what settle_disks has loaded. udev loads the drivers of cards while the system comes up, and before that nobody
# knows which card has which device. One that comes later by other ways has said it the last time.
settle_gpus() {
  local key vendor wait=''
  for key in "${!WANT[@]}"; do
    [[ $key == limits\|*\|GPUs ]] || continue
    vendor=nvidia
    [[ ${WANT[$key]} != 'amd '* ]] || vendor=amd
    # A table that has a card may not have the others yet.
    has_pci_card "$vendor"
    wait+=$ANSWER
  done
  [[ -z $wait ]] || udevadm settle --timeout=30 ||
    warn 'udev has not settled in 30 seconds, and may still load a driver of GPUs'
}

# has_pci_card VENDOR: ANSWER, of cards with or without a driver.
has_pci_card() {
  local folder vendor class
  ANSWER=
  for folder in "$PCI_DEVICES"/*; do
    first_line "$folder/vendor"
    vendor=$REPLY
    first_line "$folder/class"
    class=$REPLY
    # Display controllers, and what computes only.
    [[ $1/$vendor/$class != @(nvidia/0x10de|amd/0x1002)/@(0x03|0x12)* ]] || ANSWER=yes
  done
}

# apply_stored [NAME]: one look at everything tells which bundles need it: at boot the workloads wait for this.
apply_stored() {
  local name line status=0
  local -A drifted=()
  local -i tries
  # At boot a slice or the scheduler's module may come between the settling and the look: only what stays is drift.
  for ((tries = 1; tries <= 3; tries++)); do
    ((tries == 1)) || sleep 1
    [[ -z $BOOTING ]] || settle_disks
    [[ -z $BOOTING || $tries != 1 ]] || settle_gpus
    examine "$@"
    if [[ -z $BOOTING ]] || ((${#FINDINGS[@]} == 0)); then break; fi
  done
  local -a chosen=("${EXAMINED[@]}")
  for line in "${FINDINGS[@]}"; do drifted[${line%%$'\t'*}]=1; done
  for name in "${chosen[@]}"; do
    needs_newer "$STATE/bundles/$name"
    if [[ -n $REPLY ]]; then
      error "$name was applied by manager $REPLY, and this is $VERSION: it is left alone. Run pulumi up with that version"
      status=$EXIT_FAILED
    elif [[ -z ${drifted[$name]-} && ! -e $PENDING/reload ]]; then
      say "$name: unchanged"
    else
      attempt repair_bundle "$name"
      ((STATUS == 0)) || status=$STATUS
    fi
  done
  STATUS=$status
}

# repair_bundle NAME: an attempt.
repair_bundle() {
  cp -- "$STATE/bundles/$1/bundle.yaml" "$SPOOL" || fail "what is stored of $1 cannot be read"
  apply_bundle "$1" "$SPOOL"
}

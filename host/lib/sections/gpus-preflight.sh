# What a bundle requires of the host's GPUs, asked before anything changes.
# Reads WANT, STORED, CARDS_FROM, CARD; adds to PROBLEMS.

# preflight_gpus: a card that the driver's table does not have. A host whose driver is not loaded yet is asked nothing. A repair
# goes on, and closes what the card left open: its number may be another card's now.
preflight_gpus() {
  local setting ids vendor
  [[ -z $STORED ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    ids=${WANT["requires|$setting|gpus"]-}
    [[ -n $ids ]] || continue
    vendor=${WANT["requires|$setting|vendor"]}
    cards_of "$vendor"
    [[ $CARDS_FROM != table ]] || preflight_cards "$setting" "$vendor" "$ids"
  done
}

# preflight_cards SETTING VENDOR IDS: no table has MIG devices.
preflight_cards() {
  local id fix
  local -i i=0
  for id in ${3//,/ }; do
    if [[ $id != MIG-* ]]; then
      doubt_card "$2" "$id"
      if [[ -z $CARD && $REPLY == 'this host'* ]]; then
        card_of "$2" 0
        case $id in
          GPU-*) fix=${CARD#* } fix=${fix%%[ ?]*} fix=${fix/#-/0} ;;
          /*) fix=${CARD##* } fix=${fix%=*} ;;
          *) fix=0 ;;
        esac
        problem "$1: \"$id\": $REPLY. Allowed: any of those. Fix: pulumi config set --path '$1[$i]' $fix"
      elif [[ -z $CARD ]]; then
        problem "$1: \"$id\": $REPLY. Run that on the host, then this again"
      fi
    fi
    i+=1
  done
}

# preflight_devices: nodes that a container is given, and who may open them there. A repair goes on without.
preflight_devices() {
  local setting node groups mode group name told
  [[ -z $STORED ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    node=${WANT["requires|$setting|device"]-}
    [[ -n $node ]] || continue
    if [[ ! -c $node ]]; then
      problem "$setting: this host has no device $node. ${WANT["requires|$setting|remedy"]-}"
      continue
    fi
    groups=${WANT["requires|$setting|groups"]--}
    told=$(exec stat -L -c '%a %g %G' -- "$node")
    read -r mode group name <<<"$told"
    # Without the field it runs as root, or as whom its image says. The last digit is for everybody.
    [[ $groups == - || ${mode: -1} == [67] || ",$groups," == *",$group,"* ]] ||
      problem "$setting.groups: $node is for root and the group $name, and the container runs as neither. Fix: pulumi config set --path '$setting.groups[0]' $group"
  done
}

# Docker networks, made and given back. One that is there and this project's is used as it is, whoever has forgotten it: to
# make it anew would take its containers off it.
# Reads WANT, WAS, NAME, NETWORK_ID, NETWORK_STRANGER, NET_DEVICES, OWNER_LABEL; sets REPLY; adds to PROBLEMS.

# must_say_network NAME: network_named, where nothing can go on without an answer.
must_say_network() {
  network_named "$1"
  [[ -z $REPLY ]] || fail "$REPLY. Mend it (systemctl restart docker), then run this again"
}

# explain_network NAME BRIDGE: REPLY is why it cannot be made here, and the ways out; empty where it can, or is there.
explain_network() {
  local setting=${WANT["networks|$1|setting"]:-$NAME}
  REPLY=
  if [[ -n $NETWORK_STRANGER ]]; then
    REPLY="$setting: a Docker network named $1 is there already, which this project has not made. Remove it (docker network rm ${NETWORK_STRANGER:0:12}), or do without: pulumi config set --path '$setting.NAME.network' bridge, for each workload that is a container. Then run pulumi up"
  elif [[ -z $NETWORK_ID && -e $NET_DEVICES/$2 ]]; then
    REPLY="$setting: a network interface $2 is there already, and no Docker network of this project has it. Remove it (ip link delete $2), then run pulumi up"
  fi
}

# preflight_networks: a dockerd that does not run makes none; what is in force waits for it.
preflight_networks() {
  local network setting
  local -a networks
  entries WANT networks
  networks=("${ENTRIES[@]}")
  for network in "${networks[@]}"; do
    setting=${WANT["networks|$network|setting"]:-$NAME}
    may_ask_docker
    if [[ -z $ANSWER ]]; then
      [[ -n ${WAS["has|networks|$network"]-} ]] ||
        problem "$setting: docker.service does not run, which makes the network $network. Start it (systemctl start docker), then run this again"
      continue
    fi
    network_named "$network"
    if [[ -n $REPLY ]]; then
      problem "$REPLY: see journalctl -u docker.service, and mend it first"
      continue
    fi
    explain_network "$network" "${WANT["networks|$network|bridge"]-}"
    [[ -z $REPLY ]] || problem "$REPLY"
  done
}

# make_networks: once dockerd runs. At boot it may not, and then it brings those that it has by itself.
make_networks() {
  local network
  local -a networks
  entries WANT networks
  networks=("${ENTRIES[@]}")
  ((${#networks[@]} > 0)) || return 0
  may_ask_docker
  [[ -n $ANSWER ]] || return 0
  for network in "${networks[@]}"; do
    make_network "$network" "${WANT["networks|$network|bridge"]-}"
    rejoin_network "$network"
  done
}

# make_network NAME BRIDGE
make_network() {
  local said
  must_say_network "$1"
  explain_network "$1" "$2"
  [[ -z $REPLY ]] || fail "$REPLY"
  if [[ -n $NETWORK_ID && ! -d $NET_DEVICES/$2/bridge ]]; then
    # Somebody has deleted it beside dockerd, which makes another one only when it starts.
    said=$(timeout 120 docker network rm "$NETWORK_ID" 2>&1 9>&- </dev/null) ||
      fail "the network $1 has lost its bridge $2, and containers run in it: ${said##*$'\n'}. Run systemctl restart docker, restart these containers, then run this again"
    NETWORK_ID=
  fi
  [[ -z $NETWORK_ID ]] || return 0
  create_network "$1" "$2"
  must_say_network "$1"
  [[ -n $NETWORK_ID ]] || fail "dockerd has no network $1 after it has made it: see journalctl -u docker.service"
  say "  made the Docker network $1 (bridge $2)"
}

# create_network NAME BRIDGE
create_network() {
  local said mtu
  local -a options=(--driver bridge --label "$OWNER_LABEL=${WANT["meta|owner|"]:-nobody}" --opt "com.docker.network.bridge.name=$2")
  # The mtu of daemon.json holds for Docker's own bridge only, and who set it needs it here, too. A daemon.json may be without
  # that bridge. 1500 is the default, which default-network-opts may change.
  mtu=$(timeout 60 docker network inspect --format '{{index .Options "com.docker.network.driver.mtu"}}' bridge 2>/dev/null 9>&- </dev/null) || mtu=
  [[ ! $mtu =~ ^[1-9][0-9]{1,5}$ || $mtu == 1500 ]] || options+=(--opt "com.docker.network.driver.mtu=$mtu")
  said=$(timeout 120 docker network create "${options[@]}" "$1" 2>&1 9>&- </dev/null) || {
    said=${said##*$'\n'}
    # "non-overlapping IPv4 address pool" until 26, "all predefined address pools" since 27.
    [[ $said != *'address pool'* ]] || said+=". Free a subnet (docker network ls; docker network prune removes the networks in which no container runs), or give dockerd more: default-address-pools in /etc/docker/daemon.json, then systemctl restart docker"
    fail "dockerd does not make the network $1: $said"
  }
}

# rejoin_network NAME: a container that was stopped when its network went knows the number of the one that is gone, and does not
# start. Ours get the one of that name; dockerd forgets the other by itself.
rejoin_network() {
  local text id name number said
  local -a ids
  text=$(timeout 60 docker ps --all --no-trunc --quiet --filter "network=$1" --filter "label=$OWNER_LABEL" 2>&1 9>&- </dev/null) ||
    fail "docker does not say which containers are in the network $1: ${text##*$'\n'}"
  [[ -n $text ]] || return 0
  mapfile -t ids <<<"$text"
  text=$(timeout 60 docker inspect --format "{{.Id}} {{.Name}} {{(index .NetworkSettings.Networks \"$1\").NetworkID}}" "${ids[@]}" 2>&1 9>&- </dev/null) ||
    fail "docker does not say how the containers in the network $1 are: ${text##*$'\n'}"
  while read -r id name number; do
    # One that never ran has none yet.
    [[ -n $number && $number != "$NETWORK_ID" ]] || continue
    said=$(timeout 60 docker network connect "$1" "$id" 2>&1 9>&- </dev/null) ||
      fail "the container ${name#/} cannot be put into the network $1: ${said##*$'\n'}"
    say "  put the container ${name#/} into the network $1"
  done <<<"$text"
}

# give_up_networks: those of a bundle that goes, once its containers are gone.
give_up_networks() {
  local network
  local -a networks
  gone_entries networks
  networks=("${ENTRIES[@]}")
  ((${#networks[@]} > 0)) || return 0
  reach_docker "the network ${networks[*]}" '' "docker network rm ${networks[*]}"
  [[ -n $ANSWER ]] || return 0
  for network in "${networks[@]}"; do give_up_network "$network"; done
}

# give_up_network NAME: what a stranger's container is in, running or not, stays with it.
give_up_network() {
  local said
  must_say_network "$1"
  [[ -z $NETWORK_STRANGER ]] || say "  kept the network $1 (${NETWORK_STRANGER:0:12}): it is not of this bundle"
  [[ -n $NETWORK_ID ]] || return 0
  strangers_in_network "$1"
  if [[ -n $REPLY ]]; then
    say "  kept the network $1: $REPLY is in it"
    return
  fi
  said=$(timeout 120 docker network rm "$NETWORK_ID" 2>&1 9>&- </dev/null) || said=${said##*$'\n'}
  must_say_network "$1"
  if [[ -z $NETWORK_ID ]]; then
    say "  removed the Docker network $1"
  elif [[ $said == *'active endpoints'* ]]; then
    say "  kept the network $1: $said"
  else
    fail "the network $1 cannot be removed: $said. Remove it (docker network rm $1), then run this again"
  fi
}

# strangers_in_network NAME: REPLY is the names of the containers in it that this project has not made.
strangers_in_network() {
  local text name label
  local -a strangers=()
  text=$(timeout 60 docker ps --all --filter "network=$1" --format "{{.Names}} {{.Label \"$OWNER_LABEL\"}}" 2>&1 9>&- </dev/null) ||
    fail "docker does not say which containers are in the network $1: ${text##*$'\n'}"
  while read -r name label; do
    [[ -z $name || -n $label ]] || strangers+=("$name")
  done <<<"$text"
  REPLY=${strangers[*]}
}

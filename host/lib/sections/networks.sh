# Docker networks: bridges in which containers reach one another by name. Each one's bridge has a name of its own, so that a
# look finds it in the kernel and asks no dockerd.
# Reads WANT, SEEN_UNIT, BOOTING, LOOKING, OWNER_LABEL; sets NETWORK_ID, NETWORK_STRANGER, REPLY.

readonly NET_DEVICES=/sys/class/net

# network_named NAME: NETWORK_ID is the one that this project has made, NETWORK_STRANGER another one of that name (which
# dockerd refuses only since 25), each empty where there is none. Any owner's label will do: it cannot be changed, and whose
# the network is now, its bundle says. REPLY is why docker does not say.
declare NETWORK_ID='' NETWORK_STRANGER=''
network_named() {
  local text line
  NETWORK_ID='' NETWORK_STRANGER=''
  if ! text=$(timeout 60 docker network ls --no-trunc --filter "name=^$1\$" --format "{{.ID}} {{.Label \"$OWNER_LABEL\"}}" 2>&1 9>&- </dev/null); then
    REPLY="docker does not say which networks there are: ${text##*$'\n'}"
    return
  fi
  REPLY=
  while IFS= read -r line; do
    [[ $line =~ ^([0-9a-f]{64})\ (.*)$ ]] || continue
    if [[ -n ${BASH_REMATCH[2]} ]]; then NETWORK_ID=${BASH_REMATCH[1]}; else NETWORK_STRANGER=${BASH_REMATCH[1]}; fi
  done <<<"$text"
}

# find_network_drift: of a dockerd that runs. Where none does, its own unit is what drifted.
find_network_drift() {
  local network bridge
  local -a networks
  entries WANT networks
  networks=("${ENTRIES[@]}")
  for network in "${networks[@]}"; do
    seen docker.service ActiveState
    [[ $REPLY == active ]] || continue
    bridge=${WANT["networks|$network|bridge"]-}
    if [[ ! -d $NET_DEVICES/$bridge/bridge ]]; then
      finding "$network" network "bridge $bridge" '' none 'the Docker network is gone, as docker network prune leaves it where all its containers are stopped'
      continue
    fi
    [[ -z $BOOTING && -z $LOOKING ]] || continue
    network_named "$network"
    if [[ -n $REPLY ]]; then
      finding "$network" network 'an answer' '' none "$REPLY"
    elif [[ -z $NETWORK_ID ]]; then
      finding "$network" network "a network of this project" '' "${NETWORK_STRANGER:-none}" 'dockerd has no such network'
    fi
  done
}

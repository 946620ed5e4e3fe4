# Containers, given back: those of a bundle go with it, also where the docker provider's own delete does not come (a state
# that was lost, a dockerd that is gone), and so do its images that nobody uses.
# Reads WANT, WAS, NAME, STATE, BOOTING, ROLLING_BACK, STORED, REVERTING; sets REPLY, ANSWER.

# change_containers: those of a bundle that goes go with it; those of the stack that gave a bundle up make way for the
# ones of the stack that takes it over.
change_containers() {
  [[ -z $ROLLING_BACK ]] || return 0
  if [[ -z ${WANT["meta|name|"]-} ]]; then
    give_up_containers
  elif [[ -z $STORED && -z $REVERTING && -e $STATE/disowned/$NAME ]]; then
    take_over_containers
  fi
}

take_over_containers() {
  local name former
  local -a containers
  disowned_owner
  former=$REPLY
  entries WANT containers
  containers=("${ENTRIES[@]}")
  [[ -n $former && $former != "${WANT["meta|owner|"]-}" && ${#containers[@]} -gt 0 ]] || return 0
  may_ask_docker
  [[ -n $ANSWER ]] || return 0
  for name in "${containers[@]}"; do
    must_say_container "$name"
    [[ $CONTAINER_OWNER == "$former" ]] || continue
    remove_container "$name" "${WANT["containers|$name|grace"]:-30}" ", which $former had made"
  done
}

give_up_containers() {
  local name owner=${WAS["meta|owner|"]-}
  local -a containers
  entries WAS containers
  containers=("${ENTRIES[@]}")
  ((${#containers[@]} > 0)) || return 0
  reach_docker "the container ${containers[*]}" ', and would start with it, without limits' "docker rm --force ${containers[*]}"
  [[ -n $ANSWER ]] || return 0
  for name in "${containers[@]}"; do
    must_say_container "$name"
    [[ -n $CONTAINER_ID ]] || continue
    if [[ -z $CONTAINER_OWNER || $CONTAINER_OWNER != "$owner" ]]; then
      say "  kept the container $name: it is not of this bundle"
      continue
    fi
    remove_container "$name" "${WAS["containers|$name|grace"]:-30}" ''
  done
  give_up_images "$owner"
}

# reach_docker WHAT DANGER COMMAND: ANSWER is yes where dockerd answers. One that is stopped is started, for a container that
# stays would start with it one day, without its limits; one that is gone has taken what it knew out of reach. COMMAND removes it.
reach_docker() {
  local said
  ANSWER=
  said=$(systemctl show --property=LoadState -- docker.service 2>&1) || fail "systemd does not say what docker.service is: $said"
  if [[ $said != LoadState=loaded ]] || ! command -v docker >/dev/null; then
    say "  Docker is gone from this host, and with it $1"
    return
  fi
  ANSWER=yes
  state_of docker.service
  [[ $REPLY != active ]] || return 0
  [[ -z $BOOTING ]] || fail "$1 is removed by the next run in which dockerd runs"
  if systemctl start docker.service 2>/dev/null; then
    say "  started docker.service, which knows $1"
    return
  fi
  ANSWER=
  last_journal_line docker.service ''
  warn "dockerd does not start ($REPLY), so $1 may still be there$2. Once dockerd runs: $3"
}

# give_up_images OWNER: what a container still uses, whoever's it is, stays with it.
give_up_images() {
  local text id name said
  [[ -n $1 ]] || return 0
  text=$(timeout 60 docker images --no-trunc --filter "label=$OWNER_LABEL=$1" --format '{{.ID}} {{.Repository}}:{{.Tag}}' 2>&1 9>&- </dev/null) ||
    fail "docker does not say which images there are: ${text##*$'\n'}"
  while read -r id name; do
    [[ $id == sha256:* ]] || continue
    [[ $name != *'<none>'* ]] || name=$id
    if said=$(timeout 120 docker rmi "$name" 2>&1 9>&- </dev/null); then
      say "  removed the image $name"
    else
      say "  kept the image $name: ${said##*$'\n'}"
    fi
  done <<<"$text"
}

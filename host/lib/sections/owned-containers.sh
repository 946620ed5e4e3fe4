# Containers that belong to a bundle: the docker provider makes them, and their label says whose they are. A stranger's is
# refused before the thin unit exists that would start it; one that is ours and not in Pulumi's state makes way.
# Reads WANT, WAS, NAME, STATE, OWNER_LABEL; sets CONTAINER_ID, CONTAINER_OWNER, REPLY, ANSWER.

# container_named NAME: CONTAINER_ID, empty where there is none, and CONTAINER_OWNER: whose its label says it is. REPLY is
# why docker does not say.
declare CONTAINER_ID='' CONTAINER_OWNER=''
container_named() {
  local text line
  CONTAINER_ID='' CONTAINER_OWNER=''
  # By its name alone: docker inspect takes the beginning of an id for one, too.
  if ! text=$(timeout 60 docker ps --all --no-trunc --filter "name=^/${1//./\\.}$" --format "{{.ID}} {{.Label \"$OWNER_LABEL\"}}" 2>&1 9>&- </dev/null); then
    REPLY="docker does not say which containers there are: ${text##*$'\n'}"
    return
  fi
  REPLY=
  while IFS= read -r line; do
    [[ $line =~ ^([0-9a-f]{64})\ (.*)$ ]] || continue
    CONTAINER_ID=${BASH_REMATCH[1]} CONTAINER_OWNER=${BASH_REMATCH[2]}
  done <<<"$text"
}

# must_say_container NAME: the same, where nothing can go on without an answer.
must_say_container() {
  container_named "$1"
  [[ -z $REPLY ]] || fail "$REPLY. Mend it (systemctl restart docker), then run this again"
}

# remove_container NAME GRACE WHY: the one that container_named has found.
remove_container() {
  local id=$CONTAINER_ID said
  said=$(timeout "$(($2 + 60))" docker stop --time "$2" "$id" 2>&1 9>&- </dev/null) || warn "the container $1 does not stop: ${said##*$'\n'}"
  # Anonymous volumes go with it, as when the provider removes one.
  said=$(timeout 120 docker rm --force --volumes "$id" 2>&1 9>&- </dev/null) || said=${said##*$'\n'}
  must_say_container "$1"
  [[ $CONTAINER_ID != "$id" ]] || fail "the container $1 cannot be removed: $said. Remove it (docker rm --force $1), then run this again"
  say "  removed the container $1$3"
}

# explain_stranger NAME: REPLY is why nothing is done about a container that is not ours, and the ways out.
explain_stranger() {
  local whose='no stack of this project has made'
  [[ -z $CONTAINER_OWNER ]] || whose="$CONTAINER_OWNER has made"
  REPLY="a container named $1 is there already, which $whose. Keep it under another name (docker rename $1 NAME) or remove it (docker rm --force $1); a workload can also have another name. Then run pulumi up"
}

# is_bundles_container NAME: ANSWER is yes where the bundle in force stands for it already: whatever has the name now is in
# its unit's hands, and the provider's business.
is_bundles_container() {
  local unit
  ANSWER=
  [[ -z ${WAS["has|containers|$1"]-} ]] || ANSWER=yes
  [[ -z $ANSWER && -n ${WAS["meta|name|"]-} && -z ${WAS[containers]-} ]] || return 0
  # Before 1.1 a bundle did not say which containers are its own, and they had no label.
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    [[ ${WANT["units|$unit|container"]-} == "$1" ]] || continue
    [[ ${WAS["units|$unit|container"]-} != "$1" ]] || ANSWER=yes
    return 0
  done
  # The monitor's bundle has no unit.
  ANSWER=yes
}

# preflight_containers: only a dockerd that runs is asked; where none does, the one that comes has none of these.
preflight_containers() {
  local name owner=${WANT["meta|owner|"]-}
  local -a own
  entries WANT containers
  own=("${ENTRIES[@]}")
  for name in "${own[@]}"; do
    is_bundles_container "$name"
    [[ -z $ANSWER ]] || continue
    may_ask_docker
    [[ -n $ANSWER ]] || return 0
    container_named "$name"
    if [[ -n $REPLY ]]; then
      problem "$REPLY: see journalctl -u docker.service, and mend it first"
      return
    fi
    [[ -n $CONTAINER_ID ]] || continue
    disowned_owner
    [[ -z $CONTAINER_OWNER || $CONTAINER_OWNER != @("$owner"|"$REPLY") ]] || continue
    explain_stranger "$name"
    problem "${WANT["containers|$name|setting"]:-$NAME}: $REPLY"
  done
}

# disowned_owner: REPLY is whose the bundle was before somebody gave it up (disown), or empty.
disowned_owner() { first_line "$STATE/disowned/$NAME"; }

# vacate_container NAME OWNER: Pulumi is about to create it, so it is not in its state. One that is there all the same and
# OWNER's own was left by a state that was lost, or by a run that was ended while it made it.
vacate_container() {
  local grace
  may_ask_docker
  # Who creates it next says why nobody answers.
  [[ -n $ANSWER ]] || return 0
  must_say_container "$1"
  [[ -n $CONTAINER_ID ]] || return 0
  if [[ $CONTAINER_OWNER != "$2" ]]; then
    explain_stranger "$1"
    die "$EXIT_USAGE" "$REPLY"
  fi
  owner_of containers "$1" ''
  NAME=$REPLY
  load_was "$NAME"
  grace=${WAS["containers|$1|grace"]:-30}
  remove_container "$1" "$grace" ", which was this stack's own and not in its state"
}

# dockerd: what it says of itself, and reloads and restarts in which containers live on.
# Reads WANT, WAS, SEEN_UNIT, BOOTING, LOOKING; sets DOCKER, REPLY, ANSWER.

# By this label what was made in dockerd says whose it is.
readonly OWNER_LABEL=goblin-host.owner

# docker_info: ANSWER is yes and DOCKER[FIELD] is as the running dockerd says; ANSWER is empty when it does not answer. Only
# for one that runs: its socket would start it.
declare -A DOCKER=()
docker_info() {
  local format='{{.CgroupDriver}}|{{.CgroupVersion}}|{{.LiveRestoreEnabled}}|{{.LoggingDriver}}'
  local text cgroup_driver cgroup_version live_restore logging_driver swarm running root
  format+='|{{.Swarm.LocalNodeState}}|{{.ContainersRunning}}|{{.DockerRootDir}}'
  DOCKER=() ANSWER=
  # What it says where nobody answers is no value.
  text=$(timeout -k 1 30 docker --host unix:///run/docker.sock info --format "$format" 2>/dev/null) || return 0
  IFS='|' read -r cgroup_driver cgroup_version live_restore logging_driver swarm running root <<<"$text"
  [[ $running =~ ^[0-9]+$ && $root == /* ]] || return 0
  DOCKER=([cgroupDriver]=$cgroup_driver [cgroupVersion]=$cgroup_version [liveRestore]=$live_restore
    [loggingDriver]=$logging_driver [swarm]=$swarm [running]=$running [root]=$root)
  ANSWER=yes
}

# await_docker FIELD VALUE: dockerd takes a reload over in its own time; ANSWER is empty where it has not.
await_docker() {
  local -i try
  for ((try = 0; try < 20; try++)); do
    docker_info
    [[ ${DOCKER[$1]-} != "$2" ]] || return 0
    sleep 0.5
  done
  ANSWER=
}

# reload_unit UNIT: it takes over the keys that need no restart.
reload_unit() {
  local unit=$1 said wanted=${WANT["docker|$1|liveRestore"]-}
  state_of "$unit"
  if [[ $REPLY == @(active|reloading) ]]; then
    if [[ -n $BOOTING ]]; then
      # The next run proves it.
      tell_systemd reload "$unit"
      return
    fi
    if ! said=$(systemctl reload -- "$unit" 2>&1); then
      last_journal_line "$unit" "$said"
      fail "$unit does not reload: $REPLY"
    fi
    if [[ -n $wanted ]]; then
      await_docker liveRestore "$wanted"
      if [[ -z $ANSWER ]]; then
        last_journal_line "$unit"
        fail "dockerd does not take over its configuration: $REPLY"
      fi
    fi
    say "  reloaded $unit"
  fi
  done_pending "reload%$unit"
}

# take_over_hold UNIT: the unit runs with what its files hold for the restart. dockerd must have live-restore before it
# stops, or it stops every container.
take_over_hold() {
  local unit=$1 said='' running
  state_of "$unit"
  [[ $REPLY == @(active|reloading) ]] || return 0
  if [[ -z ${WANT["has|docker|$unit"]-}${WAS["has|docker|$unit"]-} ]]; then
    reload_unit "$unit"
    return
  fi
  docker_info
  [[ ${DOCKER[liveRestore]-} != true && ${DOCKER[running]-} != 0 ]] || return 0
  running=${DOCKER[running]:-its}
  if said=$(systemctl reload -- "$unit" 2>&1); then
    await_docker liveRestore true
    [[ -z $ANSWER ]] || return 0
  fi
  last_journal_line "$unit" "$said"
  fail "dockerd does not take over live-restore, and a restart would stop $running containers: $REPLY"
}

# find_docker_drift: not for status, which a preview waits for: docker's client is a dozen processes by itself.
find_docker_drift() {
  local unit field
  [[ -z $BOOTING && -z $LOOKING ]] || return 0
  entries WANT docker
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    [[ $REPLY == active ]] || continue
    docker_info
    if [[ -z $ANSWER ]]; then
      finding "$unit" 'docker info' 'an answer' '' none "does not answer (journalctl -u $unit)"
      continue
    fi
    for field in cgroupDriver cgroupVersion liveRestore loggingDriver; do
      [[ ${WANT["docker|$unit|$field"]-${DOCKER[$field]}} == "${DOCKER[$field]}" ]] ||
        finding "$unit" "$field" "${WANT["docker|$unit|$field"]}" '' "${DOCKER[$field]}" 'dockerd runs with another'
    done
  done
}

# dockerd: what it says of itself, restarts in which containers live on, and what must not be lost with its package.

# docker_info: DOCKER[FIELD] as the running dockerd says; fails when it does not answer. Only for one that runs: its
# socket would start it.
declare -A DOCKER=()
docker_info() {
  local text
  DOCKER=()
  text=$(timeout -k 1 30 docker --host unix:///run/docker.sock info --format \
    '{{.CgroupDriver}}|{{.CgroupVersion}}|{{.LiveRestoreEnabled}}|{{.LoggingDriver}}|{{.Swarm.LocalNodeState}}|{{.ContainersRunning}}' 2>/dev/null) || return 1
  [[ $text == *'|'*'|'*'|'*'|'*'|'[0-9]* ]] || return 1
  local -a values
  IFS='|' read -r -a values <<<"$text"
  DOCKER=([cgroupDriver]=${values[0]} [cgroupVersion]=${values[1]} [liveRestore]=${values[2]} [loggingDriver]=${values[3]}
    [swarm]=${values[4]} [running]=${values[5]})
}

# await_docker FIELD VALUE: dockerd takes a reload over in its own time.
await_docker() {
  local -i try
  for ((try = 0; try < 20; try++)); do
    if docker_info && [[ ${DOCKER[$1]} == "$2" ]]; then return 0; fi
    sleep 0.5
  done
  return 1
}

# reload_unit UNIT: it takes over the keys that need no restart.
reload_unit() {
  local unit=$1
  if systemctl is-active --quiet -- "$unit"; then
    systemctl reload -- "$unit" || { REPLY="$unit does not reload: $(last_journal_line "$unit")"; return 1; }
    say "  reloaded $unit"
    if has WANT docker "$unit" && [[ -n ${WANT["docker|$unit|liveRestore"]-} ]]; then
      await_docker liveRestore "${WANT["docker|$unit|liveRestore"]}" ||
        { REPLY="dockerd does not take over its configuration: $(last_journal_line "$unit")"; return 1; }
    fi
  fi
  done_pending "reload%$unit"
}

# take_over_hold UNIT: the unit runs with what its files hold for the restart. dockerd must have live-restore before it
# stops, or it stops every container.
take_over_hold() {
  local unit=$1
  systemctl is-active --quiet -- "$unit" || return 0
  if ! has WANT docker "$unit" && ! has WAS docker "$unit"; then
    reload_unit "$unit"
    return
  fi
  if docker_info && [[ ${DOCKER[liveRestore]} == true || ${DOCKER[running]} == 0 ]]; then return 0; fi
  systemctl reload -- "$unit" || :
  await_docker liveRestore true && return 0
  REPLY="dockerd does not take over live-restore, and a restart would stop ${DOCKER[running]:-its} containers: $(last_journal_line "$unit")"
  return 1
}

# find_docker_drift: not for status, which a preview waits for: docker's client is a dozen processes by itself.
find_docker_drift() {
  local unit field
  [[ -z $BOOTING && -z $STATUS ]] || return 0
  entries WANT docker
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" ActiveState
    [[ $REPLY == active ]] || continue
    if ! docker_info; then
      finding "$unit" 'docker info' 'an answer' '' none "does not answer (journalctl -u $unit)"
      continue
    fi
    for field in cgroupDriver cgroupVersion liveRestore loggingDriver; do
      [[ ${WANT["docker|$unit|$field"]-${DOCKER[$field]}} == "${DOCKER[$field]}" ]] ||
        finding "$unit" "$field" "${WANT["docker|$unit|$field"]}" '' "${DOCKER[$field]}" 'dockerd runs with another'
    done
  done
}

# dockers_data ROOT: REPLY says what would be lost with it, or nothing.
dockers_data() {
  local root=$1 what
  REPLY=
  local -a containers=("$root"/containers/*/) volumes=("$root"/volumes/*/) images=("$root"/image/*/imagedb/content/sha256/*)
  for what in "${#containers[@]} containers" "${#volumes[@]} volumes" "${#images[@]} images"; do
    [[ $what == 0* ]] || REPLY+=${REPLY:+, }$what
  done
}

# keep_docker: purging the package deletes everything that dockerd keeps. While there is anything, package and unit
# stay and are the owner's from now on.
keep_docker() {
  local unit part package
  gone_entries docker
  for unit in "${ENTRIES[@]}"; do
    dockers_data /var/lib/docker
    [[ -n $REPLY ]] || continue
    local data=$REPLY
    for part in "$unit" "${unit%.service}.socket"; do
      if original units "$part" && [[ ${RECORD[0]} == none ]]; then record_original units "$part" enabled active; fi
    done
    for package in ${WAS["docker|$unit|packages"]-}; do
      original packages "$package" || continue
      forget_original packages "$package"
      say "  kept package $package: /var/lib/docker has $data, which its purge would delete"
    done
  done
}

# was_stopped UNIT: whether it is remembered as not running.
was_stopped() { original units "$1" && [[ ${RECORD[1]} != active ]]; }

# stop_docker_parts: what started with dockerd and was not there before: its socket, which would start it again, and
# containerd.
stop_docker_parts() {
  local unit part
  gone_entries docker
  for unit in "${ENTRIES[@]}"; do
    was_stopped "$unit" || continue
    for part in "${unit%.service}.socket" containerd.service; do
      ! was_stopped "$part" || systemctl stop -- "$part" 2>/dev/null || :
    done
  done
}

preflight_docker() {
  local unit setting
  entries WANT docker
  for unit in "${ENTRIES[@]}"; do
    setting=${WANT["docker|$unit|setting"]:-$NAME}
    preflight_docker_origin "$unit"
    preflight_docker_flags "$unit" "$setting"
    preflight_log_options "$unit" "$setting"
    seen "$unit" ActiveState
    [[ $REPLY == active ]] || continue
    if ! docker_info; then
      problem "dockerd runs and does not answer: see journalctl -u $unit, and mend it first (systemctl restart $unit stops its containers)"
    elif [[ ${DOCKER[swarm]} == active && ${WANT["docker|$unit|liveRestore"]-} == true ]]; then
      problem "$setting.liveRestore: this host is in a swarm, where dockerd refuses live-restore. Fix: pulumi config set --path '$setting.liveRestore' false"
    fi
  done
}

# preflight_docker_origin UNIT: a dockerd from elsewhere would get a second one beside it.
preflight_docker_origin() {
  local package path
  for package in ${WANT["docker|$1|packages"]-}; do
    package_or_other "$package"
    [[ -z $REPLY ]] || return 0
  done
  for path in /usr/bin/dockerd /usr/sbin/dockerd /usr/local/bin/dockerd /snap/bin/docker; do
    [[ ! -e $path ]] || problem "$path is of neither docker.io nor docker-ce: remove that Docker first, or install one of the two"
  done
}

# preflight_docker_flags UNIT SETTING: dockerd does not start with a key in its file and a flag for it.
preflight_docker_flags() {
  local unit=$1 setting=$2 file line flag environment=''
  local -a files=() flags=()
  seen "$unit" FragmentPath
  files=("$REPLY")
  seen "$unit" DropInPaths
  read -r -a files <<<"${files[0]} $REPLY"
  for file in "${files[@]}"; do
    [[ -r $file ]] || continue
    while IFS= read -r line || [[ -n $line ]]; do
      [[ $line != ExecStart=*([[:blank:]]) ]] || flags=()
      [[ $line != EnvironmentFile=?* ]] || environment+=" ${line#EnvironmentFile=}"
      [[ $line != *([[:blank:]])[#\;]* ]] || continue
      for flag in ${WANT["docker|$unit|flags"]-}; do
        [[ $line != *"--$flag"[=[:blank:]]* && $line != *"--$flag" ]] || flags+=("$flag $file")
      done
    done <"$file"
  done
  for file in $environment; do
    file=${file#-}
    [[ -r $file ]] || continue
    while IFS= read -r line || [[ -n $line ]]; do
      [[ $line != *([[:blank:]])[#\;]* ]] || continue
      for flag in ${WANT["docker|$unit|flags"]-}; do
        [[ $line != *"--$flag"* ]] || flags+=("$flag $file")
      done
    done <"$file"
  done
  for line in "${flags[@]}"; do
    problem "$setting: ${line#* } gives dockerd the flag --${line%% *}, which is set in ${WANT["docker|$unit|config"]-its configuration file} too: dockerd would not start. Take it out of that file, then run this again"
  done
}

# preflight_log_options UNIT SETTING: options of another log driver would keep dockerd from starting.
preflight_log_options() {
  local unit=$1 setting=$2 config=${WANT["docker|$1|config"]-} option
  [[ -f $config && -n ${WANT["docker|$unit|logOptions"]-} ]] || return 0
  while IFS= read -r option; do
    [[ " ${WANT["docker|$unit|logOptions"]} " == *" $option "* || $option == cache-* ]] ||
      problem "$setting: $config has log-opts.$option, which the log driver ${WANT["docker|$unit|loggingDriver"]} does not know: dockerd would not start. Take it out of that file, then run this again"
  done < <(jq -r '."log-opts" | objects | keys[]' "$config" 2>/dev/null)
}

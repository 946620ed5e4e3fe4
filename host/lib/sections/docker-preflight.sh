# dockerd, before anything changes: one that would not start with what it is going to get is told now.
# Reads WANT, NAME, SEEN_UNIT; adds to PROBLEMS.

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
    docker_info
    if [[ -z $ANSWER ]]; then
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
  local unit=$1 setting=$2 line
  docker_flags "$unit"
  for line in "${DOCKER_FLAGS[@]}"; do
    problem "$setting: ${line#* } gives dockerd the flag --${line%% *}, which is set in ${WANT["docker|$unit|config"]-its configuration file} too: dockerd would not start. Take it out of that file, then run this again"
  done
}

# docker_flags UNIT: DOCKER_FLAGS=("FLAG FILE" of those that its unit's files and their environment files give it).
declare -a DOCKER_FLAGS=()
docker_flags() {
  local file line
  local -a files=() dropins=() environment=() lines
  DOCKER_FLAGS=()
  seen "$1" FragmentPath
  [[ -z $REPLY ]] || files=("$REPLY")
  seen "$1" DropInPaths
  read -r -a dropins <<<"$REPLY"
  for file in "${files[@]}" "${dropins[@]}"; do
    [[ -r $file ]] || continue
    mapfile -t lines <"$file"
    for line in "${lines[@]}"; do
      [[ $line != ExecStart=*([[:blank:]]) ]] || DOCKER_FLAGS=()
      [[ $line != EnvironmentFile=?* ]] || environment+=("${line#EnvironmentFile=}")
      add_docker_flags "$1" "$file" "$line"
    done
  done
  for file in "${environment[@]}"; do
    file=${file#-}
    [[ -r $file ]] || continue
    mapfile -t lines <"$file"
    for line in "${lines[@]}"; do add_docker_flags "$1" "$file" "$line"; done
  done
}

# add_docker_flags UNIT FILE LINE: a flag ends at a blank, an equals sign or a quote.
add_docker_flags() {
  local flag
  [[ $3 != *([[:blank:]])[#\;]* ]] || return 0
  for flag in ${WANT["docker|$1|flags"]-}; do
    [[ $3 != *"--$flag"[=[:blank:]\"\']* && $3 != *"--$flag" ]] || DOCKER_FLAGS+=("$flag $2")
  done
}

# preflight_log_options UNIT SETTING: options of another log driver would keep dockerd from starting.
preflight_log_options() {
  local unit=$1 setting=$2 config=${WANT["docker|$1|config"]-} options option
  [[ -f $config && -n ${WANT["docker|$unit|logOptions"]-} ]] || return 0
  # What is no JSON is a problem of the file's, told by its own check.
  options=$(jq -r '."log-opts" | objects | keys[]' "$config" 2>/dev/null) || return 0
  while IFS= read -r option; do
    [[ -n $option && " ${WANT["docker|$unit|logOptions"]} " != *" $option "* && $option != cache-* ]] || continue
    problem "$setting: $config has log-opts.$option, which the log driver ${WANT["docker|$unit|loggingDriver"]} does not know: dockerd would not start. Take it out of that file, then run this again"
  done <<<"$options"
}

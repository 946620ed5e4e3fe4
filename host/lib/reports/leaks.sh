# Leaks: what belongs to nothing any more and what has outgrown its bound, each with the command that removes it.
# Reads EXAMINED, NEWER, STATE, REPORTS, OWNER_LABEL; sets DECLARED, LEAKS, CONTAINER_OF_LOG, UNSEEN.

readonly LARGE_LOG=$((64 * 1048576))

declare -a LEAKS=()
declare -A CONTAINER_OF_LOG=()

audit_leaks() {
  local names
  LEAKS=() UNSEEN=()
  load_declared
  if ((${#NEWER[@]} == 0)); then
    find_orphaned_slices
    find_orphaned_backups
  else
    # What it stands for is for its manager to say.
    sort_words "${!NEWER[@]}"
    names=${SORTED[*]}
    UNSEEN+=("what belongs to no bundle is not known: a newer manager stored ${names// /, }")
  fi
  find_docker_leaks
  find_large_folders
  section 'Leaks' "${LEAKS[@]}" "${UNSEEN[@]}"
}

# load_declared: DECLARED is all that the bundles declare which were looked at.
declare -A DECLARED=()
load_declared() {
  local name
  DECLARED=()
  for name in "${EXAMINED[@]}"; do load_index DECLARED "$STATE/bundles/$name"; done
}

# find_orphaned_slices: systemd keeps a slice that nobody declares any more.
find_orphaned_slices() {
  local text unit
  text=$(systemctl list-units --type=slice --all --no-legend --plain 'ai-*.slice' airm.slice 2>&1) || {
    unseen 'the slices' "$text"
    return 0
  }
  while read -r unit _; do
    [[ -n $unit && -z ${DECLARED["has|limits|$unit"]-}${DECLARED["has|files|$UNIT_FOLDER/$unit"]-} ]] || continue
    LEAKS+=("slice $unit belongs to no bundle: systemctl stop $unit")
  done <<<"$text"
}

# find_orphaned_backups: copies beside unit files, named as ours are, that no original names.
find_orphaned_backups() {
  local file copies=$'\n'
  local -a fields
  for file in "$STATE"/originals/files%*; do
    [[ -f $file && $file != *.@(data|sha256) ]] || continue
    first_line "$file"
    IFS=$'\t' read -r -a fields <<<"$REPLY"
    # What a run noted before it made the copy is that copy's name alone.
    if [[ $file == *.copy ]]; then copies+=${fields[0]-}$'\n'; else copies+=${fields[1]-}$'\n'; fi
  done
  for file in "$UNIT_FOLDER"/{,*.d/}*.backup.[0-9]*T[0-9]*; do
    [[ $copies == *$'\n'"$file"$'\n'* ]] || LEAKS+=("backup $file belongs to nothing: rm '$file'")
  done
}

# find_docker_leaks: containers in the workloads' slices that no bundle stands for, networks likewise, and images that have lost
# their name.
# Only of a dockerd that runs: its socket would start it.
find_docker_leaks() {
  local text id
  local -a ids=()
  command -v docker >/dev/null || return 0
  if ! text=$(systemctl show --property=ActiveState -- docker.service 2>&1); then
    unseen 'containers, networks and images' "$text"
    return
  elif [[ $text != ActiveState=active ]]; then
    unseen 'containers, networks and images' 'docker.service is not active'
    return
  fi
  if text=$(timeout 20 docker ps -aq 2>&1); then
    while read -r id; do [[ ! $id =~ ^[0-9a-f]+$ ]] || ids+=("$id"); done <<<"$text"
    find_orphaned_containers "${ids[@]}"
  else
    unseen 'the containers' "$text"
  fi
  find_orphaned_networks
  if ! text=$(timeout 20 docker images -qf dangling=true 2>&1); then
    unseen 'the images' "$text"
    return
  fi
  ids=()
  while read -r id; do [[ ! $id =~ ^(sha256:)?[0-9a-f]+$ ]] || ids+=("$id"); done <<<"$text"
  ((${#ids[@]} == 0)) || LEAKS+=("${#ids[@]} images without a name: docker image prune")
}

# find_orphaned_containers ID...: one question for all.
find_orphaned_containers() {
  local text name parent state log unit declared=' '
  CONTAINER_OF_LOG=()
  (($# > 0)) || return 0
  text=$(timeout 20 docker inspect -f $'{{.Name}}\t{{.HostConfig.CgroupParent}}\t{{.State.Status}}\t{{.LogPath}}' "$@" 2>&1) ||
    unseen 'some containers' "$text"
  entries DECLARED units
  for unit in "${ENTRIES[@]}"; do declared+="${DECLARED["units|$unit|container"]-} "; done
  while IFS= read -r text; do
    [[ $text == /*$'\t'*$'\t'*$'\t'* ]] || continue
    split_tabs "$text"
    name=${FIELDS[0]#/} parent=${FIELDS[1]} state=${FIELDS[2]} log=${FIELDS[3]}
    [[ ${#NEWER[@]} -gt 0 || $parent != @(ai|ai-*).slice || $declared == *" $name "* ]] ||
      LEAKS+=("container $name ($state) in $parent belongs to no bundle: docker rm -f $name")
    [[ ! -f $log ]] || CONTAINER_OF_LOG[$log]=$name
  done <<<"$text"
  find_large_logs
}

# find_orphaned_networks: what this project has made and no bundle declares, because somebody's container was in it.
find_orphaned_networks() {
  local text name
  if ! text=$(timeout 20 docker network ls --filter "label=$OWNER_LABEL" --format '{{.Name}}' 2>&1); then
    unseen 'the networks' "$text"
    return
  fi
  while read -r name; do
    [[ ! $name =~ ^[A-Za-z0-9][A-Za-z0-9_.-]*$ || ${#NEWER[@]} -gt 0 || -n ${DECLARED["has|networks|$name"]-} ]] ||
      LEAKS+=("network $name belongs to no bundle: docker network rm $name")
  done <<<"$text"
}

find_large_logs() {
  local text size log
  ((${#CONTAINER_OF_LOG[@]} > 0)) || return 0
  # A container may be removed meanwhile.
  text=$(stat -c '%s %n' -- "${!CONTAINER_OF_LOG[@]}" 2>&1) || unseen 'some logs of containers' "$text"
  while read -r size log; do
    [[ $size =~ ^[0-9]+$ && -n ${CONTAINER_OF_LOG[$log]-} ]] || continue
    ((size < LARGE_LOG)) || LEAKS+=("log of container ${CONTAINER_OF_LOG[$log]}: $((size / 1048576)) MiB; it was made before logs were bounded: docker rm -f ${CONTAINER_OF_LOG[$log]}, and start it again")
  done <<<"$text"
}

# find_large_folders: what should be bounded and is not.
find_large_folders() {
  local text kib path
  local -a there=()
  local -A most=(["$STATE"]=65536 [/var/lib/ai-resource-monitor]=32768 [/var/log/ai-monitoring]=32768 ["$REPORTS"]=8192)
  for path in "${!most[@]}"; do [[ ! -d $path ]] || there+=("$path"); done
  ((${#there[@]} > 0)) || return 0
  text=$(du -sk -- "${there[@]}" 2>&1) || unseen 'the sizes of some folders' "$text"
  while read -r kib path; do
    [[ $kib =~ ^[0-9]+$ && -n ${most[$path]-} ]] || continue
    ((kib <= ${most[$path]})) || LEAKS+=("$path has grown to $((kib / 1024)) MiB: du -h $path")
  done <<<"$text"
}

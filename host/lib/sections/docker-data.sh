# dockerd, given back: what it keeps must not be lost with its package, and what started with it stops.
# Reads WAS, WANT, SEEN_UNIT; sets DOCKER_ROOTS, RECORD, REPLY, ANSWER.

# What the purge of Debian's package deletes, and what dockerd uses where nobody has said otherwise.
readonly DOCKER_ROOT=/var/lib/docker

# docker_roots UNIT: DOCKER_ROOTS=(where its dockerd keeps data). REPLY says why, where that cannot be known.
declare -a DOCKER_ROOTS=()
docker_roots() {
  local unit=$1 config=${WAS["docker|$1|config"]-} root
  DOCKER_ROOTS=("$DOCKER_ROOT") REPLY=
  seen "$unit" ActiveState
  if [[ $REPLY == active ]]; then
    docker_info
    if [[ -n $ANSWER ]]; then
      REPLY=
      [[ ${DOCKER[root]} == "$DOCKER_ROOT" ]] || DOCKER_ROOTS+=("${DOCKER[root]}")
      return
    fi
  fi
  REPLY=
  [[ -s $config ]] || return 0
  if ! root=$(jq -r '."data-root" // .graph // empty' "$config" 2>/dev/null); then
    REPLY="$config is no JSON"
  elif [[ -n $root && $root != "$DOCKER_ROOT" ]]; then
    DOCKER_ROOTS+=("$root")
  fi
}

# dockers_data ROOT: REPLY says what would be lost with it, or nothing. With userns-remap it is a folder deeper.
dockers_data() {
  local root=${1%/} folder what
  local -a containers=() volumes=() images=()
  for folder in "$root/" "$root"/[0-9]*.[0-9]*/; do
    containers+=("$folder"containers/*/)
    volumes+=("$folder"volumes/*/)
    images+=("$folder"image/*/imagedb/content/sha256/*)
  done
  REPLY=
  for what in "${#containers[@]} containers" "${#volumes[@]} volumes" "${#images[@]} images"; do
    [[ $what == '0 '* ]] || REPLY+=${REPLY:+, }$what
  done
}

# keep_docker: purging the package deletes everything that dockerd keeps. While there is anything, package and unit
# stay and are the owner's from now on.
keep_docker() {
  local unit root why
  gone_entries docker
  for unit in "${ENTRIES[@]}"; do
    docker_roots "$unit"
    why=
    [[ -z $REPLY ]] || why="$REPLY, so that nobody can tell where dockerd keeps its data"
    for root in "${DOCKER_ROOTS[@]}"; do
      dockers_data "$root"
      [[ -n $REPLY ]] || continue
      if [[ $root == "$DOCKER_ROOT" ]]; then
        why="$root has $REPLY, which its purge would delete"
      else
        why="$root has $REPLY, which nothing could use without it"
      fi
      break
    done
    [[ -z $why ]] || leave_docker "$unit" "$why"
  done
}

# leave_docker UNIT WHY: it stands as the owner's own would.
leave_docker() {
  local unit=$1 part package
  for part in "$unit" "${unit%.service}.socket"; do
    original units "$part"
    [[ ${RECORD[0]-} != none ]] || record_original units "$part" enabled active
  done
  for package in ${WAS["docker|$unit|packages"]-}; do
    original packages "$package"
    [[ -n ${RECORD[0]-} ]] || continue
    forget_original packages "$package"
    say "  kept package $package: $2"
  done
}

# was_stopped UNIT: ANSWER, whether it is remembered as not running.
was_stopped() {
  original units "$1"
  ran_before
  if [[ -z ${RECORD[0]-} || -n $ANSWER ]]; then ANSWER=; else ANSWER=yes; fi
}

# stop_docker_sockets: before dockerd itself, which they would start again.
stop_docker_sockets() {
  local unit
  gone_entries docker
  for unit in "${ENTRIES[@]}"; do stop_docker_part "$unit" "${unit%.service}.socket"; done
}

# stop_containerd: it started with dockerd.
stop_containerd() {
  local unit
  gone_entries docker
  for unit in "${ENTRIES[@]}"; do stop_docker_part "$unit" containerd.service; done
}

# stop_docker_part UNIT PART: where neither ran before.
stop_docker_part() {
  was_stopped "$1"
  [[ -n $ANSWER ]] || return 0
  was_stopped "$2"
  [[ -n $ANSWER ]] || return 0
  seen "$2" ActiveState
  is_running "$REPLY"
  [[ -z $ANSWER ]] || stop_unit "$2"
}

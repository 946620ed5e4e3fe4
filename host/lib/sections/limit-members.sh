# Members: whether what a workload's unit runs is in the unit's own cgroup. What limits a client of a container engine does not
# limit the container, which is the engine's child.
# Reads WANT, WAS, SEEN_UNIT, NAME; sets ANSWER, REPLY; adds to PROBLEMS, FINDINGS.

readonly CONTAINER_CLIENTS=' docker podman nerdctl docker-compose podman-compose '

# container_client PROGRAM ARGUMENT...: ANSWER names the command ("docker run") where it is one that leaves a container to its
# engine for as long as it runs.
container_client() {
  local program=${1##*/} word value=''
  ANSWER=
  [[ $CONTAINER_CLIENTS == *" $program "* ]] || return 0
  # podman can leave a container in the cgroup that it was called in.
  [[ " $* " != *' --cgroups'[=\ ]@(split|disabled)' '* ]] || return 0
  for word in "${@:2}"; do
    if [[ -n $value ]]; then
      value=
      continue
    fi
    case $word in
      --*=*) ;;
      -H | -c | -l | -n | -f | -p | --host | --context | --config | --log-level | --url | --connection | --namespace | --address | \
        --tlscacert | --tlscert | --tlskey | --root | --storage-driver | --file | --project-name | --project-directory | --profile | --env-file)
        value=next
        ;;
      -* | container) ;;
      compose) program+=' compose' ;;
      run | start | attach | up | play | kube)
        ANSWER="$program $word"
        return
        ;;
      *) return 0 ;;
    esac
  done
}

# client_of_unit UNIT: ANSWER names the container engine's command that is its main process, or whose end a shell that is its
# main process waits for. A client beside the program itself is that one's own business.
client_of_unit() {
  local process comm client=''
  local -a words processes=()
  ANSWER=
  seen "$1" ControlGroup
  [[ -n $REPLY && -r $CGROUPS$REPLY/cgroup.procs ]] || return 0
  # Processes come and go.
  mapfile -t processes 2>/dev/null <"$CGROUPS$REPLY/cgroup.procs" || processes=()
  for process in "${processes[@]}"; do
    comm=
    { read -r comm <"$PROCESSES/$process/comm"; } 2>/dev/null || continue
    # The kernel keeps 15 characters of a name, and all of these have fewer.
    if [[ $CONTAINER_CLIENTS == *" $comm "* ]]; then
      client=$process
    else
      is_shell "$process"
      [[ -n $ANSWER ]] || return 0
    fi
  done
  ANSWER=
  [[ -n $client ]] || return 0
  words=()
  mapfile -d '' -t words 2>/dev/null <"$PROCESSES/$client/cmdline" || return 0
  ((${#words[@]} == 0)) || container_client "${words[@]}"
}

# is_shell PROCESS: ANSWER, by the program that it runs: a script has its own name.
is_shell() {
  local shell
  ANSWER=
  for shell in /bin/{sh,bash,dash,zsh}; do
    [[ ! $PROCESSES/$1/exe -ef $shell ]] || ANSWER=yes
  done
}

# workload_units: ENTRIES=(services with limits, of a workload's bundle, that stand for no container of ours).
workload_units() {
  local unit
  local -a units=()
  ENTRIES=()
  [[ $NAME == workload-* ]] || return 0
  entries WANT limits
  for unit in "${ENTRIES[@]}"; do
    [[ $unit != *.service || -n ${WANT["units|$unit|container"]-} ]] || units+=("$unit")
  done
  ENTRIES=("${units[@]}")
}

preflight_members() {
  local unit
  workload_units
  for unit in "${ENTRIES[@]}"; do
    # What runs is this project's own unit of a container, which goes.
    [[ -z ${WAS["units|$unit|container"]-} ]] || continue
    client_of_unit "$unit"
    [[ -z $ANSWER ]] ||
      problem "workload ${NAME#workload-}: $unit runs its program with $ANSWER, so that it is in a cgroup of the container engine's, which the limits of $unit do not hold. Make the workload a container, which has them: stop and disable $unit, and give the workload runtime: container and its image"
  done
}

find_member_drift() {
  local unit
  workload_units
  for unit in "${ENTRIES[@]}"; do
    client_of_unit "$unit"
    [[ -z $ANSWER ]] ||
      finding "$unit" members 'its own processes' '' "$ANSWER" "runs its program with $ANSWER, which its limits do not hold. As a container it has them: runtime: container"
  done
}

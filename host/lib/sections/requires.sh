# What a bundle requires of the host: cores, programs, files, memory. Asked before anything changes. (What it must not have:
# vacant.sh.)
# Reads WANT, STORED, ONLINE_CPUS, MEMORY_TOTAL; adds to PROBLEMS.

preflight_cores() {
  local setting cores cpu missing
  local -A online=()
  entries WANT requires
  ((${#ENTRIES[@]} > 0)) || return 0
  read_facts
  expand_cpus "$ONLINE_CPUS"
  for cpu in "${CPUS[@]}"; do online[$cpu]=1; done
  for setting in "${ENTRIES[@]}"; do
    cores=${WANT["requires|$setting|cores"]-}
    [[ -n $cores ]] || continue
    missing=
    expand_cpus "$cores"
    if [[ -z $ANSWER ]]; then
      problem "$setting: \"$cores\" is no CPU list"
      continue
    fi
    for cpu in "${CPUS[@]}"; do [[ -n ${online[$cpu]-} ]] || missing+=${missing:+,}$cpu; done
    [[ -z $missing ]] || problem "$setting: \"$cores\" names cores that this host lacks ($missing); it has $ONLINE_CPUS. Allowed: any of those. Fix: pulumi config set --path '$setting' $ONLINE_CPUS"
  done
}

# preflight_programs: a repair goes on without.
preflight_programs() {
  local setting program
  [[ -z $STORED ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    program=${WANT["requires|$setting|program"]-}
    [[ -z $program ]] || command -v -- "$program" >/dev/null ||
      problem "$setting: this host has no program $program. ${WANT["requires|$setting|remedy"]-}"
  done
}

# preflight_required_files: a repair goes on without, and what reads one says so.
preflight_required_files() {
  local setting file
  [[ -z $STORED ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    file=${WANT["requires|$setting|file"]-}
    [[ -z $file || -f $file ]] || problem "$setting: this host has no file $file. ${WANT["requires|$setting|remedy"]-}"
  done
}

# preflight_memory: what the system keeps for itself must leave something to the workloads.
preflight_memory() {
  local key
  for key in "${!WANT[@]}"; do
    [[ $key == limits\|* && ${WANT[$key]} == '@{memory-less:'* ]] || continue
    expand_tokens "${WANT[$key]}"
    ((REPLY < 67108864)) || continue
    problem "goblin-host:reserve.memory leaves nothing for the workloads: this host has $((MEMORY_TOTAL / 1048576)) MiB. Fix: pulumi config set --path 'goblin-host:reserve.memory' $((MEMORY_TOTAL / 10 / 1048576))MiB"
  done
}

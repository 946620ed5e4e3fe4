# Convergence: from whatever earlier versions may have left (WAS) to what is wanted (WANT). Every step is
# idempotent and reads the machine, not a log, so that apply, rollback, healing and removal are one function.

declare -A WAS=() WANT=() EVERYTHING=()
declare -a WRITTEN=()
NAME='' BOOTING='' ROLLING_BACK='' STATUS=''

# look: observes the resources of both sides.
look() {
  local key
  EVERYTHING=()
  for key in "${!WAS[@]}"; do [[ $key == *'|'* ]] || EVERYTHING[$key]=${WAS[$key]}; done
  for key in "${!WANT[@]}"; do
    # What may be installed in a package's place is looked for like the package.
    [[ $key == *'|'* && $key != packages\|*\|unless ]] || EVERYTHING[$key]+=${WANT[$key]}
  done
  observe EVERYTHING
}

# converge: returns 1 with REPLY saying what failed.
converge() {
  look
  plan_restarts
  plan_readiness
  capture_units || return 1
  keep_docker
  # Before their units stop, which would switch swap off whatever it holds.
  give_back_zram || return 1
  observe_swaps
  give_back_swap_files || return 1
  stop_gone_units
  stop_switched_units
  drop_overrides
  change_tree || return 1
  validate_units || return 1
  install_packages || return 1
  copy_backups || return 1
  retire_units
  enable_units
  observe_swaps
  change_schedulers || return 1
  change_read_ahead || return 1
  reload_if_pending
  give_back_sysctls
  give_back_schedulers
  give_back_read_ahead
  remove_packages
  change_sysctls || return 1
  change_swap_files || return 1
  change_zram || return 1
  reload_if_pending
  return_swaps
  give_back_units || return 1
  stop_gone_slices
  observe EVERYTHING
  change_units || return 1
  settle_json || return 1
  observe EVERYTHING
  prove_ready || return 1
  write_limits
}

# change_tree: what lies on the disk. Folders are made before the files in them, and go after them.
change_tree() {
  change_folders || return 1
  change_files || return 1
  change_json || return 1
  give_back_folders
}

# validate_units: systemd reads the changed unit files before it is told to load them.
validate_units() {
  local path unit line
  local -a units=()
  for path in "${WRITTEN[@]}"; do
    case $path in
      /etc/systemd/system/*.d/*.conf) unit=${path%/*} unit=${unit##*/} unit=${unit%.d} ;;
      /etc/systemd/system/*.*) unit=${path##*/} ;;
      *) continue ;;
    esac
    [[ " ${units[*]} " == *" $unit "* ]] || units+=("$unit")
  done
  ((${#units[@]} > 0)) || return 0
  while IFS= read -r line; do
    for path in "${WRITTEN[@]}"; do
      # MemoryLimit= is deprecated and wanted: the specification's own command prints it.
      [[ $line == "$path:"* && $line != *MemoryLimit* && $line != *deprecated* ]] || continue
      REPLY="systemd does not accept $line"
      return 1
    done
  done < <(systemd-analyze verify --man=no --recursive-errors=no "${units[@]}" 2>&1)
}

# verified: WANT holds on this machine; else REPLY names the first finding.
verified() {
  FINDINGS=() LIMITS=()
  observe WANT
  find_drift
  ((${#FINDINGS[@]} > 0)) || return 0
  split_tabs "${FINDINGS[0]}"
  REPLY="check ${FIELDS[1]} ${FIELDS[2]}: expected ${FIELDS[3]}, found ${FIELDS[5]:-${FIELDS[4]}} (${FIELDS[6]})"
  return 1
}

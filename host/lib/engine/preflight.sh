# Preflight: everything that can be known before anything changes, all problems at once.
# Reads NAME, WANT and WAS as observed; sets PROBLEMS.

preflight() {
  PROBLEMS=()
  preflight_version
  preflight_identity
  preflight_confirmation
  preflight_writable WANT
  preflight_files
  preflight_folders
  preflight_json
  preflight_packages
  preflight_docker
  preflight_containers
  preflight_networks
  preflight_members
  preflight_drop_ins
  preflight_hardening
  preflight_limits
  preflight_cores
  preflight_programs
  preflight_required_files
  preflight_vacant
  preflight_gpus
  preflight_devices
  preflight_memory
  preflight_cache
  preflight_swap_files
  preflight_zram
  preflight_read_ahead
  preflight_sysctls
}

# refuse_problems WHAT: ends the run where preflight found any.
refuse_problems() {
  local text
  ((${#PROBLEMS[@]} > 0)) || return 0
  for text in "${PROBLEMS[@]}"; do error "$text"; done
  die "$EXIT_USAGE" "$1; nothing was changed"
}

# preflight_removal: what is given back needs room, and must be what was kept.
preflight_removal() {
  local size sizes
  local -i bytes=0
  local -a kept=("$STATE"/originals/*.data)
  PROBLEMS=()
  if ((${#kept[@]} > 0)); then
    sizes=$(stat -c %s -- "${kept[@]}")
    while read -r size; do bytes+=$size; done <<<"$sizes"
  fi
  preflight_writable WAS "$bytes"
  preflight_originals
}

preflight_confirmation() {
  local window=${WANT["meta|confirm|"]-}
  [[ -z $window || $window =~ ^[1-9][0-9]{0,4}$ ]] ||
    problem "bundle $NAME: confirm is \"$window\". Allowed: a number of seconds"
}

preflight_version() {
  version_above "${WANT["meta|manager|"]:-0.0.0}" "$VERSION"
  [[ -z $ANSWER ]] ||
    problem "bundle $NAME needs manager ${WANT["meta|manager|"]}, this host has $VERSION: run pulumi up, which brings the manager first"
}

# Findings: the one comparison of what a bundle wants with what the machine shows. apply, verify and status all use it, so
# that what apply repairs is exactly what verify sees.
# Reads NAME and WANT as observed; sets FINDINGS and LIMITS, a line each with tabs between its fields.

declare -a FINDINGS=() LIMITS=()

# finding UNIT PROPERTY DECLARED FILE KERNEL REASON. A process may have tabs and newlines on its command line.
finding() {
  local line
  printf -v line '%s\t' "$NAME" "${@//[$'\t\n']/ }"
  FINDINGS+=("${line%$'\t'}")
}

# find_drift: fills FINDINGS and LIMITS for the bundle NAME, loaded as WANT and observed.
find_drift() {
  find_file_drift
  find_folder_drift
  find_json_drift
  find_package_drift
  find_unit_drift
  find_ready_drift
  find_sysctl_drift
  find_swap_drift
  find_scheduler_drift
  find_read_ahead_drift
  find_docker_drift
  find_network_drift
  find_limit_drift
  find_cache_verdict
  find_member_drift
  find_drop_in_drift
}

# verified: ANSWER is yes where WANT holds on this machine; else REPLY names the first finding.
verified() {
  FINDINGS=() LIMITS=()
  observe WANT
  find_drift
  ANSWER=yes
  ((${#FINDINGS[@]} > 0)) || return 0
  split_tabs "${FINDINGS[0]}"
  ANSWER=
  REPLY="check ${FIELDS[1]} ${FIELDS[2]}: expected ${FIELDS[3]}, found ${FIELDS[5]:-${FIELDS[4]}} (${FIELDS[6]})"
}

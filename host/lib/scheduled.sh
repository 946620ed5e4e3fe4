# scheduled: what ai-resource-manager.service runs. The first run of a boot repairs; later ones, by its timer, look.

# scheduled MODE
scheduled() {
  local status=0
  if [[ ! -e $RUN/settled ]]; then
    main apply --boot || status=$?
    look_later
    return "$status"
  fi
  if busy; then
    say 'another run is changing this host; the next look is tomorrow'
    return 0
  fi
  verify || status=$?
  remember_look "$status"
  record_findings found "${FINDINGS[@]}"
  bound_events
  remember_verdicts "${EXAMINED[@]}"
  ((status == EXIT_DRIFT)) || return "$status"
  if [[ $1 == repair ]]; then
    # A unit of its own: this one is ordered before the workloads, and waiting here for one of them would never end.
    say 'repairing: journalctl -u ai-resource-manager-repair'
    systemctl start --no-block ai-resource-manager-repair.service
  fi
  return "$status"
}

# look_later: in a few minutes, when what starts late has its limits too. OnBootSec= of the timer would start this unit
# at once where the timer is new and the boot long ago, in the middle of the deployment that brings it.
look_later() {
  systemd-run --quiet --collect --on-active=5min --unit=ai-resource-manager-after-boot \
    --description='Verification of the resource limits of goblin-host after the boot' \
    systemctl start --no-block ai-resource-manager.service || warn 'the look after the boot cannot be scheduled'
}

# remember_look STATUS: for the monitor, which alerts on it.
remember_look() {
  local file=$RUN/last-verify.json
  printf '{"time": %(%s)T, "exitCode": %s, "findings": %s}\n' -1 "$1" "${#FINDINGS[@]}" >"$file.new"
  mv -T -- "$file.new" "$file"
}

# scheduled: what ai-resource-manager.service runs. The first run of a boot repairs, and tries again when that failed; later
# ones, by its timer, look.
# Reads RUN, TRANSIENT_UNITS; sets STATUS, TRIES.

# TRIES_FILE: how often this boot was tried to be brought up. What cannot be repaired is reported from then on.
readonly TRIES_FILE=$RUN/boot-attempts MOST_TRIES=3
readonly AFTER_BOOT=ai-resource-manager-after-boot

declare -i TRIES=0

# scheduled MODE
scheduled() {
  trap 'rm -f -- "$FAILURE_FILE"' EXIT
  count_tries
  if [[ ! -e $RUN/settled ]] && ((TRIES < MOST_TRIES)); then
    bring_up
  else
    look_once "$1"
  fi
}

count_tries() {
  TRIES=0
  first_line "$TRIES_FILE"
  [[ ! $REPLY =~ ^[0-9]{1,3}$ ]] || TRIES=10#$REPLY
}

# boot_run: an attempt, which ends as the program would.
boot_run() {
  main apply --boot
  exit "$STATUS"
}

# bring_up: counted before, so that one that is killed counts too.
bring_up() {
  local -i status
  write_text "$TRIES_FILE" 0644 "$((TRIES + 1))"$'\n'
  attempt boot_run
  status=$STATUS
  if ((status == 0)); then
    # What has to wait is tried again as often as what fails.
    [[ ! -e $RUN/settled ]] || remove_path "$TRIES_FILE"
  elif ((status == EXIT_LOCKED)); then
    # Nothing was tried: another run has the host.
    write_text "$TRIES_FILE" 0644 "$TRIES"$'\n'
  elif ((TRIES + 1 < MOST_TRIES)); then
    warn "the limits could not all be put in force (attempt $((TRIES + 1)) of $MOST_TRIES): the next is in five minutes"
  else
    error "the limits could not all be put in force in $MOST_TRIES attempts. From now on this is reported and not tried again; when the cause is mended: ai-resource-manager apply --stored"
    record_event failed manager "not all could be put in force in $MOST_TRIES attempts after the boot"
  fi
  look_later
  STATUS=$status
}

# look_once MODE: the daily verification. One that fails is told to the monitor, too.
look_once() {
  local -i status
  begin_look
  if [[ -n $BUSY ]]; then
    look_tomorrow
    return
  fi
  attempt look_and_tell "$1"
  status=$STATUS
  # It takes the lock that the look shares.
  end_look
  attempt bound_events
  ((STATUS == 0)) || status=$STATUS
  if ((status != 0 && status != EXIT_DRIFT)); then
    FINDINGS=()
    tell_monitor remember_look "$status"
  fi
  STATUS=$status
}

look_tomorrow() {
  lock_holder
  say "$LOCK_HOLDER is changing this host; the next look is tomorrow"
  STATUS=0
}

# look_and_tell MODE: ends with the status of the look; what it found is the monitor's and the audit's to tell.
look_and_tell() {
  local -i status
  examine
  finish_look
  if [[ -n $BUSY ]]; then
    look_tomorrow
    return
  fi
  report_findings ''
  status=$STATUS
  tell_monitor remember_look "$status"
  record_findings found "${FINDINGS[@]}"
  remember_verdicts "${EXAMINED[@]}"
  if ((status == EXIT_DRIFT)) && [[ $1 == repair ]]; then
    # A unit of its own: this one is ordered before the workloads, and waiting here for one of them would never end.
    systemctl start --no-block ai-resource-manager-repair.service || fail 'the repair cannot be started'
    say 'repairing: journalctl -u ai-resource-manager-repair'
  fi
  exit "$status"
}

# look_later: in a few minutes, when what starts late has its limits too. OnBootSec= of the daily timer would start this unit
# at once where that timer is new and the boot long ago, in the middle of the deployment that brings it.
look_later() {
  [[ ! -e $TRANSIENT_UNITS/$AFTER_BOOT.timer ]] || return 0
  uptime_seconds
  systemd-run --quiet --collect --on-boot="$((REPLY + 300))" --unit="$AFTER_BOOT" \
    --description='Verification of the resource limits of goblin-host after the boot' \
    systemctl start --no-block ai-resource-manager.service || warn 'the look after the boot cannot be scheduled'
}

# remember_look STATUS: for the monitor, which alerts on it.
remember_look() {
  local text
  printf -v text '{"time": %(%s)T, "exitCode": %s, "findings": %s}\n' -1 "$1" "${#FINDINGS[@]}"
  write_text "$RUN/last-verify.json" 0644 "$text"
}

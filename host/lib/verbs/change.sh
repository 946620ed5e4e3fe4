# change: the verbs that change the machine, one at a time and after what killed runs left is healed.
# Reads SPOOL; sets STATUS, STORED.

# change VERB ARGUMENTS...
change() {
  take_lock "$@"
  if [[ ! -d $STATE/versions && $1 == apply && $2 != --stored ]]; then
    NAME=$2 PROBLEMS=() WANT=()
    preflight_host
    preflight_writable WANT
    refuse_problems "bundle $NAME was not applied"
    NAME=
  fi
  init_store
  trap leave_no_trace EXIT
  STATUS=0
  case $1 in
    apply)
      if [[ $2 == --stored ]]; then change_stored "${@:3}"; else change_one "$2"; fi
      ;;
    remove)
      heal
      remove_bundle "$2" "${3-}"
      ;;
    confirm) confirm_bundle "$2" "$3" ;;
    revert)
      heal
      revert_overdue
      ;;
    restore)
      heal
      restore "$2" "${3-}"
      ;;
    disown) disown_bundles "${@:2}" ;;
    vacate)
      vacate_container "$2" "$3"
      # Nothing of a boot was brought up by it.
      return
      ;;
  esac
  # Whoever has applied anything since the boot has brought all of it up, but for what has to wait.
  [[ $STATUS == 0 && ${#DEFERRED[@]} == 0 && -d $RUN ]] || return 0
  : >"$RUN/settled" || warn "$RUN/settled cannot be written: the next scheduled run brings up what has been brought up already"
}

# change_one NAME: what is unfinished of it, this run takes over.
change_one() {
  heal "$1"
  apply_bundle "$1" "$SPOOL"
  STATUS=0
}

# change_stored [NAME]: repairs; STATUS is not 0 where anything is left undone.
change_stored() {
  local status=0
  STORED=1
  publish_deployment
  heal
  ((${#UNHEALED[@]} == 0)) || status=$EXIT_FAILED
  revert_overdue
  ((STATUS == 0)) || status=$STATUS
  apply_stored "$@"
  ((STATUS != 0)) || STATUS=$status
}

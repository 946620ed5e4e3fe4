# The verbs.

usage() {
  cat <<'TEXT'
usage: ai-resource-manager apply NAME             apply the bundle on standard input
       ai-resource-manager apply --stored [NAME]  repair from the bundles stored on this host
       ai-resource-manager apply --boot           the same while the host boots: waits for no workload
       ai-resource-manager scheduled verify|repair  what its unit runs: apply --boot once a boot, then a look a day
       ai-resource-manager remove NAME            give back what was there before
       ai-resource-manager confirm NAME           keep its last change; the bundle's SHA-256 on standard input
       ai-resource-manager revert                 go back where nobody confirmed a change in time
       ai-resource-manager verify [NAME] [--table]
       ai-resource-manager backups                what is kept of files and bundles, and whether it is sound
       ai-resource-manager restore PATH|NAME [--at TIME]
                                                  a file or a bundle as it was then; TIME as date(1) reads it
       ai-resource-manager status --json
       ai-resource-manager audit [--since TIME]   what drifted, what the limits are worth, what nobody needs any more
       ai-resource-manager --version

exit codes: 0 ok, 1 failed and rolled back, 2 usage or preflight (nothing was changed),
            3 drift (verify), 4 another run held the lock too long
TEXT
}

# make_spool: a private file for the bundle, outside the disk. Its name says whose it is: other runs leave it alone.
make_spool() {
  mkdir -p "$RUN"
  SPOOL=$(umask 077 && mktemp "$RUN/spool.$$.XXXXXXXX")
  trap 'rm -f -- "$SPOOL"' EXIT
}

# detached VERB ARGUMENTS...: a lost connection must not kill a change, so it runs as a unit of its own, which has the
# spool from now on. Does not return.
detached() {
  exec systemd-run --quiet --collect --wait --pipe --service-type=exec \
    --unit="ai-resource-manager-$1-$$" --description="ai-resource-manager $1 ${2-}" \
    --property=RuntimeMaxSec=3600 --property=KillMode=process \
    --setenv=AI_RESOURCE_MANAGER_DETACHED=1 --setenv=AI_RESOURCE_MANAGER_SPOOL="$SPOOL" \
    --setenv=AI_RESOURCE_MANAGER_LOCK_WAIT="$LOCK_WAIT_SECONDS" \
    --setenv=AI_RESOURCE_MANAGER_APT_WAIT="$APT_WAIT_SECONDS" \
    bash "$0" "$@" </dev/null
}

inherit_spool() {
  SPOOL=$AI_RESOURCE_MANAGER_SPOOL
  trap 'rm -f -- "$SPOOL"' EXIT
}

# spool_in_use SPOOL: who made it still runs, or the unit that has it.
spool_in_use() {
  local pid=${1##*/spool.} units
  pid=${pid%%.*}
  units=(/sys/fs/cgroup/system.slice/ai-resource-manager-*-"$pid".service)
  [[ -e /proc/$pid || ${#units[@]} -gt 0 ]]
}

valid_name() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,62}$ ]] || die "$EXIT_USAGE" "\"$1\" is no bundle name (lower-case letters, digits and dashes)"
}

# change VERB ARGUMENTS...: runs one change under the lock, after healing what a killed run left.
change() {
  local status=0
  take_lock "$@"
  [[ $1 != apply || $2 == --stored || -d $STATE/versions ]] || NAME=$2 can_write || return "$EXIT_USAGE"
  init_store
  trap leave_no_trace EXIT
  case $1 in
    apply)
      if [[ $2 == --stored ]]; then
        STORED=1
        publish_deployment
        heal
        revert_overdue || status=$?
        apply_stored "${@:3}" || status=$?
      else
        heal "$2"
        apply_bundle "$2" "$SPOOL" || status=$?
      fi
      ;;
    remove)
      heal
      remove_bundle "$2" || status=$?
      ;;
    confirm)
      confirm_bundle "$2" "$3" || status=$?
      ;;
    revert)
      heal
      revert_overdue || status=$?
      ;;
    restore)
      heal
      restore "$2" "${3-}" || status=$?
      ;;
  esac
  # Whoever has applied anything since the boot has brought all of it up.
  ((status != 0)) || [[ ! -d $RUN ]] || : >"$RUN/settled"
  return "$status"
}

# restore_verb WHAT [--at TIME]
restore_verb() {
  local what=${1-} at='' status=0
  [[ -n $what && ${2-} == @(|--at) && $# -le 3 ]] || { usage >&2; return "$EXIT_USAGE"; }
  if [[ $what == /* ]]; then
    [[ $what != *[[:cntrl:]]* && $what != */../* && $what != */.. ]] || die "$EXIT_USAGE" "\"$what\" is no absolute path"
  else
    valid_name "$what"
  fi
  if [[ ${2-} == --at ]]; then
    [[ -n ${3-} ]] && at=$(date -d "$3" +%s 2>/dev/null)
    [[ -n $at ]] ||
      die "$EXIT_USAGE" "\"${3-}\" is no time. Allowed: what date(1) reads, \"2026-11-24 18:00\", \"yesterday\", \"2 hours ago\""
  fi
  if [[ -n ${AI_RESOURCE_MANAGER_DETACHED-} ]]; then
    inherit_spool
    change restore "$what" "$at" || status=$?
  else
    make_spool
    # The time is settled now; in a moment "1 hour ago" is another.
    detached restore "$what" ${at:+--at "@$at"}
  fi
  return "$status"
}

main() {
  local verb=${1-} status=0
  [[ $verb != @(apply|remove|confirm|revert|restore|backups|audit|scheduled|verify|status) ]] || become_root "$@"
  case $verb in
    apply | remove)
      check_host
      if [[ $verb == apply && ${2-} == --boot ]]; then
        BOOTING=1
        set -- apply --stored
        AI_RESOURCE_MANAGER_DETACHED=1
      fi
      [[ -n ${2-} ]] || { usage >&2; return "$EXIT_USAGE"; }
      [[ $2 == --stored ]] || valid_name "$2"
      [[ -z ${3-} ]] || valid_name "$3"
      if [[ -n ${AI_RESOURCE_MANAGER_SPOOL-} ]]; then
        inherit_spool
      else
        make_spool
        [[ $verb != apply || $2 == --stored ]] || cat >"$SPOOL"
      fi
      if [[ -n ${AI_RESOURCE_MANAGER_DETACHED-} ]]; then
        change "$@" || status=$?
      else
        detached "$@"
      fi
      ;;
    confirm)
      check_host
      local digest=''
      valid_name "${2-}"
      read -r digest _ || :
      make_spool
      heard "$2"
      change confirm "$2" "$digest" || status=$?
      ;;
    revert)
      check_host
      make_spool
      change revert || status=$?
      ;;
    restore)
      check_host
      restore_verb "${@:2}" || status=$?
      ;;
    audit)
      check_host
      audit_verb "${@:2}" || status=$?
      ;;
    backups)
      print_backups || status=$?
      ;;
    scheduled)
      check_host
      [[ ${2-} == @(verify|repair) ]] || { usage >&2; return "$EXIT_USAGE"; }
      scheduled "$2" || status=$?
      ;;
    verify)
      check_host
      verify "${@:2}" || status=$?
      ;;
    status)
      check_host
      [[ ${2-} == --json ]] || { usage >&2; return "$EXIT_USAGE"; }
      status_json || status=$?
      ;;
    --version) say "$VERSION" ;;
    --help | -h) usage ;;
    *)
      usage >&2
      status=$EXIT_USAGE
      ;;
  esac
  return "$status"
}

# On one line: bash has read the whole program before a new version can take its place.
main "$@"; exit

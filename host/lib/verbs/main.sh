# The command line: usage, the verbs, and what each of them runs.
# Sets STATUS (what the program ends with), BOOTING, SPOOL.

usage() {
  cat <<'TEXT'
usage: ai-resource-manager apply NAME             apply the bundle on standard input
       ai-resource-manager apply --stored [NAME]  repair from the bundles stored on this host
       ai-resource-manager apply --boot           the same while the host boots: waits for no workload
       ai-resource-manager scheduled verify|repair  what its unit runs: apply --boot once a boot, then a look a day
       ai-resource-manager remove NAME [--owner OWNER]
                                                  give back what was there before; with an owner, only if it is its
       ai-resource-manager confirm NAME           keep its last change; the bundle's SHA-256 on standard input
       ai-resource-manager revert                 go back where nobody confirmed a change in time
       ai-resource-manager disown [NAME]          forget whose the bundles are: the next apply takes them over
       ai-resource-manager vacate CONTAINER --owner OWNER
                                                  remove a container of OWNER's that Pulumi is about to make
       ai-resource-manager verify [NAME] [--table]
       ai-resource-manager backups                what is kept of files and bundles, and whether it is sound
       ai-resource-manager restore PATH|NAME [--at TIME]
                                                  a file or a bundle as it was then; TIME as date(1) reads it
       ai-resource-manager status --json
       ai-resource-manager audit [--since TIME]   what drifted, what the limits are worth, what nobody needs any more
       ai-resource-manager --version

exit codes: 0 ok, 1 failed (an apply: rolled back; a look: nobody could tell), 2 usage or preflight (nothing was
            changed), 3 drift (verify), 4 another run held the lock too long
TEXT
}

# wrong_usage: ends the run.
wrong_usage() {
  usage >&2
  exit "$EXIT_USAGE"
}

valid_name() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,62}$ ]] || die "$EXIT_USAGE" "\"$1\" is no bundle name (lower-case letters, digits and dashes)"
}

main() {
  local verb=${1-}
  STATUS=0
  case $verb in
    apply | remove | confirm | revert | restore | audit | scheduled | verify | status | disown | vacate)
      become_root "$@"
      check_host
      run_verb "$@"
      ;;
    backups)
      become_root "$@"
      print_backups
      ;;
    --version) say "$VERSION" ;;
    --help | -h) usage ;;
    *) wrong_usage ;;
  esac
}

run_verb() {
  case $1 in
    apply) apply_verb "${@:2}" ;;
    remove) remove_verb "${@:2}" ;;
    confirm) confirm_verb "${@:2}" ;;
    revert) revert_verb ;;
    restore) restore_verb "${@:2}" ;;
    disown) disown_verb "${@:2}" ;;
    vacate) vacate_verb "${@:2}" ;;
    audit) audit_verb "${@:2}" ;;
    scheduled) scheduled_verb "${@:2}" ;;
    verify) verify "${@:2}" ;;
    status) status_verb "${@:2}" ;;
  esac
}

# apply_verb NAME, apply_verb --stored [NAME], apply_verb --boot
apply_verb() {
  if [[ ${1-} == --boot && $# == 1 ]]; then
    BOOTING=1
    AI_RESOURCE_MANAGER_DETACHED=1
    set -- --stored
  fi
  [[ -n ${1-} && $# -le 2 && ( $# == 1 || $1 == --stored ) ]] || wrong_usage
  [[ $1 == --stored ]] || valid_name "$1"
  [[ -z ${2-} ]] || valid_name "$2"
  if [[ -n ${AI_RESOURCE_MANAGER_SPOOL-} ]]; then
    inherit_spool
  else
    make_spool
    [[ $1 == --stored ]] || cat >"$SPOOL" || fail 'the bundle on standard input cannot be kept'
  fi
  change_or_detach apply "$@"
}

# remove_verb NAME [--owner OWNER]
remove_verb() {
  [[ -n ${1-} && ( $# == 1 || $# == 3 && $2 == --owner ) ]] || wrong_usage
  valid_name "$1"
  if [[ -n ${AI_RESOURCE_MANAGER_SPOOL-} ]]; then inherit_spool; else make_spool; fi
  if [[ -n ${AI_RESOURCE_MANAGER_DETACHED-} ]]; then change remove "$1" "${3-}"; else detached remove "$@"; fi
}

# change_or_detach VERB ARGUMENTS...
change_or_detach() {
  if [[ -n ${AI_RESOURCE_MANAGER_DETACHED-} ]]; then change "$@"; else detached "$@"; fi
}

confirm_verb() {
  local digest=''
  valid_name "${1-}"
  read -r digest _ || :
  [[ $digest =~ ^[0-9a-f]{64}$ ]] || die "$EXIT_USAGE" "confirm needs the bundle's SHA-256 on standard input"
  make_spool
  # Where it never gets its turn, it has not come in time. change replaces this trap once it has the lock.
  trap 'rm -f -- "$SPOOL" "$RUN/heard%'"$1"'"' EXIT
  heard "$1"
  change confirm "$1" "$digest"
}

revert_verb() {
  make_spool
  change revert
}

disown_verb() {
  [[ $# -le 1 ]] || wrong_usage
  [[ -z ${1-} ]] || valid_name "$1"
  make_spool
  change disown "$@"
}

# vacate_verb CONTAINER --owner OWNER
vacate_verb() {
  [[ $# == 3 && $1 =~ ^[a-zA-Z0-9][a-zA-Z0-9_.-]*$ && $2 == --owner && -n $3 ]] || wrong_usage
  make_spool
  change vacate "$1" "$3"
}

scheduled_verb() {
  [[ ${1-} == @(verify|repair) ]] || wrong_usage
  scheduled "$1"
}

status_verb() {
  [[ ${1-} == --json ]] || wrong_usage
  status_json
}

# On one line: bash has read the whole program before a new version can take its place.
main "$@"; exit "$STATUS"

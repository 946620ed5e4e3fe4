# The command line: the verbs that change something, and what each of them runs.
# Sets STATUS (what the program ends with), BOOTING, SPOOL.

valid_name() {
  [[ $1 =~ ^[a-z][a-z0-9-]{0,62}$ ]] || die "$EXIT_USAGE" "\"$1\" is no bundle name (lower-case letters, digits and dashes)"
}

main() {
  local verb=${1-}
  STATUS=0
  case $verb in
    apply | remove | confirm | revert | restore | audit | scheduled | disown | vacate)
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

# On one line: bash has read the whole program before a new version can take its place.
main "$@"; exit "$STATUS"

# Packages: installed without questions, and what that brings is recorded before. packages-remove.sh takes it away again.
# Reads WANT, NAME, AHEAD, SEEN_PACKAGE; sets PLAN, PLANNED_BEFORE, REMOVED, REPLY.

# What the simulation would bring that is not installed now, and what of it has left its configuration here.
declare -a PLAN=() PLANNED_BEFORE=()
declare REMOVED=''

# install_packages: all that is missing, and what bundles that follow will miss, by one run of apt, which removes nothing.
install_packages() {
  local package
  local -a missing=()
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    [[ -n $REPLY ]] || missing+=("$package")
  done
  find_ahead
  ((${#missing[@]} + ${#AHEAD[@]} > 0)) || return 0
  run_installation "${missing[@]}"
  ((${#missing[@]} > 0)) || return 0
  query_packages "${missing[@]}"
  for package in "${missing[@]}"; do
    SEEN_PACKAGE[$package]=${PACKAGE_STATE[$package]-}
    must_have_come "$package"
  done
}

# run_installation PACKAGE...: these, and AHEAD.
run_installation() {
  local package
  local -i try
  for ((try = 1; ; try++)); do
    # With other lists it may bring something else.
    plan_packages "$@"
    ((${#CHOSEN[@]} > 0)) || return 0
    if ((try == 1)); then
      for package in "${CHOSEN[@]}"; do say "  installing $package"; done
    fi
    apt -o "DPkg::Path=$SCRIPTS:/usr/sbin:/usr/bin:/sbin:/bin" --no-remove install --no-install-recommends "${CHOSEN[@]}"
    ((APT_STATUS != 0)) || return 0
    if (($# == 0)); then
      warn 'packages of bundles that follow could not be installed ahead of them: each will try by itself'
      return
    fi
    ((try < 3)) || apt_failed "$@"
    # What is in the way of the others does not keep these from coming.
    ((try == 1)) || AHEAD=()
    mend_apt "$@"
  done
}

# plan_packages PACKAGE...: what apt would do with them and AHEAD is looked at and recorded, before it does. AHEAD is empty
# where something is in its way: the bundle that needs it says what.
plan_packages() {
  local name
  simulate "$@" "${AHEAD[@]}"
  if ((APT_STATUS != 0 && $# > 0)); then
    mend_apt "$@"
    simulate "$@" "${AHEAD[@]}"
  fi
  if [[ $APT_STATUS != 0 || -n $REMOVED ]] && ((${#AHEAD[@]} > 0)); then
    AHEAD=()
    simulate "$@"
  fi
  ((${#CHOSEN[@]} > 0)) || return 0
  ((APT_STATUS == 0)) || apt_failed "$@"
  if [[ -n $REMOVED ]]; then
    packages_named "${CHOSEN[@]}"
    fail "$REPLY cannot be installed: that would remove $REMOVED, which is not this project's to remove. Look at it (apt-get -s install ${CHOSEN[*]}), decide between them, then run this again"
  fi
  query_packages "${PLAN[@]}"
  PLANNED_BEFORE=()
  for name in "${PLAN[@]}"; do [[ ${PACKAGE_STATE[$name]-} != config-files ]] || PLANNED_BEFORE+=("$name"); done
  for name in "${CHOSEN[@]}"; do record_plan "$name" "${CHOSEN[*]}"; done
  make_durable
  ((${#AHEAD[@]} == 0)) || capture_ahead
  govern_scripts
}

# simulate PACKAGE...: CHOSEN, APT_STATUS, PLAN, and REMOVED (what apt would remove for it).
simulate() {
  local line name version
  local -A asked=()
  REMOVED='' PLAN=() APT_STATUS=0
  choose_packages "$@"
  ((${#CHOSEN[@]} > 0)) || return 0
  apt -s install --no-install-recommends "${CHOSEN[@]}"
  PLAN=("${CHOSEN[@]}")
  for name in "${CHOSEN[@]}"; do asked[$name]=1; done
  while read -r line name version _; do
    case $line in
      Remv) REMOVED+=${REMOVED:+ }$name ;;
      # In brackets stands the version that is installed now.
      Inst) [[ $version == \[* || -n ${asked[$name]-} ]] || PLAN+=("$name") ;;
    esac
  done <<<"$APT_SAID"
}

# record_plan PACKAGE ASKED: it and all of the plan but what was asked for by itself: what two of them need goes with the
# last of these, and none takes another with it. What an earlier record has, of a run that was killed or of a package that
# somebody removed, stays in it.
record_plan() {
  local name brought before
  original packages "$1"
  brought=" ${RECORD[1]-} " before=" ${RECORD[2]-} "
  for name in "$1" "${PLAN[@]}"; do
    [[ $brought != *" $name "* && ($name == "$1" || " $2 " != *" $name "*) ]] || continue
    # In a run after a killed one, half of a package is no configuration of the owner's: it is in the record already.
    [[ " ${PLANNED_BEFORE[*]} " != *" $name "* ]] || before+="$name "
    brought+="$name "
  done
  join_words "$brought"
  brought=$REPLY
  join_words "${before// - / }"
  before=${REPLY:--}
  [[ "${RECORD[*]}" == "absent $brought $before" ]] || record_original packages "$1" absent "$brought" "$before"
}

# join_words TEXT: REPLY has one blank between them.
join_words() {
  local -a words
  read -r -d '' -a words <<<"$1" || :
  REPLY="${words[*]}"
}

preflight_packages() {
  local package
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    [[ $REPLY != *' and '* ]] || problem "$REPLY are both installed: decide on one and remove the other (apt-get remove $package), then run this again"
  done
}

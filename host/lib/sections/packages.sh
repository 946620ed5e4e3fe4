# Packages: installed without questions, and what that brings is recorded before. packages-remove.sh takes it away again.
# Reads WANT, NAME; sets SEEN_PACKAGE, PACKAGE_STATE, PACKAGE_WISH, PLAN, PLANNED_BEFORE, REPLY.

declare -A SEEN_PACKAGE=() PACKAGE_STATE=() PACKAGE_WISH=()
# What the simulation would bring that is not installed now, and what of it has left its configuration here.
declare -a PLAN=() PLANNED_BEFORE=()

observe_packages() {
  local package other
  local -a packages
  SEEN_PACKAGE=()
  entries "$1" packages
  ((${#ENTRIES[@]} > 0)) || return 0
  local -n loaded=$1
  packages=("${ENTRIES[@]}")
  for package in "${ENTRIES[@]}"; do
    other=${loaded["packages|$package|unless"]-}
    [[ -z $other ]] || packages+=("$other")
  done
  query_packages "${packages[@]}"
  for package in "${!PACKAGE_STATE[@]}"; do SEEN_PACKAGE[$package]=${PACKAGE_STATE[$package]}; done
}

# query_packages NAME[:ARCHITECTURE]...: PACKAGE_STATE (installed, config-files, ...) and PACKAGE_WISH (install, hold, ...)
# of each; those that dpkg does not know have none. What it says nothing about is no "absent".
query_packages() {
  local text line name package arch state wish status=0
  PACKAGE_STATE=() PACKAGE_WISH=()
  (($# > 0)) || return 0
  text=$(exec dpkg-query -W -f '${Package} ${db:Status-Status} ${db:Status-Want} ${Architecture}\n' -- "$@" 2>&1) || status=$?
  ((status <= 1)) || fail "dpkg-query ended with $status: $text"
  # One that is not installed has no architecture.
  while read -r package state wish arch; do
    [[ -n $package && $package != dpkg-query: ]] || continue
    for name in "$package" "$package:$arch"; do
      # One of several architectures is enough.
      [[ ${PACKAGE_STATE[$name]-} != installed ]] || continue
      PACKAGE_STATE[$name]=$state PACKAGE_WISH[$name]=$wish
    done
  done <<<"$text"
  for name in "$@"; do
    line="no packages found matching $name"
    [[ -n ${PACKAGE_STATE[$name]-} || $'\n'$text$'\n' == *"$line"$'\n'* ]] || fail "dpkg-query does not say what package $name is: $text"
  done
}

# package_or_other PACKAGE: REPLY is what is installed of the package and the one that may be there in its place; both,
# where both are.
package_or_other() {
  local other=${WANT["packages|$1|unless"]-}
  REPLY=
  [[ ${SEEN_PACKAGE[$1]-} != installed ]] || REPLY=$1
  [[ -z $other || ${SEEN_PACKAGE[$other]-} != installed ]] || REPLY+=${REPLY:+ and }$other
}

# install_packages: all that is missing by one run of apt, which removes nothing.
install_packages() {
  local package
  local -a missing=()
  local -i try
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    [[ -n $REPLY ]] || missing+=("$package")
  done
  ((${#missing[@]} > 0)) || return 0
  for ((try = 1; ; try++)); do
    # With other lists it may bring something else.
    plan_packages "${missing[@]}"
    if ((try == 1)); then
      for package in "${missing[@]}"; do say "  installing $package"; done
    fi
    apt --no-remove install --no-install-recommends "${missing[@]}"
    ((APT_STATUS != 0)) || break
    ((try < 3)) || apt_failed "${missing[@]}"
    mend_apt "${missing[@]}"
  done
  query_packages "${missing[@]}"
  for package in "${missing[@]}"; do
    SEEN_PACKAGE[$package]=${PACKAGE_STATE[$package]-}
    [[ ${SEEN_PACKAGE[$package]} == installed ]] ||
      fail "package $package is not installed, although apt-get did not fail: dpkg calls it ${SEEN_PACKAGE[$package]:-unknown}"
  done
}

# plan_packages PACKAGE...: what apt would do is looked at and recorded, before it does.
plan_packages() {
  local line name version
  local -a removed=()
  local -A asked=()
  apt -s install --no-install-recommends "$@"
  if ((APT_STATUS != 0)); then
    mend_apt "$@"
    apt -s install --no-install-recommends "$@"
    ((APT_STATUS == 0)) || apt_failed "$@"
  fi
  PLAN=("$@")
  for name in "$@"; do asked[$name]=1; done
  while read -r line name version _; do
    case $line in
      Remv) removed+=("$name") ;;
      # In brackets stands the version that is installed now.
      Inst) [[ $version == \[* || -n ${asked[$name]-} ]] || PLAN+=("$name") ;;
    esac
  done <<<"$APT_SAID"
  if ((${#removed[@]} > 0)); then
    packages_named "$@"
    fail "$REPLY cannot be installed: that would remove ${removed[*]}, which is not this project's to remove. Look at it (apt-get -s install $*), decide between them, then run this again"
  fi
  query_packages "${PLAN[@]}"
  PLANNED_BEFORE=()
  for name in "${PLAN[@]}"; do [[ ${PACKAGE_STATE[$name]-} != config-files ]] || PLANNED_BEFORE+=("$name"); done
  for name in "$@"; do record_plan "$name" "$*"; done
  make_durable
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

find_package_drift() {
  local package
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    if [[ -z $REPLY ]]; then
      finding "$package" package installed "${SEEN_PACKAGE[$package]:-absent}" '' 'package not installed'
    elif [[ $REPLY == *' and '* ]]; then
      finding "$package" package 'one of the two' "$REPLY" '' "installed are $REPLY"
    fi
  done
}

preflight_packages() {
  local package
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    [[ $REPLY != *' and '* ]] || problem "$REPLY are both installed: decide on one and remove the other (apt-get remove $package), then run this again"
  done
}

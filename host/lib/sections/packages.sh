# Packages: what dpkg says of them, and which are missing.
# Reads WANT; sets SEEN_PACKAGE, PACKAGE_STATE, PACKAGE_WISH, REPLY.

declare -A SEEN_PACKAGE=() PACKAGE_STATE=() PACKAGE_WISH=()

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
# where both are; or the program that it is wanted for.
package_or_other() {
  local other=${WANT["packages|$1|unless"]-}
  REPLY=
  [[ ${SEEN_PACKAGE[$1]-} != installed ]] || REPLY=$1
  [[ -z $other || ${SEEN_PACKAGE[$other]-} != installed ]] || REPLY+=${REPLY:+ and }$other
  [[ -z $REPLY ]] || return 0
  has_program "${WANT["packages|$1|program"]-}"
  [[ -z $ANSWER ]] || REPLY=${WANT["packages|$1|program"]}
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

# Packages for a program: where the host has it, whatever it comes from, nothing is installed. An optional one is left out where
# this release's package lists do not have it: then another package must bring the program.
# Reads WANT, PACKAGE_STATE; sets CHOSEN, ANSWER.

# has_program NAME: ANSWER, wherever it may come from; one with a path is that one alone.
has_program() {
  ANSWER=
  [[ -n $1 ]] || return 0
  if [[ $1 == /* ]]; then
    [[ ! -x $1 ]] || ANSWER=yes
    return
  fi
  if type -P -- "$1" >/dev/null; then ANSWER=yes; fi
  [[ ! -e /snap/bin/$1 ]] || ANSWER=yes
}

# choose_packages PACKAGE...: CHOSEN=(those that apt is asked for).
declare -a CHOSEN=()
choose_packages() {
  local package text='' line candidates=''
  local -a optional=()
  CHOSEN=()
  for package in "$@"; do
    [[ -z ${WANT["packages|$package|optional"]-}${WANT["ahead|$package|optional"]-} ]] || optional+=("$package")
  done
  if ((${#optional[@]} > 0)); then
    text=$(LC_ALL=C exec apt-cache policy -- "${optional[@]}") || fail "apt-cache does not say whether there is ${optional[*]}"
  fi
  while IFS= read -r line; do
    case $line in
      [!\ ]*:) package=${line%:} ;;
      # It has only heard of it.
      '  Candidate: (none)') ;;
      '  Candidate: '*) candidates+=" $package " ;;
    esac
  done <<<"$text"
  for package in "$@"; do
    [[ " ${optional[*]} " == *" $package "* && $candidates != *" $package "* ]] || CHOSEN+=("$package")
  done
}

# must_have_come PACKAGE: it is installed now, or what it is wanted for is there.
must_have_come() {
  local program=${WANT["packages|$1|program"]-}
  [[ ${PACKAGE_STATE[$1]-} != installed ]] || return 0
  has_program "$program"
  [[ -z $ANSWER ]] || return 0
  [[ -z $program ]] || fail "package $1 is not installed, and nothing else brought its program $program"
  fail "package $1 is not installed, although apt-get did not fail: dpkg calls it ${PACKAGE_STATE[$1]:-unknown}"
}

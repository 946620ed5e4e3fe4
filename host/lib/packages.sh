# Packages: installed without questions, removed again only if this project brought them.

readonly APT_WAIT_SECONDS=${AI_RESOURCE_MANAGER_APT_WAIT:-300}
readonly -a APT=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none
  apt-get -q -y -o "DPkg::Lock::Timeout=$APT_WAIT_SECONDS"
  -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef -o Dpkg::Use-Pty=0)

# apt ARGUMENTS...: runs apt-get; on failure APT_SAID is what it said.
APT_SAID=''
apt() {
  if APT_SAID=$(timeout 1200 "${APT[@]}" "$@" 2>&1 9>&- </dev/null); then return 0; fi
  return 1
}

# apt_problem PACKAGE: one line that says why apt could not, and what to do.
apt_problem() {
  local errors
  errors=$(grep -E '^(E|dpkg):' <<<"$APT_SAID" | tail -n 3 | tr '\n' ' ') || :
  case $APT_SAID in
    *'Could not get lock'* | *'Unable to acquire the dpkg'*)
      REPLY="another package manager holds apt's lock. Wait for it to end (ps -C apt,apt-get,dpkg,unattended-upgr) and run this again"
      ;;
    *'Temporary failure resolving'* | *'Could not resolve'* | *'Failed to fetch'* | *'Could not connect'* | *'Unable to connect'*)
      REPLY="this host cannot reach its package mirror. Check its network and /etc/apt/sources.list, then run this again"
      ;;
    *'Unable to locate package'* | *'has no installation candidate'*)
      REPLY="no package of that name in this host's package lists. Check /etc/apt/sources.list (Debian 12 main has it)"
      ;;
    *held*) REPLY="a held package is in the way (apt-mark showhold lists them)" ;;
    *) REPLY="apt-get failed" ;;
  esac
  REPLY="package $1 cannot be installed: $REPLY${errors:+ [apt: ${errors% }]}"
}

# capture_package PACKAGE: remembers, before apt runs, which packages it would bring.
capture_package() {
  local line name plan=()
  original packages "$1" && return 0
  if ! apt -s install --no-install-recommends "$1"; then
    say "  fetching the package lists"
    apt update || { apt_problem "$1" && return 1; }
    apt -s install --no-install-recommends "$1" || { apt_problem "$1" && return 1; }
  fi
  while read -r line name _; do
    [[ $line != Inst || $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == installed ]] || plan+=("$name")
  done <<<"$APT_SAID"
  record_original packages "$1" absent "${plan[*]:-$1}"
}

# package_or_other PACKAGE: REPLY is what is installed of the package and the one that may be there in its place; both,
# where both are.
package_or_other() {
  local other=${WANT["packages|$1|unless"]-}
  REPLY=
  [[ ${SEEN_PACKAGE[$1]-} != installed ]] || REPLY=$1
  [[ -z $other || ${SEEN_PACKAGE[$other]-} != installed ]] || REPLY+=${REPLY:+ and }$other
}

# install_packages: fails with REPLY set when apt cannot.
install_packages() {
  local package
  entries WANT packages
  for package in "${ENTRIES[@]}"; do
    package_or_other "$package"
    [[ -z $REPLY ]] || continue
    { capture_package "$package" && make_durable; } || return 1
    say "  installing $package"
    apt install --no-install-recommends "$package" && continue
    # Lists that name a version the mirror no longer has, or a dpkg that was killed: mend it, then once more.
    case $APT_SAID in
      *'dpkg was interrupted'*) env DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a >/dev/null 2>&1 9>&- </dev/null || : ;;
      *'Could not get lock'* | *'Unable to acquire the dpkg'*) apt_problem "$package" && return 1 ;;
      # apt has tried four times; new lists would come from the same mirror.
      *'Temporary failure resolving'* | *'Could not resolve'* | *'Could not connect'* | *'Unable to connect'*) apt_problem "$package" && return 1 ;;
      *) apt update || : ;;
    esac
    apt install --no-install-recommends "$package" || { apt_problem "$package" && return 1; }
  done
}

# remove_packages: purges what this bundle brought and nothing else needs.
remove_packages() {
  local package
  gone_entries packages
  for package in "${ENTRIES[@]}"; do
    original packages "$package" || continue
    owner_of packages "$package" "$NAME"
    [[ -z $REPLY ]] || continue
    local -a brought=()
    read -r -a brought <<<"${RECORD[1]}"
    purge_unneeded "${brought[@]}"
    forget_original packages "$package"
  done
}

# purge_unneeded PACKAGE...: dpkg itself refuses to remove what another package needs, so all at once is tried
# first, then each.
purge_unneeded() {
  local package
  local -a present=()
  mapfile -t present < <(dpkg-query -W -f '${Package}\n' "$@" 2>/dev/null)
  ((${#present[@]} > 0)) || return 0
  say "  purging ${present[*]}"
  purge "${present[@]}" && return 0
  for package in "${present[@]}"; do
    purge "$package" || say "  kept package $package: something else needs it"
  done
}

purge() {
  local attempt
  for ((attempt = 0; attempt < 60; attempt++)); do
    APT_SAID=$(env DEBIAN_FRONTEND=noninteractive dpkg --purge "$@" 2>&1 9>&- </dev/null) && return 0
    # Another package manager is at work; dpkg itself does not wait.
    [[ $APT_SAID == *lock* ]] || return 1
    sleep 5
  done
  return 1
}

# apt and dpkg: run without questions, and what they say when they fail, in words that are true.
# Reads AI_RESOURCE_MANAGER_APT_WAIT; sets APT_STATUS, APT_SAID, UPDATE_SAID, REPLY.

readonly APT_WAIT_SECONDS=${AI_RESOURCE_MANAGER_APT_WAIT:-300}
readonly -a DPKG_ENVIRONMENT=(env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none)
readonly -a APT=("${DPKG_ENVIRONMENT[@]}" apt-get -q -y -o "DPkg::Lock::Timeout=$APT_WAIT_SECONDS"
  -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef -o Dpkg::Use-Pty=0)

# What the last run said, and what the last update of the package lists said where it left some out.
APT_SAID='' UPDATE_SAID=''
declare -i APT_STATUS=0

# apt ARGUMENTS...: runs apt-get; what it keeps running must not keep the lock.
apt() {
  APT_STATUS=0
  APT_SAID=$(timeout 1200 "${APT[@]}" "$@" 2>&1 9>&- </dev/null) || APT_STATUS=$?
}

# dpkg_run ARGUMENTS...: waits for another package manager, which dpkg itself does not.
dpkg_run() {
  local -i attempt
  for ((attempt = 0; ; attempt++)); do
    APT_STATUS=0
    APT_SAID=$("${DPKG_ENVIRONMENT[@]}" dpkg "$@" 2>&1 9>&- </dev/null) || APT_STATUS=$?
    [[ $APT_STATUS != 0 && $APT_SAID == *'locked by another process'* ]] || return 0
    ((attempt * 5 < APT_WAIT_SECONDS)) || return 0
    sleep 5
  done
}

# mend_apt PACKAGE...: after a failure that need not be the last word: a dpkg that was killed, lists that name a version
# which the mirror no longer has. apt has tried a mirror four times; new lists would come from the same.
mend_apt() {
  case $APT_SAID in
    *'Could not get lock'* | *'Unable to acquire the dpkg'* | *'Unable to lock'*) apt_failed "$@" ;;
    *'Temporary failure resolving'* | *'Could not resolve'* | *'ould not connect'* | *'Unable to connect'*) apt_failed "$@" ;;
    *'dpkg was interrupted'* | *'received signal'* | *'exited unexpectedly'*)
      dpkg_run --force-confold --configure -a
      ((APT_STATUS == 0)) || apt_failed "$@"
      ;;
    *)
      [[ -z $UPDATE_SAID ]] || apt_failed "$@"
      say '  fetching the package lists'
      apt update
      # It does not fail where a source could not be reached. The attempt that follows decides whether that matters.
      UPDATE_SAID=updated
      [[ $APT_STATUS == 0 && $APT_SAID != *'Failed to fetch'* ]] || UPDATE_SAID=$APT_SAID
      ;;
  esac
}

# packages_named PACKAGE...: REPLY
packages_named() {
  local names="$*"
  if (($# == 1)); then REPLY="package $1"; else REPLY="packages ${names// /, }"; fi
}

# apt_failed PACKAGE...: one line that says why apt could not, and what to do.
apt_failed() {
  local errors line reason
  local -a said=()
  packages_named "$@"
  local named=$REPLY
  case $APT_SAID in
    *'Unable to locate package'* | *'has no installation candidate'*)
      first_unknown "$@"
      named="package $REPLY"
      # Lists that could not be fetched name nothing.
      [[ ${UPDATE_SAID:-updated} == updated ]] || APT_SAID+=$'\n'$UPDATE_SAID
      ;;
  esac
  while IFS= read -r line; do
    [[ $line != E:* && $line != dpkg:* ]] || said+=("$line")
  done <<<"$APT_SAID"
  if ((${#said[@]} > 3)); then said=("${said[@]: -3}"); fi
  join_words "${said[*]}"
  errors=$REPLY
  apt_reason
  reason=$REPLY
  fail "$named cannot be installed: $reason${errors:+ [apt: $errors]}"
}

# first_unknown PACKAGE...: REPLY is the first that apt does not know.
first_unknown() {
  local package
  REPLY=$1
  for package in "$@"; do
    if [[ $APT_SAID == *"Unable to locate package $package"* || $APT_SAID == *"Package '$package' has no"* ||
      $APT_SAID == *"Package $package has no"* ]]; then
      REPLY=$package
      return
    fi
  done
}

# apt_reason: REPLY is what APT_SAID means, the cause before what follows from it.
apt_reason() {
  case $APT_SAID in
    *'Could not get lock'* | *'Unable to acquire the dpkg'* | *'Unable to lock'* | *'locked by another process'*)
      REPLY="another package manager holds apt's lock. Wait for it to end (ps -C apt,apt-get,dpkg,unattended-upgr) and run this again"
      ;;
    *'annot be authenticated'* | *'unauthenticated packages'* | *'is not signed'* | *NO_PUBKEY* | *EXPKEYSIG* | *BADSIG*)
      REPLY="one of this host's package sources is not signed by a key that apt trusts. Look at it (apt-get update), mend or remove that source below /etc/apt, then run this again"
      ;;
    *'Temporary failure resolving'* | *'Could not resolve'* | *'ould not connect'* | *'Unable to connect'* | \
      *'onnection timed out'* | *'onnection failed'*)
      REPLY="this host cannot reach its package mirror. Check its network and /etc/apt/sources.list, then run this again"
      ;;
    *'404 '* | *'File not found'* | *'does not have a Release file'*)
      REPLY="the package mirror does not have what this host's package lists name (404). Check that /etc/apt/sources.list names a release that its mirror still has, then run this again"
      ;;
    *'No space left on device'* | *"don't have enough free space"*) REPLY="the disk is full. Free some (apt-get clean; du -xsh /var/*), then run this again" ;;
    *'Failed to fetch'*) REPLY="the package mirror does not give it out. Look at it (apt-get update), then run this again" ;;
    *'Unable to locate package'* | *'has no installation candidate'*)
      REPLY="no package of that name in this host's package lists. Check the host's package sources (/etc/apt/sources.list and sources.list.d; Debian's main has it)"
      ;;
    *) dependency_reason ;;
  esac
}

# dependency_reason: REPLY, where the packages themselves are in the way. "You have held broken packages" says apt of any
# dependency that it cannot meet, held or not.
dependency_reason() {
  local held unmet=${APT_SAID#*'unmet dependencies:'$'\n'}
  unmet=${unmet%%$'\n'E:*}
  case $APT_SAID in
    *'Held packages were changed'*) REPLY="a held package is in the way (apt-mark showhold lists them)" ;;
    *'remove is disabled'*) REPLY="that would remove packages of this host. Look at it (apt-get -s install), decide between them, then run this again" ;;
    *'fix-broken'* | *'dpkg was interrupted'* | *'needs to be reinstalled'*)
      REPLY="other packages of this host are broken. Mend them (dpkg --configure -a; apt-get -f install), then run this again"
      ;;
    *'held broken packages'* | *'unmet dependencies:'*)
      held=$(apt-mark showhold) || held=
      join_words "$unmet"
      REPLY="this host's package sources do not have what it depends on ($REPLY)"
      [[ -z $held ]] || REPLY+=", or a held package is in the way: ${held//$'\n'/ }"
      ;;
    *'dpkg: error'* | *'returned an error code'*) REPLY="dpkg failed. Mend it (dpkg --configure -a), then run this again" ;;
    *)
      REPLY='apt-get failed'
      ((APT_STATUS != 124)) || REPLY='apt-get did not end within 20 minutes'
      ;;
  esac
}

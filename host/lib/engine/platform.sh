# Platforms: the distributions, package managers, versions of systemd and kernels that a bundle can be applied on. What a host
# must be is said here, and nowhere else; docs/hosts.md tells which ones were tried.
# Reads WANT, STORED, CGROUPS, SYSTEMD_VERSION; sets DISTRIBUTION; adds to PROBLEMS.

readonly OS_RELEASE=/etc/os-release
readonly KERNEL_COMMAND_LINE=/proc/cmdline
readonly RASPBERRY_COMMAND_LINE=/boot/firmware/cmdline.txt
# What this manager's units use; Debian 11 has it.
readonly OLDEST_SYSTEMD=247
# Whole suites ran on these.
readonly TRIED=' debian-12 debian-13 '

# preflight_host: of a host that has no bundle yet, before anything is written there.
preflight_host() {
  read_distribution
  preflight_package_manager
  preflight_systemd
  # What every stack's slices and workloads are limited with.
  preflight_controllers cpu io memory pids
  warn_of_untried
}

# preflight_limits: what the limits of the bundle are made of; a kernel may lose it with any boot. A repair does what it can,
# and says which limits do not hold.
preflight_limits() {
  local unit property
  local -A needed=()
  [[ -z $STORED ]] || return 0
  entries WANT limits
  for unit in "${ENTRIES[@]}"; do
    for property in ${WANT["limits|$unit|properties"]-}; do
      case $property in
        AllowedCPUs) needed[cpuset]=1 ;;
        CPUQuota | CPUWeight) needed[cpu]=1 ;;
        IO*) needed[io]=1 ;;
        Memory*) needed[memory]=1 ;;
        TasksMax) needed[pids]=1 ;;
      esac
    done
  done
  sort_words "${!needed[@]}"
  preflight_controllers "${SORTED[@]}"
}

# read_distribution: DISTRIBUTION[ID], [VERSION_ID] and [PRETTY_NAME], as os-release(5) has them.
declare -A DISTRIBUTION=()
read_distribution() {
  local line
  DISTRIBUTION=([PRETTY_NAME]='this distribution')
  [[ -r $OS_RELEASE ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    [[ ! $line =~ ^(ID|VERSION_ID|PRETTY_NAME)=[\"\']?([^\"\']*)[\"\']?$ ]] ||
      DISTRIBUTION[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
  done <"$OS_RELEASE"
}

preflight_package_manager() {
  local other
  type -P apt-get >/dev/null && type -P dpkg-query >/dev/null && return
  for other in dnf yum zypper pacman apk; do
    type -P "$other" >/dev/null || continue
    problem "this host (${DISTRIBUTION[PRETTY_NAME]}) installs packages with $other, which goblin-host does not support yet: it needs Debian's apt-get. Hosts that it was tried on: docs/hosts.md"
    return
  done
  problem "this host (${DISTRIBUTION[PRETTY_NAME]}) has no apt-get, which goblin-host needs. Hosts that it was tried on: docs/hosts.md"
}

preflight_systemd() {
  systemd_version
  if [[ -z $SYSTEMD_VERSION ]]; then
    problem "systemd does not say its version (systemctl --version: $REPLY)"
    return
  fi
  ((SYSTEMD_VERSION >= OLDEST_SYSTEMD)) ||
    problem "this host has systemd $SYSTEMD_VERSION, and $OLDEST_SYSTEMD or later is needed. Debian 11 and later have it: upgrade the distribution"
}

warn_of_untried() {
  [[ $TRIED != *" ${DISTRIBUTION[ID]-}-${DISTRIBUTION[VERSION_ID]-} "* ]] || return 0
  warn "${DISTRIBUTION[PRETTY_NAME]} is not among the hosts that goblin-host was tried on (Debian 12 and 13). What it declares is verified all the same; what does not hold is an error"
}

# preflight_controllers CONTROLLER...
preflight_controllers() {
  local controller text=''
  local -a missing=()
  { read -r text <"$CGROUPS/cgroup.controllers"; } 2>/dev/null || text=
  for controller in "$@"; do
    [[ " $text " == *" $controller "* ]] || missing+=("$controller")
  done
  ((${#missing[@]} == 0)) || name_missing_controllers "${missing[@]}"
}

# name_missing_controllers CONTROLLER...: each cause has a remedy of its own.
name_missing_controllers() {
  local list="${*}" parameters='' word
  list=${list// /, }
  if [[ -e $CONTAINER_MARK ]]; then
    problem "this host is a container without the cgroup controllers $list, so that nobody enforces its limits. Use a virtual machine, or have its host delegate them to it"
    return
  fi
  { read -r parameters <"$KERNEL_COMMAND_LINE"; } 2>/dev/null || parameters=
  for word in $parameters; do
    disables_one_of "$word" "$@"
    [[ -n $ANSWER ]] || continue
    problem "this kernel was started with $word, so that nobody enforces limits of $list. Take it out of GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot"
    return
  done
  if [[ " $* " == *' memory '* && -e $RASPBERRY_COMMAND_LINE ]]; then
    problem "this kernel has no cgroup controllers $list, so that nobody enforces those limits. Add cgroup_enable=memory to the line in $RASPBERRY_COMMAND_LINE and reboot"
  else
    problem "this kernel has no cgroup controllers $list (/sys/fs/cgroup/cgroup.controllers), so that nobody enforces those limits. It was built without them: install the distribution's own kernel (linux-image-amd64 on Debian) and reboot"
  fi
}

# disables_one_of PARAMETER CONTROLLER...: ANSWER, whether it is a cgroup_disable= of one of these.
disables_one_of() {
  local controller
  ANSWER=
  [[ $1 == cgroup_disable=* ]] || return 0
  for controller in "${@:2}"; do
    [[ ",${1#*=}," != *",$controller,"* ]] || ANSWER=yes
  done
}

# Preflight: everything that can be known before anything changes, all problems at once.

# become_root ARGUMENTS...: one text in Pulumi's state serves every user.
become_root() {
  ((EUID != 0)) || return 0
  [[ ! -x $0 ]] || ! sudo -n true </dev/null 2>/dev/null || exec sudo -n -- "$0" "$@"
  die "$EXIT_USAGE" "ai-resource-manager needs root, and ${USER:-this user} may not use sudo without a password"
}

# check_host: what no bundle can do without.
check_host() {
  [[ -d /run/systemd/system ]] || die "$EXIT_USAGE" "this host was not booted with systemd"
  [[ -e /sys/fs/cgroup/cgroup.controllers ]] || die "$EXIT_USAGE" "this host uses cgroup v1, whose limits leak. Add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot"
}

preflight() {
  PROBLEMS=()
  preflight_version
  preflight_confirmation
  preflight_files
  preflight_folders
  preflight_json
  preflight_packages
  preflight_docker
  preflight_cores
  preflight_programs
  preflight_memory
  preflight_swap_files
  preflight_zram
  preflight_read_ahead
  preflight_sysctls
  report_problems
}

report_problems() {
  local text
  for text in "${PROBLEMS[@]}"; do error "$text"; done
  ((${#PROBLEMS[@]} == 0))
}

# can_write: asked before the bundle is staged, which needs the disk itself.
can_write() {
  PROBLEMS=()
  preflight_writable
  report_problems && return 0
  error "bundle $NAME was not applied; nothing was changed"
  return 1
}

preflight_confirmation() {
  local window=${WANT["meta|confirm|"]-}
  [[ -z $window || $window =~ ^[1-9][0-9]{0,4}$ ]] ||
    problem "bundle $NAME: confirm is \"$window\". Allowed: a number of seconds"
}

preflight_version() {
  local -a need have
  local -i i
  IFS=. read -r -a need <<<"${WANT["meta|manager|"]:-0.0.0}"
  IFS=. read -r -a have <<<"$VERSION"
  for i in 0 1 2; do
    ((${need[i]:-0} < ${have[i]:-0})) && return 0
    ((${need[i]:-0} == ${have[i]:-0})) && continue
    problem "bundle $NAME needs manager ${WANT["meta|manager|"]}, this host has $VERSION: run pulumi up, which brings the manager first"
    return 0
  done
}

preflight_writable() {
  local folder type available block
  for folder in /etc /var/lib; do
    [[ -w $folder ]] || problem "$folder is read-only: mount it writable (mount -o remount,rw /)"
  done
  while read -r type available block; do
    ((available * block >= 32 * 1048576)) || { human "$((available * block / 4096 * 4096))" && problem "the disk is full: $REPLY free on the filesystem of /etc and /var/lib, 32 MiB are needed. Free some (du -xsh /var/* /srv/*)"; break; }
  done < <(stat -f -c '%T %a %S' /etc /var/lib)
}

preflight_files() {
  local path found
  entries WANT files
  for path in "${ENTRIES[@]}"; do
    if [[ $path != /* || $path == */../* || $path == */./* || $path == *//* || $path == */ || ${#path} -gt 180 ]]; then
      problem "$path is no plain absolute path"
      continue
    fi
    [[ ${WANT["files|$path|mode"]-} =~ ^[0-7]{4}$ && -n ${WANT["files|$path|blob"]-} ]] || problem "$path has no mode or no content"
    owner_of files "$path" "$NAME"
    [[ -z $REPLY ]] || problem "$path belongs to the bundle $REPLY"
    has WAS files "$path" && continue
    found=${SEEN_FILE[$path]-}
    case $found in
      '' | regular*) ;;
      *) problem "$path is a ${found%% *}, not a file: move it away, then run this again" ;;
    esac
    found=${path%/*}
    while [[ -n $found && ! -e $found ]]; do found=${found%/*}; done
    [[ -z $found || -d $found ]] || problem "$found is not a folder, and $path must go below it"
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

preflight_cores() {
  local setting cores cpu missing
  local -A online=()
  entries WANT requires
  ((${#ENTRIES[@]} > 0)) || return 0
  read_facts
  expand_cpus "$ONLINE_CPUS"
  for cpu in "${CPUS[@]}"; do online[$cpu]=1; done
  for setting in "${ENTRIES[@]}"; do
    cores=${WANT["requires|$setting|cores"]-}
    [[ -n $cores ]] || continue
    missing=
    expand_cpus "$cores" || { problem "$setting: \"$cores\" is no CPU list"; continue; }
    for cpu in "${CPUS[@]}"; do [[ -n ${online[$cpu]-} ]] || missing+=${missing:+,}$cpu; done
    [[ -z $missing ]] || problem "$setting: \"$cores\" names cores that this host lacks ($missing); it has $ONLINE_CPUS. Allowed: any of those. Fix: pulumi config set --path '$setting' $ONLINE_CPUS"
  done
}

preflight_programs() {
  local setting program
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    program=${WANT["requires|$setting|program"]-}
    [[ -z $program ]] || command -v -- "$program" >/dev/null ||
      problem "$setting: this host has no program $program. ${WANT["requires|$setting|remedy"]-}"
  done
}

# preflight_memory: what the system keeps for itself must leave something to the workloads.
preflight_memory() {
  local key
  for key in "${!WANT[@]}"; do
    [[ $key == limits\|* && ${WANT[$key]} == '@{memory-less:'* ]] || continue
    expand_tokens "${WANT[$key]}"
    ((REPLY >= 67108864)) && continue
    problem "goblin-host:reserve.memory leaves nothing for the workloads: this host has $((MEMORY_TOTAL / 1048576)) MiB. Fix: pulumi config set --path 'goblin-host:reserve.memory' $((MEMORY_TOTAL / 10 / 1048576))MiB"
  done
}

preflight_swap_files() {
  local path size setting have
  entries WANT swapFiles
  ((${#ENTRIES[@]} == 0)) || preflight_no_container 'a swap file' || return 0
  for path in "${ENTRIES[@]}"; do
    size=${WANT["swapFiles|$path|size"]}
    # The bundle names the size's setting; the path's stands beside it.
    setting=${WANT["swapFiles|$path|setting"]:-goblin-host:swap}
    setting=${setting%.size}
    if [[ -d $path ]]; then
      problem "$setting.path: $path is a folder. Allowed: a file that does not exist yet, or a swap file. Fix: pulumi config set --path '$setting.path' $path/swapfile"
      continue
    elif [[ -e $path && ! -f $path || -L $path ]]; then
      problem "$setting.path: $path is no regular file (a link or a device). Fix: pulumi config set --path '$setting.path' /swapfile"
      continue
    elif [[ ! -d ${path%/*}/ ]]; then
      problem "$setting.path: the folder ${path%/*} does not exist"
      continue
    fi
    folder_facts "$path"
    case $FS_TYPE in
      tmpfs | overlayfs | btrfs | zfs | ramfs | squashfs | nfs)
        problem "$setting.path: $path is on $FS_TYPE, where swap files do not work. Allowed: a folder on ext4 or xfs. Fix: pulumi config set --path '$setting.path' /swapfile"
        continue
        ;;
    esac
    swap_file_size "$path"
    have=${REPLY:-0}
    # A swap file that cannot stand beside the new one goes first; its room counts.
    if ((have != size && size + DISK_RESERVE > FS_FREE + have)); then
      human "$size"
      local shown=$REPLY
      local fits=$(((FS_FREE + have - DISK_RESERVE) / 1073741824))
      problem "$setting.size: $shown do not fit on the disk of $path, which has $(((FS_FREE + have) / 1048576)) MiB free (1 GiB stays free). Fix: $( ((fits > 0)) && printf "pulumi config set --path '%s.size' %sGiB" "$setting" "$fits" || printf 'free some disk')"
    fi
  done
}

preflight_no_container() {
  [[ ! -e /run/systemd/container ]] && return 0
  problem "this host is a container, whose kernel belongs to its provider: $1 is impossible here. Use a VPS with its own kernel (KVM)"
  return 1
}

preflight_zram() {
  local device
  entries WANT zram
  ((${#ENTRIES[@]} == 0)) || preflight_no_container zram || return 0
  for device in "${ENTRIES[@]}"; do
    [[ -d /sys/module/zram ]] || modprobe -n -q zram || problem "this kernel has no zram module (uname -r: $(uname -r)): install the distribution's kernel"
    has WAS zram "$device" && continue
    [[ -z ${SEEN_SWAP["/dev/$device"]-} || -n ${SEEN_UNIT["zramswap.service|LoadState"]+set} && ${SEEN_UNIT["zramswap.service|ActiveState"]} == active ]] ||
      original zram "$device" ||
      problem "/dev/$device is in use by something this project does not know. Switch it off (swapoff /dev/$device; zramctl --reset /dev/$device), then run this again"
  done
}

preflight_sysctls() {
  local key
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    [[ $key =~ ^[a-z0-9_.-]+$ && -e /proc/sys/${key//.//} ]] || problem "this kernel has no sysctl $key"
  done
}

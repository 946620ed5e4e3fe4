# How every run begins: as root, on a host that it can do something for, or with what it could have been asked.
# Sets BOOTING (the host boots: nothing may wait for a unit), ROLLING_BACK, LOOKING (nobody asks dockerd).

BOOTING='' ROLLING_BACK='' LOOKING=''

# become_root ARGUMENTS...: one text in Pulumi's state serves every user.
become_root() {
  ((EUID != 0)) || return 0
  if [[ -x $0 ]] && sudo -n true </dev/null 2>/dev/null; then exec sudo -n -- "$0" "$@"; fi
  die "$EXIT_USAGE" "ai-resource-manager needs root, and ${USER:-this user} may not use sudo without a password"
}

# check_host: what no bundle can do without.
check_host() {
  [[ -d /run/systemd/system ]] || die "$EXIT_USAGE" "this host was not booted with systemd"
  [[ -e /sys/fs/cgroup/cgroup.controllers ]] || die "$EXIT_USAGE" "this host uses cgroup v1, whose limits leak. Add systemd.unified_cgroup_hierarchy=1 to GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot"
}

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

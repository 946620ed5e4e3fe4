# Values: sizes for people, time spans, and the facts of this machine. Sets REPLY; MEMORY_TOTAL, ONLINE_CPUS, PAGE_SIZE,
# SYSTEMD_VERSION.

# human BYTES: 8589934592 -> "8 GiB"; what is not a whole number of MiB is shown in bytes.
human() {
  local value=$1 unit
  if [[ ! $value =~ ^[0-9]+$ ]]; then
    REPLY=$value
    return
  fi
  for unit in TiB:1099511627776 GiB:1073741824 MiB:1048576; do
    if ((value >= ${unit#*:} && value % ${unit#*:} == 0)); then
      REPLY="$((value / ${unit#*:})) ${unit%:*}"
      return
    fi
  done
  REPLY="$value B"
}

# decode_octal TEXT: "/a\0402" -> "/a 2". fstab, /proc/swaps and mountinfo write blanks as three octal digits, of which
# printf's %b would take four.
decode_octal() {
  # shellcheck disable=SC2059 # the format is what decodes
  printf -v REPLY -- "${1//%/%%}"
}

# usec TIMESPAN: what systemctl prints for CPUQuotaPerSecUSec ("1.5s", "1s 500ms", "200ms") in microseconds.
usec() {
  local part total=0 fraction unit
  if [[ $1 == infinity ]]; then
    REPLY=infinity
    return
  fi
  for part in $1; do
    if [[ ! $part =~ ^([0-9]+)(\.([0-9]+))?(us|ms|s|min|h)$ ]]; then
      REPLY=$1
      return
    fi
    case ${BASH_REMATCH[4]} in us) unit=1 ;; ms) unit=1000 ;; s) unit=1000000 ;; min) unit=60000000 ;; *) unit=3600000000 ;; esac
    fraction=${BASH_REMATCH[3]}000000
    total=$((total + BASH_REMATCH[1] * unit + 10#${fraction:0:6} * unit / 1000000))
  done
  REPLY=$total
}

# systemd's, where the host is a container itself.
readonly CONTAINER_MARK=/run/systemd/container

# Facts about the machine that tokens and preflight need.
MEMORY_TOTAL='' ONLINE_CPUS=''
read_facts() {
  [[ -z $MEMORY_TOTAL ]] || return 0
  local key value
  while read -r key value _; do
    if [[ $key == MemTotal: ]]; then
      MEMORY_TOTAL=$((value * 1024))
      break
    fi
  done </proc/meminfo
  read -r ONLINE_CPUS </sys/devices/system/cpu/online
}

# page_size: PAGE_SIZE in bytes; 4, 16 or 64 KiB. This shell's own first mapping is of ordinary pages; a kernel that does not
# tell is asked by a process.
PAGE_SIZE=''
page_size() {
  local key value
  [[ -z $PAGE_SIZE ]] || return 0
  if [[ -r /proc/self/smaps ]]; then
    while read -r key value _; do
      if [[ $key == KernelPageSize: ]]; then
        PAGE_SIZE=$((value * 1024))
        return
      fi
    done </proc/self/smaps
  fi
  PAGE_SIZE=$(getconf PAGESIZE)
}

# systemd_version: SYSTEMD_VERSION is the number of the systemd that runs, by the library that it has open, which takes no
# process; else the one that its program says. Where neither tells, it is empty, and REPLY is what the program says.
readonly INIT_MAPS=/proc/1/maps
SYSTEMD_VERSION=''
systemd_version() {
  local maps=''
  [[ -z $SYSTEMD_VERSION ]] || return 0
  { IFS= read -r -d '' maps <"$INIT_MAPS"; } 2>/dev/null || :
  if [[ $maps =~ /libsystemd-shared-([0-9]+) ]]; then
    SYSTEMD_VERSION=${BASH_REMATCH[1]}
    return
  fi
  REPLY=$(systemctl --version) || REPLY=
  [[ ! $REPLY =~ ^systemd\ ([0-9]+) ]] || SYSTEMD_VERSION=${BASH_REMATCH[1]}
  REPLY=${REPLY%%$'\n'*}
}

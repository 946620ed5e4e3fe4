# Values: sizes for people, CPU lists, and the tokens that are resolved on the host.

# human BYTES: 8589934592 -> "8 GiB"; what is not a whole number of MiB is shown in bytes.
human() {
  local value=$1 unit
  [[ $value =~ ^[0-9]+$ ]] || { REPLY=$value; return; }
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

# expand_cpus LIST: "0-2,5" -> CPUS=(0 1 2 5); fails on anything else.
declare -a CPUS=()
expand_cpus() {
  local part
  local -A seen=()
  CPUS=()
  for part in ${1//,/ }; do
    if [[ $part =~ ^([0-9]{1,4})-([0-9]{1,4})$ ]] && ((10#${BASH_REMATCH[1]} <= 10#${BASH_REMATCH[2]})); then
      local cpu
      for ((cpu = 10#${BASH_REMATCH[1]}; cpu <= 10#${BASH_REMATCH[2]}; cpu++)); do seen[$cpu]=1; done
    elif [[ $part =~ ^[0-9]{1,4}$ ]]; then
      seen[$((10#$part))]=1
    else
      return 1
    fi
  done
  local highest=0 key
  for key in "${!seen[@]}"; do ((key > highest)) && highest=$key; done
  for ((key = 0; key <= highest; key++)); do [[ -n ${seen[$key]-} ]] && CPUS+=("$key"); done
  return 0
}

# join_cpus: CPUS=(0 1 2 5) -> REPLY="0-2,5"
join_cpus() {
  local -i i=0 start
  REPLY=
  while ((i < ${#CPUS[@]})); do
    start=$i
    while ((i + 1 < ${#CPUS[@]} && CPUS[i + 1] == CPUS[i] + 1)); do i+=1; done
    REPLY+="${REPLY:+,}${CPUS[start]}"
    ((i > start)) && REPLY+="-${CPUS[i]}"
    i+=1
  done
  return 0
}

normal_cpus() {
  if expand_cpus "$1"; then join_cpus; else REPLY=$1; fi
}

# usec TIMESPAN: what systemctl prints for CPUQuotaPerSecUSec ("1.5s", "1s 500ms", "200ms") in microseconds.
usec() {
  local part total=0 fraction
  [[ $1 == infinity ]] && { REPLY=infinity; return; }
  for part in $1; do
    if [[ $part =~ ^([0-9]+)(\.([0-9]+))?(us|ms|s|min|h)$ ]]; then
      local unit
      case ${BASH_REMATCH[4]} in us) unit=1 ;; ms) unit=1000 ;; s) unit=1000000 ;; min) unit=60000000 ;; *) unit=3600000000 ;; esac
      fraction=${BASH_REMATCH[3]}000000
      total=$((total + BASH_REMATCH[1] * unit + 10#${fraction:0:6} * unit / 1000000))
    else
      REPLY=$1
      return
    fi
  done
  REPLY=$total
}

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

readonly MEMORY_STEP=$((64 * 1024 * 1024))

# expand_tokens TEXT: resolves @{memory-less:BYTES:PERCENT}, @{cores-except:LIST} and @{disk-of:PATH}; see docs/bundle.md.
expand_tokens() {
  local text=$1 out='' token reserve percent
  read_facts
  while [[ $text == *'@{'*'}'* ]]; do
    out+=${text%%'@{'*}
    text=${text#*'@{'}
    token=${text%%'}'*}
    text=${text#*'}'}
    case $token in
      memory-less:*:*%)
        reserve=${token#memory-less:}
        percent=${reserve#*:}
        reserve=${reserve%%:*}
        percent=$((MEMORY_TOTAL * ${percent%\%} / 100))
        ((percent > reserve)) && reserve=$percent
        # MemTotal differs by some kilobytes from boot to boot, which must not be another limit each time.
        out+=$(((MEMORY_TOTAL - reserve) / MEMORY_STEP * MEMORY_STEP))
        ;;
      cores-except:*)
        cpus_except "${token#cores-except:}"
        out+=$REPLY
        ;;
      disk-of:/*)
        # A path on no disk of this host is found by preflight; verify calls it drift.
        disk_of "${token#disk-of:}" || DISK=no-disk
        out+=$DISK
        ;;
      *) die "$EXIT_USAGE" "the bundle has the token @{$token}, which manager $VERSION does not know" ;;
    esac
  done
  REPLY=$out$text
}

# cpus_except LIST: every online CPU that is not in LIST.
cpus_except() {
  local -A out=()
  local -a rest=()
  local cpu
  expand_cpus "$1" || die "$EXIT_USAGE" "\"$1\" is no CPU list"
  for cpu in "${CPUS[@]}"; do out[$cpu]=1; done
  expand_cpus "$ONLINE_CPUS"
  for cpu in "${CPUS[@]}"; do [[ -n ${out[$cpu]-} ]] || rest+=("$cpu"); done
  CPUS=("${rest[@]}")
  join_cpus
}

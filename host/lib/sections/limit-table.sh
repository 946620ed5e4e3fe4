# Limits: one table of what can be limited, and the spellings of the bundle, of systemctl show and of the kernel.
# Sets SPELLING, KERNEL_FILE, LOADED_AS, IO_KEY, REPLY.

# Property: how its values are spelt, the kernel's file (of the cgroup; with a slash: of the main process; - for none),
# systemd's property, and its key in io.max.
declare -rA LIMIT_TABLE=(
  [MemoryMax]='bytes memory.max MemoryMax'
  [MemoryHigh]='bytes memory.high MemoryHigh'
  [MemoryLow]='bytes memory.low MemoryLow'
  [MemoryMin]='bytes memory.min MemoryMin'
  [MemorySwapMax]='bytes memory.swap.max MemorySwapMax'
  [CPUQuota]='quota cpu.max CPUQuotaPerSecUSec'
  [CPUWeight]='weight cpu.weight CPUWeight'
  [AllowedCPUs]='cpus cpuset.cpus AllowedCPUs'
  [CPUAffinity]='cpus /status CPUAffinity'
  [TasksMax]='number pids.max TasksMax'
  [IOWeight]='io-weight io.weight IOWeight'
  [IOReadBandwidthMax]='disk io.max IOReadBandwidthMax rbps'
  [IOWriteBandwidthMax]='disk io.max IOWriteBandwidthMax wbps'
  [IOReadIOPSMax]='disk io.max IOReadIOPSMax riops'
  [IOWriteIOPSMax]='disk io.max IOWriteIOPSMax wiops'
  [OOMScoreAdjust]='number /oom_score_adj OOMScoreAdjust'
  [GPUs]='advice - -'
  [VRAM]='advice - -'
)

# limit_row PROPERTY: asked some eight times in a row for each limit, so the last one is kept.
LIMIT_ROW=''
limit_row() {
  [[ $LIMIT_ROW != "$1 $WEIGHED_BY" ]] || return 0
  LIMIT_ROW="$1 $WEIGHED_BY"
  read -r SPELLING KERNEL_FILE LOADED_AS IO_KEY <<<"${LIMIT_TABLE[$1]:-number - $1}"
  # BFQ has a file of its own.
  [[ $SPELLING != io-weight || $WEIGHED_BY != bfq ]] || KERNEL_FILE=io.bfq.weight
}

# canonical PROPERTY VALUE: REPLY is the value as a bundle declares it, whoever has spelt it.
canonical() {
  local value=$2
  limit_row "$1"
  [[ $value != @(max|18446744073709551615) ]] || value=infinity
  REPLY=$value
  # Nothing says nothing.
  [[ -n $value ]] || return 0
  case $SPELLING in
    bytes)
      # The kernel counts memory in pages.
      page_size
      [[ ! $value =~ ^[0-9]+$ ]] || REPLY=$((value / PAGE_SIZE * PAGE_SIZE))
      ;;
    quota) canonical_quota "$value" ;;
    weight | io-weight)
      REPLY=${value#default }
      [[ $REPLY != @('[not set]'|infinity) ]] || REPLY=100
      ;;
    cpus) normal_cpus "${value// /,}" ;;
  esac
}

# canonical_quota VALUE: "150%" of the bundle, "1.5s" of systemd, "QUOTA PERIOD" of the kernel, whose period may be any.
canonical_quota() {
  local -i quota period percent
  REPLY=$1
  if [[ $1 =~ ^([0-9]+)\ ([1-9][0-9]*)$ ]]; then
    quota=${BASH_REMATCH[1]} period=${BASH_REMATCH[2]}
    percent=$(((quota * 100 + period - 1) / period))
    # systemd rounds the quota down to microseconds.
    ((percent * period / 100 != quota)) || REPLY=$percent%
  elif [[ $1 == 'max '* ]]; then
    REPLY=infinity
  elif [[ $1 != *% ]]; then
    usec "$1"
    [[ $REPLY =~ ^[0-9]+$ ]] || return 0
    if ((REPLY % 10000 == 0)); then REPLY=$((REPLY / 10000))%; else REPLY+=' us'; fi
  fi
}

# kernel_value PROPERTY DECLARED NOW: REPLY is what the kernel's file must hold. NOW is what it holds: a quota keeps its
# period.
kernel_value() {
  local value=$2
  local -i period=100000
  limit_row "$1"
  case $SPELLING in
    quota)
      [[ ! ${3-} =~ \ ([1-9][0-9]*)$ ]] || period=${BASH_REMATCH[1]}
      if [[ $value == infinity ]]; then REPLY="max $period"; else REPLY="$((${value%\%} * period / 100)) $period"; fi
      ;;
    io-weight)
      # systemd maps 1-100-10000 to BFQ's 1-100-1000.
      if [[ $WEIGHED_BY == bfq ]] && ((value > 100)); then value=$((100 + (value - 100) * 900 / 9900)); fi
      REPLY="default $value"
      ;;
    disk)
      value=${value##* }
      REPLY=${value/#infinity/max}
      ;;
    *)
      canonical "$1" "$value"
      REPLY=${REPLY/#infinity/max}
      ;;
  esac
}

# readable PROPERTY VALUE: bytes for people, the rest as it is declared.
readable() {
  canonical "$1" "$2"
  [[ $SPELLING != bytes ]] || human "$REPLY"
}

# Limits: one table of what can be limited, and the spellings of the bundle, of systemctl show and of the kernel.
# Sets SPELLING, KERNEL_FILE, LOADED_AS, IO_KEY, REPLY.
#
# A look at a host asks some hundred times, and a call of a function costs bash as much as three commands: what was worked
# out is kept, and what is known already is not asked for.

# Property: how its values are spelt, the kernel's file (of the cgroup; with a slash: of the main process; - for none),
# systemd's property, and its key in io.max. A slice is where the cgroup itself lies.
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
  [Slice]='slice - Slice'
  [GPUs]='advice - -'
  [VRAM]='advice - -'
)

# limit_row PROPERTY: what follows is about this limit.
limit_row() {
  local row
  row="${LIMIT_TABLE[$1]:-number - $1} "
  SPELLING=${row%% *} row=${row#* }
  KERNEL_FILE=${row%% *} row=${row#* }
  LOADED_AS=${row%% *} row=${row#* }
  IO_KEY=${row%% *}
  # BFQ has a file of its own.
  [[ $SPELLING != io-weight || $WEIGHED_BY != bfq ]] || KERNEL_FILE=io.bfq.weight
}

# canonical VALUE: REPLY is the value as a bundle declares it, whoever has spelt it.
declare -A CANONICAL=()
canonical() {
  REPLY=${CANONICAL["$SPELLING|$1"]-}
  [[ -z $REPLY ]] || return 0
  make_canonical "$1"
  CANONICAL["$SPELLING|$1"]=$REPLY
}

# make_canonical VALUE
make_canonical() {
  local value=$1
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

# kernel_value DECLARED NOW: REPLY is what the kernel's file must hold. NOW is what it holds: a quota keeps its
# period.
kernel_value() {
  local value=$1
  local -i period=100000
  case $SPELLING in
    quota)
      [[ ! ${2-} =~ \ ([1-9][0-9]*)$ ]] || period=${BASH_REMATCH[1]}
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
      canonical "$value"
      REPLY=${REPLY/#infinity/max}
      ;;
  esac
}

# readable VALUE: bytes for people, the rest as it is declared.
declare -A READABLE=()
readable() {
  REPLY=${READABLE["$SPELLING|$1"]-}
  [[ -z $REPLY ]] || return 0
  canonical "$1"
  [[ $SPELLING != bytes ]] || human "$REPLY"
  READABLE["$SPELLING|$1"]=$REPLY
}

# Limits: what is declared, what systemd has loaded, and what the kernel enforces. One table maps them.

# kernel_file PROPERTY: REPLY is the cgroup file that holds the property.
kernel_file() {
  case $1 in
    MemoryMax) REPLY=memory.max ;;
    MemoryHigh) REPLY=memory.high ;;
    MemoryLow) REPLY=memory.low ;;
    MemoryMin) REPLY=memory.min ;;
    MemorySwapMax) REPLY=memory.swap.max ;;
    CPUQuota) REPLY=cpu.max ;;
    CPUWeight) REPLY=cpu.weight ;;
    AllowedCPUs) REPLY=cpuset.cpus ;;
    TasksMax) REPLY=pids.max ;;
    IOWeight) if [[ $WEIGHED_BY == bfq ]]; then REPLY=io.bfq.weight; else REPLY=io.weight; fi ;;
    IO*Max) REPLY=io.max ;;
    *) REPLY= ;;
  esac
}

# kernel_value PROPERTY DECLARED: REPLY is what the cgroup file must hold.
kernel_value() {
  local value=$2
  case $1 in
    CPUQuota) if [[ $value == infinity ]]; then REPLY='max 100000'; else REPLY="$((${value%\%} * 1000)) 100000"; fi ;;
    AllowedCPUs | CPUAffinity) normal_cpus "$value" ;;
    IOWeight)
      # systemd maps 1-100-10000 to BFQ's 1-100-1000.
      if [[ $WEIGHED_BY == bfq ]] && ((value > 100)); then value=$((100 + (value - 100) * 900 / 9900)); fi
      REPLY="default $value"
      ;;
    IO*Max) REPLY=${value##* } ;;
    *) REPLY=${value/#infinity/max} ;;
  esac
}

# loaded_value UNIT PROPERTY: REPLY is what systemd has loaded, spelt as it is declared.
loaded_value() {
  local property=$2
  [[ $property != CPUQuota ]] || property=CPUQuotaPerSecUSec
  seen "$1" "$property"
  case $2 in
    CPUQuota)
      usec "$REPLY"
      [[ ! $REPLY =~ ^[0-9]+$ ]] || REPLY=$((REPLY / 10000))%
      ;;
    AllowedCPUs | CPUAffinity) normal_cpus "${REPLY// /,}" ;;
    CPUWeight | IOWeight) [[ $REPLY != '[not set]' ]] || REPLY=100 ;;
  esac
  [[ $REPLY != 18446744073709551615 ]] || REPLY=infinity
  # The kernel counts memory in pages.
  [[ $2 != Memory* || ! $REPLY =~ ^[0-9]+$ ]] || REPLY=$((REPLY / 4096 * 4096))
}

# enforced_value UNIT PROPERTY DECLARED: REPLY is what the kernel enforces now, empty when it cannot be read.
enforced_value() {
  local unit=$1 property=$2 group pid file line key
  seen "$unit" ControlGroup
  group=/sys/fs/cgroup$REPLY
  seen "$unit" MainPID
  pid=$REPLY
  kernel_file "$property"
  file=$group/$REPLY
  REPLY=
  case $property in
    CPUAffinity)
      [[ ${pid:-0} != 0 && -r /proc/$pid/status ]] || return 0
      while read -r key line; do [[ $key != Cpus_allowed_list: ]] || REPLY=$line; done <"/proc/$pid/status"
      ;;
    OOMScoreAdjust)
      [[ ${pid:-0} != 0 && -r /proc/$pid/oom_score_adj ]] || return 0
      read -r REPLY <"/proc/$pid/oom_score_adj"
      ;;
    AllowedCPUs) [[ ! -r $file.effective ]] || read -r REPLY <"$file.effective" || : ;;
    IO*Max)
      disk_of "${3% *}" && [[ -r $file ]] || return 0
      io_max_key "$property"
      key=$REPLY REPLY=max
      while read -r line; do
        [[ $line == "$DISK_NUMBER "* ]] || continue
        line=${line#*"$key="}
        REPLY=${line%% *}
      done <"$file"
      ;;
    *) [[ ! -r $file ]] || read -r REPLY <"$file" || : ;;
  esac
}

io_max_key() {
  case $1 in
    IOReadBandwidthMax) REPLY=rbps ;;
    IOWriteBandwidthMax) REPLY=wbps ;;
    IOReadIOPSMax) REPLY=riops ;;
    *) REPLY=wiops ;;
  esac
}

# check_limit UNIT PROPERTY DECLARED: sets ENFORCED (the kernel's value), VERDICT and REASON, and WRONG when
# the limit is not what is declared.
check_limit() {
  local unit=$1 property=$2 declared=$3 wanted group
  ENFORCED='' VERDICT=enforced REASON='' WRONG=''
  seen "$unit" LoadState
  if [[ $REPLY != loaded ]]; then
    VERDICT=inert REASON="$unit is not on this host"
    return
  fi
  if [[ $property == GPUs || $property == VRAM ]]; then
    check_gpu_limit "$unit" "$property" "$declared"
    return
  fi
  loaded_value "$unit" "$property"
  if [[ $REPLY != "$declared" ]] && ! same_setting "$property" "$REPLY" "$declared"; then
    WRONG=loaded VERDICT=inert ENFORCED=$REPLY
    override_of "$unit" "$property"
    REASON=${REPLY:-systemd has another value}
  fi
  seen "$unit" ControlGroup
  group=$REPLY
  if [[ -z $group || ! -d /sys/fs/cgroup$group ]]; then
    [[ -n $WRONG ]] || REASON="$unit is not running" VERDICT=inert
    return
  fi
  kernel_value "$property" "$declared"
  wanted=$REPLY
  enforced_value "$unit" "$property" "$declared"
  ENFORCED=$REPLY
  if [[ -z $ENFORCED && $property == IOWeight ]]; then
    VERDICT=inert REASON='no disk of this host weighs IO'
  elif [[ -z $ENFORCED ]]; then
    VERDICT=unsupported REASON='the kernel has no file for it here'
  elif [[ $ENFORCED != "$wanted" ]]; then
    [[ -n $WRONG ]] || { WRONG=kernel VERDICT=inert REASON='written by hand or not taken by the kernel'; }
  elif [[ $property == IOWeight && $WEIGHED_BY == none ]]; then
    VERDICT=inert REASON='no disk of this host weighs IO (scheduler bfq or io.cost.qos)'
  elif [[ $property == Memory@(Low|Min) ]] && ! ancestors_protect "$group" "$property"; then
    VERDICT=inert REASON="a slice above has no $property"
  fi
}

# check_gpu_limit UNIT PROPERTY DECLARED: VERDICT, ENFORCED and REASON. A closed device list is the kernel's (a BPF
# program of the cgroup); a variable is advice, which a program may ignore.
check_gpu_limit() {
  local unit=$1 declared=$3
  if [[ $2 == VRAM ]]; then
    VERDICT=unsupported REASON='advice: nothing on a host limits VRAM; the monitor alerts'
    return
  fi
  seen "$unit" ActiveState
  if [[ $REPLY != active ]]; then
    VERDICT=inert REASON="$unit is not running"
  elif [[ -n ${WANT["units|$unit|container"]-} ]]; then
    ENFORCED=$declared REASON='device nodes given by the NVIDIA runtime'
  elif seen "$unit" DevicePolicy && [[ $REPLY != closed ]]; then
    VERDICT=inert REASON='advice: CUDA_VISIBLE_DEVICES alone (hardening without DevicePolicy)'
  elif [[ ! $declared =~ ^[0-9,]+$ ]]; then
    VERDICT=inert REASON='advice: CUDA_VISIBLE_DEVICES alone (a UUID names no device node)'
  else
    ENFORCED=$declared REASON='DeviceAllow'
  fi
}

# same_setting PROPERTY LOADED DECLARED: whether systemd means the same in another spelling.
same_setting() {
  case $1 in
    AllowedCPUs | CPUAffinity) normal_cpus "$3" && [[ $REPLY == "$2" ]] ;;
    *) return 1 ;;
  esac
}

ancestors_protect() {
  local group=${1%/*} value
  kernel_file "$2"
  local file=$REPLY
  while [[ -n $group ]]; do
    read -r value <"/sys/fs/cgroup$group/$file" || return 1
    [[ $value != 0 ]] || return 1
    group=${group%/*}
  done
}

# override_of UNIT PROPERTY: REPLY names the drop-in that wins over ours.
override_of() {
  local file text found=''
  seen "$1" DropInPaths
  for file in $REPLY; do
    [[ -r $file && $file != */50-goblin.conf && $file != */60-goblin-exec.conf ]] || continue
    IFS= read -r -d '' text <"$file" || :
    [[ $'\n'$text == *$'\n'"$2="* ]] && found=$file
  done
  REPLY=$found
  case $found in
    /run/systemd/system.control/*) REPLY="runtime override $found" ;;
    /etc/systemd/system.control/*) REPLY="persistent override $found" ;;
    ?*) REPLY="overridden by $found" ;;
  esac
}

# drop_overrides: what systemctl set-property left wins over every drop-in, so it goes before the reload.
drop_overrides() {
  local unit property file
  entries WANT limits
  for unit in "${ENTRIES[@]}"; do
    seen "$unit" DropInPaths
    for file in $REPLY; do
      [[ $file == */systemd/system.control/* && -e $file ]] || continue
      property=${file##*/50-}
      property=${property%.conf}
      [[ -n ${WANT["limits|$unit|$property"]-} ]] || continue
      mark_pending reload
      displace "$file"
      rmdir -- "${file%/*}" 2>/dev/null || :
    done
  done
}

# write_limits: a kernel value that differs although systemd has the right one was written by hand: put it back.
write_limits() {
  local unit key property declared group
  find_weighing
  entries WANT limits
  for unit in "${ENTRIES[@]}"; do
    for key in "${!WANT[@]}"; do
      [[ $key == "limits|$unit|"?* ]] || continue
      property=${key##*|}
      expand_tokens "${WANT[$key]}"
      declared=$REPLY
      check_limit "$unit" "$property" "$declared"
      [[ $WRONG == kernel ]] || continue
      write_limit "$unit" "$property" "$declared"
    done
  done
}

write_limit() {
  local file value
  kernel_value "$2" "$3"
  value=$REPLY
  kernel_file "$2"
  [[ -n $REPLY ]] || return 0
  file=$REPLY
  seen "$1" ControlGroup
  if [[ $2 == IO*Max ]]; then
    disk_of "${3% *}" || return 0
    io_max_key "$2"
    value="$DISK_NUMBER $REPLY=$value"
    seen "$1" ControlGroup
  fi
  if printf '%s' "$value" 2>/dev/null >"/sys/fs/cgroup$REPLY/$file"; then
    say "  set $1 $file to $value"
  fi
}

# Observation: what the machine says about the resources of a bundle, with few processes. One call of stat,
# sha256sum, dpkg-query and systemctl covers every bundle that is looked at; the rest is read from /proc and /sys.

declare -A SEEN_FILE=() SEEN_SHA=() SEEN_PACKAGE=() SEEN_UNIT=() SEEN_SWAP=()

readonly UNIT_PROPERTIES=Id,LoadState,ActiveState,SubState,Result,UnitFileState,NeedDaemonReload,MainPID,ControlGroup,Slice,FragmentPath,DropInPaths,MemoryMax,MemoryHigh,MemoryLow,MemoryMin,MemorySwapMax,CPUQuotaPerSecUSec,CPUWeight,AllowedCPUs,CPUAffinity,TasksMax,IOWeight,IOReadBandwidthMax,IOWriteBandwidthMax,IOReadIOPSMax,IOWriteIOPSMax,OOMScoreAdjust,DevicePolicy

# observe ARRAY: looks at every resource of the loaded bundle (or of several loaded into one array).
observe() {
  observe_files "$1"
  observe_folders "$1"
  observe_packages "$1"
  observe_units "$1"
  observe_swaps
}

observe_files() {
  local path kind mode owner group
  local -a regular=()
  SEEN_FILE=() SEEN_SHA=()
  entries "$1" files
  ((${#ENTRIES[@]} > 0)) || return 0
  while IFS=$'\t' read -r kind mode owner group path; do
    SEEN_FILE[$path]="${kind// /-} $mode $owner:$group"
    [[ $kind == regular* ]] && regular+=("$path")
  done < <(stat -c $'%F\t%a\t%u\t%g\t%n' -- "${ENTRIES[@]}" 2>/dev/null)
  ((${#regular[@]} > 0)) || return 0
  local sha
  while read -r sha path; do SEEN_SHA[$path]=$sha; done < <(sha256sum -- "${regular[@]}" 2>/dev/null)
}

observe_packages() {
  local package state
  SEEN_PACKAGE=()
  entries "$1" packages
  ((${#ENTRIES[@]} > 0)) || return 0
  local -n loaded=$1
  local -a names=("${ENTRIES[@]}")
  for package in "${ENTRIES[@]}"; do
    state=${loaded["packages|$package|unless"]-}
    [[ -z $state ]] || names+=("$state")
  done
  while read -r package state; do SEEN_PACKAGE[$package]=$state; done \
    < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null)
}

# observe_units ARRAY: SEEN_UNIT["UNIT|Property"]; "UNIT|Id" may differ from UNIT for an alias.
observe_units() {
  local section line unit
  local -a units=()
  local -A asked=()
  SEEN_UNIT=()
  for section in units limits replaces ready; do
    entries "$1" "$section"
    for unit in "${ENTRIES[@]}"; do
      [[ -n ${asked[$unit]-} ]] || units+=("$unit")
      asked[$unit]=1
    done
  done
  entries "$1" zram
  for unit in "${ENTRIES[@]}"; do units+=("dev-$unit.swap"); done
  ((${#units[@]} > 0)) || return 0
  local -i index=0
  while IFS= read -r line; do
    if [[ -z $line ]]; then
      index+=1
    else
      SEEN_UNIT["${units[index]}|${line%%=*}"]=${line#*=}
    fi
  done < <(systemctl show --no-pager --property="$UNIT_PROPERTIES" -- "${units[@]}" 2>/dev/null)
}

# observe_swaps: SEEN_SWAP[PATH]="type sizeBytes usedBytes priority".
observe_swaps() {
  local path type size used priority REPLY
  SEEN_SWAP=()
  while read -r path type size used priority; do
    [[ $path == /* ]] || continue
    decode_octal "$path"
    SEEN_SWAP[$REPLY]="$type $((size * 1024)) $((used * 1024)) $priority"
  done </proc/swaps
}

# seen UNIT PROPERTY
seen() { REPLY=${SEEN_UNIT["$1|$2"]-}; }

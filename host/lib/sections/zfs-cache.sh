# ZFS's cache (ARC): the kernel does not count it as available, and it gives way only where less is free than a number of its own.
# What decides by available memory would take a program's for it.
# Reads WANT, NAME, MEMORY_TOTAL, STORED; sets ANSWER, REPLY, CACHE_FREE, CACHE_NEEDED, CACHE_MOST; adds to PROBLEMS, LIMITS.

readonly ARC_STATS=/proc/spl/kstat/zfs/arcstats

# cache_gives_way PERCENT: ANSWER is empty where ZFS's cache keeps more than PERCENT of the memory from being available.
# CACHE_FREE: below so many free bytes it gives way; CACHE_NEEDED: as it would have to; CACHE_MOST: as large as it may become.
declare -i CACHE_FREE=0 CACHE_NEEDED=0 CACHE_MOST=0
cache_gives_way() {
  local key value
  ANSWER=yes CACHE_FREE=0 CACHE_MOST=0
  [[ -r $ARC_STATS ]] || return 0
  while read -r key _ value; do
    case $key in
      arc_sys_free) CACHE_FREE=$value ;;
      c_max) CACHE_MOST=$value ;;
    esac
  done <"$ARC_STATS"
  read_facts
  CACHE_NEEDED=$((MEMORY_TOTAL * $1 / 100))
  ((CACHE_FREE >= CACHE_NEEDED)) || ANSWER=
}

# preflight_cache: a repair goes on, and the verdict says what is wrong.
preflight_cache() {
  local setting percent
  local -i enough
  [[ -z $STORED ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    percent=${WANT["requires|$setting|available"]-}
    [[ -n $percent ]] || continue
    cache_gives_way "$percent"
    [[ -z $ANSWER ]] || continue
    # A little more, so that it has given way before.
    enough=$(((MEMORY_TOTAL * (percent + 2) / 100 + 1048575) / 1048576 * 1048576))
    problem "$setting: ZFS's cache may take $((CACHE_MOST / 1048576)) MiB of this host's memory, which do not count as available, and gives way only where less than $((CACHE_FREE / 1048576)) MiB are free: below ${percent}% ($((CACHE_NEEDED / 1048576)) MiB) programs would be ended for it. Fix on the host: echo $enough >/sys/module/zfs/parameters/zfs_arc_sys_free; echo options zfs zfs_arc_sys_free=$enough >/etc/modprobe.d/zfs-arc.conf; update-initramfs -u"
  done
}

# find_cache_verdict: on a host with ZFS, whether what decides by available memory sees it.
find_cache_verdict() {
  local setting percent unit
  [[ -r $ARC_STATS ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    percent=${WANT["requires|$setting|available"]-} unit=${WANT["requires|$setting|unit"]-}
    [[ -n $percent ]] || continue
    cache_gives_way "$percent"
    if [[ -n $ANSWER ]]; then
      LIMITS+=("$NAME"$'\t'"$unit"$'\tMemAvailable\t'"$percent%"$'\t'"$percent%"$'\tenforced\tzfs_arc_sys_free')
    else
      LIMITS+=("$NAME"$'\t'"$unit"$'\tMemAvailable\t'"$percent%"$'\t\tinert\t'"ZFS's cache gives way only below $((CACHE_FREE / 1048576)) MiB: zfs_arc_sys_free")
    fi
  done
}

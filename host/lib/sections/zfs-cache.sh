# ZFS's cache (ARC): the kernel does not count it as available, and it gives way only where less is free than a number of its own.
# What decides by available memory would take a program's for it.
# Reads WANT, NAME, MEMORY_TOTAL, STORED, SEEN_UNIT; sets REPLY, ARC; adds to PROBLEMS, LIMITS.

readonly ARC_STATS=/proc/spl/kstat/zfs/arcstats

# In percent of the memory. A cache that is no larger than that, or keeps no more for ever, shifts EarlyOOM's numbers by less than
# what it does not know anyway.
readonly NEGLIGIBLE_CACHE=3
# ZFS counts as free what the kernel does not count as available (its reserves, a part of the page cache), and it looks once a second.
readonly CACHE_MARGIN=2

# doubt_cache PERCENT: REPLY says why ZFS's cache keeps more than PERCENT of the memory from being available; empty where it does not.
# ARC[c_min], ARC[c_max], ARC[arc_sys_free]: the least and the most that it takes, and below how many free bytes it gives way.
declare -A ARC=()
doubt_cache() {
  local key value
  local -i negligible needed
  ARC=([c_min]=0 [c_max]=0 [arc_sys_free]=0) REPLY=
  while read -r key _ value; do
    [[ -z ${ARC[$key]-} || ! $value =~ ^[0-9]+$ ]] || ARC[$key]=$value
  done <"$ARC_STATS"
  read_facts
  negligible=$((MEMORY_TOTAL * NEGLIGIBLE_CACHE / 100)) needed=$((MEMORY_TOTAL * ($1 + CACHE_MARGIN) / 100))
  if ((ARC[c_max] > 0 && ARC[c_max] <= negligible)); then
    return
  elif ((ARC[c_min] > negligible)); then
    REPLY="it keeps $((ARC[c_min] / 1048576)) MiB whatever happens (zfs_arc_min)"
  elif ((ARC[arc_sys_free] < needed)); then
    REPLY="it gives way only where less than $((ARC[arc_sys_free] / 1048576)) MiB are free (zfs_arc_sys_free)"
  fi
}

# has_zfs: ANSWER. In a container there is the machine's cache to be seen, and nothing to be done about it.
has_zfs() {
  ANSWER=
  [[ ! -r $ARC_STATS || -e $CONTAINER_MARK ]] || ANSWER=yes
}

# preflight_cache: a repair goes on, and the verdict says what is wrong.
preflight_cache() {
  local setting percent fix
  local -i enough
  [[ -z $STORED ]] || return 0
  has_zfs
  [[ -n $ANSWER ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    percent=${WANT["requires|$setting|available"]-}
    [[ -n $percent ]] || continue
    doubt_cache "$percent"
    [[ -n $REPLY ]] || continue
    enough=$(((MEMORY_TOTAL * (percent + 2 * CACHE_MARGIN) / 100 + 1048575) / 1048576 * 1048576))
    fix="echo $enough >/sys/module/zfs/parameters/zfs_arc_sys_free; echo options zfs zfs_arc_sys_free=$enough >>/etc/modprobe.d/goblin-zfs.conf; update-initramfs -u"
    [[ $REPLY != *zfs_arc_min* ]] || fix="lower zfs_arc_min (/sys/module/zfs/parameters, /etc/modprobe.d), and $fix"
    problem "$setting: ZFS's cache may take $((ARC[c_max] / 1048576)) MiB of this host's memory, which do not count as available, and $REPLY: below ${percent}% ($((MEMORY_TOTAL * percent / 104857600)) MiB) programs would be ended for it. Fix on the host: $fix"
  done
}

# find_cache_verdict: on a host with ZFS, whether what decides by available memory sees it.
find_cache_verdict() {
  local setting percent unit
  has_zfs
  [[ -n $ANSWER ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    percent=${WANT["requires|$setting|available"]-} unit=${WANT["requires|$setting|unit"]-}
    [[ -n $percent ]] || continue
    seen "$unit" ActiveState
    if [[ $REPLY == active ]]; then
      doubt_cache "$percent"
      [[ -z $REPLY ]] || REPLY="ZFS's cache: $REPLY"
    else
      REPLY="$unit is not running"
    fi
    if [[ -z $REPLY ]]; then
      LIMITS+=("$NAME"$'\t'"$unit"$'\tMemAvailable\t'"$percent%"$'\t'"$percent%"$'\tenforced\t'"ZFS's cache gives way before")
    else
      LIMITS+=("$NAME"$'\t'"$unit"$'\tMemAvailable\t'"$percent%"$'\t\tinert\t'"$REPLY")
    fi
  done
}

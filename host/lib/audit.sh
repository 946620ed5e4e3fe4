# Audit: what happened since a time, what the limits are worth, and what nobody needs any more. It changes nothing.

readonly REPORTS=/var/log/ai-resource-manager REPORTS_KEPT=12

# audit_verb [--since TIME | --save weekly|monthly]
audit_verb() {
  local since='' title='' text
  case ${1-} in
    '') since='1 week ago' ;;
    --since) since=${2-} ;;
    --save)
      [[ ${2-} == @(weekly|monthly) ]] || { usage >&2; return "$EXIT_USAGE"; }
      title=$2
      if [[ $2 == weekly ]]; then since='1 week ago'; else since='1 month ago'; fi
      ;;
    *) usage >&2; return "$EXIT_USAGE" ;;
  esac
  local -i from=0
  [[ -z $since ]] || from=$(date -d "$since" +%s 2>/dev/null) || from=0
  ((from > 0)) || die "$EXIT_USAGE" "\"$since\" is no time. Allowed: what date(1) reads, \"2026-11-24\", \"1 month ago\""
  if [[ -z $title ]]; then
    print_audit "$from"
    return
  fi
  text=$(print_audit "$from")
  say "$text"
  save_report "$title" "$text"
  bound_events
}

# save_report KIND TEXT: the last of each kind stay.
save_report() {
  local day
  printf -v day '%(%F)T' -1
  mkdir -p -- "$REPORTS"
  printf '%s\n' "$2" >"$REPORTS/.$1.new"
  mv -T -- "$REPORTS/.$1.new" "$REPORTS/$1-$day.txt"
  local -a reports=("$REPORTS/$1"-*.txt)
  ((${#reports[@]} <= REPORTS_KEPT)) || rm -f -- "${reports[@]:0:${#reports[@]} - REPORTS_KEPT}"
}

print_audit() {
  local now
  printf -v now '%(%F %T)T' -1
  examine
  printf 'Audit of %s, %(%F %T)T to %s\n' "$HOSTNAME" "$1" "$now"
  audit_events "$1"
  audit_limits
  audit_leaks
  audit_alerts "$1"
}

# section TITLE LINE...
section() {
  local title=$1
  shift
  printf '\n%s\n' "$title"
  if (($# == 0)); then printf '  none\n'; else printf '  %s\n' "$@"; fi
}

# audit_events FROM: drift in full, applies by their number.
audit_events() {
  local time kind bundle text line
  local -a drift=() trouble=()
  local -A applied=()
  if [[ -r $EVENTS ]]; then
    while IFS=$'\t' read -r time kind bundle text; do
      [[ $time =~ ^[0-9]+$ ]] || continue
      ((time >= $1)) || continue
      printf -v line '%(%F %T)T  %-9s %s: %s' "$time" "$kind" "$bundle" "$text"
      case $kind in
        applied) applied[$bundle]=$((${applied[$bundle]-0} + 1)) ;;
        found | repaired) drift+=("$line") ;;
        *) trouble+=("$line") ;;
      esac
    done <"$EVENTS"
  fi
  for line in "${FINDINGS[@]}"; do
    finding_text "$line"
    drift+=("now                  found     ${FIELDS[0]}: $REPLY")
  done
  section 'Drift' "${drift[@]}"
  local -a changes=()
  sort_words "${!applied[@]}"
  for bundle in "${SORTED[@]}"; do
    changes+=("$bundle: applied ${applied[$bundle]} times")
    [[ ${applied[$bundle]} != 1 ]] || changes[-1]="$bundle: applied once"
  done
  section 'Changes' "${changes[@]}" "${trouble[@]}"
}

audit_limits() {
  local line
  local -i enforced=0 inert=0 unsupported=0
  local -a weak=()
  for line in "${LIMITS[@]}"; do
    split_tabs "$line"
    case ${FIELDS[5]} in
      enforced)
        enforced+=1
        continue
        ;;
      inert) inert+=1 ;;
      *) unsupported+=1 ;;
    esac
    weak+=("${FIELDS[1]} ${FIELDS[2]} ${FIELDS[3]}: ${FIELDS[5]} (${FIELDS[6]})")
  done
  section "Limits: $enforced enforced, $inert inert, $unsupported unsupported" "${weak[@]}"
}

# audit_leaks: LEAKS, each with what removes it.
declare -a LEAKS=()
audit_leaks() {
  LEAKS=()
  find_orphaned_slices
  find_orphaned_backups
  find_docker_leaks
  find_large_folders
  section 'Leaks' "${LEAKS[@]}"
}

# find_orphaned_slices: systemd keeps a slice that nobody declares any more.
find_orphaned_slices() {
  local unit
  while read -r unit _; do
    has EVERYTHING limits "$unit" || has EVERYTHING files "/etc/systemd/system/$unit" ||
      LEAKS+=("slice $unit belongs to no bundle: systemctl stop $unit")
  done < <(systemctl list-units --type=slice --all --no-legend --plain 'ai-*.slice' airm.slice 2>/dev/null)
}

# find_orphaned_backups: copies beside unit files, named as ours are, that no original names.
find_orphaned_backups() {
  local file copies=$'\n'
  local -a fields
  for file in "$STATE"/originals/files%*; do
    [[ -f $file && $file != *.data ]] || continue
    first_line "$file"
    IFS=$'\t' read -r -a fields <<<"$REPLY"
    copies+=${fields[1]-}$'\n'
  done
  for file in /etc/systemd/system/{,*.d/}*.backup.[0-9]*T[0-9]*; do
    [[ $copies == *$'\n'"$file"$'\n'* ]] || LEAKS+=("backup $file belongs to nothing: rm '$file'")
  done
}

# find_docker_leaks: containers in the workloads' slices that no bundle stands for, and images that have lost their name.
find_docker_leaks() {
  local name parent state log size
  local -a ids=()
  command -v docker >/dev/null || return 0
  mapfile -t ids < <(timeout 20 docker ps -aq 2>/dev/null)
  local declared=' '
  entries EVERYTHING units
  for name in "${ENTRIES[@]}"; do declared+="${EVERYTHING["units|$name|container"]-} "; done
  if ((${#ids[@]} > 0)); then
    while IFS=$'\t' read -r name parent state log; do
      name=${name#/}
      [[ $parent != @(ai|ai-*).slice || $declared == *" $name "* ]] ||
        LEAKS+=("container $name ($state) in $parent belongs to no bundle: docker rm -f $name")
      size=$(stat -c %s -- "$log" 2>/dev/null) || continue
      ((size < 64 * 1048576)) || LEAKS+=("log of container $name: $((size / 1048576)) MiB; it was made before logs were bounded: docker rm -f $name, and start it again")
    done < <(timeout 20 docker inspect -f $'{{.Name}}\t{{.HostConfig.CgroupParent}}\t{{.State.Status}}\t{{.LogPath}}' "${ids[@]}" 2>/dev/null)
  fi
  mapfile -t ids < <(timeout 20 docker images -qf dangling=true 2>/dev/null)
  ((${#ids[@]} == 0)) || LEAKS+=("${#ids[@]} images without a name: docker image prune")
}

# find_large_folders: what should be bounded and is not.
find_large_folders() {
  local kib path
  local -A most=(["$STATE"]=65536 [/var/lib/ai-resource-monitor]=32768 [/var/log/ai-monitoring]=32768 ["$REPORTS"]=8192)
  while read -r kib path; do
    ((kib <= ${most[$path]:-$kib})) || LEAKS+=("$path has grown to $((kib / 1024)) MiB: du -h $path")
  done < <(du -sk -- "${!most[@]}" 2>/dev/null)
}

# audit_alerts FROM: by kind, from alerts.log and what logrotate made of it.
audit_alerts() {
  local line kind from
  local -A count=()
  local -a told=()
  printf -v from '%(%F %T)T' "$1"
  while IFS= read -r line; do
    [[ $line == ????-??-??\ ??:??:??\ ALERT:\ * && ! $line < $from ]] || continue
    kind=${line#*ALERT: }
    kind=${kind%% \[deployment *} kind=${kind%%: *} kind=${kind%% at [0-9]*}
    count[$kind]=$((${count[$kind]-0} + 1))
  done < <(zcat -f -- /var/log/ai-monitoring/alerts.log* 2>/dev/null)
  sort_words "${!count[@]}"
  for kind in "${SORTED[@]}"; do told+=("${count[$kind]} × $kind"); done
  section 'Alerts' "${told[@]}"
}

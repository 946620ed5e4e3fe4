# Audit: what happened since a time, what the limits are worth, and what nobody needs any more. It changes nothing.
# Reads EVENTS, FINDINGS, LIMITS, BUSY; sets AUDIT (the report), STATUS.

readonly REPORTS=/var/log/ai-resource-manager REPORTS_KEPT=12

# Where the monitor writes its alerts, and how much of them is read: what they unpack to is the monitor's to say.
readonly ALERTS=/var/log/ai-monitoring/alerts.log ALERTS_BYTES=4194304

declare AUDIT=''

# audit_verb [--since TIME | --save weekly|monthly]
audit_verb() {
  local since='' title='' from
  case ${1-}/${2-} in
    /) since='1 week ago' ;;
    --since/*) since=${2-} ;;
    --save/weekly) since='1 week ago' title=weekly ;;
    --save/monthly) since='1 month ago' title=monthly ;;
    *) wrong_usage ;;
  esac
  # To date(1) an empty text is midnight.
  from=$(date -d "${since:-none}" +%s 2>/dev/null) || from=0
  ((from > 0)) || die "$EXIT_USAGE" "\"$since\" is no time. Allowed: what date(1) reads, \"2026-11-24\", \"1 month ago\""
  audit_since "$from"
  say "${AUDIT%$'\n'}"
  if [[ -n $title ]]; then
    save_report "$title" "$AUDIT"
    bound_events
  fi
  STATUS=0
}

# save_report KIND TEXT: the last of each kind stay.
save_report() {
  local day
  # Of a run that was killed on another day.
  remove_path "$REPORTS/.$1"-*.goblin-new
  printf -v day '%(%F)T' -1
  write_text "$REPORTS/$1-$day.txt" 0644 "$2"
  local -a reports=("$REPORTS/$1"-*.txt)
  ((${#reports[@]} <= REPORTS_KEPT)) || remove_path "${reports[@]:0:${#reports[@]} - REPORTS_KEPT}"
}

# audit_since SECONDS: AUDIT. Only the look needs that nothing changes.
audit_since() {
  local now
  printf -v now '%(%F %T)T' -1
  begin_look
  examine
  finish_look
  end_look
  printf -v AUDIT 'Audit of %s, %(%F %T)T to %s\n' "$HOSTNAME" "$1" "$now"
  if [[ -n $BUSY ]]; then
    lock_holder
    AUDIT+="While it looked, $LOCK_HOLDER was changing this host: what differs may be its work"$'\n'
  fi
  audit_events "$1"
  audit_limits
  audit_leaks
  audit_alerts "$1"
}

# section TITLE LINE...: of AUDIT.
section() {
  local text='  none'
  (($# == 1)) || printf -v text '  %s\n' "${@:2}"
  AUDIT+=$'\n'$1$'\n'${text%$'\n'}$'\n'
}

# audit_events FROM: drift in full, applies by their number.
audit_events() {
  local time kind bundle text line
  local -a drift=() trouble=() changes=()
  local -A applied=()
  if [[ -e $EVENTS ]]; then
    while IFS=$'\t' read -r time kind bundle text; do
      [[ $time =~ ^[0-9]{1,12}$ && -n $bundle ]] || continue
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

# audit_alerts FROM: by kind, from alerts.log and what logrotate made of it.
audit_alerts() {
  local text line kind from file owner reason=''
  local -A count=()
  local -a alerts=() files=()
  UNSEEN=()
  printf -v from '%(%F %T)T' "$1"
  # The folder is the monitor's, which may put anything there: it is read as its owner, and for so long only.
  for file in "$ALERTS"*; do [[ ! -f $file || -L $file ]] || files+=("$file"); done
  if ((${#files[@]} > 0)); then
    owner=$(stat -c %u:%g -- "${ALERTS%/*}")
    text=$(timeout 20 setpriv --reuid="${owner%:*}" --regid="${owner#*:}" --clear-groups --no-new-privs zcat -f -- "${files[@]}" 2>&1 |
      head -c "$((ALERTS_BYTES + 1))") || reason=$text
    if ((${#text} > ALERTS_BYTES)); then
      unseen "${files[*]}" "they hold more than $((ALERTS_BYTES >> 20)) MiB"
      text=
    elif [[ -n $reason ]]; then
      unseen "${files[*]}" "$reason"
    fi
    while IFS= read -r line; do
      [[ $line == ????-??-??\ ??:??:??\ ALERT:\ * && ! $line < $from ]] || continue
      kind=${line#*ALERT: }
      kind=${kind%% \[deployment *} kind=${kind%%: *} kind=${kind%% at [0-9]*}
      kind=${kind//[[:cntrl:]]/ }
      count[$kind]=$((${count[$kind]-0} + 1))
    done <<<"$text"
  fi
  sort_words "${!count[@]}"
  for kind in "${SORTED[@]}"; do alerts+=("${count[$kind]} × $kind"); done
  section 'Alerts' "${alerts[@]}" "${UNSEEN[@]}"
}

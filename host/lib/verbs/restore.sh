# restore: a file, or a bundle, as it was. What stands in a file's place is kept in its turn.
# Reads STATE, SPOOL, BACKUPS; sets FIELDS (the backup that was chosen), STORED, REPLY, ANSWER.

# No time: the last one.
readonly ANY_TIME=9999999999

# restore_verb WHAT [--at TIME]
restore_verb() {
  local what=${1-} at=''
  [[ -n $what && ${2-} == @(|--at) && $# -le 3 ]] || wrong_usage
  if [[ $what != /* ]]; then
    valid_name "$what"
  elif [[ $what == *[[:cntrl:]]* || $what == */../* || $what == */./* || $what == *//* || $what == */@(|.|..) ]]; then
    die "$EXIT_USAGE" "\"$what\" is no absolute path"
  fi
  if [[ ${2-} == --at ]]; then
    # To date(1) an empty text is midnight.
    at=$(date -d "${3:-none}" +%s 2>/dev/null) ||
      die "$EXIT_USAGE" "\"${3-}\" is no time. Allowed: what date(1) reads, \"2026-11-24 18:00\", \"yesterday\", \"2 hours ago\""
  fi
  if [[ -n ${AI_RESOURCE_MANAGER_DETACHED-} ]]; then
    inherit_spool
    change restore "$what" "$at"
  else
    make_spool
    # The time is settled now; in a moment "1 hour ago" is another.
    detached restore "$what" ${at:+--at "@$at"}
  fi
}

# restore WHAT [AT]: AT in seconds since 1970; without it the last edit or original of a file, and of a bundle the last
# version that is not what is in force.
restore() {
  local line
  UNSEEN=()
  list_backups
  for line in "${UNSEEN[@]}"; do warn "$line"; done
  if [[ $1 == /* ]]; then restore_path "$1" "${2:-$ANY_TIME}"; else restore_bundle "$1" "${2-}"; fi
}

# pick_backup KINDS OF AT: FIELDS is the last one of it that was there at that time; a version: in force then. None: empty.
pick_backup() {
  local line of found=''
  local -i best=-1
  for line in "${BACKUPS[@]}"; do
    split_tabs "$line"
    [[ " $1 " == *" ${FIELDS[0]} "* ]] || continue
    of=${FIELDS[2]}
    [[ ${FIELDS[0]} != version ]] || of=${of%@*}
    [[ $of == "$2" ]] || continue
    ((FIELDS[1] <= $3 && FIELDS[1] >= best)) || continue
    best=${FIELDS[1]} found=$line
  done
  FIELDS=()
  [[ -z $found ]] || split_tabs "$found"
}

# pick_different NAME DIGEST: FIELDS is the last version of it that is not what DIGEST says. A repair is another version of
# the same, and nothing to go back to. None: empty.
pick_different() {
  local line found=''
  for line in "${BACKUPS[@]}"; do
    split_tabs "$line"
    [[ ${FIELDS[0]} != version || ${FIELDS[2]%@*} != "$1" || ${FIELDS[4]} == "$2" ]] || found=$line
  done
  FIELDS=()
  [[ -z $found ]] || split_tabs "$found"
}

# refuse_damaged: what is in FIELDS is restored only as it was kept.
refuse_damaged() {
  local line
  local -a picked=("${FIELDS[@]}")
  printf -v line '%s\t' "${FIELDS[@]}"
  UNSEEN=()
  check_backups "${line%$'\t'}"
  FIELDS=("${picked[@]}")
  backup_state
  case $REPLY in
    damaged) fail "${FIELDS[3]} is not what was kept: its checksum differs. Choose an earlier one with --at" ;;
    unknown) fail "${UNSEEN[*]}. Choose an earlier one with --at" ;;
  esac
}

# restore_bundle NAME AT
restore_bundle() {
  local name=$1 at=$2 digest of when
  current_version "$name"
  if [[ -z $REPLY ]]; then
    stored_bundles
    die "$EXIT_USAGE" "no bundle \"$name\" is stored on this host (stored: ${BUNDLES[*]:-none})"
  fi
  first_line "$REPLY/digest"
  digest=$REPLY
  if [[ -z $at ]]; then pick_different "$name" "$digest"; else pick_backup version "$name" "$at"; fi
  if [[ -z ${FIELDS[0]-} ]]; then
    of='but the one in force'
    [[ -z $at ]] || printf -v of 'of %(%F %T)T or before' "$at"
    die "$EXIT_USAGE" "no version of $name $of is kept (the last $KEEP_VERSIONS that differ, for $KEEP_VERSIONS_DAYS days). See: ai-resource-manager backups"
  fi
  if [[ ${FIELDS[4]} == "$digest" ]]; then
    say "$name: that version is in force"
    return
  fi
  refuse_newer "$name"
  refuse_damaged
  cp -- "${FIELDS[3]}" "$SPOOL" || fail "${FIELDS[3]} cannot be read"
  of=${FIELDS[2]}
  printf -v when '%(%F %T)T' "${FIELDS[1]}"
  say "$name: going back to $of, of $when"
  # Whoever restores is on the host: there is nothing to confirm.
  STORED=1
  attempt apply_bundle "$name" "$SPOOL"
  ((STATUS == 0)) || exit "$STATUS"
  record_event restored "$name" "to $of, of $when"
  warn "Pulumi declares another version of $name: its next preview shows this as drift, and up takes it back"
}

# refuse_newer NAME: what is in FIELDS needs another manager; or is one that could not tell what others have left here.
refuse_newer() {
  local folder=${FIELDS[3]%/bundle.yaml} version=${FIELDS[2]} other needed
  needs_newer "$folder"
  [[ -z $REPLY ]] || die "$EXIT_USAGE" "$version needs manager $REPLY, this host has $VERSION. Restore the bundle \"manager\" of that time first"
  [[ $1 == manager ]] || return 0
  needed_manager "$folder"
  needed=${REPLY:-0}
  stored_bundles
  for other in "${BUNDLES[@]}"; do
    [[ $other != manager ]] || continue
    needed_manager "$STATE/bundles/$other"
    version_above "${REPLY:-0}" "$needed"
    [[ -z $ANSWER ]] || die "$EXIT_USAGE" "$version is manager $needed, which does not know all that $other has on this host: it was applied by $REPLY. Restore $other to a version of that time first, or remove it"
  done
}

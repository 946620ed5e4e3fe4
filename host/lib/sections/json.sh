# JSON files, changed: merged, held while their units restart, settled, and given back.
# Reads WANT, WAS, RESTART_ON, JSON_PLAN and its names, UNITS; sets REPLY.

# change_json: merges what is declared, and takes back what no longer is. settle_json ends it.
change_json() {
  local path
  entries WANT json
  for path in "${ENTRIES[@]}"; do
    plan_json "$path"
    [[ -z $JSON_PROBLEM ]] || fail "$path: $JSON_PROBLEM"
    capture_json "$path"
    make_durable
    write_planned "$path"
  done
  gone_entries json
  for path in "${ENTRIES[@]}"; do
    beside "$path"
    remove_path "$REPLY"
    original json "$path"
    if [[ -z ${RECORD[0]-} ]]; then
      # Of a run that was killed before it recorded the original, and so before it changed anything.
      forget_original json "$path"
      continue
    fi
    refuse_damaged_json "$path"
    is_readable_json "$path"
    if [[ -n $ANSWER ]]; then write_planned "$path"; else replace_json "$path"; fi
  done
}

# capture_json PATH: before a change, what each newly declared key was, and the whole file as it was at first.
capture_json() {
  local path=$1 kind
  original json "$path"
  kind=${RECORD[0]-}
  if [[ -z $kind && -e $path ]]; then
    keep_data "$path"
    kind=kept
  elif [[ -z $kind ]]; then
    capture_parents "$path"
    kind=absent
  fi
  record_json "$path" "$kind" "${JSON_PLAN[4]}"
}

# record_json PATH KIND RECORD: replaces the record in one step, because it holds what earlier versions recorded.
record_json() {
  original json "$1"
  [[ ${RECORD[0]-} == "$2" && ${RECORD[1]-} == "$3" ]] || record_original json "$1" "$2" "$3"
}

# refuse_damaged_json PATH: where the whole original may have to be put back, it must be what was kept.
refuse_damaged_json() {
  original json "$1"
  [[ ${RECORD[0]-} == kept ]] || return 0
  is_sound
  [[ -z $ANSWER ]] || return 0
  damaged_original "$1"
  fail "$REPLY"
}

# is_readable_json PATH: whether our keys can be told in what stands there; then it is planned.
is_readable_json() {
  ANSWER=
  [[ ! -L $1 && (! -e $1 || -f $1) ]] || return 0
  plan_json "$1"
  [[ -z $JSON_FAILED ]] || fail "$1: $JSON_PROBLEM"
  [[ -n $JSON_PROBLEM ]] || ANSWER=yes
}

# replace_json PATH: what stands there is kept aside and the whole original put back.
replace_json() {
  local path=$1 unit
  units_of_json "$path"
  for unit in "${UNITS[@]}"; do mark_pending "restart%$unit"; done
  original json "$path"
  if [[ ${RECORD[0]} == kept ]]; then
    prepare_copy "$ORIGINAL.data" "$path"
    make_way "$path"
    place_prepared
    has_original_back "$path"
  else
    displace "$path"
  fi
}

# has_original_back PATH: compared; the record is forgotten only when all is settled.
has_original_back() {
  original json "$1"
  same_content "$ORIGINAL.data" "$1"
  [[ -n $ANSWER ]] || fail "$1 was put back, and is not what was kept of it in $ORIGINAL.data, which stays"
  say "  put back $1"
}

# write_planned PATH: what must follow is remembered before the change. Keys that a reload takes over are held until
# a restart that is to come is over.
write_planned() {
  local path=$1 unit verb=reload restarts=''
  [[ $JSON_EDITED == no || ! -e $path ]] || keep_copy "$path"
  units_of_json "$path"
  [[ $JSON_RESTART == no || $JSON_ACTION == same ]] || verb=restart
  for unit in "${UNITS[@]}"; do
    [[ $JSON_ACTION == same ]] || mark_pending "$verb%$unit"
    [[ ! -e $PENDING/restart%$unit ]] || restarts=1
  done
  hold_of "$path"
  if [[ -n $restarts && -n $REPLY ]]; then
    plan_json "$path" "$REPLY"
    [[ -z $JSON_PROBLEM ]] || fail "$path: $JSON_PROBLEM"
  fi
  write_json "$path"
}

# write_json PATH: as planned, in the mode and of the owner that the file has.
write_json() {
  local path=$1
  case $JSON_ACTION in
    write)
      if [[ -e $path ]]; then
        write_text "$path" - "${JSON_PLAN[6]}" "$path"
      else
        write_text "$path" 0644 "${JSON_PLAN[6]}"
      fi
      say "  wrote $path"
      ;;
    restore)
      original json "$path"
      copy_file "$ORIGINAL.data" "$path"
      has_original_back "$path"
      ;;
    delete)
      remove_path "$path"
      say "  removed $path"
      ;;
  esac
}

# hold_json UNIT: before a restart its files hold what `restartWith` names, and the unit has taken that over.
hold_json() {
  local unit=$1 path seen=' '
  # Old and new versions name it.
  for path in ${RESTART_ON[$unit]-}; do
    [[ $seen != *" $path "* ]] || continue
    seen+="$path "
    [[ -n ${WANT["has|json|$path"]-}${WAS["has|json|$path"]-} ]] || continue
    hold_of "$path"
    [[ -n $REPLY ]] || continue
    plan_json "$path" "$REPLY"
    [[ -z $JSON_FAILED ]] || fail "$path: $JSON_PROBLEM"
    [[ -z $JSON_PROBLEM ]] || continue
    # Whatever else is to be done with the file waits until it is settled.
    if [[ $JSON_ACTION != same ]]; then
      JSON_ACTION='write'
      write_json "$path"
    fi
    take_over_hold "$unit"
  done
}

# settle_json: when every restart is over, the files become what they shall be, and the records with them.
settle_json() {
  local path
  local -a merged gone
  entries WANT json
  merged=("${ENTRIES[@]}")
  gone_entries json
  gone=("${ENTRIES[@]}")
  for path in "${merged[@]}" "${gone[@]}"; do
    original json "$path"
    [[ -z ${RECORD[0]-} ]] || settle_file "$path"
  done
  ((${#gone[@]} == 0)) || remove_empty_folders
}

# settle_file PATH
settle_file() {
  local path=$1 unit
  local -a units
  plan_json "$path"
  [[ -z $JSON_PROBLEM ]] || fail "$path: $JSON_PROBLEM"
  if [[ $JSON_ACTION != same ]]; then
    refuse_damaged_json "$path"
    units_of_json "$path"
    units=("${UNITS[@]}")
    for unit in "${units[@]}"; do mark_pending "reload%$unit"; done
    write_json "$path"
    for unit in "${units[@]}"; do reload_unit "$unit"; done
  fi
  if [[ -n ${WANT["has|json|$path"]-} ]]; then
    original json "$path"
    record_json "$path" "${RECORD[0]}" "${JSON_PLAN[5]}"
  else
    forget_original json "$path"
  fi
}

# Units, as systemd knows them: what they were is remembered, changed files are checked and loaded, and units are enabled and
# disabled. None of this starts or stops one but the tools that are replaced.
# Reads WANT, WRITTEN, SEEN_UNIT; sets RECORD, REPLY, ANSWER.

# capture_units: remembers how each unit stood before this project first touched it.
capture_units() {
  local unit section
  for section in units replaces; do
    entries WANT "$section"
    for unit in "${ENTRIES[@]}"; do capture_unit "$section" "$unit"; done
  done
  make_durable
}

# capture_unit SECTION UNIT: one that was seen.
capture_unit() {
  local file
  original "$1" "$2"
  [[ -z ${RECORD[0]-} ]] || return 0
  seen "$2" UnitFileState
  file=${REPLY:-none}
  seen "$2" ActiveState
  record_original "$1" "$2" "$file" "${REPLY:-inactive}"
}

# validate_units: systemd reads the changed unit files before it is told to load them.
validate_units() {
  local path unit text line status=0 answered=''
  local -a units=()
  for path in "${WRITTEN[@]}"; do
    case $path in
      "$UNIT_FOLDER"/*.d/*.conf) unit=${path%/*} unit=${unit##*/} unit=${unit%.d} ;;
      "$UNIT_FOLDER"/*.*) unit=${path##*/} ;;
      *) continue ;;
    esac
    [[ " ${units[*]} " == *" $unit "* ]] || units+=("$unit")
  done
  ((${#units[@]} > 0)) || return 0
  text=$(systemd-analyze verify --man=no --recursive-errors=no "${units[@]}" 2>&1) || status=$?
  while IFS= read -r line; do
    for path in "${WRITTEN[@]}"; do
      # MemoryLimit= is deprecated and wanted: the specification's own command prints it. MemoryPressureWatch= is for a systemd
      # that knows it (own_cgroup).
      [[ $line == "$path:"* && $line != *MemoryLimit* && $line != *"'MemoryPressureWatch'"* && $line != *deprecated* ]] || continue
      fail "systemd does not accept $line"
    done
    # What it finds in other files, and of units whose package is still to come, is not ours: "FILE:LINE: ...", "UNIT: ...".
    [[ ! $line =~ ^(/[^:]+:|[^[:space:]]+\.[a-z]+:\ |Unit\ ) ]] || answered=yes
  done <<<"$text"
  ((status == 0)) || [[ -n $answered && $status -lt 124 ]] ||
    fail "systemd-analyze cannot check the unit files (it ended with $status): ${text:-it said nothing}"
}

# unit_file_state UNIT: REPLY is enabled, disabled, masked, ...; empty where it has no file. systemctl show would give what
# was so at the last reload.
unit_file_state() {
  local said status=0
  said=$(systemctl is-enabled -- "$1" 2>&1) || status=$?
  REPLY=${said##*$'\n'}
  case $REPLY in
    not-found | 'Failed to get unit file state for '*': No such file or directory') REPLY= ;;
    '' | *[!a-z-]*) fail "systemd does not say whether $1 is enabled (it ended with $status): $said" ;;
  esac
}

# see_unit_files: until its reload systemd remembers whether a unit was enabled. Where a run before this one ended without the
# reload, the disk is asked.
see_unit_files() {
  local unit
  local -a units
  [[ -e $PENDING/reload ]] || return 0
  entries WANT units
  units=("${ENTRIES[@]}")
  for unit in "${units[@]}"; do
    unit_file_state "$unit"
    SEEN_UNIT["$unit|UnitFileState"]=$REPLY
  done
}

# enable_units: before the reload, because systemd remembers the old state of a unit until then.
enable_units() {
  local unit
  local -a changed=()
  entries WANT units
  for unit in "${ENTRIES[@]}"; do
    [[ ${WANT["units|$unit|enabled"]-} == true ]] || continue
    seen "$unit" UnitFileState
    is_enabled "$REPLY"
    # One that a generator made (a swap file's, from fstab) ends with what it was made from.
    [[ -z $ANSWER || ($REPLY == generated && -n ${WANT["has|files|$UNIT_FOLDER/$unit"]-}) ]] || continue
    mark_pending reload
    ENABLED+=("$unit")
    unmask_unit "$REPLY" "$unit"
    changed+=("$unit")
  done
  ((${#changed[@]} == 0)) || enable_now "${changed[@]}"
}

# enable_now UNIT...: one process enables them, and one says that they are. Where that one does not say it of each, each is
# asked about, which tells why.
enable_now() {
  local said unit
  local -a states
  local -i i=0
  make_links "$@"
  said=$(systemctl is-enabled -- "$@" 2>/dev/null) || :
  mapfile -t states <<<"$said"
  for unit in "$@"; do
    REPLY=${states[i]-}
    [[ -n $REPLY && ${#states[@]} == "$#" ]] || unit_file_state "$unit"
    is_enabled "$REPLY"
    [[ -n $ANSWER ]] || fail "$unit is ${REPLY:-absent} after it was enabled"
    say "  enabled $unit"
    i+=1
  done
}

# make_links UNIT...: what its file asks for under [Install].
make_links() {
  local said
  # The links of System V's scripts mean nothing beside a unit, and each change of theirs reloads systemd twice.
  said=$(SYSTEMCTL_SKIP_SYSV=1 systemctl enable --no-reload --quiet -- "$@" 2>&1) || fail "$* cannot be enabled: $said"
}

# unmask_unit STATE UNIT
unmask_unit() {
  local said
  case $1 in
    masked) said=$(systemctl unmask --no-reload --quiet -- "$2" 2>&1) || fail "$2 is masked and cannot be unmasked: $said" ;;
    masked-runtime)
      said=$(systemctl unmask --runtime --no-reload --quiet -- "$2" 2>&1) || fail "$2 is masked and cannot be unmasked: $said"
      ;;
  esac
}

# disable_unit UNIT: ANSWER is yes where it was enabled.
disable_unit() {
  local said
  local -a links
  ANSWER=
  unit_file_state "$1"
  if [[ -z $REPLY ]]; then
    # Somebody has deleted its file, and what enabled it is still there.
    links=("$UNIT_FOLDER"/*.wants/"$1" "$UNIT_FOLDER"/*.requires/"$1")
    remove_path "${links[@]}"
    return
  fi
  [[ $REPLY == enabled ]] || return 0
  said=$(systemctl disable --no-reload --quiet -- "$1" 2>&1) || fail "$1 cannot be disabled: $said"
  unit_file_state "$1"
  [[ $REPLY != enabled ]] || fail "$1 is still enabled after it was disabled"
  ANSWER=yes
}

# retire_units: those of older tools are stopped and disabled, and it is said.
retire_units() {
  local unit why
  entries WANT replaces
  for unit in "${ENTRIES[@]}"; do
    why=${WANT["replaces|$unit|"]}
    seen "$unit" LoadState
    [[ $REPLY == loaded ]] || continue
    seen "$unit" ActiveState
    is_running "$REPLY"
    if [[ -n $ANSWER ]]; then
      stop_unit "$unit"
      say "  $REPLY $unit ($why), which this bundle replaces"
    fi
    seen "$unit" UnitFileState
    [[ $REPLY == enabled ]] || continue
    disable_unit "$unit"
    [[ -z $ANSWER ]] || say "  disabled $unit ($why)"
  done
}

# Packages ahead: those of bundles that follow come by the same run of apt as this one's, so that a whole deployment is one
# simulation and one installation. They stay those bundles' own: that one is missing is no drift here, it goes with its
# bundle, and with this one only where no bundle has taken it over. What of it a bundle configures does not start before
# that (packages-scripts.sh).
# Reads WANT, WAS, NAME, STATE; sets AHEAD, REPLY, ANSWER.

declare -a AHEAD=()

# find_ahead: AHEAD=(what this version of the bundle is the first to announce, and is not here). What an earlier version
# announced is its own bundle's business by now, or its owner has taken it away.
find_ahead() {
  local package other announced=''
  local -a wanted=()
  AHEAD=()
  entries WANT ahead
  ((${#ENTRIES[@]} > 0)) || return 0
  current_version "$NAME"
  if [[ -n $REPLY ]]; then
    text_of "$REPLY/index"
    announced=$'\n'$REPLY
  fi
  for package in "${ENTRIES[@]}"; do
    [[ $announced != *$'\n'"ahead"$'\x1f'"$package"$'\x1f'* ]] || continue
    has_program "${WANT["ahead|$package|program"]-}"
    [[ -n $ANSWER ]] || AHEAD+=("$package")
    other=${WANT["ahead|$package|unless"]-}
    wanted+=("$package" ${other:+"$other"})
  done
  query_packages "${wanted[@]}"
  leave_installed
  leave_governed
}

# leave_installed: of AHEAD, what is here, or what may be in its place.
leave_installed() {
  local package other
  local -a missing=()
  for package in "${AHEAD[@]}"; do
    other=${WANT["ahead|$package|unless"]-}
    [[ ${PACKAGE_STATE[$package]-} == installed || ${PACKAGE_STATE[${other:-none}]-} == installed ]] || missing+=("$package")
  done
  AHEAD=("${missing[@]}")
}

# leave_governed: where the owner has a policy, it is not ours to change, and what would start comes with its own bundle.
leave_governed() {
  local package
  local -a free=()
  [[ -e $START_POLICY || -L $START_POLICY ]] || return 0
  is_ours "$START_POLICY"
  [[ -z $ANSWER ]] || return 0
  for package in "${AHEAD[@]}"; do [[ -n ${WANT["ahead|$package|units"]-} ]] || free+=("$package"); done
  AHEAD=("${free[@]}")
}

# capture_ahead: how its units and files stand before they come, for the bundles that will take them over. A file that a
# package would bring is there already, and empty, so that its own says nothing (zram-generator's would make a swap device
# of half the memory at the next reload).
capture_ahead() {
  local package unit path
  local -a units=() paths=()
  for package in "${AHEAD[@]}"; do
    read -r -a ENTRIES <<<"${WANT["ahead|$package|units"]-}"
    units+=("${ENTRIES[@]}")
    read -r -a ENTRIES <<<"${WANT["ahead|$package|files"]-}"
    paths+=("${ENTRIES[@]}")
  done
  query_units UnitFileState,ActiveState "${units[@]}"
  for unit in "${units[@]}"; do capture_unit units "$unit"; done
  for path in "${paths[@]}"; do
    original files "$path"
    [[ -z ${RECORD[0]-} && ! -e $path && ! -L $path ]] || continue
    capture_parents "$path"
    record_original files "$path" absent
  done
  make_durable
  for path in "${paths[@]}"; do
    [[ -e $path || -L $path ]] || write_text "$path" 0644 '# Written by goblin-host. What belongs here comes with its bundle.'$'\n'
  done
}

# forget_ahead: what was announced and is not any more, and no bundle has taken over. Before its package is purged, which
# would take our empty file for one that somebody edited.
forget_ahead() {
  local package section name
  local -a gone listed
  gone_entries ahead
  gone=("${ENTRIES[@]}")
  for package in "${gone[@]}"; do
    for section in units files; do
      read -r -a listed <<<"${WAS["ahead|$package|$section"]-}"
      for name in "${listed[@]}"; do
        owner_of "$section" "$name" ''
        [[ -z $REPLY && -z ${WANT["has|$section|$name"]-} ]] || continue
        if [[ $section == files ]]; then
          beside "$name"
          remove_path "$REPLY"
          is_ours "$name"
          [[ -z $ANSWER ]] || remove_path "$name"
        fi
        forget_original "$section" "$name"
      done
    done
  done
}

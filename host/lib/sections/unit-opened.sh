# What is open of the host to a service whose hardening hides or closes the rest: by our drop-in, and by the unit itself.
# Reads OURS, OURS_BEFORE, UNIT_IS, PATH_KIND, REAL_PATH; sets SHOWN, SHOWN_FROM, WRITABLE, OWN, READ_ONLY, LACKING, HOME_FOLDERS.

# read_opened: SHOWN=(what is bound into the service, whatever is hidden around it), and SHOWN_FROM[PLACE], the folder that it is,
# where that is known; WRITABLE=(where it may write, wherever links lead to), OWN=(folders that it has by their names),
# READ_ONLY=(where our settings say that it only reads). systemd opens what is there: LACKING=(what is to be opened, and is not).
# HOME_FOLDERS=(where homes are, and where that leads to).
declare -a SHOWN=() WRITABLE=() OWN=() READ_ONLY=() LACKING=() HOME_FOLDERS=()
declare -A SHOWN_FROM=()
read_opened() {
  local path
  local -a to_write to_read to_show of_owner before
  IFS=: read -r -a HOME_FOLDERS <<<"$HOMES"
  read_paths to_write "${OURS[ReadWritePaths]-}"
  read_paths to_read "${OURS[ReadOnlyPaths]-}"
  read_paths to_show "${OURS[BindReadOnlyPaths]-}"
  split_quoted "${UNIT_IS[ReadWritePaths]-}"
  # Prefixes of systemd's, in this order.
  of_owner=("${QUOTED[@]#-}")
  of_owner=("${of_owner[@]#+}")
  read_paths before "${OURS_BEFORE[ReadWritePaths]-}"
  for path in "${before[@]}"; do take_out of_owner "$path"; done
  look_up "${HOME_FOLDERS[@]}" "${to_write[@]}" "${to_read[@]}" "${to_show[@]}" "${of_owner[@]}"
  for path in "${HOME_FOLDERS[@]}"; do HOME_FOLDERS+=("${REAL_PATH[$path]}"); done
  SHOWN=() SHOWN_FROM=() WRITABLE=() OWN=() LACKING=() READ_ONLY=("${to_read[@]}" "${to_show[@]}")
  for path in "${to_write[@]}" "${of_owner[@]}"; do
    # A link's target is what is opened.
    [[ ${PATH_KIND[$path]} == none ]] || WRITABLE+=("${REAL_PATH[$path]}")
  done
  # Opened, and yet hidden, where it is a link to a home.
  for path in "${to_write[@]}"; do [[ ${PATH_KIND[$path]} == none ]] || add_need "$path" write 'a folder that it may write to'; done
  for path in "${to_show[@]}"; do
    [[ ${PATH_KIND[$path]} != none ]] || continue
    SHOWN+=("$path") SHOWN_FROM[$path]=${REAL_PATH[$path]}
  done
  for path in "${to_write[@]}" "${to_read[@]}" "${to_show[@]}"; do [[ ${PATH_KIND[$path]} != none ]] || LACKING+=("$path"); done
  read_unit_opened
}

# read_paths ARRAY LINES: the paths that a directive of ours names in all of its lines, but for the service's own cgroup
# (own_cgroup), which opens nothing.
read_paths() {
  local -n found_paths=$1
  local -a words
  found_paths=()
  while read -r -a words; do
    [[ ${words[0]-} == '"-/sys/fs/cgroup/'* ]] || found_paths+=("${words[@]#-}")
  done <<<"$2"
}

# read_unit_opened: what the unit opens by itself, of its own folders and by its mounts.
read_unit_opened() {
  local kind path
  local -a folders
  for kind in State:/var/lib Cache:/var/cache Logs:/var/log Runtime:/run Configuration:/etc; do
    read -r -a folders <<<"${UNIT_IS[${kind%%:*}Directory]-}"
    for path in "${folders[@]}"; do OWN+=("${kind#*:}/${path%%:*}"); done
  done
  look_up "${OWN[@]}"
  for path in "${OWN[@]}"; do SHOWN_FROM[$path]=${REAL_PATH[$path]}; done
  mounted_at BindPaths
  SHOWN+=("${ENTRIES[@]}") OWN+=("${ENTRIES[@]}")
  mounted_at BindReadOnlyPaths
  read_paths folders "${OURS_BEFORE[BindReadOnlyPaths]-}"
  for path in "${folders[@]}"; do take_out ENTRIES "$path"; done
  SHOWN+=("${ENTRIES[@]}")
}

# mounted_at PROPERTY: ENTRIES=(the places in the service of "SOURCE:PLACE:rbind ...").
mounted_at() {
  local mount
  local -a mounts
  read -r -a mounts <<<"${UNIT_IS[$1]-}"
  ENTRIES=()
  for mount in "${mounts[@]}"; do
    mount=${mount#-}
    mount=${mount#*:}
    ENTRIES+=("${mount%%:*}")
  done
}

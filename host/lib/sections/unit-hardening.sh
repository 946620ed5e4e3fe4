# Hardening and the service as it is: what our drop-in would hide from it, or close to its writing, is refused by name, with the
# setting that opens it, before the service is restarted into it. At boot nobody asks: a disk may still be missing.
# Reads WANT, NEEDS, NEED_HOW, NEED_WHERE, OURS, OURS_BEFORE, UNIT_IS, PATH_KIND, REAL_PATH, BOOTING; sets JUDGED, BY, CONCERNED,
# LACKING, FIXES, ANSWER, REPLY; adds to PROBLEMS.

# What ProtectHome= is about, and PrivateTmp= (systemd.exec(5)).
readonly HOMES=/home:/root:/run/user
readonly TEMPORARY=/tmp:/var/tmp

preflight_hardening() {
  local unit
  [[ -z $BOOTING ]] || return 0
  entries WANT hardening
  for unit in "${ENTRIES[@]}"; do
    read_service "$unit"
    [[ -z $ANSWER ]] || preflight_service "$unit"
  done
}

# preflight_service UNIT: of the service that was read.
preflight_service() {
  local path
  [[ -n ${OURS[ProtectHome]-}${OURS[ProtectSystem]-}${OURS[PrivateTmp]-} ]] || return 0
  NOT_LOOKED_UP='' FIXES=()
  collect_needs
  read_opened
  if [[ -n $NOT_LOOKED_UP ]]; then
    problem "${WANT["hardening|$1|setting"]}: $1 names a path that does not answer within 10 s: a mount hangs. Mend or unmount it (mount; dmesg), then run this again"
    return
  fi
  for path in "${NEEDS[@]}"; do
    judge "$path" "${NEED_HOW[$path]}"
    [[ -z $JUDGED ]] || refuse_path "$1" "$path"
  done
}

# read_opened: SHOWN=(what is bound into the service, whatever is hidden around it), WRITABLE=(where it may write, wherever links
# lead to), OWN=(folders that it has by their names), READ_ONLY=(where our settings say that it only reads). systemd opens what
# is there: LACKING=(what is to be opened, and is not). HOME_FOLDERS=(where homes are, and where that leads to).
declare -a SHOWN=() WRITABLE=() OWN=() READ_ONLY=() LACKING=() HOME_FOLDERS=()
read_opened() {
  local path
  local -a to_write to_read to_show of_owner before
  IFS=: read -r -a HOME_FOLDERS <<<"$HOMES"
  read_paths to_write "${OURS[ReadWritePaths]-}"
  read_paths to_read "${OURS[ReadOnlyPaths]-}"
  read_paths to_show "${OURS[BindReadOnlyPaths]-}"
  split_quoted "${UNIT_IS[ReadWritePaths]-}"
  of_owner=("${QUOTED[@]#[-+]}")
  read_paths before "${OURS_BEFORE[ReadWritePaths]-}"
  for path in "${before[@]}"; do take_out of_owner "$path"; done
  look_up "${HOME_FOLDERS[@]}" "${to_write[@]}" "${to_read[@]}" "${to_show[@]}" "${of_owner[@]}"
  for path in "${HOME_FOLDERS[@]}"; do HOME_FOLDERS+=("${REAL_PATH[$path]}"); done
  SHOWN=() WRITABLE=() OWN=() LACKING=() READ_ONLY=("${to_read[@]}" "${to_show[@]}")
  for path in "${to_write[@]}" "${of_owner[@]}"; do
    # A link's target is what is opened.
    [[ ${PATH_KIND[$path]} == none ]] || WRITABLE+=("${REAL_PATH[$path]}")
  done
  # Opened, and yet hidden, where it is a link to a home.
  for path in "${to_write[@]}"; do [[ ${PATH_KIND[$path]} == none ]] || add_need "$path" write 'a folder that it may write to'; done
  for path in "${to_show[@]}"; do [[ ${PATH_KIND[$path]} == none ]] || SHOWN+=("$path"); done
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

# judge PATH HOW: JUDGED is hidden, closed or lacking, by the directive BY, of CONCERNED: the path, or what it leads to.
JUDGED='' BY='' CONCERNED=''
judge() {
  local path=$1 real=${REAL_PATH[$1]}
  JUDGED='' CONCERNED=$path
  hidden_by "$path" "$2"
  BY=$REPLY
  if [[ -z $BY && $real != "$path" ]]; then
    within "$path" "${SHOWN[@]}"
    if [[ -z $ANSWER ]]; then
      CONCERNED=$real
      hidden_by "$real" "$2"
      BY=$REPLY
    fi
  fi
  if [[ -n $BY ]]; then
    may_exist "$CONCERNED" "$2"
    [[ -z $ANSWER ]] || JUDGED=hidden
  elif [[ $2 == write ]]; then
    CONCERNED=$real
    closed_by "$path" "$real"
    BY=$REPLY
    [[ -z $BY ]] || JUDGED=closed
  fi
  [[ -n $JUDGED ]] || return 0
  within "$path" "${LACKING[@]}"
  [[ -z $ANSWER ]] || JUDGED=lacking
}

# hidden_by PATH HOW: REPLY is the directive, if one hides it.
hidden_by() {
  local is_shown
  REPLY=
  within "$1" "${SHOWN[@]}"
  is_shown=$ANSWER
  within "$1" "${HOME_FOLDERS[@]}"
  if [[ -n $ANSWER ]]; then
    # What is bound below a folder that cannot be reached is not there either (measured on systemd 252).
    case ${OURS[ProtectHome]-}:$is_shown in
      yes:* | tmpfs:) REPLY=ProtectHome=${OURS[ProtectHome]} ;;
    esac
  elif [[ -z $is_shown && ${OURS[PrivateTmp]-} == yes && $2 == @(program|folder|model) ]]; then
    # What others name there it makes by itself, in its own.
    within "$1" "${TEMPORARY%:*}" "${TEMPORARY#*:}"
    [[ -z $ANSWER ]] || REPLY=PrivateTmp=yes
  fi
}

# may_exist PATH HOW: ANSWER. A text that only looks like a path has nothing where it would be.
may_exist() {
  ANSWER=yes
  [[ $2 == read ]] || return 0
  look_up "$1" "${1%/*}"
  [[ ${PATH_KIND[$1]} != none || ${PATH_KIND[${1%/*}]-none} == folder ]] || ANSWER=
}

# closed_by PATH REAL: REPLY is the directive, if one keeps the service from writing there.
closed_by() {
  REPLY=
  within "$2" /dev /proc /sys "${WRITABLE[@]}"
  [[ -z $ANSWER ]] || return 0
  within "$1" "${OWN[@]}" "${READ_ONLY[@]}"
  [[ -z $ANSWER ]] || return 0
  within "$1" "${TEMPORARY%:*}" "${TEMPORARY#*:}"
  [[ -z $ANSWER || ${OURS[PrivateTmp]-} != yes ]] || return 0
  within "$2" "${HOME_FOLDERS[@]}"
  if [[ ${OURS[ProtectSystem]-} == strict ]]; then
    REPLY=ProtectSystem=strict
  elif [[ -n $ANSWER && -n ${OURS[ProtectHome]-} ]]; then
    REPLY=ProtectHome=${OURS[ProtectHome]}
  fi
}

# Folders: made when they are missing, with the mode and the owner declared. What is in them is never touched.
# Reads WANT, NAME; sets SEEN_FOLDER, DIFFERS, ANSWER; adds to PROBLEMS.

# "directory mode uid:gid user:group", another kind of file, "hung", or "broken:REASON"; nothing where nothing is.
declare -A SEEN_FOLDER=()
# The properties that are not as wanted, each followed by wanted and found.
declare -a DIFFERS=()

# observe_folders ARRAY
observe_folders() {
  SEEN_FOLDER=()
  entries "$1" folders
  look_at_folders "${ENTRIES[@]}"
}

# look_at_folders PATH...: bounded, because a mount may hang. For the same reason nobody asks bash whether they exist:
# stat says of each what it is or why it cannot tell.
look_at_folders() {
  local text said path kind rest status=0
  local -A seen=()
  (($# > 0)) || return 0
  text=$(exec timeout -k 1 10 stat -c $'%F\t%a %u:%g %U:%G\t%n' -- "$@" 2>&1) || status=$?
  while IFS=$'\t' read -r kind rest path; do
    [[ -z $path ]] || seen[$path]="${kind// /-} $rest"
  done <<<"$text"
  for path in "$@"; do
    unset "SEEN_FOLDER[$path]"
    if [[ -n ${seen[$path]-} ]]; then
      SEEN_FOLDER[$path]=${seen[$path]}
      continue
    fi
    said=${text#*stat: cannot stat*[\'\"]"$path"[\'\"]: }
    if [[ $said == "$text" ]]; then said=; else said=${said%%$'\n'*}; fi
    case $said in
      'No such file or directory' | 'Not a directory') ;;
      '')
        ((status >= 124)) || fail "stat does not say what $path is: ${text:-nothing}"
        SEEN_FOLDER[$path]=hung
        ;;
      *) SEEN_FOLDER[$path]=broken:${said// /-} ;;
    esac
  done
}

# folder_kind PATH: REPLY is directory, another kind, empty where nothing is, or why that cannot be told.
folder_kind() {
  read -r REPLY _ <<<"${SEEN_FOLDER[$1]-}"
  [[ $REPLY != broken:* ]] || REPLY=${REPLY#broken:} REPLY=${REPLY//-/ }
}

# answers PATH: nothing is made, given or removed where a mount hangs or is broken.
answers() {
  [[ ${SEEN_FOLDER[$1]-} != hung ]] || fail "$1 does not answer within 10 s: its mount hangs. Mend or unmount it (mount; dmesg), then run this again"
  folder_kind "$1"
  [[ ${SEEN_FOLDER[$1]-} != broken:* ]] ||
    fail "$1 cannot be looked at ($REPLY): mend or unmount its mount (mount; dmesg), then run this again"
}

# same_owner WANTED NUMBERS NAMES: whether user and group are those, by name or by number.
same_owner() {
  ANSWER=
  [[ ${1%%:*} == "${2%%:*}" || ${1%%:*} == "${3%%:*}" ]] || return 0
  [[ ${1##*:} != "${2##*:}" && ${1##*:} != "${3##*:}" ]] || ANSWER=yes
}

# folder_state PATH: DIFFERS.
folder_state() {
  local path=$1 kind mode numbers names wanted
  DIFFERS=()
  read -r kind mode numbers names <<<"${SEEN_FOLDER[$path]-}"
  if [[ $kind != directory ]]; then
    folder_kind "$path"
    DIFFERS=(folder present "${REPLY:-missing}")
    return
  fi
  printf -v mode '%04o' "0$mode"
  wanted=${WANT["folders|$path|mode"]-}
  [[ -z $wanted || $wanted == "$mode" ]] || DIFFERS+=(mode "$wanted" "$mode")
  wanted=${WANT["folders|$path|owner"]-}
  [[ -n $wanted ]] || return 0
  same_owner "$wanted" "$numbers" "$names"
  [[ -n $ANSWER ]] || DIFFERS+=(owner "$wanted" "$names")
}

# is_mounted PATH: whether the folder is where its bundle expects it.
is_mounted() {
  ANSWER=yes
  [[ ${WANT["folders|$1|mount"]-} == required ]] || return 0
  mount_of "$1"
  [[ $MOUNT != / ]] || ANSWER=
}

find_folder_drift() {
  local path
  local -i i
  entries WANT folders
  for path in "${ENTRIES[@]}"; do
    folder_state "$path"
    for ((i = 0; i < ${#DIFFERS[@]}; i += 3)); do
      finding "$path" "${DIFFERS[i]}" "${DIFFERS[i + 1]}" "${DIFFERS[i + 2]}" '' "is ${DIFFERS[i + 2]}"
    done
    is_mounted "$path"
    [[ -n $ANSWER ]] || finding "$path" mount 'a mount of its own' '' "$MOUNT" 'nothing is mounted there'
  done
}

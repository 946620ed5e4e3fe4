# Folders: made when they are missing, with the mode and the owner declared. What is in them is never touched.

# observe_folders ARRAY: SEEN_FOLDER[PATH]="kind mode uid:gid user:group"; bounded, because a mount may hang.
declare -A SEEN_FOLDER=()
observe_folders() {
  local kind rest path status=0 text
  SEEN_FOLDER=()
  entries "$1" folders
  ((${#ENTRIES[@]} > 0)) || return 0
  text=$(exec timeout -k 1 10 stat -c $'%F\t%a %u:%g %U:%G\t%n' -- "${ENTRIES[@]}" 2>/dev/null) || status=$?
  while IFS=$'\t' read -r kind rest path; do
    [[ -z $kind ]] || SEEN_FOLDER[$path]="${kind// /-} $rest"
  done <<<"$text"
  ((status >= 124)) || return 0
  for path in "${ENTRIES[@]}"; do [[ -n ${SEEN_FOLDER[$path]-} ]] || SEEN_FOLDER[$path]=hung; done
}

# mount_of PATH: MOUNT is where the filesystem that holds the path is mounted, MOUNT_TYPE its type.
MOUNT='' MOUNT_TYPE=''
mount_of() {
  local path=$1 point line REPLY
  MOUNT='' MOUNT_TYPE=''
  while read -r _ _ _ _ point line; do
    decode_octal "$point"
    [[ $path == "$REPLY" || $path == "${REPLY%/}/"* ]] || continue
    ((${#REPLY} >= ${#MOUNT})) || continue
    MOUNT=$REPLY line=${line#*' - '}
    MOUNT_TYPE=${line%% *}
  done </proc/self/mountinfo
}

# same_owner WANTED NUMBERS NAMES: whether user and group are those, by name or by number.
same_owner() {
  [[ ${1%%:*} == "${2%%:*}" || ${1%%:*} == "${3%%:*}" ]] && [[ ${1##*:} == "${2##*:}" || ${1##*:} == "${3##*:}" ]]
}

# folder_state PATH: DIFFERS=(the properties that are not as wanted, each followed by wanted and found).
declare -a DIFFERS=()
folder_state() {
  local path=$1 kind mode numbers names wanted
  DIFFERS=()
  read -r kind mode numbers names <<<"${SEEN_FOLDER[$path]-}"
  if [[ $kind != directory ]]; then
    DIFFERS=(folder present "${kind:-missing}")
    return
  fi
  printf -v mode '%04o' "0$mode"
  wanted=${WANT["folders|$path|mode"]-}
  [[ -z $wanted || $wanted == "$mode" ]] || DIFFERS+=(mode "$wanted" "$mode")
  wanted=${WANT["folders|$path|owner"]-}
  [[ -z $wanted ]] || same_owner "$wanted" "$numbers" "$names" || DIFFERS+=(owner "$wanted" "$names")
}

# mounted PATH: whether the folder is where its bundle expects it.
mounted() {
  [[ ${WANT["folders|$1|mount"]-} == required ]] || return 0
  mount_of "$1"
  [[ $MOUNT != / ]]
}

change_folders() {
  local path kind mode numbers wanted
  entries WANT folders
  for path in "${ENTRIES[@]}"; do
    folder_state "$path"
    ((${#DIFFERS[@]} > 0)) || continue
    read -r kind mode numbers _ <<<"${SEEN_FOLDER[$path]-}"
    if ! original folderState "$path"; then
      capture_parents "$path"
      if [[ $kind == directory ]]; then
        record_original folderState "$path" kept "$mode" "$numbers"
      else
        record_original folderState "$path" absent
      fi
      make_durable || return 1
    fi
    [[ $kind == directory ]] || mkdir -p -- "$path" || { REPLY="$path cannot be made"; return 1; }
    wanted=${WANT["folders|$path|owner"]-}
    [[ -z $wanted ]] || chown -- "$wanted" "$path" || { REPLY="$path cannot be given to $wanted"; return 1; }
    wanted=${WANT["folders|$path|mode"]-}
    [[ -z $wanted ]] || chmod -- "$wanted" "$path"
    if [[ $kind == directory ]]; then say "  set ${DIFFERS[0]} of $path"; else say "  made $path"; fi
  done
}

# give_back_folders: one that this project made goes when it is empty; another gets its mode and owner back.
give_back_folders() {
  local path what
  gone_entries folders
  for path in "${ENTRIES[@]}"; do
    original folderState "$path" || continue
    if [[ ${RECORD[0]} == kept ]]; then
      if [[ -d $path ]]; then
        chown -- "${RECORD[2]}" "$path"
        chmod -- "$(printf '%04o' "0${RECORD[1]}")" "$path"
      fi
    elif [[ -d $path ]]; then
      what='is not empty'
      [[ ${WAS["folders|$path|data"]-} != true ]] || what='holds data. When nobody needs it: rm -r '"$path"
      # What a program of ours left below /run would be gone with the next boot; models may lie there all the same.
      if rmdir -- "$path" 2>/dev/null || { [[ $path == /run/?* && ${WAS["folders|$path|data"]-} != true ]] &&
        rm -rf --one-file-system -- "$path"; }; then say "  removed $path"; else say "  kept $path: it $what"; fi
    fi
    forget_original folderState "$path"
  done
  ((${#ENTRIES[@]} == 0)) || remove_empty_folders
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
    mounted "$path" || finding "$path" mount 'a mount of its own' '' "$MOUNT" 'nothing is mounted there'
  done
}

preflight_folders() {
  local path setting kind parent
  entries WANT folders
  for path in "${ENTRIES[@]}"; do
    setting=${WANT["folders|$path|setting"]:-$NAME}
    read -r kind _ <<<"${SEEN_FOLDER[$path]-}"
    if [[ $kind == hung ]]; then
      problem "$setting.path: $path does not answer within 10 s: its mount hangs. Mend or unmount it (mount; dmesg), then run this again"
      continue
    fi
    case $kind in
      '') ;;
      directory) ;;
      *) problem "$setting.path: $path is a ${kind//-/ }, not a folder. Move it away, or choose another folder. Fix: pulumi config set --path '$setting.path' FOLDER" ;;
    esac
    parent=${path%/*}
    while [[ -z $kind && -n $parent && ! -e $parent && ! -L $parent ]]; do parent=${parent%/*}; done
    [[ -n $kind || -z $parent || -d $parent ]] || problem "$setting.path: $parent is not a folder, and $path must go below it"
    mounted "$path" ||
      problem "$setting.mount: \"required\", but nothing is mounted at $path or above it: it is on the root filesystem. Mount its disk (mount $path; findmnt -T $path). Allowed: required, any. Fix: pulumi config set --path '$setting.mount' any"
    preflight_owner "$setting" "${WANT["folders|$path|owner"]-}"
    owner_of folders "$path" "$NAME"
    [[ -z $REPLY ]] || problem "$path belongs to the bundle $REPLY"
  done
}

# preflight_owner SETTING OWNER
preflight_owner() {
  [[ -n $2 ]] || return 0
  [[ ${2%%:*} =~ ^[0-9]+$ ]] || getent passwd "${2%%:*}" >/dev/null ||
    problem "$1.owner: this host has no user \"${2%%:*}\". Make it first (useradd --system ${2%%:*}), or name another"
  [[ ${2##*:} =~ ^[0-9]+$ ]] || getent group "${2##*:}" >/dev/null ||
    problem "$1.owner: this host has no group \"${2##*:}\". Make it first (groupadd --system ${2##*:}), or name another"
}

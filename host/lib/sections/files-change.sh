# Files, changed: written beside their place and renamed into it; what was there before is kept as the original first.
# Reads WANT, WAS, RESTART_ON; sets WRITTEN (what was written), REPLY, ANSWER.

declare -a WRITTEN=()

# change_files: brings every file of the bundle to its wanted state, and gives back those that it has no more.
change_files() {
  local path
  local -a differing=()
  WRITTEN=()
  entries WANT files
  for path in "${ENTRIES[@]}"; do
    file_state "$path"
    [[ -z $REPLY ]] || differing+=("$path")
  done
  for path in "${differing[@]}"; do capture_file "$path"; done
  make_durable
  write_files "${differing[@]}"
  give_back_files
}

# capture_file PATH: remembers what stands at PATH, and which of its parent folders do not exist yet.
capture_file() {
  local path=$1 copy=-
  original files "$path"
  [[ -z ${RECORD[0]-} ]] || return 0
  drop_copy
  capture_parents "$path"
  if [[ ! -e $path && ! -L $path ]]; then
    record_original files "$path" absent
    return
  fi
  is_ours "$path"
  if [[ -n $ANSWER ]]; then
    # Of a store that is gone: put back at removal it would be ours for ever.
    displace "$path"
    record_original files "$path" absent
    return
  fi
  original files "$path"
  keep_data "$path"
  if [[ $path == "$UNIT_FOLDER"/* ]]; then
    back_up_unit_file "$path"
    copy=$REPLY
  fi
  record_original files "$path" kept "$copy"
}

# capture_parents PATH: remembers which of its parent folders do not exist yet.
capture_parents() {
  local parent=${1%/*}
  while [[ -n $parent && ! -d $parent ]]; do
    original folders "$parent"
    [[ -n ${RECORD[0]-} ]] || record_original folders "$parent" "$parent"
    parent=${parent%/*}
  done
}

# back_up_unit_file PATH: REPLY is its copy beside it, under a name that nothing has. The name is noted before, so that
# the run after a killed one finds it.
back_up_unit_file() {
  local stamp copy
  local -i number=1
  printf -v stamp '%s.backup.%(%Y%m%dT%H%M%S)T' "$1" -1
  copy=$stamp
  while [[ -e $copy || -L $copy ]]; do
    number+=1
    copy=$stamp.$number
  done
  write_new "$ORIGINAL.copy" "$copy"$'\n'
  copy_file "$1" "$copy"
  say "  backed up $1 as $copy"
  REPLY=$copy
}

# drop_copy: the copy that ORIGINAL notes: of a run that was killed before it recorded the original.
drop_copy() {
  local copy
  [[ -e $ORIGINAL.copy ]] || return 0
  first_line "$ORIGINAL.copy"
  copy=$REPLY
  if [[ -n $copy ]]; then
    beside "$copy"
    remove_path "$REPLY"
    remove_unit_copy "$copy"
  fi
  remove_path "$ORIGINAL.copy"
}

# remove_unit_copy COPY: it goes while it is what the data of ORIGINAL is; what somebody wrote into it stays.
remove_unit_copy() {
  [[ -e $1 || -L $1 ]] || return 0
  same_content "$ORIGINAL.data" "$1"
  if [[ -n $ANSWER ]]; then
    remove_path "$1"
  else
    say "  kept $1: it is not what was backed up"
  fi
}

# write_files PATH...: all are beside their places before the first takes it, and before anything is moved away for them:
# on a full disk nothing happens. What must follow is remembered before the change.
write_files() {
  local path
  local -a edited=()
  (($# > 0)) || return 0
  for path in "$@"; do
    content_of WANT "$path"
    prepare_text "$path" "${WANT["files|$path|mode"]}" "$REPLY"
    own_prepared "$path"
    [[ -n ${WAS["has|files|$path"]-} ]] || continue
    is_edited "$path"
    [[ -z $ANSWER ]] || edited+=("$path")
  done
  for path in "$@"; do
    if [[ -e $path || -L $path ]]; then changed_file "$path" changed; else changed_file "$path" made; fi
  done
  make_way "${edited[@]}"
  place_prepared
  WRITTEN+=("$@")
  for path in "$@"; do say "  wrote $path"; done
}

# own_prepared PATH: what waits for its place has the owner declared; nobody else has had a look at it until then.
own_prepared() {
  local owner=${WANT["files|$1|owner"]-}
  [[ -n $owner ]] || return 0
  beside "$1"
  chown -- "$owner" "$REPLY" || fail "$1 cannot be given the owner $owner"
}

# is_edited PATH: what was ours and somebody changed is theirs.
is_edited() {
  ANSWER=
  [[ -e $1 || -L $1 ]] || return 0
  was_ours "$1"
  if [[ -n $ANSWER ]]; then ANSWER=; else ANSWER=yes; fi
}

# make_way PATH...: what stands there is kept aside, while what was prepared waits for its place.
make_way() {
  local path
  local -a waiting=("${PREPARED[@]}") waiting_for=("${PREPARED_FOR[@]}")
  PREPARED=() PREPARED_FOR=()
  for path in "$@"; do displace "$path"; done
  PREPARED=("${waiting[@]}") PREPARED_FOR=("${waiting_for[@]}")
}

# changed_file PATH HOW: what must follow a change of PATH, which is made where there was none, or changed.
changed_file() {
  local path=$1 unit
  touches_units "$path"
  if [[ -n $ANSWER ]]; then
    if [[ $2 == made && $path == "$UNIT_FOLDER"/* ]]; then mark_reload "$path"; else mark_reload; fi
  fi
  for unit in "${!RESTART_ON[@]}"; do
    [[ " ${RESTART_ON[$unit]} " != *" $path "* ]] || mark_pending "restart%$unit"
  done
}

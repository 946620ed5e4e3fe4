# Backups: what is kept of the owner's files (originals, edited files) and of earlier versions of each bundle, for how
# long, and the way back.

readonly KEEP_VERSIONS=10 KEEP_VERSIONS_DAYS=90 KEEP_EDITED=50 KEEP_EDITED_DAYS=365

# BACKUPS: a line each of kind, seconds since 1970, what it is of, where it is kept, and its checksum ('' for what is
# no regular file).
declare -a BACKUPS=()

# add_backup KIND SECONDS OF PATH SHA256
add_backup() {
  local line
  printf -v line '%s\t' "$@"
  BACKUPS+=("${line%$'\t'}")
}

# first_line FILE: REPLY, empty where there is none.
first_line() {
  REPLY=
  [[ ! -r $1 ]] || IFS= read -r REPLY <"$1" || :
}

# list_backups: in the order of their kinds, each by its name.
list_backups() {
  BACKUPS=()
  list_originals
  list_edited
  list_versions
}

list_originals() {
  local data of time
  for data in "$STATE"/originals/{files,json}%*.data; do
    of=${data##*/} of=${of#*%} of=${of%.data}
    of=${of//%2F//}
    time=$(stat -c %Y -- "${data%.data}" 2>/dev/null) || continue
    first_line "${data%.data}.sha256"
    add_backup original "$time" "${of//%25/%}" "$data" "$REPLY"
  done
}

list_edited() {
  local file name stamp sum of
  local -A sums=()
  if [[ -r $STATE/displaced.sums ]]; then
    while read -r sum name; do sums[$name]=$sum; done <"$STATE/displaced.sums"
  fi
  for file in "$STATE"/displaced/*; do
    name=${file##*/} stamp=${name%%\%*} of=${name#"$stamp"}
    add_backup edited "$(seconds_of "$stamp")" "${of//%2F//}" "$file" "${sums[$name]-}"
  done
}

# seconds_of STAMP: prints when 20261124T181500 was, on this host's clock.
seconds_of() {
  date -d "${1:0:4}-${1:4:2}-${1:6:2} ${1:9:2}:${1:11:2}:${1:13:2}" +%s 2>/dev/null || printf 0
}

list_versions() {
  local dir digest
  for dir in "$STATE"/versions/*@*; do
    first_line "$dir/applied"
    [[ -n $REPLY ]] || continue
    local applied=$REPLY
    first_line "$dir/digest"
    digest=$REPLY
    add_backup version "$applied" "${dir##*/}" "$dir/bundle.yaml" "$digest"
  done
}

# check_backups: SUM_NOW[PATH] is the checksum of what is kept now; one process for all.
declare -A SUM_NOW=()
check_backups() {
  local line sum path
  local -a files=()
  SUM_NOW=()
  for line in "${BACKUPS[@]}"; do
    split_tabs "$line"
    [[ -z ${FIELDS[4]} ]] || files+=("${FIELDS[3]}")
  done
  ((${#files[@]} > 0)) || return 0
  while read -r sum path; do SUM_NOW[$path]=$sum; done < <(sha256sum -- "${files[@]}" 2>/dev/null)
}

# sound: whether the backup in FIELDS is what was kept.
sound() {
  [[ -e ${FIELDS[3]} || -L ${FIELDS[3]} ]] && [[ -z ${FIELDS[4]} || ${SUM_NOW[${FIELDS[3]}]-} == "${FIELDS[4]}" ]]
}

# print_backups: for people; the exit code says whether all of it is sound.
print_backups() {
  local line when state status=0
  list_backups
  check_backups
  if ((${#BACKUPS[@]} == 0)); then
    say 'nothing is kept on this host'
    return 0
  fi
  printf '%-9s %-19s %-8s %s\n' KIND SINCE STATE OF
  for line in "${BACKUPS[@]}"; do
    split_tabs "$line"
    state=sound
    sound || { state=damaged status=$EXIT_FAILED; }
    printf -v when '%(%F %T)T' "${FIELDS[1]}"
    [[ ${FIELDS[0]} != version ]] || in_use "${FIELDS[2]}" || state+=', past'
    printf '%-9s %-19s %-8s %s\n' "${FIELDS[0]}" "$when" "$state" "${FIELDS[2]}"
  done
  say "
restore a file:   ai-resource-manager restore PATH [--at TIME]
restore a bundle: ai-resource-manager restore NAME [--at TIME]   (as it was in force then; default: before the last change)"
  return "$status"
}

# in_use VERSION: whether it is the one in force.
in_use() {
  in_force "${1%@*}"
  [[ ${REPLY##*/} == "$1" ]]
}

# remember_version NAME FOLDER: at the commit of FOLDER; the version that it replaces is kept for a while.
remember_version() {
  local now
  printf -v now '%(%s)T' -1
  printf '%s\n' "$now" >"$2/applied"
  [[ ! -L $STATE/bundles/$1 ]] || printf '%s\n' "$now" >"$STATE/bundles/$1/superseded"
}

# kept_versions: KEPT[VERSION]=1 for the past versions that retention keeps: the youngest of each bundle.
declare -A KEPT=()
kept_versions() {
  local dir name generation other oldest
  local -i younger
  local -A past=()
  KEPT=()
  printf -v oldest '%(%s)T' -1
  oldest=$((oldest - KEEP_VERSIONS_DAYS * 86400))
  for dir in "$STATE"/versions/*@*; do
    first_line "$dir/superseded"
    [[ $REPLY =~ ^[0-9]+$ ]] || continue
    ((REPLY >= oldest)) || continue
    name=${dir##*/}
    past[${name%@*}]+=" ${name##*@}"
  done
  for name in "${!past[@]}"; do
    for generation in ${past[$name]}; do
      younger=0
      for other in ${past[$name]}; do ((other <= generation)) || younger+=1; done
      ((younger >= KEEP_VERSIONS)) || KEPT[$name@$generation]=1
    done
  done
}

# forget_versions NAME: a bundle that is removed has no past.
forget_versions() {
  local dir
  for dir in "$STATE/versions/$1"@*; do rm -f -- "$dir/superseded"; done
}

# pick_backup KIND OF AT: FIELDS is the last one of it that was there at that time; a version: in force then.
pick_backup() {
  local line found=''
  local -i best=-1
  for line in "${BACKUPS[@]}"; do
    split_tabs "$line"
    [[ " $1 " == *" ${FIELDS[0]} "* ]] || continue
    if [[ ${FIELDS[0]} == version ]]; then [[ ${FIELDS[2]%@*} == "$2" ]] || continue; else [[ ${FIELDS[2]} == "$2" ]] || continue; fi
    ((FIELDS[1] <= $3 && FIELDS[1] >= best)) || continue
    best=${FIELDS[1]} found=$line
  done
  [[ -n $found ]] && split_tabs "$found"
}

# restore WHAT [AT]: AT in seconds since 1970; without it the last edit or original of a file, and the version before
# the one in force of a bundle.
restore() {
  local what=$1 at=${2-}
  list_backups
  check_backups
  if [[ $what == /* ]]; then restore_path "$what" "${at:-9999999999}"; else restore_bundle "$what" "$at"; fi
}

restore_path() {
  local path=$1 source
  if ! pick_backup 'original edited' "$path" "$2"; then
    error "nothing is kept of $path$([[ $2 == 9999999999 ]] || printf ' as of %(%F %T)T' "$2"). See: ai-resource-manager backups"
    return "$EXIT_USAGE"
  fi
  refuse_damaged || return
  source=${FIELDS[3]}
  mkdir -p -- "${path%/*}"
  rm -rf -- "$path.goblin-new"
  cp -a --no-target-directory -- "$source" "$path.goblin-new"
  sync_copy "$path.goblin-new"
  owner_of files "$path" ''
  local owner=$REPLY
  # What stands there now is kept like every edit, unless it is the same, or what its bundle wrote.
  if [[ -e $path || -L $path ]] && ! cmp -s -- "$path" "$source" && ! is_as_applied "$owner" "$path"; then displace "$path"; fi
  rm -rf -- "$path"
  mv -T -- "$path.goblin-new" "$path"
  say "restored $path from $source"
  [[ -z $owner ]] || warn "$path belongs to the bundle $owner: this is drift until the next apply, which keeps it once more"
  ! touches_units "$path" || systemctl daemon-reload
}

# is_as_applied BUNDLE PATH: whether what stands there is what the bundle, if there is one, wrote.
is_as_applied() {
  [[ -n $1 ]] || return 1
  load_was "$1"
  observe_files WAS
  was_ours "$2"
}

restore_bundle() {
  local name=$1 at=$2
  current_version "$name"
  if [[ -z $REPLY ]]; then
    stored_bundles
    error "no bundle \"$name\" is stored on this host (stored: ${BUNDLES[*]:-none})"
    return "$EXIT_USAGE"
  fi
  if [[ -z $at ]]; then
    first_line "$REPLY/applied"
    at=$((${REPLY:-1} - 1))
  fi
  if ! pick_backup version "$name" "$at"; then
    error "no version of $name of $(printf '%(%F %T)T' "$at") or before is kept (the last $KEEP_VERSIONS, for $KEEP_VERSIONS_DAYS days). See: ai-resource-manager backups"
    return "$EXIT_USAGE"
  fi
  if in_use "${FIELDS[2]}"; then
    say "$name: that version is in force"
    return 0
  fi
  refuse_damaged || return
  record_event restored "$name" "to ${FIELDS[2]}"
  say "$name: back to ${FIELDS[2]}, of $(printf '%(%F %T)T' "${FIELDS[1]}")"
  # Whoever restores is on the host: there is nothing to confirm.
  STORED=1
  cp -- "${FIELDS[3]}" "$SPOOL"
  apply_bundle "$name" "$SPOOL" || return
  warn "Pulumi declares another version of $name: its next preview shows this as drift, and up takes it back"
}

refuse_damaged() {
  sound && return 0
  error "${FIELDS[3]} is not what was kept: its checksum differs. Choose an earlier one with --at"
  return "$EXIT_FAILED"
}

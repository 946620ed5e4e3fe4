# Backups: a copy of a file of the user's, under the name that the specification gives it, before its tool is taken over.
# Reads WANT, WAS. (What the store keeps by itself: reports/backups.sh.)

copy_backups() {
  local path
  entries WANT backups
  for path in "${ENTRIES[@]}"; do back_up "$path" "${WANT["backups|$path|"]}"; done
  gone_entries backups
  for path in "${ENTRIES[@]}"; do drop_backup "$path" "${WAS["backups|$path|"]}"; done
}

# back_up PATH COPY: a copy that is there is the user's own, or was made before.
back_up() {
  local path=$1 copy=$2 sum=-
  [[ -e $path && ! -e $copy && ! -L $copy ]] || return 0
  if [[ -f $path ]]; then
    sum=$(sha256sum <"$path")
    sum=${sum%% *}
  fi
  record_original backups "$copy" copy "$sum"
  make_durable
  copy_file "$path" "$copy"
  say "  backed up $path as $copy"
}

# drop_backup PATH COPY: it goes while it is the copy that was made; what somebody wrote into it stays.
drop_backup() {
  local path=$1 copy=$2 sum
  beside "$copy"
  remove_path "$REPLY"
  original backups "$copy"
  [[ -n ${RECORD[0]-} ]] || return 0
  if [[ -e $copy || -L $copy ]]; then
    same_content "$path" "$copy"
    if [[ -z $ANSWER && -f $copy ]]; then
      sum=$(sha256sum <"$copy")
      [[ ${sum%% *} != "${RECORD[1]--}" ]] || ANSWER=yes
    fi
    if [[ -n $ANSWER ]]; then remove_path "$copy"; else say "  kept $copy: it is not what was backed up"; fi
  fi
  forget_original backups "$copy"
}

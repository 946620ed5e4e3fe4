# The owner's swap files in /etc/fstab: their lines step aside behind a mark. Every other byte there stays.
# Sets FSTAB (swap files), FSTAB_OPTIONS, REPLY.

readonly FSTAB_FILE=/etc/fstab
readonly FSTAB_MARK='#goblin-host# '

declare -a FSTAB=() FSTAB_OPTIONS=()

# fstab_swap_files: FSTAB=(swap files, never partitions, that /etc/fstab switches on), FSTAB_OPTIONS=(how, of each).
fstab_swap_files() {
  local line options
  local -a lines
  FSTAB=() FSTAB_OPTIONS=()
  [[ -e $FSTAB_FILE ]] || return 0
  mapfile -t lines <"$FSTAB_FILE"
  for line in "${lines[@]}"; do
    swap_of_line "$line"
    [[ -n $REPLY ]] || continue
    read -r _ _ _ options _ <<<"$line"
    FSTAB+=("$REPLY")
    FSTAB_OPTIONS+=("${options:-defaults}")
  done
}

# swap_of_line LINE: REPLY is the swap file that the line of fstab switches on, or empty.
swap_of_line() {
  local device type
  REPLY=
  read -r device _ type _ <<<"$1"
  [[ $type != swap || $device != /* || $device == /dev/* ]] || decode_octal "$device"
}

# edit_fstab set-aside|give-back: what else the operator writes there stays.
edit_fstab() {
  local line file=$FSTAB_FILE before='' after='' size
  local -a lines
  [[ -e $FSTAB_FILE ]] || return 0
  # A link stays one.
  [[ ! -L $FSTAB_FILE ]] || file=$(readlink -e -- "$FSTAB_FILE")
  # Of a run that was killed in the middle of this.
  beside "$file"
  remove_path "$REPLY"
  # With their line breaks, which the last one may lack.
  mapfile lines <"$FSTAB_FILE"
  for line in "${lines[@]}"; do
    before+=$line
    if [[ $1 == give-back ]]; then
      line=${line#"$FSTAB_MARK"}
    else
      swap_of_line "$line"
      [[ -z $REPLY ]] || line=$FSTAB_MARK$line
    fi
    after+=$line
  done
  [[ $after != "$before" ]] || return 0
  size=$(stat -c %s -- "$file")
  ((${#before} == size)) || fail "$file holds a byte 0, or somebody is writing it; it is as it was. Take that byte out (it is no text), then run this again"
  mark_reload
  write_text "$file" - "$after" "$file"
}

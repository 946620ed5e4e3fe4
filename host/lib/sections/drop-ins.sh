# Drop-ins of others beside ours, as far as they are about what only a new process gets, such as hardening: systemd reads them
# in the order of their names, and the last one wins. Limits are compared one by one (limit-verdicts.sh).
# Reads WANT, SEEN_UNIT, UNIT_FOLDER, NAME; sets OVERLAP; adds to PROBLEMS, FINDINGS.

readonly EXEC_DROP_IN=zz-goblin-exec.conf
# What is added up: only an empty assignment takes ours away.
readonly ADDED_UP=' After BindReadOnlyPaths Environment EnvironmentFile ReadOnlyPaths ReadWritePaths SupplementaryGroups '

# find_drop_in_drift: one that comes after ours and sets the same.
find_drop_in_drift() {
  local path
  exec_drop_ins
  for path in "${ENTRIES[@]}"; do
    later_drop_ins "$path" report_later
  done
}

report_later() {
  finding "$1" 'drop-ins' 'none after ours' "$2" '' "$2 sets $3, and systemd reads it after ours: take that out there, or give the file a name that comes before $EXEC_DROP_IN"
}

# preflight_drop_ins: known before the workload is restarted for nothing.
preflight_drop_ins() {
  local path
  exec_drop_ins
  for path in "${ENTRIES[@]}"; do
    later_drop_ins "$path" refuse_later
  done
}

refuse_later() {
  problem "$1: $2 sets $3, and systemd reads it after $EXEC_DROP_IN, which would set the same for nothing. Take that out there, give the file a name that comes before, or leave those to it (hardening.except of the workload)"
}

# warn_of_earlier: what the owner's drop-ins set, and ours replaces.
warn_of_earlier() {
  local path file unit
  local -a files
  exec_drop_ins
  for path in "${ENTRIES[@]}"; do
    unit_of_drop_in "$path"
    unit=$REPLY
    seen "$unit" DropInPaths
    read -r -a files <<<"$REPLY"
    for file in "${files[@]}"; do
      [[ $file == "$UNIT_FOLDER/$unit".d/* && ${file##*/} < $EXEC_DROP_IN && $file != */@(50|60)-goblin?(-exec).conf ]] || continue
      overlap_of "$file" "$path"
      [[ -z $OVERLAP ]] || warn "$unit: ours replaces what $file sets ($OVERLAP). To keep that, leave it out of ours (hardening.except of the workload)"
    done
  done
}

# exec_drop_ins: ENTRIES=(our drop-ins of that kind).
exec_drop_ins() {
  local path
  local -a ours=()
  entries WANT files
  for path in "${ENTRIES[@]}"; do [[ $path != "$UNIT_FOLDER"/*.d/"$EXEC_DROP_IN" ]] || ours+=("$path"); done
  ENTRIES=("${ours[@]}")
}

# unit_of_drop_in PATH: REPLY
unit_of_drop_in() {
  REPLY=${1%.d/*}
  REPLY=${REPLY##*/}
}

# later_drop_ins PATH FUNCTION: calls it with the unit, the file and what it sets, for each that comes after ours.
later_drop_ins() {
  local path=$1 file unit
  local -a files
  unit_of_drop_in "$path"
  unit=$REPLY
  seen "$unit" DropInPaths
  read -r -a files <<<"$REPLY"
  for file in "${files[@]}"; do
    [[ ${file##*/} > $EXEC_DROP_IN && $file != */zz-goblin.conf ]] || continue
    overlap_of "$file" "$path"
    [[ -z $OVERLAP ]] || "$2" "$unit" "$file" "$OVERLAP"
  done
}

# overlap_of FILE PATH: OVERLAP names the settings of the file that our drop-in at that path has, too, but for limits.
OVERLAP=''
overlap_of() {
  local line name value ours
  OVERLAP=
  [[ -r $1 && -f $1 ]] || return 0
  content_of WANT "$2"
  ours=$'\n'$REPLY
  text_of "$1"
  while IFS= read -r line; do
    [[ $line =~ ^[[:blank:]]*([A-Z][A-Za-z]*)[[:blank:]]*=(.*)$ ]] || continue
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]//[[:blank:]]/}
    [[ -z ${LIMIT_TABLE[$name]-} && $ours == *$'\n'"$name="* && " $OVERLAP " != *" $name "* ]] || continue
    [[ $ADDED_UP != *" $name "* || -z $value ]] || continue
    OVERLAP+=${OVERLAP:+ }$name
  done <<<"$REPLY"
}

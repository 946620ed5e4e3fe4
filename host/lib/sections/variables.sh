# Variables of a service that follow from its limits: defaults, in a drop-in that systemd reads before the owner's, and after the
# unit's own file.
# Reads WANT, SEEN_UNIT, UNIT_FOLDER; sets REPLY.

readonly ENV_DROP_IN=00-goblin-env.conf

# warn_of_replaced_variables: what a unit's own file sets, and a default of ours replaces.
warn_of_replaced_variables() {
  local path unit file
  local -a paths
  entries WANT files
  paths=("${ENTRIES[@]}")
  for path in "${paths[@]}"; do
    [[ $path == "$UNIT_FOLDER"/*.d/"$ENV_DROP_IN" ]] || continue
    unit_of_drop_in "$path"
    unit=$REPLY
    seen "$unit" FragmentPath
    file=$REPLY
    [[ -r $file && -f $file ]] || continue
    variables_in_both "$file" "$path"
    [[ -z $REPLY ]] || warn "$unit: ours replaces what $file sets in Environment= ($REPLY), because it follows from the workload's limits. To keep that, set it in environment of the workload"
  done
}

# variables_in_both FILE PATH: REPLY names the variables of our drop-in at that path that the file sets, too.
variables_in_both() {
  local line name ours theirs='' both=''
  text_of "$1"
  while IFS= read -r line; do
    [[ ! $line =~ ^[[:blank:]]*Environment[[:blank:]]*=(.*)$ ]] || theirs+=" ${BASH_REMATCH[1]//[\"\']/ }"
  done <<<"$REPLY"
  content_of WANT "$2"
  ours=$REPLY
  while IFS= read -r line; do
    [[ $line =~ ^Environment=\"([A-Za-z0-9_]+)= ]] || continue
    name=${BASH_REMATCH[1]}
    [[ $theirs != *" $name="* ]] || both+=${both:+ }$name
  done <<<"$ours"
  REPLY=$both
}

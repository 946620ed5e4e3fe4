# sysctl: the running value counts; a later file that sets another is named.
# Reads WANT, WAS; sets RECORD, REPLY.

readonly SYSCTLS=/proc/sys

# read_sysctl KEY: REPLY, with blanks between its values; empty where the kernel has none.
read_sysctl() {
  REPLY=
  [[ -e $SYSCTLS/${1//.//} ]] || return 0
  first_of_kernel "$SYSCTLS/${1//.//}"
  REPLY=${REPLY//$'\t'/ }
}

# first_of_kernel FILE: REPLY is its first line. That of an empty one is empty; one that cannot be read ends the run.
first_of_kernel() {
  { IFS= read -r REPLY || :; } <"$1"
}

# overriding_sysctl KEY: REPLY names a file that is read after ours and sets the key.
overriding_sysctl() {
  local key=$1 file line name
  REPLY=
  for file in /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /etc/sysctl.conf; do
    [[ -r $file ]] || continue
    name=${file##*/}
    [[ $name != 9?-goblin-* ]] || continue
    [[ $name > 90-goblin || $file == /etc/sysctl.conf ]] || continue
    while IFS= read -r line || [[ -n $line ]]; do
      line=${line//[[:space:]]/}
      [[ ${line//\//.} != "$key="* && ${line//\//.} != "-$key="* ]] || REPLY="overridden by $file"
    done <"$file"
  done
}

change_sysctls() {
  local key before wanted
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    wanted=${WANT["sysctls|$key|"]}
    read_sysctl "$key"
    before=$REPLY
    [[ $before != "$wanted" ]] || continue
    original sysctls "$key"
    if [[ -z ${RECORD[0]-} ]]; then
      record_original sysctls "$key" "$before"
      make_durable
    fi
    write_sysctl "$key" "$wanted"
    say "  set $key to $wanted"
  done
}

# write_sysctl KEY VALUE: some values the kernel takes and makes others of.
write_sysctl() {
  write_kernel "$SYSCTLS/${1//.//}" "$2"
  read_sysctl "$1"
  [[ $REPLY == "$2" ]] || fail "$1 is $REPLY after $2 was written to it"
}

give_back_sysctls() {
  local key value
  gone_entries sysctls
  for key in "${ENTRIES[@]}"; do
    original sysctls "$key"
    [[ -n ${RECORD[0]-} ]] || continue
    # Records of version 1.0 have tabs between the values.
    value="${RECORD[*]}"
    read_sysctl "$key"
    # Where the kernel does not have it any more, there is nothing to give back.
    [[ -z $REPLY || $REPLY == "$value" ]] || write_sysctl "$key" "$value"
    forget_original sysctls "$key"
  done
}

find_sysctl_drift() {
  local key value
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    read_sysctl "$key"
    value=$REPLY
    [[ $value != "${WANT["sysctls|$key|"]}" ]] || continue
    overriding_sysctl "$key"
    finding "$key" sysctl "${WANT["sysctls|$key|"]}" '' "$value" "${REPLY:-changed at run time}"
  done
}

preflight_sysctls() {
  local key
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    [[ $key =~ ^[a-z0-9_.-]+$ && -e $SYSCTLS/${key//.//} ]] || problem "this kernel has no sysctl $key"
  done
}

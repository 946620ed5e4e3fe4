# sysctl: the running value counts; a later file that sets another is named.

read_sysctl() {
  REPLY=
  [[ -r /proc/sys/${1//.//} ]] || return 0
  read -r REPLY <"/proc/sys/${1//.//}" || :
}

# overriding_sysctl KEY: REPLY names a file that is read after ours and sets the key.
overriding_sysctl() {
  local key=$1 file line name
  REPLY=
  for file in /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /etc/sysctl.conf; do
    [[ -r $file ]] || continue
    name=${file##*/}
    [[ $name != 9?-goblin-* ]] || continue
    [[ $name > 90-goblin || $file == /etc/sysctl.conf ]] || continue
    while IFS= read -r line; do
      line=${line//[[:space:]]/}
      [[ ${line//\//.} == "$key="* || ${line//\//.} == "-$key="* ]] && REPLY="overridden by $file"
    done <"$file"
  done
  return 0
}

change_sysctls() {
  local key
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    read_sysctl "$key"
    [[ $REPLY != "${WANT["sysctls|$key|"]}" ]] || continue
    original sysctls "$key" || { read_sysctl "$key" && record_original sysctls "$key" "$REPLY"; }
    make_durable || return 1
    printf '%s' "${WANT["sysctls|$key|"]}" 2>/dev/null >"/proc/sys/${key//.//}" || { REPLY="the kernel refuses $key=${WANT["sysctls|$key|"]}"; return 1; }
    say "  set $key to ${WANT["sysctls|$key|"]}"
  done
}

give_back_sysctls() {
  local key
  gone_entries sysctls
  for key in "${ENTRIES[@]}"; do
    original sysctls "$key" || continue
    printf '%s' "${RECORD[0]}" 2>/dev/null >"/proc/sys/${key//.//}" || :
    forget_original sysctls "$key"
  done
}

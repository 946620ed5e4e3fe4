# Vacancies: what a bundle brings must not be the owner's own already, neither the unit, nor its address, nor what a purge of its
# package would delete. Asked before anything changes, and only by the first version that has the unit: from then on it is ours.
# Reads WANT, WAS, STORED, SEEN_UNIT, SEEN_PACKAGE, UNIT_FOLDER; adds to PROBLEMS; sets REPLY, ANSWER.

readonly TCP_TABLES=/proc/net

preflight_vacant() {
  local setting unit
  [[ -z $STORED ]] || return 0
  entries WANT requires
  for setting in "${ENTRIES[@]}"; do
    unit=${WANT["requires|$setting|vacant"]-}
    [[ -n $unit && -z ${WAS["has|units|$unit"]-} ]] || continue
    preflight_unit_vacant "$setting" "$unit"
    preflight_address_vacant "$setting" "${WANT["requires|$setting|listen"]-}"
    preflight_folder_vacant "$setting" "${WANT["requires|$setting|package"]-}" "${WANT["requires|$setting|folder"]-}"
  done
}

# preflight_unit_vacant SETTING UNIT: one that is installed, and neither runs nor is to run, is nobody's; a mask is no file.
preflight_unit_vacant() {
  local setting=$1 unit=$2 state what=''
  seen "$unit" ActiveState
  is_running "$REPLY"
  [[ -z $ANSWER ]] || what="is $REPLY"
  seen "$unit" UnitFileState
  state=$REPLY
  [[ $state != @(enabled|enabled-runtime|linked|linked-runtime|alias) ]] || what+="${what:+ and }is $state"
  seen "$unit" FragmentPath
  [[ $REPLY != "$UNIT_FOLDER"/* || $state == masked* ]] || what+="${what:+ and }has a file of its own, $REPLY"
  [[ -z $what ]] || problem "$setting: $unit of this host's owner $what, and this would take its place. ${WANT["requires|$setting|remedy"]-}"
}

# preflight_address_vacant SETTING ADDRESS:PORT: a Prometheus in a container, for one, is no unit of that name. A unit that runs
# is told of already.
preflight_address_vacant() {
  [[ -n $2 ]] || return 0
  seen "${WANT["requires|$1|vacant"]}" ActiveState
  is_running "$REPLY"
  [[ -z $ANSWER ]] || return 0
  is_taken "$2"
  [[ -z $ANSWER ]] ||
    problem "$1: \"$2\": something listens there already (ss -Hltnp 'sport = :${2##*:}'). Allowed: an address that is free. Fix: pulumi config set --path '$1' ${2%:*}:PORT. ${WANT["requires|$1|remedy"]-}"
}

# preflight_folder_vacant SETTING PACKAGE FOLDER: where dpkg knows the package, a purge is not ours to do.
preflight_folder_vacant() {
  local -a held=()
  [[ -n $3 && -d $3 && ${SEEN_PACKAGE[$2]:-not-installed} == not-installed ]] || return 0
  held=("$3"/* "$3"/.[!.]* "$3"/..?*)
  ((${#held[@]} == 0)) ||
    problem "$1: $3 holds data, and this host does not have the package $2: it would be deleted with it once that goes again. Move it away (mv $3 $3.old), then run this again. ${WANT["requires|$1|remedy"]-}"
}

# is_taken ADDRESS:PORT, of loopback: ANSWER. The kernel's tables are in hexadecimal, an address of IPv4 its last byte first.
is_taken() {
  local address=${1%:*} port table bound state
  local -a bytes
  printf -v port '%04X' "${1##*:}"
  if [[ $address == '[::1]' ]]; then
    address=00000000000000000000000001000000
  else
    IFS=. read -r -a bytes <<<"$address"
    printf -v address '%02X%02X%02X%02X' "${bytes[3]}" "${bytes[2]}" "${bytes[1]}" "${bytes[0]}"
  fi
  ANSWER=
  for table in "$TCP_TABLES"/tcp "$TCP_TABLES"/tcp6; do
    [[ -r $table ]] || continue
    # 0A is LISTEN; all zeros is every address.
    while read -r _ bound _ state _; do
      [[ $state == 0A && ${bound##*:} == "$port" ]] || continue
      [[ ${bound%:*} != "$address" && ${bound%:*} != *FFFF0000"$address" && ${bound%:*} =~ [^0] ]] || ANSWER=yes
    done <"$table"
  done
}

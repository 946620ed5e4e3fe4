# What must still follow a change survives a kill: pending/reload, pending/restart%UNIT and the others that
# docs/architecture.md lists. Asked as [[ -e $PENDING/NAME ]].
# Sets UNREAD, RELOAD_SURE.

readonly PENDING=$STATE/pending

# Why systemd must be told. UNREAD: unit files that this attempt made where there was none, which it may have read by itself
# since (a unit that it had not loaded); RELOAD_SURE: something else.
declare -a UNREAD=()
declare RELOAD_SURE=''

mark_pending() { [[ -e $PENDING/$1 ]] || : >"$PENDING/$1"; }

# mark_reload [PATH]: with PATH, only for that new unit file.
mark_reload() {
  # Of an earlier attempt: nobody knows why.
  if [[ -z ${1-} || ( -e $PENDING/reload && ${#UNREAD[@]} -eq 0 ) ]]; then RELOAD_SURE=yes; fi
  [[ -z ${1-} ]] || UNREAD+=("$1")
  mark_pending reload
}

# done_pending NAME...
done_pending() {
  local name
  local -a there=()
  for name in "$@"; do [[ ! -e $PENDING/$name ]] || there+=("$PENDING/$name"); done
  ((${#there[@]} == 0)) || rm -f -- "${there[@]}"
}

# What must still follow a change survives a kill: pending/reload, pending/restart%UNIT and the others that
# docs/architecture.md lists. Asked as [[ -e $PENDING/NAME ]].

readonly PENDING=$STATE/pending

mark_pending() { [[ -e $PENDING/$1 ]] || : >"$PENDING/$1"; }

# done_pending NAME...
done_pending() {
  local name
  local -a there=()
  for name in "$@"; do [[ ! -e $PENDING/$name ]] || there+=("$PENDING/$name"); done
  ((${#there[@]} == 0)) || rm -f -- "${there[@]}"
}

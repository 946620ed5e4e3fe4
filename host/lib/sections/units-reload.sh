# A reload of systemd, where one is needed. Its mark is pending/reload, made before the change by mark_reload (pending.sh).
# Reads UNREAD, RELOAD_SURE, SEEN_UNIT; sets ENABLED, ANSWER.

# ENABLED: units whose links this attempt made; systemd keeps what it knew of those that it had loaded.
declare -a ENABLED=()

# reload_if_pending: where systemd has read all by itself it is not told: a reload takes seconds, and what it does to
# containers is docker's to mend (their limits of swap, their GPUs).
reload_if_pending() {
  local said
  [[ -e $PENDING/reload ]] || return 0
  has_read_all
  if [[ -n $ANSWER ]]; then
    UNREAD=() ENABLED=()
    done_pending reload
    return
  fi
  # No job, so that it waits for no unit, at boot neither.
  said=$(systemctl daemon-reload 2>&1) || fail "systemd was not reloaded (systemctl daemon-reload): ${said:-it said nothing}"
  UNREAD=() ENABLED=() RELOAD_SURE=
  done_pending reload
  say "  reloaded systemd"
}

# reload_for_gone_swaps: until a reload swap.target wants the unit of a swap file that is gone, and the start of any unit
# would try it. Another one may take minutes to be made.
reload_for_gone_swaps() {
  gone_entries swapFiles
  ((${#ENTRIES[@]} == 0)) || reload_if_pending
}

# has_read_all: ANSWER is yes where systemd shows every new unit file as part of a unit that it has loaded as it is on the
# disk, and every unit that was enabled as enabled. It reads a unit that is not loaded when it is asked for it.
has_read_all() {
  local path unit
  local -A unit_of=()
  ANSWER=
  [[ -z $RELOAD_SURE && ${#UNREAD[@]} -gt 0 ]] || return 0
  for path in "${UNREAD[@]}"; do
    unit=${path#"$UNIT_FOLDER/"}
    [[ $unit != */*/* && ( $unit != */* || $unit == *.d/*.conf ) ]] || return 0
    unit=${unit%%.d/*}
    # A template, or a drop-in of many units, is no unit that could be asked for.
    [[ $unit == ?*.@(service|slice|swap|timer|socket|mount|target|path) && $unit != *@.* && $unit != *-.* ]] || return 0
    # One that runs was loaded before its file came.
    seen "$unit" ActiveState
    [[ $REPLY != active ]] || return 0
    unit_of[$path]=$unit
  done
  query_units LoadState,NeedDaemonReload,FragmentPath,DropInPaths,UnitFileState "${unit_of[@]}" "${ENABLED[@]}"
  for path in "${UNREAD[@]}"; do
    is_read "$path" "${unit_of[$path]}"
    [[ -n $ANSWER ]] || return 0
  done
  for unit in "${ENABLED[@]}"; do
    seen "$unit" UnitFileState
    is_enabled "$REPLY"
    [[ -n $ANSWER ]] || return 0
  done
}

# is_read PATH UNIT: ANSWER, of a unit that was seen.
is_read() {
  local unit=$2
  ANSWER=
  seen "$unit" LoadState
  [[ $REPLY == loaded ]] || return 0
  seen "$unit" NeedDaemonReload
  [[ $REPLY == no ]] || return 0
  if [[ $1 == *.d/*.conf ]]; then seen "$unit" DropInPaths; else seen "$unit" FragmentPath; fi
  [[ " $REPLY " != *" $1 "* ]] || ANSWER=yes
}

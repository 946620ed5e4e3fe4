# What a look waits for longest is asked first: systemd answers while bash reads what follows.
# Sets what begin_look and ask_units set.

look_ahead() {
  [[ $* == 'status --json' ]] || return 0
  become_root "$@"
  check_host
  begin_look
  [[ -n $BUSY ]] || ask_units
}

look_ahead "$@"

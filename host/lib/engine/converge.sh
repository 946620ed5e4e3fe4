# Convergence: from whatever earlier versions may have left (WAS) to what is wanted (WANT). Every step is idempotent and
# reads the machine, not a log, so that apply, rollback, healing and removal are one function. What cannot be done ends the
# attempt.
# Reads NAME, WAS, WANT, BOOTING (nothing may wait for a unit), ROLLING_BACK.

converge() {
  look
  see_unit_files
  plan_restarts
  plan_readiness
  capture_units
  keep_docker
  give_way
  change_tree
  validate_units
  install_packages
  release_scripts
  copy_backups
  retire_units
  enable_units
  observe_swaps
  change_schedulers
  change_read_ahead
  change_sysctls
  reload_for_gone_swaps
  change_swap_files
  reload_if_pending
  give_back_sysctls
  give_back_schedulers
  give_back_read_ahead
  remove_packages
  change_zram
  reload_if_pending
  return_zram
  return_swaps
  give_back_units
  stop_gone_slices
  set_going
  observe EVERYTHING
  prove_ready
  write_limits
}

# give_way: what must stop while its files are still there.
give_way() {
  # Before their units stop, which would switch swap off whatever it holds.
  give_back_zram
  observe_swaps
  give_back_swap_files
  stop_gone_units
  stop_switched_units
  change_containers
  give_up_networks
  drop_overrides
}

# set_going: what shall run, and what is made by who runs.
set_going() {
  observe EVERYTHING
  mark_strayed
  change_units
  settle_json
  make_networks
}

# change_tree: what lies on the disk. Folders are made before the files in them, and go after them.
change_tree() {
  change_folders
  # Units and swaps may have taken minutes since the look, and somebody may have edited a file meanwhile.
  observe_files EVERYTHING
  change_files
  change_json
  give_back_folders
}

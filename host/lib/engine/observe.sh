# Observation: what the machine says about the resources of a bundle, with few processes. One call of stat, sha256sum,
# dpkg-query and systemctl covers every bundle that is looked at; the rest is read from /proc and /sys.
# Sets what the sections' observe functions say they set.

# observe ARRAY: looks at every resource of the loaded bundle (or of several loaded into one array).
observe() {
  DISK_OF=() PROTECTION=() WEIGHED_BY=
  forget_gpus
  observe_files "$1"
  observe_folders "$1"
  observe_packages "$1"
  if [[ -n $UNITS_ASKED ]]; then hear_units; else observe_units "$1"; fi
  observe_swaps
}

# look: observes the resources of both sides, what was and what shall be.
look() {
  # shellcheck disable=SC2034 # filled and read by its name
  EVERYTHING=()
  add_observed WAS EVERYTHING
  add_observed WANT EVERYTHING
  observe EVERYTHING
}

# Observation: what the machine says about the resources of a bundle, with few processes. One call of stat, sha256sum,
# dpkg-query and systemctl covers every bundle that is looked at; the rest is read from /proc and /sys.
# Sets what the sections' observe functions say they set.

# observe ARRAY: looks at every resource of the loaded bundle (or of several loaded into one array).
observe() {
  observe_files "$1"
  observe_folders "$1"
  observe_packages "$1"
  observe_units "$1"
  observe_swaps
}

# look: observes the resources of both sides, what was and what shall be.
look() {
  local key
  EVERYTHING=()
  for key in "${!WAS[@]}"; do [[ $key == *'|'* ]] || EVERYTHING[$key]=${WAS[$key]}; done
  for key in "${!WANT[@]}"; do
    # What may be installed in a package's place is looked for like the package.
    [[ $key == *'|'* && $key != packages\|*\|unless ]] || EVERYTHING[$key]+=${WANT[$key]}
  done
  observe EVERYTHING
}

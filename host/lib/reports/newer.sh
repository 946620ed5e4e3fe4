# Newer: what a manager of a later version has stored. This one does not know all that it says, so it leaves it alone:
# nothing of it is compared, applied again or called a leak.
# Reads VERSION; sets REPLY, ANSWER.

# needed_manager FOLDER: REPLY is the lowest version that can apply the stored bundle, empty where it says none.
needed_manager() { meta_of "$1" manager; }

# version_above A B: whether A is a later version than B.
version_above() {
  local -a one two
  local -i i
  ANSWER=
  [[ $1 != "$2" ]] || return 0
  IFS=. read -r -a one <<<"$1"
  IFS=. read -r -a two <<<"$2"
  for i in 0 1 2; do
    # What is no number is of no version that there is yet.
    if [[ ! ${one[i]:-0} =~ ^[0-9]{1,9}$ ]]; then
      ANSWER=yes
      return
    fi
    if ((10#${one[i]:-0} == 10#${two[i]:-0})); then continue; fi
    if ((10#${one[i]:-0} > 10#${two[i]:-0})); then ANSWER=yes; fi
    return
  done
}

# needs_newer FOLDER: REPLY is the version that the stored bundle needs, empty where this manager will do.
needs_newer() {
  needed_manager "$1"
  version_above "${REPLY:-0}" "$VERSION"
  [[ -n $ANSWER ]] || REPLY=
}

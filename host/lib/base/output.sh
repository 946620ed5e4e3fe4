# Output: receipts on standard output, errors on standard error. Nothing here may fail when nobody listens.

say() { printf '%s\n' "$*" 2>/dev/null || :; }
warn() { printf 'warning: %s\n' "$*" >&2 2>/dev/null || :; }
error() { printf 'error: %s\n' "$*" >&2 2>/dev/null || :; }

# die STATUS MESSAGE: for usage and preflight errors, before anything has changed.
die() {
  error "${*:2}"
  note_failure "${*:2}"
  exit "$1"
}

# Problems found by preflight are collected, so that the operator sees all of them at once.
declare -a PROBLEMS=()
problem() { PROBLEMS+=("$*"); }

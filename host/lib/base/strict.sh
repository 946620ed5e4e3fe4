# Failure. Strict mode is in force everywhere: a command that fails ends the attempt that it is part of, unless the line
# says what its failure means. Bash suspends that inside conditions, and in all that is called from one, so no function is
# called in a condition: a question answers in ANSWER, a state in REPLY (shellcheck's SC2310 sees to it).
# Sets STATUS, FAILURE (why the last attempt failed).

declare STATUS=0 ANSWER='' FAILURE='' NAME=''
# The depth of subshells at which a failure is told; deeper ones (command substitutions) are told by who asked.
declare -i ATTEMPT_DEPTH=0

# attempt FUNCTION ARGUMENT...: runs it in a subshell of its own, in strict mode; STATUS is how it ended. What it sets is
# lost, what it changes on the machine is not: the machine is what everything here reads.
attempt() {
  trap - ERR
  set +e
  [[ ! -e $FAILURE_FILE ]] || : >"$FAILURE_FILE"
  (
    set -e
    ATTEMPT_DEPTH=$BASH_SUBSHELL
    trap 'command_failed "$?" "$BASH_COMMAND"' ERR
    "$@"
  )
  STATUS=$?
  set -e
  trap 'command_failed "$?" "$BASH_COMMAND"' ERR
  FAILURE=
  ((STATUS == 0)) || read_failure
}

# With a trap for errors bash forks twice for $(command): $(exec command) is one process, where many are asked.

# read_failure: the reason came by a file, because the attempt was a process of its own.
read_failure() {
  [[ ! -e $FAILURE_FILE ]] || IFS= read -r FAILURE <"$FAILURE_FILE" || :
  FAILURE=${FAILURE:-it ended with $STATUS}
}

# fail WHY: ends the attempt, or the run, with 1. What it had begun to write beside its place goes.
fail() {
  # A pipe closed, a folder gone: whatever happens now must not hide why.
  trap - ERR
  set +e
  error "${NAME:+bundle $NAME: }$*"
  note_failure "$*"
  drop_unfinished
  exit "$EXIT_FAILED"
}

# note_failure WHY: for who made the attempt. Nobody did, or the file cannot be written: it has been told to people.
note_failure() {
  ((ATTEMPT_DEPTH == 0)) || { printf '%s\n' "${1//$'\n'/ }" >"$FAILURE_FILE"; } 2>/dev/null || :
}

# command_failed STATUS COMMAND: nobody has foreseen it. The command itself has said why on standard error.
command_failed() {
  ((BASH_SUBSHELL == ATTEMPT_DEPTH)) || return 0
  local command=${2//$'\n'/ }
  ((${#command} <= 200)) || command=${command:0:197}...
  fail "$command ended with $1 (in ${FUNCNAME[1]-main})"
}

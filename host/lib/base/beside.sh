# Commands that run beside this one, for who looks and would wait for one after the other. Sets BESIDE, BESIDE_PID.

# run_beside COMMAND ARGUMENT...: BESIDE is the descriptor of what it prints, BESIDE_PID whom to wait for, who then says how it
# ended.
BESIDE='' BESIDE_PID=''
run_beside() {
  local end
  # A pipe of which nobody has the other end yet; its status would be lost if the command itself stood here.
  exec {BESIDE}< <(: || true)
  exec {end}>"/proc/self/fd/$BESIDE"
  "$@" >&"$end" &
  BESIDE_PID=$!
  exec {end}>&-
}

# Processes: how a run becomes root, where it keeps what it was sent, and how it outlives its connection.
# Sets SPOOL, ANSWER.

# make_spool: a private file for the bundle, outside the disk. Its name says whose it is: other runs leave it alone.
make_spool() {
  [[ -d $RUN ]] || mkdir -p -- "$RUN" || fail "$RUN cannot be made"
  SPOOL=$(umask 077 && mktemp "$RUN/spool.$$.XXXXXXXX") || fail "$RUN cannot be written"
  trap 'rm -f -- "$SPOOL"' EXIT
}

# detached VERB ARGUMENTS...: a lost connection must not kill a change, so it runs as a unit of its own, which has the
# spool from now on. Does not return.
detached() {
  exec systemd-run --quiet --collect --wait --pipe --service-type=exec \
    --unit="ai-resource-manager-$1-$$" --description="ai-resource-manager $1 ${2-}" \
    --property=RuntimeMaxSec=3600 --property=KillMode=process \
    --setenv=AI_RESOURCE_MANAGER_DETACHED=1 --setenv=AI_RESOURCE_MANAGER_SPOOL="$SPOOL" \
    --setenv=AI_RESOURCE_MANAGER_LOCK_WAIT="$LOCK_WAIT_SECONDS" \
    --setenv=AI_RESOURCE_MANAGER_APT_WAIT="$APT_WAIT_SECONDS" \
    bash "$0" "$@" </dev/null
}

inherit_spool() {
  SPOOL=$AI_RESOURCE_MANAGER_SPOOL
  trap 'rm -f -- "$SPOOL"' EXIT
}

# spool_in_use SPOOL: who made it still runs, or the unit that has it.
spool_in_use() {
  local pid=${1##*/spool.} units
  pid=${pid%%.*}
  units=(/sys/fs/cgroup/system.slice/ai-resource-manager-*-"$pid".service)
  ANSWER=
  [[ ! -e /proc/$pid && ${#units[@]} -eq 0 ]] || ANSWER=yes
}

#!/usr/bin/env bash
# Waits until the kernel has killed for memory in a cgroup, or below it, more often than it had.
#
#   until-killed.sh GROUP KILLS SECONDS
#
# Prints the most that memory.swap.current was meanwhile, in bytes, and fails where nothing was killed. Builtins only: a
# process would cost 50 ms, and the looks are 100 ms apart.
group=/sys/fs/cgroup/$1 before=$2 seconds=$3

oom_kills() {
	local key value
	while read -r key value; do [[ $key != oom_kill ]] || KILLS=$value; done <"$group/memory.events"
}

most=0
exec 4<> <(:)
started=$SECONDS
while ((SECONDS - started < seconds)); do
	read -r swap <"$group/memory.swap.current"
	((swap <= most)) || most=$swap
	oom_kills
	if ((KILLS > before)); then
		echo "$most"
		exit 0
	fi
	read -r -t 0.1 -u 4 || :
done
echo "no kill in $seconds s" >&2
exit 1

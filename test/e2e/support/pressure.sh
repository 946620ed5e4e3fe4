#!/usr/bin/env bash
# Asks a workload for memory and watches its cgroup until the kernel has killed in it.
#
#   pressure.sh PORT GROUP MIB SECONDS
#
# Prints "swap BYTES" for each look at memory.swap.current, and at the end "killed" and the seconds it took, or
# "no kill". Builtins only: a process would cost 50 ms, and the looks are 100 ms apart.
port=$1 group=/sys/fs/cgroup/$2 mib=$3 seconds=$4

oom_kills() {
	local key value
	while read -r key value; do [[ $key != oom_kill ]] || KILLS=$value; done <"$group/memory.events.local"
}

oom_kills
before=$KILLS
exec 3<>"/dev/tcp/127.0.0.1/$port" 4<> <(:)
printf 'GET /allocate?mib=%s&child=1 HTTP/1.0\r\n\r\n' "$mib" >&3
started=${EPOCHREALTIME/./}
while ((${EPOCHREALTIME/./} - started < seconds * 1000000)); do
	read -r swap <"$group/memory.swap.current"
	echo "swap $swap"
	oom_kills
	if ((KILLS > before)); then
		echo "killed after $(((${EPOCHREALTIME/./} - started) / 1000)) ms"
		exit 0
	fi
	read -r -t 0.1 -u 4 || :
done
echo "no kill"

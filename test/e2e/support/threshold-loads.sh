#!/usr/bin/env bash
# A real load for each of the monitor's thresholds, and its end. Every load ends by itself.
#
#   threshold-loads.sh start|stop
set -euo pipefail

seconds=900
filler=/var/tmp/filler

start() {
	# With the workloads it is above the threshold, and leaves more than EarlyOOM asks for.
	local total available
	total=$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)
	available=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
	# shellcheck disable=SC2016 # perl's variables
	service load-memory -p MemorySwapMax=0 perl -e 'my $held = "x" x ($ARGV[0] << 20); sleep $ARGV[1]' \
		$((available - total * 5 / 12)) "$seconds"
	# At its limit its pages go to zram and, once that is full, to the swap file.
	service load-swap -p MemoryMax=32M -p MemorySwapMax=infinity -p OOMScoreAdjust=-900 \
		perl /run/pattern.pl 600 /run/load-swap.answer
	local cpu
	for cpu in $(seq "$(nproc)"); do service "load-cpu$cpu" /bin/sh -c 'while :; do :; done'; done
	# df's percentage is of what users can have.
	local used free
	read -r used free < <(df -B1 --output=used,avail /srv/models | tail -n 1)
	fallocate -l $(((used + free) * 95 / 100 - used)) "$filler"
}

stop() {
	systemctl stop 'load-*.service'
	rm -f "$filler"
}

service() {
	local name=$1
	shift
	systemd-run --quiet --collect --unit="$name" -p RuntimeMaxSec="$seconds" "$@"
}

"$1"

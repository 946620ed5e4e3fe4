#!/usr/bin/env bash
# What "the machine is as it was" means: every file of /etc and /usr/local with its content, the tree of /var/lib
# with modes and owners, packages, unit files, active units, swaps, sysctl, IO scheduler. Left out is what package
# managers, container runtimes and systemd itself keep there. With "quick" without the list of unit files, which takes
# systemd two seconds.
# shellcheck disable=SC2016 # dpkg-query and awk have variables of their own
find /etc /var/lib /usr/local /swap* \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/lib/systemd \
	-o -path /var/lib/docker -o -path /var/lib/containerd \) -prune \
	-o -printf 'tree %M %u:%g %l %p\n' 2>/dev/null | sort
find /etc /usr/local -type f -print0 | sort -z | xargs -0 sha256sum | sed 's/^/content /'
dpkg-query -W -f 'package ${Package} ${db:Status-Status}\n'
if [[ ${1-} != quick ]]; then
	systemctl list-unit-files --no-legend --no-pager |
		awk '$2 != "transient" && $2 != "generated" {print "unit-file", $1, $2}' | sort
fi
systemctl list-units --no-legend --plain --no-pager --state=active --type=service,swap,slice,timer,socket |
	awk '$1 !~ /^(run-|ai-resource-manager-|session|user)/ && $1 !~ /^systemd-(hostnamed|timedated|tmpfiles)/ {print "active", $1}' |
	sort
awk 'NR > 1 {print "swap", $1, $2, $3, $5}' /proc/swaps | sort
echo "vm.swappiness $(sysctl -n vm.swappiness)"
echo "scheduler $(sed 's/.*\[\(.*\)\].*/\1/' /sys/block/vda/queue/scheduler)"

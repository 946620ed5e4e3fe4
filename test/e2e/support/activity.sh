#!/usr/bin/env bash
# When each managed file was last changed, when each unit last started, and how often systemd reloaded: the same
# twice means that nothing was touched in between.
find /etc /usr/local /swapfile /var/lib/ai-resource-manager -printf '%T@ %C@ %p\n' 2>/dev/null | sort -k 3
systemctl list-units --no-legend --plain --no-pager --type=service,swap,slice |
	awk '$1 !~ /^(run-|ai-resource-manager-|ai-resource-monitor\.service)/ {print $1}' |
	xargs systemctl show --no-pager -p Id,ActiveEnterTimestampMonotonic,ExecMainPID,NRestarts --
journalctl -q --no-pager _PID=1 -o cat -g '^Reloading' | wc -l

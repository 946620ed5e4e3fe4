#!/usr/bin/env bash
# Runs in the guest: all that a run of the bundle `crash` may have changed, left behind or noted for the next one, in half a
# second. Equal before and after a run: there is nothing that the next one would find otherwise. It is the fingerprint
# without systemd's list of unit files (two seconds, and the links in /etc show what it says), the manager's store with its
# contents, and what systemd has loaded. Left out is what only tells of the past: events, times, and the edits of the
# owner's that were put aside, which crash.sh counts (`edited`).
store=/var/lib/ai-resource-manager
edited=/etc/goblin-crash/keep.conf
bash "${0%/*}/fingerprint.sh" quick | grep -v -e "^content .* $edited\$" -e "^tree .* $store/displaced"
[[ ! -e $edited ]] || sed 's/ at [0-9.]*$//; s/^/edited /' "$edited"
find "$store" \( -path "$store/displaced*" -o -name events.log -o -name deployment -o -name applied -o -name superseded -o -name generation \) -prune \
	-o -type f -print0 2>/dev/null | sort -z | xargs -r0 sha256sum | sed 's/^/store /'
# Which text a link leads to, whatever the number of its version is.
for link in "$store"/{bundles,journal,removing,unconfirmed}/crash*; do
	[[ ! -e $link/digest ]] || printf 'leads %s %s\n' "$link" "$(<"$link/digest")"
done
# Each run has a number of its own in these names.
find /run/ai-resource-manager /run/systemd/transient -name lock -o -printf 'run %M %p\n' |
	sed -E 's/(spool|failure)\.[^ ]*/\1.N/; s/(revert-crash)-[0-9-]+/\1-N/' | sort | uniq -c
systemctl show --no-pager \
	--property=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths,Environment,MemoryMax,TasksMax \
	-- goblin-crash.service goblin-crash-old.service goblin-old-tool.service ollama.service swapfile.swap 'swap\x2downer.img.swap' |
	awk 'BEGIN { RS = ""; FS = "\n" } { $1 = $1; print "unit", $0 }'
grep -H . /sys/fs/cgroup/system.slice/ollama.service/{memory,pids}.max

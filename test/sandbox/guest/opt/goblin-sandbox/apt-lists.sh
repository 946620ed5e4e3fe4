#!/bin/bash
# Runs once, in the new image, while it is built: leaves in apt's lists only what is installed, and what the tests install.
#
#   apt-lists.sh PACKAGE...
#
# Under emulation each apt-get takes 9 s for what Debian has in all, 0.6 s for this, and another 11 s when it finds its index
# out of date. What a release does not have is left out.
set -euo pipefail

wanted=()
for name; do
	if apt-cache show "$name" >/dev/null 2>&1; then wanted+=("$name"); fi
done
names=$(
	dpkg-query --show --showformat '${Package}\n'
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "${wanted[@]}" |
		grep '^[a-z0-9]'
)
export names
cd /var/lib/apt/lists
for list in *_Packages; do
	awk 'BEGIN { RS = ""; ORS = "\n\n"; split(ENVIRON["names"], all, "\n"); for (i in all) wanted[all[i]] = 1 } $2 in wanted' \
		"$list" >new
	cat new >"$list"
	rm new
done

# The image has no file that is newer than the begin of its build: apt would find others than those that it made its index of.
touch --date='1 hour ago' ./*_* /var/lib/dpkg/status
apt-cache gencaches

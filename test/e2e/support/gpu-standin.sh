#!/usr/bin/env bash
# A host with two GPUs, as far as programs can tell without one: device nodes, the driver's table, nvidia-smi, and the hook by
# which NVIDIA's container toolkit gives a container what dockerd was asked for. The nodes' driver is missing, so opening one
# that is allowed says ENXIO, and one that is not EPERM.
set -euo pipefail

for number in 0 1; do mknod -m 0666 "/dev/nvidia$number" c 195 "$number"; done
mknod -m 0666 /dev/nvidiactl c 195 255

# Nobody can make a folder below /proc, so one with the table stands in the place of the one above it.
# standin-table MINOR...: the minors of the cards, in the order of their addresses.
cat >/usr/local/bin/standin-table <<'TEXT'
#!/bin/sh
set -eu
slot=1
for minor in "$@"; do
	folder=/run/standin-driver/nvidia/gpus/0000:0$slot:00.0
	uuid=GPU-$(echo "$slot" | tr 12 ab)
	mkdir -p "$folder"
	printf 'Model: \t\t NVIDIA L4\nGPU UUID: \t %s\nDevice Minor: \t %s\nGPU Excluded:\t No\n' "$uuid" "$minor" >"$folder/information"
	slot=$((slot + 1))
done
mountpoint -q /proc/driver || mount --bind /run/standin-driver /proc/driver
TEXT
chmod 0755 /usr/local/bin/standin-table
# The minors are not in the order in which nvidia-smi counts.
standin-table 1 0

cat >/usr/local/bin/nvidia-smi <<'TEXT'
#!/bin/sh
# The monitor runs it in its container, which mounts this folder.
case "$1" in
--query-gpu=*) file=/etc/ai-resource-monitor/standin-gpus ;;
--query-compute-apps=*) file=/etc/ai-resource-monitor/standin-processes ;;
esac
while cat "$file"; do
	case "$*" in *--loop=*) sleep "${3#--loop=}" ;; *) exit ;; esac
done
TEXT

cat >/usr/local/bin/nvidia-container-runtime-hook <<'TEXT'
#!/bin/bash
# runc calls it before the container's process starts, with the container's state on standard input.
set -euo pipefail
bundle=$(jq -r .bundle)
config=$bundle/config.json
variable() { jq -r --arg name "$1" '.process.env[] | select(startswith($name + "=")) | split("=")[1]' "$config"; }
devices=$(variable NVIDIA_VISIBLE_DEVICES)
capabilities=$(variable NVIDIA_DRIVER_CAPABILITIES)
root=$(jq -r .root.path "$config")
echo "$(jq -r .linux.cgroupsPath "$config") devices=$devices capabilities=$capabilities" >>/run/nvidia-hook.log
case "$capabilities" in *utility*) cp -p /usr/local/bin/nvidia-smi "$root/usr/local/bin/nvidia-smi" ;; esac
TEXT
chmod 0755 /usr/local/bin/nvidia-*

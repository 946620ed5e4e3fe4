#!/usr/bin/env bash
# A host with two GPUs, as far as programs can tell without one: device nodes, nvidia-smi, and the hook by which NVIDIA's
# container toolkit gives a container what dockerd was asked for. The nodes' driver is missing, so opening one that is
# allowed says ENXIO, and one that is not EPERM.
set -euo pipefail

for number in 0 1; do mknod -m 0666 "/dev/nvidia$number" c 195 "$number"; done
mknod -m 0666 /dev/nvidiactl c 195 255

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

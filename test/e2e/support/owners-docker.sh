#!/usr/bin/env bash
# A machine whose owner runs Docker with a configuration of their own, and a container that earns money.
set -e
cat >/etc/docker/daemon.json <<'TEXT'
{
    "data-root": "/var/lib/docker",
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "labels": ["site=attic"],
    "log-opts": { "labels": "team", "max-size": "50m" },
    "max-concurrent-downloads": 2
}
TEXT
chmod 0640 /etc/docker/daemon.json
systemctl start docker.service

# An image of what the guest has: no registry can be reached from here.
root=$(mktemp -d /var/tmp/probe.XXXXXX)
for file in /usr/bin/sleep $(ldd /usr/bin/sleep | grep -o '/lib[^ ]*'); do
	mkdir -p "$root${file%/*}"
	cp -L "$file" "$root$file"
done
tar -c -C "$root" . | docker import - probe >/dev/null
rm -r "$root"
docker run -d --network none --name earner probe /usr/bin/sleep infinity >/dev/null

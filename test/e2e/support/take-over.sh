#!/usr/bin/env bash
# A machine that somebody else looked after before: three swap files in fstab, zram-tools and earlyoom with settings of
# their own, and drop-ins of ollama. Everything stands as it would after a boot.
set -e
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends zram-tools earlyoom

cat >/etc/default/zramswap <<'TEXT'
# tuned by the owner
ALGO=zstd
SIZE=96
PRIORITY=50
TEXT
cat >/etc/default/earlyoom <<'TEXT'
# tuned by the owner
EARLYOOM_ARGS="-m 3 -r 7200"
TEXT

for file in /swapfile:1G /swap.img:256M '/swap 2.img:64M'; do
	fallocate -l "${file#*:}" "${file%:*}"
	chmod 0600 "${file%:*}"
	mkswap "${file%:*}"
done
cat >>/etc/fstab <<'TEXT'
# swap of the owner
/swapfile	none	swap	sw,pri=5	0	0
/swap.img none swap sw 0 0
/swap\0402.img none swap sw,pri=1 0 0
TEXT

mkdir -p /etc/systemd/system/ollama.service.d
printf '# the owner'"'"'s own\n[Service]\nMemoryMax=3G\n' >/etc/systemd/system/ollama.service.d/zz-goblin.conf
chmod 0640 /etc/systemd/system/ollama.service.d/zz-goblin.conf
printf '[Service]\nEnvironment=OLLAMA_KEEP_ALIVE=1h\n' >/etc/systemd/system/ollama.service.d/override.conf

systemctl daemon-reload
systemctl start swapfile.swap swap.img.swap 'swap\x202.img.swap'
systemctl restart zramswap.service earlyoom.service ollama.service

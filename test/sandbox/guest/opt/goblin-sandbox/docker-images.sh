#!/bin/bash
# Runs once, in the new image, while it is built: gives Docker two images made of files that the system has anyway.
#
#   docker-images.sh NODE_IMAGE NODE_VERSION WORKLOAD_IMAGE
#
# Where a dockerd runs it is given them. Else they are laid where dockerd looks for images (moby's overlay2 and image stores, as of Docker 20.10): dockerd cannot
# run here, and under emulation the guest takes 40 s to import the first one and 20 s to receive it over SSH (measured
# on a busy machine). The one thing missing is the record of the archive's headers: `docker save` and `docker push` of
# these two images fail without it; running them and building on them does not need it.
set -euo pipefail

node_image=$1
node_version=$2
workload_image=$3

here=/opt/goblin-sandbox
store=/var/lib/docker
epoch=1970-01-01T00:00:00Z
repositories=''

# An empty root filesystem with the users, folders and shell of a slim image.
new_root() {
	local root=$1
	mkdir -p "$root"/{dev,etc,home,opt,proc,root,run,srv,sys,tmp,usr/bin,usr/sbin,usr/lib,usr/lib64,usr/local/bin,var/tmp}
	chmod 1777 "$root/tmp" "$root/var/tmp"
	chmod 0700 "$root/root"
	local folder
	for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
	printf '%s\n' root:x:0:0:root:/root:/bin/sh node:x:1000:1000::/home/node:/bin/sh \
		nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >"$root/etc/passwd"
	printf '%s\n' root:x:0: node:x:1000: nogroup:x:65534: >"$root/etc/group"
	install -d -o 1000 -g 1000 "$root/home/node"
	cp /etc/os-release "$root/etc/os-release"
	add "$root" /bin/{cat,chmod,chown,cp,date,grep,ln,ls,mkdir,mv,rm,sed,sleep,touch,true,uname} \
		/usr/bin/{env,head,id,stat,tail,test,wc}
	add "$root" /bin/dash
	ln -s dash "$root/usr/bin/sh"
}

# Copies programs, and the libraries that they load.
add() {
	local root=$1 program library
	shift
	for program; do
		cp --dereference "$program" "$root$program"
		ldd "$program" | grep --only-matching '/[^ ]*' | while read -r library; do
			mkdir -p "$root$(dirname "$library")"
			cp --dereference --no-clobber "$library" "$root$library"
		done
	done
}

# new_image ROOT NAME ENV ENTRYPOINT CMD, the last two as JSON: an image of one layer.
new_image() {
	if [[ -S /run/docker.sock ]]; then
		import_image "$@"
	else
		lay_image "$1" "$2" "{\"Env\":[$path,\"$3\"],\"Entrypoint\":$4,\"Cmd\":$5}"
	fi
}

import_image() {
	local -a changes=(--change "ENV $3" --change "CMD $5")
	[[ $4 == null ]] || changes+=(--change "ENTRYPOINT $4")
	tar --create --directory="$1" . | docker import "${changes[@]}" - "$2" >/dev/null
	rm -r "$1"
}

# The root filesystem is moved into the store.
lay_image() {
	local root=$1 name=$2 config=$3
	local layer id cache link
	layer=$(tar --create --sort=name --mtime=@0 --numeric-owner --directory="$root" . | sha256sum | cut -d ' ' -f 1)
	cache=$(printf 'cache %s' "$layer" | sha256sum | cut -d ' ' -f 1)
	link=$(printf '%s' "$cache" | cut -c 1-26 | tr '[:lower:]' '[:upper:]')

	mkdir -p "$store/overlay2/$cache" "$store/overlay2/l"
	local layerdb=$store/image/overlay2/layerdb/sha256/$layer
	mkdir -p "$layerdb"
	printf '%s' "$cache" >"$layerdb/cache-id"
	printf 'sha256:%s' "$layer" >"$layerdb/diff"
	du --summarize --bytes "$root" | cut -f 1 | tr -d '\n' >"$layerdb/size"
	mv "$root" "$store/overlay2/$cache/diff"
	printf '%s' "$link" >"$store/overlay2/$cache/link"
	ln -s "../$cache/diff" "$store/overlay2/l/$link"

	local content=$store/image/overlay2/imagedb/content/sha256
	mkdir -p "$content" "$store/image/overlay2/imagedb/metadata/sha256"
	printf '{"architecture":"amd64","os":"linux","created":"%s","config":%s,"history":[{"created":"%s"}],"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$epoch" "$config" "$epoch" "$layer" >"$content/new"
	id=$(sha256sum "$content/new" | cut -d ' ' -f 1)
	mv "$content/new" "$content/$id"
	repositories+="${repositories:+,}\"${name%:*}\":{\"$name\":\"sha256:$id\"}"
}

path='"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'

new_root "$here/root"
mv "$here/node" /usr/local/bin/node
add "$here/root" /usr/local/bin/node
rm /usr/local/bin/node
new_image "$here/root" "$node_image" "NODE_VERSION=$node_version" null '["node"]'

new_root "$here/root"
add "$here/root" /usr/bin/perl
dpkg --listfiles perl-base | grep '^/usr/lib/' | tar --create --no-recursion --files-from=- 2>/dev/null |
	tar --extract --directory="$here/root"
install -D "$here/workload.pl" "$here/root$here/workload.pl"
new_image "$here/root" "$workload_image" WORKLOAD_LISTEN=0.0.0.0 "[\"$here/workload.pl\"]" '["workload","8080"]'

[[ -n $repositories ]] || exit 0
printf '{"Repositories":{%s}}' "$repositories" >"$store/image/overlay2/repositories.json"
chmod 0710 "$store" "$store/overlay2"
chmod 0700 "$store/image"

# Identity: who a bundle on this host belongs to, "PROJECT/STACK/RESOURCE". A Pulumi program that renames a resource creates
# the new one and then deletes the old one: without an owner the second would take away what the first has just applied.
# Bundles of version 1.0 have none, and whoever applies them next is it.

# stored_owner NAME: REPLY is the owner of what is in force, or is being removed; empty where there is none.
stored_owner() {
  local dir
  REPLY=
  [[ ! -e $STATE/disowned/$1 ]] || return 0
  for dir in "$STATE/bundles/$1" "$STATE/removing/$1"; do
    [[ -r $dir/index ]] || continue
    meta_of "$dir" owner
    return 0
  done
}

# preflight_identity: another's bundle is left alone.
preflight_identity() {
  local mine=${WANT["meta|owner|"]-}
  # What this host takes back by itself, or its operator restores, was here before.
  [[ -z $REVERTING && -z $STORED ]] || return 0
  stored_owner "$NAME"
  [[ -n $REPLY && -n $mine && $REPLY != "$mine" ]] || return 0
  problem "bundle $NAME on this host belongs to \"$REPLY\", and this is \"$mine\". Either keep the old name (a host that was renamed: pulumi config set --path 'goblin-host:hosts.NEWNAME.formerly[0]' OLDNAME; another stack: apply from that one), or take it over: run 'ai-resource-manager disown' on this host, then pulumi up"
}

# is_anothers NAME OWNER: ANSWER is yes, and REPLY whose it is, where the bundle is not OWNER's. No OWNER: whoever asks is
# on the host, or comes from a state of version 1.0.
is_anothers() {
  ANSWER=
  [[ -n $2 ]] || return 0
  stored_owner "$1"
  [[ -z $REPLY || $REPLY == "$2" ]] || ANSWER=yes
}

# disown [NAME]: the next apply of it, or of anything, takes it over.
disown_bundles() {
  local name owner
  local -a chosen=("$@")
  stored_bundles
  # One that is half removed has its owner, too.
  for name in "$STATE"/removing/*; do [[ -L $STATE/bundles/${name##*/} ]] || BUNDLES+=("${name##*/}"); done
  if ((${#chosen[@]} == 0)); then chosen=("${BUNDLES[@]}"); fi
  for name in "${chosen[@]}"; do
    [[ -L $STATE/bundles/$name || -L $STATE/removing/$name ]] || die "$EXIT_USAGE" "no bundle \"$name\" is stored on this host (stored: ${BUNDLES[*]:-none})"
  done
  for name in "${chosen[@]}"; do
    stored_owner "$name"
    owner=$REPLY
    [[ -n $owner ]] || continue
    write_text "$STATE/disowned/$name" 0600 "$owner"$'\n'
    say "$name: does not belong to \"$owner\" any more; whoever applies it next is its owner"
  done
}

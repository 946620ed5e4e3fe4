# The store: every version of a bundle is a folder versions/NAME@GENERATION; the links bundles/NAME,
# journal/NAME@GENERATION, removing/NAME and unconfirmed/NAME say what is in force, being applied, being removed, and
# to be gone back to. One rename of a link is the commit point of apply and of remove.
# Sets NEW_STORE, BUNDLES, REPLY.

readonly -a STORE_FOLDERS=(versions bundles journal removing originals pending displaced unconfirmed reverted disowned)

NEW_STORE=''
init_store() {
  local folder
  local -a missing=()
  [[ -d $STATE/versions ]] || NEW_STORE=1
  # One of an earlier manager lacks the younger ones.
  for folder in "${STORE_FOLDERS[@]}"; do [[ -d $STATE/$folder ]] || missing+=("$STATE/$folder"); done
  ((${#missing[@]} == 0)) || (umask 077 && mkdir -p -- "${missing[@]}") || fail "the store $STATE cannot be made"
}

# stored_bundles: BUNDLES=(names in the order they were first applied).
declare -a BUNDLES=()
stored_bundles() {
  local link name
  local -a listed=() known=()
  [[ ! -r $STATE/order ]] || mapfile -t listed <"$STATE/order"
  for name in "${listed[@]}"; do [[ ! -L $STATE/bundles/$name ]] || known+=("$name"); done
  for link in "$STATE"/bundles/*; do
    name=${link##*/}
    [[ " ${known[*]} " == *" $name "* ]] || known+=("$name")
  done
  BUNDLES=("${known[@]}")
}

remember_order() {
  local text old=''
  stored_bundles
  printf -v text '%s\n' "${BUNDLES[@]}"
  ((${#BUNDLES[@]} > 0)) || text=
  if [[ -e $STATE/order ]]; then
    text_of "$STATE/order"
    old=$REPLY
  fi
  if [[ $old != "$text" || ! -e $STATE/order ]]; then write_text "$STATE/order" 0600 "$text"; fi
}

# current_version NAME: REPLY is the folder of the version in force, or empty.
current_version() {
  REPLY=
  [[ ! -L $STATE/bundles/$1 ]] || REPLY=$STATE/bundles/$1
}

# generation_of FOLDER
generation_of() {
  first_line "$1/generation"
  REPLY=${REPLY:-0}
}

# meta_of FOLDER FIELD: REPLY is what a version says of the bundle itself, which comes first; empty where it does not say.
meta_of() {
  local text key
  local -a lines
  mapfile -t -n 64 lines <"$1/index"
  printf -v text '\n%s' "${lines[@]}"
  printf -v key '\nmeta\x1f%s\x1f\x1f' "$2"
  REPLY=${text#*"$key"}
  if [[ $REPLY == "$text" ]]; then REPLY=; else REPLY=${REPLY%%$'\n'*}; fi
}

# next_generation NAME: one more than any version that is or was being applied.
next_generation() {
  local dir
  local -i generation=0
  for dir in "$STATE/versions/$1"@*; do ((${dir##*@} <= generation)) || generation=${dir##*@}; done
  REPLY=$((generation + 1))
}

# digest_of FILE
digest_of() {
  local sum
  sum=$(exec sha256sum <"$1")
  REPLY=${sum%% *}
}

# stored_digest NAME: REPLY is the digest of the bundle in force, or empty.
stored_digest() { first_line "$STATE/bundles/$1/digest"; }

# unfinished_runs: UNFINISHED=(names of bundles that a run was applying or removing when it ended).
declare -a UNFINISHED=()
unfinished_runs() {
  local link name
  local -A names=()
  for link in "$STATE"/journal/* "$STATE"/removing/*; do
    name=${link##*/}
    names[${name%@*}]=1
  done
  sort_words "${!names[@]}"
  UNFINISHED=("${SORTED[@]}")
}

# forget_journal NAME: no run of it is unfinished any more.
forget_journal() {
  local link
  local -a links=("$STATE/journal/$1"@*)
  [[ ! -L $STATE/removing/$1 ]] || links+=("$STATE/removing/$1")
  ((${#links[@]} == 0)) || rm -f -- "${links[@]}"
  for link in "${links[@]}"; do [[ ! -L $link ]] || fail "$link cannot be removed"; done
}

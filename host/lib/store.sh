# The store: every version of a bundle is a folder versions/NAME@GENERATION; the links bundles/NAME,
# journal/NAME@GENERATION, removing/NAME and unconfirmed/NAME say what is in force, being applied, being removed, and
# to be gone back to.
# One rename of a link is the commit point of apply and of remove.

NEW_STORE=''
init_store() {
  [[ -d $STATE/versions ]] || NEW_STORE=1
  [[ -z $NEW_STORE && -d $STATE/unconfirmed ]] ||
    (umask 077 && mkdir -p "$STATE"/{versions,bundles,journal,removing,originals,pending,displaced,unconfirmed})
}

# stored_bundles: BUNDLES=(names in the order they were first applied).
declare -a BUNDLES=()
stored_bundles() {
  local link
  BUNDLES=()
  [[ -r $STATE/order ]] && mapfile -t BUNDLES <"$STATE/order"
  local -a known=()
  local name
  for name in "${BUNDLES[@]}"; do [[ -L $STATE/bundles/$name ]] && known+=("$name"); done
  for link in "$STATE"/bundles/*; do
    name=${link##*/}
    [[ " ${known[*]} " == *" $name "* ]] || known+=("$name")
  done
  BUNDLES=("${known[@]}")
}

remember_order() {
  stored_bundles
  printf '%s\n' "${BUNDLES[@]}" >"$STATE/order.new" && mv "$STATE/order.new" "$STATE/order"
}

# current_version NAME: REPLY is the folder of the version in force, or empty.
current_version() {
  REPLY=
  [[ ! -L $STATE/bundles/$1 ]] || REPLY=$STATE/bundles/$1
}

# generation_of FOLDER
generation_of() {
  [[ -r $1/generation ]] && read -r REPLY <"$1/generation" || REPLY=0
}

# next_generation NAME: one more than any version that is or was being applied.
next_generation() {
  local dir generation=0
  for dir in "$STATE/versions/$1"@*; do ((${dir##*@} > generation)) && generation=${dir##*@}; done
  REPLY=$((generation + 1))
}

# A loaded bundle is one associative array: "SECTION|ENTRY|FIELD" -> value, and "SECTION" -> its entries,
# one a line. Several versions are loaded side by side: what was, and what shall be.
# load_index ARRAY DIR: adds the version in DIR to ARRAY; the first loaded wins where two differ.
load_index() {
  local -n into=$1
  local dir=$2 section entry field value before=''
  while IFS=$'\x1f' read -r section entry field value; do
    if [[ "$section|$entry" != "$before" ]]; then
      before="$section|$entry"
      [[ $'\n'${into["$section"]-} == *$'\n'"$entry"$'\n'* ]] || into["$section"]+=$entry$'\n'
    fi
    # Whatever version wrote a file, it was this project.
    [[ $field != @(sha256|expandedSha256) ]] || into["$before|known"]+=" $value "
    # The values that any version gave a key of a JSON file are ours.
    [[ $section/$field != json/blob ]] || into["$before|blobs"]+="$dir/blobs/$value "
    if [[ -n $field$value && -z ${into["$before|$field"]+set} ]]; then
      into["$before|$field"]=$value
      [[ $field != blob ]] || into["$before|dir"]=$dir
    fi
  done <"$dir/index"
}

# entries ARRAY SECTION: ENTRIES=(the section's keys).
declare -a ENTRIES=()
entries() {
  local -n of=$1
  ENTRIES=()
  [[ -n ${of[$2]-} ]] || return 0
  mapfile -t ENTRIES <<<"${of[$2]%$'\n'}"
}

# gone_entries SECTION: ENTRIES=(what WAS has and WANT has not).
gone_entries() {
  local entry
  local -a gone=()
  entries WAS "$1"
  for entry in "${ENTRIES[@]}"; do has WANT "$1" "$entry" || gone+=("$entry"); done
  ENTRIES=("${gone[@]}")
}

has() {
  local -n of=$1
  [[ $'\n'${of[$2]-} == *$'\n'"$3"$'\n'* ]]
}

# owner_of SECTION ENTRY EXCEPT: REPLY is another stored bundle that has the same resource.
owner_of() {
  local link key
  printf -v key '\n%s\x1f%s\x1f' "$1" "$2"
  REPLY=
  for link in "$STATE"/bundles/*; do
    [[ ${link##*/} != "$3" ]] || continue
    local text
    IFS= read -r -d '' text <"$link/index" || :
    if [[ $'\n'$text == *"$key"* ]]; then
      REPLY=${link##*/}
      return
    fi
  done
}

# leave_no_trace: at the end of a run, what a refused bundle had staged, and a store that holds nothing.
# shellcheck disable=SC2317 # a trap calls it
leave_no_trace() {
  local -a held=("$STATE"/{bundles,journal,removing,originals,displaced}/*)
  rm -f -- "${SPOOL-}"
  rm -rf -- "$STATE"/versions/.[!.]*
  ((${#held[@]} > 0)) || rm -rf -- "$STATE"
}

# drop_garbage: versions that no link names and that are not kept as the past, half-written ones and spools of runs that were killed.
drop_garbage() {
  local dir
  local -A used=()
  local -a garbage=() links=("$STATE"/{bundles,journal,removing,unconfirmed}/*)
  if ((${#links[@]} > 0)); then
    while IFS= read -r dir; do used[${dir##*/}]=1; done < <(readlink -- "${links[@]}")
  fi
  kept_versions
  for dir in "$STATE"/versions/*; do [[ -n ${used[${dir##*/}]-}${KEPT[${dir##*/}]-} ]] || garbage+=("$dir"); done
  garbage+=("$STATE"/versions/.[!.]*)
  for dir in "$RUN"/spool.*; do spool_in_use "$dir" || garbage+=("$dir"); done
  ((${#garbage[@]} == 0)) || rm -rf -- "${garbage[@]}"
}

# Loaded bundles: one associative array each, several versions side by side: what was (WAS), what shall be (WANT).
#   "has|SECTION|ENTRY"       set where the bundle has the entry
#   "SECTION|ENTRY|FIELD"     the value
#   "SECTION"                 its entries, one a line
#   "files|PATH|known"        checksums that any version gave the file; "json|PATH|blobs" the same for JSON
#   "limits|UNIT|properties"  those that are declared for it
# Sets ENTRIES, REPLY.

declare -A WAS=() WANT=() EVERYTHING=()

# load_index ARRAY DIR: adds the version in DIR to ARRAY; the first loaded wins where two differ.
load_index() {
  local -n into=$1
  local dir=$2 section entry field value key=''
  # Some hundred lines at each look: few commands for each.
  while IFS=$'\x1f' read -r section entry field value; do
    if [[ "$section|$entry" != "$key" ]]; then
      key="$section|$entry"
      [[ -n ${into["has|$key"]-} ]] || into["$section"]+=$entry$'\n'
      into["has|$key"]=1
    fi
    [[ -n $field$value ]] || continue
    case $section/$field in
      # Whatever version wrote a file, it was this project.
      */sha256 | */expandedSha256) into["$key|known"]+=" $value " ;;
      # The values that any version gave a key of a JSON file are ours.
      json/blob) into["$key|blobs"]+="$dir/blobs/$value " ;;&
      */blob) [[ -n ${into["$key|blob"]+set} ]] || into["$key|dir"]=$dir ;;
      limits/?*) [[ -n ${into["$key|$field"]+set} ]] || into["$key|properties"]+="$field " ;;
    esac
    [[ -n ${into["$key|$field"]+set} ]] || into["$key|$field"]=$value
  done <"$dir/index"
}

# add_observed FROM OBSERVED: adds what observe and await_units ask about. What several have is there as often.
add_observed() {
  local -n from=$1
  local -n observed=$2
  local section entry
  for section in files json folders packages units limits replaces ready zram networks; do
    [[ -z ${from[$section]-} ]] || observed["$section"]+=${from["$section"]}
  done
  entries "$1" packages
  # What may be installed in a package's place is looked for like the package.
  for entry in "${ENTRIES[@]}"; do observed["packages|$entry|unless"]=${from["packages|$entry|unless"]-}; done
  entries "$1" units
  for entry in "${ENTRIES[@]}"; do observed["units|$entry|active"]=${from["units|$entry|active"]-}; done
  entries "$1" ready
  for entry in "${ENTRIES[@]}"; do observed["ready|$entry|start"]=${from["ready|$entry|start"]-}; done
}

# load_was NAME: everything that earlier versions, in force or interrupted, may have left.
load_was() {
  local link
  WAS=()
  current_version "$1"
  [[ -z $REPLY ]] || load_index WAS "$REPLY"
  for link in "$STATE/journal/$1"@* "$STATE/removing/$1"; do
    [[ ! -e $link/index ]] || load_index WAS "$link"
  done
}

# load_want FOLDER: empty for a bundle that shall be gone.
load_want() {
  WANT=()
  [[ -z $1 ]] || load_index WANT "$1"
}

# want_is ARRAY: WANT is another name of it, until want_nothing. A copy would cost as much as loading it again.
want_is() {
  unset WANT
  # shellcheck disable=SC2178 # it names an array
  declare -gn WANT=$1
}

want_nothing() {
  unset -n WANT
  declare -gA WANT=()
}

# entries ARRAY SECTION: ENTRIES=(the section's keys).
declare -a ENTRIES=()
entries() {
  local -n of=$1
  ENTRIES=()
  [[ -z ${of[$2]-} ]] || mapfile -t ENTRIES <<<"${of[$2]%$'\n'}"
}

# gone_entries SECTION: ENTRIES=(what WAS has and WANT has not).
gone_entries() {
  local entry
  local -a gone=()
  entries WAS "$1"
  for entry in "${ENTRIES[@]}"; do [[ -n ${WANT["has|$1|$entry"]-} ]] || gone+=("$entry"); done
  ENTRIES=("${gone[@]}")
}

# owner_of SECTION ENTRY EXCEPT: REPLY is another stored bundle that has the same resource.
owner_of() {
  local link key found=''
  printf -v key '\n%s\x1f%s\x1f' "$1" "$2"
  for link in "$STATE"/bundles/*; do
    [[ ${link##*/} != "$3" ]] || continue
    text_of "$link/index"
    if [[ $'\n'$REPLY == *"$key"* ]]; then
      found=${link##*/}
      break
    fi
  done
  REPLY=$found
}

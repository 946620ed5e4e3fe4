# Files: what stands at the path of each file of the bundle, compared with what belongs there.
# Reads WANT, WAS, NAME; sets SEEN_FILE ("kind mode uid:gid"), SEEN_SIZE, SEEN_SHA, ANSWER, REPLY.

declare -A SEEN_FILE=() SEEN_SIZE=() SEEN_SHA=()

# Where systemd looks for the host's own units.
readonly UNIT_FOLDER=/etc/systemd/system

# observe_files ARRAY: one stat and one sha256sum for all that are there, and for what is merged into somebody else's.
observe_files() {
  local path text kind mode owner size
  local -a there=() regular=()
  local -i i=0
  SEEN_FILE=() SEEN_SIZE=() SEEN_SHA=()
  entries "$1" files
  for path in "${ENTRIES[@]}"; do [[ ! -e $path && ! -L $path ]] || there+=("$path"); done
  entries "$1" json
  for path in "${ENTRIES[@]}"; do [[ ! -e $path && ! -L $path ]] || there+=("$path"); done
  ((${#there[@]} > 0)) || return 0
  text=$(exec stat -c $'%F\t%a\t%u:%g\t%s' -- "${there[@]}")
  while IFS=$'\t' read -r kind mode owner size; do
    path=${there[i]}
    i+=1
    SEEN_FILE[$path]="${kind// /-} $mode $owner"
    SEEN_SIZE[$path]=$size
    [[ $kind != regular* ]] || regular+=("$path")
  done <<<"$text"
  ((${#regular[@]} > 0)) || return 0
  text=$(exec sha256sum -- "${regular[@]}")
  i=0
  while read -r text _; do
    # A backslash says that the name behind it is escaped.
    SEEN_SHA[${regular[i]}]=${text#\\}
    i+=1
  done <<<"$text"
}

# content_of ARRAY PATH: REPLY is the content that the loaded bundle gives PATH on this machine.
content_of() {
  local -n bundle=$1
  text_of "${bundle["files|$2|dir"]}/blobs/${bundle["files|$2|blob"]}"
  [[ ${bundle["files|$2|expand"]-} != true ]] || expand_tokens "$REPLY"
}

# holds_content ARRAY PATH: whether the file at PATH has the content that the loaded bundle gives it.
holds_content() {
  local -n which=$1
  local wanted
  if [[ ${which["files|$2|expand"]-} == true ]]; then
    content_of "$1" "$2"
    wanted=$REPLY
    text_of "$2"
    # Behind a NUL nothing was read.
    if [[ $REPLY == "$wanted" && ${SEEN_SIZE[$2]-} == "${#wanted}" ]]; then ANSWER=yes; else ANSWER=; fi
  elif [[ -n ${SEEN_SHA[$2]-} && ${SEEN_SHA[$2]} == "${which["files|$2|sha256"]-}" ]]; then
    ANSWER=yes
  else
    ANSWER=
  fi
}

# file_state PATH: REPLY is empty when the file is as wanted, else what is wrong with it.
file_state() {
  local path=$1 kind mode owner digits
  owner=${SEEN_FILE[$1]-}
  kind=${owner%% *} owner=${owner#* }
  mode=${owner%% *} owner=${owner#* }
  if [[ -z $kind ]]; then
    REPLY=missing
    return
  elif [[ $kind != regular* ]]; then
    REPLY="a $kind"
    return
  fi
  holds_content WANT "$path"
  printf -v digits '%04o' "0$mode"
  if [[ -z $ANSWER ]]; then
    REPLY='content differs'
  elif [[ $digits != "${WANT["files|$path|mode"]}" ]]; then
    REPLY="mode $mode"
  elif [[ $owner != "${WANT["files|$path|owner"]-0:0}" ]]; then
    REPLY="owner $owner"
  else
    REPLY=
  fi
}

# was_ours PATH: whether what stands at PATH is what a version of this bundle wrote, or is kept already.
was_ours() {
  ANSWER=
  [[ ${SEEN_FILE[$1]-} == regular* ]] || return 0
  if [[ -n ${SEEN_SHA[$1]-} && ${WAS["files|$1|known"]-} == *" ${SEEN_SHA[$1]} "* ]]; then
    ANSWER=yes
    return
  fi
  # A killed run may have kept the original and written nothing yet, or given it back and forgotten nothing yet.
  original files "$1"
  [[ ${RECORD[0]-} != kept ]] || same_content "$ORIGINAL.data" "$1"
}

# is_ours PATH: whether a file says of itself that this project wrote it.
is_ours() {
  local line
  local -i number
  ANSWER=
  [[ -f $1 && ! -L $1 ]] || return 0
  for number in 1 2 3; do
    # Where the file ends, a line is empty.
    IFS= read -r line || :
    [[ $line != '# Written by goblin-host.'* ]] || ANSWER=yes
  done <"$1"
}

# touches_units PATH: whether systemd must be told of a change.
touches_units() {
  if [[ $1 == "$UNIT_FOLDER"/* || $1 == /etc/systemd/zram-generator.conf || $1 == /etc/fstab ]]; then
    ANSWER=yes
  else
    ANSWER=
  fi
}

find_file_drift() {
  local path
  entries WANT files
  for path in "${ENTRIES[@]}"; do
    file_state "$path"
    [[ -z $REPLY ]] || finding "$path" file 'as applied' "$REPLY" '' "$REPLY"
  done
}

preflight_files() {
  local path kind parent
  entries WANT files
  for path in "${ENTRIES[@]}"; do
    if [[ $path != /* || $path == */../* || $path == */./* || $path == *//* || $path == */ || ${#path} -gt 180 ]]; then
      problem "$path is no plain absolute path"
      continue
    fi
    [[ ${WANT["files|$path|mode"]-} =~ ^[0-7]{4}$ && -n ${WANT["files|$path|blob"]-} ]] || problem "$path has no mode or no content"
    [[ ${WANT["files|$path|owner"]-0:0} =~ ^[0-9]+:[0-9]+$ ]] || problem "$path has an owner that is no UID:GID"
    owner_of files "$path" "$NAME"
    [[ -z $REPLY ]] || problem "$path belongs to the bundle $REPLY"
    [[ -z ${WAS["has|files|$path"]-} ]] || continue
    kind=${SEEN_FILE[$path]-}
    case $kind in
      '' | regular*) ;;
      *) problem "$path is a ${kind%% *}, not a file: move it away, then run this again" ;;
    esac
    parent=${path%/*}
    while [[ -n $parent && ! -e $parent && ! -L $parent ]]; do parent=${parent%/*}; done
    [[ -z $parent || -d $parent ]] || problem "$parent is not a folder, and $path must go below it"
  done
  preflight_originals
}

# Originals: what was there before the first change, kept per resource until the resource is given back.
# A record is one line that ends in TAB "end"; the data it speaks of is written before it, so that a record
# without its end means that nothing had been changed yet.

original_id() {
  REPLY=${2//%/%25}
  REPLY=$STATE/originals/$1%${REPLY//\//%2F}
}

# original SECTION ENTRY: RECORD=(fields); fails if there is none.
declare -a RECORD=()
original() {
  local line=''
  RECORD=()
  original_id "$1" "$2"
  [[ -e $REPLY ]] || return 1
  IFS= read -r line <"$REPLY" || :
  [[ $line == *$'\tend' ]] || return 1
  IFS=$'\t' read -r -a RECORD <<<"${line%$'\tend'}"
}

# record_original SECTION ENTRY FIELD...
record_original() {
  local line=''
  original_id "$1" "$2"
  printf -v line '%s\t' "${@:3}"
  printf '%send\n' "$line" >"$REPLY"
}

forget_original() {
  original_id "$1" "$2"
  rm -rf -- "$REPLY" "$REPLY".{data,copy}
}

# displace PATH: keeps a copy of something that stands where our file belongs (an edited drop-in, a folder).
displace() {
  local stamp name=${1//\//%2F}
  printf -v stamp '%(%Y%m%dT%H%M%S)T' -1
  rm -rf -- "$STATE/displaced/$stamp$name"
  mv -T -- "$1" "$STATE/displaced/$stamp$name" 2>/dev/null ||
    { cp -a -- "$1" "$STATE/displaced/$stamp$name" && rm -rf -- "$1"; }
  say "  kept what stood at $1 as $STATE/displaced/$stamp$name"
  trim_displaced
}

# keep_copy PATH: the same for a file of which only a part is ours and somebody changed that.
keep_copy() {
  local stamp name=${1//\//%2F}
  printf -v stamp '%(%Y%m%dT%H%M%S)T' -1
  rm -rf -- "$STATE/displaced/$stamp$name"
  cp -a -- "$1" "$STATE/displaced/$stamp$name"
  say "  kept $1 as it was edited as $STATE/displaced/$stamp$name"
  trim_displaced
}

trim_displaced() {
  local -a kept=("$STATE"/displaced/*)
  local surplus=$((${#kept[@]} - 50))
  ((surplus <= 0)) || rm -rf -- "${kept[@]:0:surplus}"
}

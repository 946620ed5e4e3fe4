# Staging: a new version lies complete in the store, hidden, before anything else changes.
# Sets REPLY.

# stage NAME SPOOL FOLDER
stage() {
  local name=$1 spool=$2 folder=$3 digest
  remove_path "$folder"
  digest_of "$spool"
  digest=$REPLY
  read_bundle "$spool" "$folder"
  cp -- "$spool" "$folder/bundle.yaml" || fail "the bundle cannot be stored in $STATE"
  digest_of "$folder/bundle.yaml"
  [[ $REPLY == "$digest" ]] || fail "the bundle cannot be stored in $STATE: what was read back differs"
  add_sums "$folder"
  write_new "$folder/digest" "$digest"$'\n'
  write_new "$folder/generation" "${folder##*@}"$'\n'
}

# add_sums FOLDER: the checksum of each file's content joins the index; of one with tokens also that of what it is on
# this machine now, because memory, cores and cards may be others when somebody asks whose the file is.
add_sums() {
  local folder=$1 sums sum blob entry
  local -A LOADED=()
  local -a blobs=("$folder"/blobs/*) lines=()
  ((${#blobs[@]} > 0)) || return 0
  # Blobs have numbers for names.
  sums=$(exec sha256sum -- "${blobs[@]}")
  load_index LOADED "$folder"
  local -A sum_of=()
  while read -r sum blob; do sum_of[${blob##*/}]=$sum; done <<<"$sums"
  entries LOADED files
  for entry in "${ENTRIES[@]}"; do
    blob=${LOADED["files|$entry|blob"]-}
    # What has no content is found by preflight.
    [[ -n $blob ]] || continue
    lines+=("$entry"$'\x1f'"sha256"$'\x1f'"${sum_of[$blob]}")
    [[ ${LOADED["files|$entry|expand"]-} == true ]] || continue
    expanded_sum "$folder/blobs/$blob"
    [[ -z $REPLY ]] || lines+=("$entry"$'\x1f'"expandedSha256"$'\x1f'"$REPLY")
  done
  text_of "$folder/index"
  sum=$REPLY
  for entry in "${lines[@]}"; do sum+=files$'\x1f'$entry$'\n'; done
  write_new "$folder/index" "$sum"
  remember_gpus
}

# expanded_sum FILE: REPLY is the checksum of what the tokens make of it.
expanded_sum() {
  local sum
  text_of "$1"
  expand_tokens "$REPLY"
  sum=$(printf '%s' "$REPLY" | sha256sum)
  REPLY=${sum%% *}
}

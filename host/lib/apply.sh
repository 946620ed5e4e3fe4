# apply: stage, preflight, converge, verify, commit by one rename; on failure back to the version before.

# stage NAME SPOOL: REPLY is the folder of the new version.
stage() {
  local name=$1 spool=$2 generation folder line
  next_generation "$name"
  generation=$REPLY
  folder=$STATE/versions/.$name@$generation
  rm -rf -- "$folder"
  read_bundle "$spool" "$folder"
  cp -- "$spool" "$folder/bundle.yaml"
  (
    cd "$folder/blobs"
    shopt -s nullglob
    files=(*)
    ((${#files[@]} == 0)) || sha256sum -- "${files[@]}"
  ) >"$folder/sums"
  add_sums "$folder"
  REPLY=$folder
}

# add_sums FOLDER: the checksum of each file's content joins the index; of one with tokens also that of what it is on
# this machine now, because memory and cores may be others when somebody asks whose the file is.
add_sums() {
  local folder=$1 sum blob section entry field value
  local -A path_of=() expands=()
  while IFS=$'\x1f' read -r section entry field value; do
    case $section/$field in
      files/blob) path_of[$value]=$entry ;;
      files/expand) expands[$entry]=$value ;;
    esac
  done <"$folder/index"
  while read -r sum blob; do
    entry=${path_of[$blob]-}
    # The content of a JSON file is merged, so that its checksum says nothing.
    [[ -n $entry ]] || continue
    printf 'files\x1f%s\x1fsha256\x1f%s\n' "$entry" "$sum" >>"$folder/index"
    [[ ${expands[$entry]-} == true ]] || continue
    sum=$(expanded_sum "$folder/blobs/$blob" 2>/dev/null) || continue
    printf 'files\x1f%s\x1fexpandedSha256\x1f%s\n' "$entry" "$sum" >>"$folder/index"
  done <"$folder/sums"
  rm -f -- "$folder/sums"
}

# expanded_sum FILE: prints the checksum; a token that only a newer manager knows is found by preflight.
expanded_sum() {
  local content sum
  IFS= read -r -d '' content <"$1" || :
  expand_tokens "$content"
  read -r sum _ < <(printf '%s' "$REPLY" | sha256sum)
  printf '%s' "$sum"
}

digest_of() {
  read -r REPLY _ < <(sha256sum -- "$1")
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

# load_want [FOLDER]
load_want() {
  WANT=()
  [[ -z $1 ]] || load_index WANT "$1"
}

# unchanged NAME DIGEST: the same bundle is in force, nothing was interrupted, and the machine shows all of it. A
# container may be another one than the one that was well.
unchanged() {
  local stored='' link
  current_version "$1"
  [[ -n $REPLY && -r $REPLY/digest ]] || return 1
  read -r stored <"$REPLY/digest"
  [[ $stored == "$2" ]] || return 1
  for link in "$STATE/journal/$1"@*; do return 1; done
  load_want "$REPLY"
  NAME=$1
  ! is_pending reload && verified && containers_well
}

# apply_bundle NAME SPOOL
apply_bundle() {
  local name=$1 spool=$2 folder digest generation
  NAME=$name
  digest_of "$spool"
  digest=$REPLY
  if unchanged "$name" "$digest"; then
    say "$name: unchanged"
    remember_verdicts "$name"
    await_confirmation "$name"
    return 0
  fi
  can_write || return "$EXIT_USAGE"
  local -a drift=("${FINDINGS[@]}")
  stage "$name" "$spool"
  folder=$REPLY
  printf '%s\n' "$digest" >"$folder/digest"
  printf '%s\n' "${folder##*@}" >"$folder/generation"
  load_want "$folder"
  if [[ ${WANT["meta|name|"]-} != "$name" || ${WANT["meta|bundle|"]-} != 1 ]]; then
    rm -rf -- "$folder"
    die "$EXIT_USAGE" "this is format ${WANT["meta|bundle|"]:-unknown} of bundle \"${WANT["meta|name|"]-}\", not format 1 of \"$name\""
  fi
  load_was "$name"
  look
  if ! preflight; then
    rm -rf -- "$folder"
    error "bundle $name was not applied; nothing was changed"
    return "$EXIT_USAGE"
  fi
  if ! expect_confirmation "$name" "$digest"; then
    rm -rf -- "$folder"
    settle_confirmation "$name"
    error "bundle $name was not applied; nothing was changed: the timer of its confirmation cannot be set"
    return "$EXIT_FAILED"
  fi
  say "$name:"
  generation=${folder##*@}
  begin "$folder"
  folder=$STATE/versions/$name@$generation
  load_want "$folder"
  if ((${#drift[@]} > 0)); then report_repairs "${drift[@]}"; fi
  if converge && verified; then
    commit "$name" "$generation"
    record_event applied "$name" "generation $generation"
    record_findings repaired "${drift[@]}"
    remember_deployment "$name"
    remember_verdicts "$name"
    say "$name: applied (generation $generation)"
    await_confirmation "$name"
    warn_overridden
    return 0
  fi
  roll_back "$name" "$REPLY"
}

report_repairs() {
  local line
  for line in "$@"; do
    split_tabs "$line"
    say "  found ${FIELDS[1]} ${FIELDS[2]}: ${FIELDS[6]}"
  done
}

# begin FOLDER: from here on a killed run is an interrupted one, and the next run heals it.
begin() {
  local version=${1##*/.}
  mv -T -- "$1" "$STATE/versions/$version"
  ln -s -- "../versions/$version" "$STATE/journal/$version"
  sync -- "$STATE/versions/$version"/{,blobs/}* "$STATE"/{"versions/$version",versions,journal}
}

commit() {
  local link
  remember_version "$1" "$STATE/versions/$1@$2"
  mv -T -- "$STATE/journal/$1@$2" "$STATE/bundles/$1"
  for link in "$STATE/journal/$1"@*; do rm -f -- "$link"; done
  remember_order
  sync -- "$STATE/bundles" "$STATE/order" "$STATE/bundles/$1/applied" "${UNSYNCED[@]}"
  UNSYNCED=()
  drop_garbage
}

# roll_back NAME WHY: back to the version in force before, or to nothing; always fails.
roll_back() {
  local name=$1 why=$2 link
  error "bundle $name: $why"
  record_event failed "$name" "$why"
  load_was "$name"
  current_version "$name"
  load_want "$REPLY"
  if [[ -n $REPLY ]]; then
    generation_of "$REPLY"
    say "$name: rolling back to generation $REPLY"
  else
    say "$name: rolling back to what was there before"
  fi
  ROLLING_BACK=1
  if converge && verified; then
    for link in "$STATE/journal/$name"@*; do rm -f -- "$link"; done
    settle_confirmation "$name"
    remember_verdicts "$name"
    drop_garbage
    leave_when_last
    error "bundle $name was rolled back; run ai-resource-manager verify to see what is in force"
  else
    error "the rollback is not complete; the next run continues it: $REPLY"
  fi
  return "$EXIT_FAILED"
}

# heal [EXCEPT]: finishes what killed runs left: interrupted removals go on, interrupted applies go back.
heal() {
  local link name
  local -A undone=()
  for link in "$STATE"/removing/*; do
    name=${link##*/}
    say "$name: finishing an interrupted removal"
    finish_removal "$name"
  done
  for link in "$STATE"/journal/*; do
    name=${link##*/}
    undone[${name%@*}]=1
  done
  for name in "${!undone[@]}"; do
    [[ $name != "${1-}" ]] || continue
    NAME=$name
    say "$name: undoing an interrupted apply"
    record_event healed "$name" 'an interrupted apply was undone'
    load_was "$name"
    current_version "$name"
    load_want "$REPLY"
    if ! converge; then
      error "the interrupted apply of $name cannot be undone: $REPLY"
      return "$EXIT_FAILED"
    fi
    for link in "$STATE/journal/$name"@*; do rm -f -- "$link"; done
    settle_confirmation "$name"
  done
  drop_garbage
}

warn_overridden() {
  local key
  entries WANT sysctls
  for key in "${ENTRIES[@]}"; do
    overriding_sysctl "$key"
    [[ -z $REPLY ]] || warn "$key is $REPLY: it holds now and is lost at the next boot. Remove the line there"
  done
}

# settle_disks: a disk's scheduler and read-ahead come by udev, and the scheduler's module, whenever they come, and slices
# start before that with its default weight. That is how a boot goes and no drift.
settle_disks() {
  local name
  WANT=()
  stored_bundles
  for name in "${BUNDLES[@]}"; do load_index WANT "$STATE/bundles/$name"; done
  observe WANT
  change_schedulers || warn "$REPLY"
  change_read_ahead || warn "$REPLY"
  write_limits
}

# apply_stored [NAME]: repairs from the store, without Pulumi and without the network. One look at everything
# tells which bundles need it: at boot the workloads wait for this.
apply_stored() {
  local name line status=0
  local -A drifted=()
  local -i look
  # At boot a slice or the scheduler's module may come between the settling and the look: only what stays is drift.
  for ((look = 1; look <= 3; look++)); do
    ((look == 1)) || sleep 1
    [[ -z $BOOTING ]] || settle_disks
    examine "$@"
    if [[ -z $BOOTING ]] || ((${#FINDINGS[@]} == 0)); then break; fi
  done
  local -a names=("${EXAMINED[@]}")
  for line in "${FINDINGS[@]}"; do drifted[${line%%$'\t'*}]=1; done
  for name in "${names[@]}"; do
    if [[ -z ${drifted[$name]-} ]] && ! is_pending reload; then
      say "$name: unchanged"
      continue
    fi
    cp -- "$STATE/bundles/$name/bundle.yaml" "$SPOOL"
    apply_bundle "$name" "$SPOOL" || status=$?
  done
  return "$status"
}

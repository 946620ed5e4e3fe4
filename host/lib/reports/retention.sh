# Retention: for how long earlier versions of a bundle are kept. Of each version its folder says since when it is in force
# (`applied`) and when it ended (`superseded`). A repair makes a version with the text of the one before: these are one to
# go back to, and count as one.
# Reads STATE; sets GENERATIONS, KEPT, REPLY; adds to UNSYNCED.

readonly KEEP_VERSIONS=10 KEEP_VERSIONS_DAYS=90

# GENERATIONS[NAME]: of each bundle those that were in force, oldest first. KEPT[VERSION]: past ones that stay.
declare -A GENERATIONS=() KEPT=()

# past_generations: fills GENERATIONS.
past_generations() {
  local dir version word
  local -a words=()
  GENERATIONS=()
  for dir in "$STATE"/versions/*@*; do
    version=${dir##*/}
    # One that was rolled back was never in force.
    [[ -e $dir/applied && ${version##*@} =~ ^[0-9]{1,12}$ ]] || continue
    printf -v word '%s@%012d' "${version%@*}" "$((10#${version##*@}))"
    words+=("$word")
  done
  sort_words "${words[@]}"
  for word in "${SORTED[@]}"; do GENERATIONS[${word%@*}]+="${GENERATIONS[${word%@*}]+ }$((10#${word##*@}))"; done
}

# remember_version NAME FOLDER: before the commit of FOLDER, which replaces the one in force. To be followed by
# make_durable before that.
remember_version() {
  local now applied digest old=''
  printf -v now '%(%s)T' -1
  applied=$now
  folder_in_force "$1"
  old=$REPLY
  if [[ -n $old ]]; then
    first_line "$2/digest"
    digest=$REPLY
    first_line "$old/digest"
    if [[ -n $digest && $REPLY == "$digest" ]]; then
      first_line "$old/applied"
      [[ ! $REPLY =~ ^[0-9]{1,12}$ ]] || applied=$REPLY
    fi
    write_new "$old/superseded" "$now"$'\n'
    UNSYNCED+=("$old/superseded")
  fi
  write_new "$2/applied" "$applied"$'\n'
  UNSYNCED+=("$2/applied")
}

# folder_in_force NAME: REPLY is the folder itself of the version in force, or empty; the link will soon be another's.
folder_in_force() {
  local dir
  REPLY=
  for dir in "$STATE/versions/$1"@*; do
    if [[ $dir -ef $STATE/bundles/$1 ]]; then
      REPLY=$dir
      return
    fi
  done
}

# kept_versions: fills KEPT.
kept_versions() {
  local name
  KEPT=()
  past_generations
  for name in "${!GENERATIONS[@]}"; do keep_past "$name"; done
}

# keep_past NAME: the youngest of its versions that differ, for a while; of equal neighbours the youngest.
keep_past() {
  local dir younger=none oldest
  local -a generations
  local -i i number=0
  printf -v oldest '%(%s)T' -1
  oldest=$((oldest - KEEP_VERSIONS_DAYS * 86400))
  read -r -a generations <<<"${GENERATIONS[$1]}"
  for ((i = ${#generations[@]} - 1; i >= 0; i--)); do
    dir=$STATE/versions/$1@${generations[i]}
    first_line "$dir/digest"
    [[ -z $REPLY || $REPLY != "$younger" ]] || continue
    younger=$REPLY
    # The one in force stays as such, and one that was removed has no past.
    [[ ! $dir -ef $STATE/bundles/$1 && -e $dir/superseded ]] || continue
    first_line "$dir/superseded"
    # What a power cut has left of its time says nothing: it counts as of now.
    if [[ $REPLY =~ ^[0-9]{1,12}$ ]] && ((REPLY < oldest)); then continue; fi
    number+=1
    ((number > KEEP_VERSIONS)) || KEPT[$1@${generations[i]}]=1
  done
}

# forget_versions NAME: a bundle that is removed has no past.
forget_versions() {
  local dir
  local -a ends=()
  for dir in "$STATE/versions/$1"@*; do ends+=("$dir/superseded"); done
  remove_path "${ends[@]}"
}

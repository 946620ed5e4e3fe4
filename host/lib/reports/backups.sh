# Backups: what is kept of the owner's files (originals, edited files) and of earlier versions of each bundle, and
# whether it still is what was kept.
# Reads STATE; sets BACKUPS, SUM_NOW, UNSEEN, FIELDS, REPLY, STATUS.

# BACKUPS: a line each of kind, seconds since 1970, what it is of, where it is kept, and its checksum ('' for what is
# no regular file). SUM_NOW[PATH]: the checksum of what is kept now. UNSEEN: what nobody could look at, and why.
declare -a BACKUPS=() UNSEEN=()
declare -A SUM_NOW=()

# add_backup KIND SECONDS OF PATH SHA256
add_backup() {
  local line
  printf -v line '%s\t' "$@"
  BACKUPS+=("${line%$'\t'}")
}

# unseen WHAT SAID: the last line of what was said is why.
unseen() {
  local why=${2%$'\n'}
  why=${why##*$'\n'}
  UNSEEN+=("$1 could not be looked at: ${why:-no answer}")
}

# list_backups: in the order of their kinds, each by its name.
list_backups() {
  BACKUPS=()
  list_originals
  list_edited
  list_versions
}

list_originals() {
  local data text time of
  local -a kept=()
  local -i i=0
  for data in "$STATE"/originals/{files,json}%*.data; do
    # Without its record nothing had been changed yet.
    [[ ! -e ${data%.data} ]] || kept+=("$data")
  done
  ((${#kept[@]} > 0)) || return 0
  text=$(stat -c %Y -- "${kept[@]%.data}" 2>&1) || {
    unseen "$STATE/originals" "$text"
    return 0
  }
  while read -r time; do
    data=${kept[i]}
    i+=1
    of=${data##*/} of=${of#*%} of=${of%.data}
    of=${of//%2F//}
    first_line "${data%.data}.sha256"
    add_backup original "$time" "${of//%25/%}" "$data" "$REPLY"
  done <<<"$text"
}

# list_edited: the name begins with its time; more than one of a second have a number behind it.
list_edited() {
  local file name stamp sum of
  local -A sums=()
  if [[ -e $STATE/displaced.sums ]]; then
    while read -r sum name; do sums[$name]=$sum; done <"$STATE/displaced.sums"
  fi
  for file in "$STATE"/displaced/*; do
    name=${file##*/} stamp=${name%%\%*} of=${name#"${name%%\%*}"}
    seconds_of "${stamp%%.*}"
    add_backup edited "$REPLY" "${of//%2F//}" "$file" "${sums[$name]-}"
  done
}

# seconds_of STAMP: REPLY is when 20261124T181500 was on this host's clock, 0 for anything else.
seconds_of() {
  local zone
  local -i year month day utc try
  REPLY=0
  [[ $1 =~ ^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})$ ]] || return 0
  year=10#${BASH_REMATCH[1]} month=10#${BASH_REMATCH[2]} day=10#${BASH_REMATCH[3]}
  # Years that begin in March have their odd day at the end.
  if ((month > 2)); then month+=-3; else month+=9 year+=-1; fi
  day=$((year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719469))
  utc=$((day * 86400 + 10#${BASH_REMATCH[4]} * 3600 + 10#${BASH_REMATCH[5]} * 60 + 10#${BASH_REMATCH[6]}))
  REPLY=$utc
  # How far this host's clock is from UTC depends on the day.
  for try in 1 2; do
    printf -v zone '%(%z)T' "$REPLY"
    REPLY=$((utc - ${zone:0:1}1 * (10#${zone:1:2} * 3600 + 10#${zone:3:2} * 60)))
  done
}

list_versions() {
  local name generation digest dir
  past_generations
  sort_words "${!GENERATIONS[@]}"
  for name in "${SORTED[@]}"; do
    for generation in ${GENERATIONS[$name]}; do
      dir=$STATE/versions/$name@$generation
      first_line "$dir/digest"
      digest=$REPLY
      first_line "$dir/applied"
      [[ ! $REPLY =~ ^[0-9]{1,12}$ ]] || add_backup version "$REPLY" "$name@$generation" "$dir/bundle.yaml" "$digest"
    done
  done
}

# check_backups LINE...: fills SUM_NOW; one process for all, unless one of them cannot be read.
check_backups() {
  local line text
  local -a files=()
  local -i i=0
  SUM_NOW=()
  for line in "$@"; do
    split_tabs "$line"
    [[ -z ${FIELDS[4]} || ! -f ${FIELDS[3]} ]] || files+=("${FIELDS[3]}")
  done
  ((${#files[@]} > 0)) || return 0
  if text=$(sha256sum -- "${files[@]}" 2>&1); then
    while read -r text _; do
      # A backslash says that the name behind it is escaped.
      SUM_NOW[${files[i]}]=${text#\\}
      i+=1
    done <<<"$text"
  else
    check_each "${files[@]}"
  fi
}

check_each() {
  local file text
  for file in "$@"; do
    if text=$(sha256sum 2>&1 <"$file"); then SUM_NOW[$file]=${text%% *}; else unseen "$file" "$text"; fi
  done
}

# backup_state: REPLY is empty where the backup in FIELDS is what was kept, else what it is.
backup_state() {
  local path=${FIELDS[3]} recorded=${FIELDS[4]}
  REPLY=damaged
  [[ -e $path || -L $path ]] || return 0
  if [[ -z $recorded || ${SUM_NOW[$path]-} == "$recorded" ]]; then
    REPLY=
  elif [[ -f $path && -z ${SUM_NOW[$path]-} ]]; then
    REPLY=unknown
  fi
}

# print_backups: for people; the exit code says whether all of it is sound.
print_backups() {
  local line when state
  STATUS=0 UNSEEN=()
  list_backups
  check_backups "${BACKUPS[@]}"
  for line in "${UNSEEN[@]}"; do
    warn "$line"
    STATUS=$EXIT_FAILED
  done
  if ((${#BACKUPS[@]} == 0)); then
    [[ $STATUS != 0 ]] || say 'nothing is kept on this host'
    return
  fi
  printf -v line '%-9s %-19s %-8s %s' KIND SINCE STATE OF
  say "$line"
  for line in "${BACKUPS[@]}"; do
    split_tabs "$line"
    backup_state
    state=${REPLY:-sound}
    [[ -z $REPLY ]] || STATUS=$EXIT_FAILED
    printf -v when '%(%F %T)T' "${FIELDS[1]}"
    [[ ${FIELDS[0]} != version || ${FIELDS[3]%/*} -ef $STATE/bundles/${FIELDS[2]%@*} ]] || state+=', past'
    printf -v line '%-9s %-19s %-8s %s' "${FIELDS[0]}" "$when" "$state" "${FIELDS[2]}"
    say "$line"
  done
  say "
restore a file:   ai-resource-manager restore PATH [--at TIME]
restore a bundle: ai-resource-manager restore NAME [--at TIME]   (as it was in force then; default: before the last change)"
}

# Hardening and the service as it is: what our drop-in would hide from it, or close to its writing, is refused by name, with the
# setting that opens it, before the service is restarted into it. At boot nobody asks: a disk may still be missing.
# Reads WANT, NEEDS, NEED_HOW, NEED_WHERE, OURS, UNIT_IS, SHOWN, SHOWN_FROM, WRITABLE, OWN, READ_ONLY, LACKING, HOME_FOLDERS, PATH_KIND,
# REAL_PATH, BOOTING, PENDING; sets JUDGED, BY, CONCERNED, FIXES, ANSWER, REPLY; adds to PROBLEMS.

# What ProtectHome= is about, and PrivateTmp= (systemd.exec(5)).
readonly HOMES=/home:/root:/run/user
readonly TEMPORARY=/tmp:/var/tmp

preflight_hardening() {
  local unit
  local -a units
  [[ -z $BOOTING ]] || return 0
  entries WANT hardening
  units=("${ENTRIES[@]}")
  for unit in "${units[@]}"; do
    stays_as_it_runs "$unit"
    [[ -z $ANSWER ]] || continue
    forget_unknown
    read_service "$unit"
    [[ -z $ANSWER ]] || preflight_service "$unit"
  done
}

# stays_as_it_runs UNIT: ANSWER, whether its process has the hardening that it is to have, and this run need not start another.
# What drifted beside that is repaired, whatever the owner's files say by now.
stays_as_it_runs() {
  local path mark
  seen "$1" ActiveState
  is_running "$REPLY"
  [[ -n $ANSWER ]] || return 0
  ANSWER=
  for mark in start restart restarting; do [[ ! -e $PENDING/$mark%$1 ]] || return 0; done
  for path in "$UNIT_FOLDER/$1" "$UNIT_FOLDER/$1.d/$EXEC_DROP_IN"; do
    [[ -n ${WANT["has|files|$path"]-} ]] || continue
    file_state "$path"
    ANSWER=
    [[ -z $REPLY ]] || return 0
  done
  ANSWER=yes
}

# has_edited_files UNIT: ANSWER, whether somebody has edited a file of ours of it, which is written anew.
has_edited_files() {
  local path
  entries WAS files
  for path in "${ENTRIES[@]}"; do
    [[ $path == "$UNIT_FOLDER/$1".d/*.conf ]] || continue
    was_ours "$path"
    if [[ -z $ANSWER ]]; then
      ANSWER=yes
      return
    fi
  done
  ANSWER=
}

# preflight_service UNIT: of the service that was read.
preflight_service() {
  local path
  [[ -n ${OURS[ProtectHome]-}${OURS[ProtectSystem]-}${OURS[PrivateTmp]-} ]] || return 0
  FIXES=()
  collect_needs
  read_opened
  if [[ -n $NOT_LOOKED_UP ]]; then
    problem "${WANT["hardening|$1|setting"]}: $1 names a path that does not answer within 10 s: a mount hangs. Mend or unmount it (mount; dmesg), then run this again"
    return
  fi
  # systemd reads its files anew, whatever was changed in them, when ours are reloaded.
  has_edited_files "$1"
  if [[ ${UNIT_IS[NeedDaemonReload]-} == yes && ! -e $PENDING/reload && -z $ANSWER ]]; then
    problem "$1: its files were changed since systemd read them, and what it needs is asked of systemd. Run systemctl daemon-reload on the host, then this again"
    return
  fi
  for path in "${NEEDS[@]}"; do
    judge "$path" "${NEED_HOW[$path]}"
    [[ -z $JUDGED ]] || refuse_path "$1" "$path"
  done
}

# judge PATH HOW: JUDGED is hidden, closed or lacking, by the directive BY, of CONCERNED: the path, or what it leads to.
JUDGED='' BY='' CONCERNED=''
judge() {
  local path=$1 real=${REAL_PATH[$1]}
  JUDGED='' CONCERNED=$path
  hidden_by "$path" "$2"
  BY=$REPLY
  if [[ -z $BY && $real != "$path" ]]; then
    # What is bound there is no link any more; a link in it is.
    has_within "$path" "$real" "${SHOWN[@]}"
    if [[ -z $ANSWER ]]; then
      CONCERNED=$real
      hidden_by "$real" "$2"
      BY=$REPLY
    fi
  fi
  if [[ -n $BY ]]; then
    may_exist "$CONCERNED" "$2"
    [[ -z $ANSWER ]] || JUDGED=hidden
  elif [[ $2 == write ]]; then
    CONCERNED=$real
    closed_by "$path" "$real"
    BY=$REPLY
    [[ -z $BY ]] || JUDGED=closed
  fi
  [[ -n $JUDGED ]] || return 0
  within "$path" "${LACKING[@]}"
  [[ -z $ANSWER ]] || JUDGED=lacking
}

# has_within PATH REAL PLACE...: ANSWER, whether the path lies in one of the places, and so does what it leads to.
has_within() {
  local place from
  local is_in=''
  for place in "${@:3}"; do
    within "$1" "$place"
    [[ -n $ANSWER ]] || continue
    from=${SHOWN_FROM[$place]-}
    [[ -z $from ]] || within "$2" "$from"
    is_in+=$ANSWER
  done
  ANSWER=${is_in:+yes}
}

# hidden_by PATH HOW: REPLY is the directive, if one hides it.
hidden_by() {
  local is_shown
  REPLY=
  within "$1" "${SHOWN[@]}"
  is_shown=$ANSWER
  within "$1" "${HOME_FOLDERS[@]}"
  if [[ -n $ANSWER ]]; then
    # What is bound below a folder that cannot be reached is not there either (measured on systemd 252).
    case ${OURS[ProtectHome]-}:$is_shown in
      yes:* | tmpfs:) REPLY=ProtectHome=${OURS[ProtectHome]} ;;
    esac
  elif [[ -z $is_shown && ${OURS[PrivateTmp]-} == yes && $2 == @(program|folder|model) ]]; then
    # What others name there it makes by itself, in its own.
    within "$1" "${TEMPORARY%:*}" "${TEMPORARY#*:}"
    [[ -z $ANSWER ]] || REPLY=PrivateTmp=yes
  fi
}

# may_exist PATH HOW: ANSWER. A text that only looks like a path (a URL's, a folder that is searched if it is there) has nothing
# where it would be.
may_exist() {
  ANSWER=yes
  [[ $2 == read ]] || return 0
  look_up "$1"
  [[ ${PATH_KIND[$1]} != none ]] || ANSWER=
}

# closed_by PATH REAL: REPLY is the directive, if one keeps the service from writing there.
closed_by() {
  REPLY=
  within "$2" /dev /proc /sys "${WRITABLE[@]}"
  [[ -z $ANSWER ]] || return 0
  has_within "$1" "$2" "${OWN[@]}"
  [[ -z $ANSWER ]] || return 0
  within "$1" "${READ_ONLY[@]}"
  [[ -z $ANSWER ]] || return 0
  within "$1" "${TEMPORARY%:*}" "${TEMPORARY#*:}"
  [[ -z $ANSWER || ${OURS[PrivateTmp]-} != yes ]] || return 0
  within "$2" "${HOME_FOLDERS[@]}"
  if [[ ${OURS[ProtectSystem]-} == strict ]]; then
    REPLY=ProtectSystem=strict
  elif [[ -n $ANSWER && -n ${OURS[ProtectHome]-} ]]; then
    REPLY=ProtectHome=${OURS[ProtectHome]}
  fi
}

# Paths in what a unit is told: command lines and variables are text, and so are the paths in them.
# Sets TAILS, TAIL_OPTIONS, READINGS, PATH_KIND, REAL_PATH, NOT_LOOKED_UP, REPLY, ANSWER.

# Where a path may begin within a word, and end.
readonly BEFORE_PATH=$'[ \t\n=:,;"\'(@]' BEHIND_PATH=$'[:,;"\')]'

# No path that people use is longer. A variable may be a text of many times that without a blank, in which each of its paths would
# else be looked up to the end.
readonly LONGEST_PATH=1024

# find_paths TEXT: TAILS=(the text from each absolute path on), TAIL_OPTIONS=(the option that stands before it, if any). A URL's
# path is none; that of a URL without a host (file:///x) is one.
declare -a TAILS=() TAIL_OPTIONS=()
find_paths() {
  local text=$1 before='' slashes taken
  TAILS=() TAIL_OPTIONS=()
  while [[ $text == */* ]]; do
    before+=${text%%/*}
    text=/${text#*/}
    slashes=${text%%[!/]*}
    taken=$slashes
    # shellcheck disable=SC2053 # the right side is a pattern
    if [[ $before == *: && $slashes == // ]]; then
      taken=${text%%[[:space:]]*}
    elif [[ -z $before || ${before: -1} == $BEFORE_PATH ]]; then
      before+=${slashes:1}
      text=${text:${#slashes}-1}
      # An option is short, and to look through all of it for each path would take minutes where there are hundreds.
      if ((${#before} > 200)); then option_before "${before: -200}"; else option_before "$before"; fi
      TAILS+=("${text:0:LONGEST_PATH}") TAIL_OPTIONS+=("$REPLY")
      readings_of "${TAILS[-1]}"
      taken=${READINGS[0]}
    fi
    before+=$taken
    text=${text:${#taken}}
  done
}

# option_before TEXT: REPLY is the option that the text ends in ("... -m ", "... --model="), or nothing. One that may have its
# value in it is none: it is told to people.
option_before() {
  REPLY=${1%"${1##*[![:space:]=]}"}
  REPLY=${REPLY##*[[:space:]]}
  [[ $REPLY =~ ^(--[a-z][a-z0-9-]*|-[a-z]{1,2})$ ]] || REPLY=
}

# readings_of TAIL: READINGS=(what the path at its beginning may be: up to where one may end, the word, and words more).
declare -a READINGS=()
readings_of() {
  local word=${1%%[[:space:]]*} rest longer
  # shellcheck disable=SC2295 # it is a pattern
  READINGS=("${word%%$BEHIND_PATH*}" "$word")
  longer=$word rest=${1:${#word}}
  while ((${#READINGS[@]} < 6)) && [[ -n $rest ]]; do
    word=${rest:1}
    longer+=${rest:0:1}${word%%[[:space:]]*}
    rest=${1:${#longer}}
    READINGS+=("$longer")
  done
}

# path_of_tail TAIL: REPLY is the reading that is there, as it was looked up; where none is, the shortest.
path_of_tail() {
  local reading
  readings_of "$1"
  for reading in "${READINGS[1]}" "${READINGS[@]}"; do
    if [[ ${PATH_KIND[$reading]-none} != none ]]; then
      REPLY=$reading
      return
    fi
  done
  REPLY=${READINGS[0]}
}

# look_up PATH...: PATH_KIND is folder, file or none, REAL_PATH where it leads to through links, of each that was not looked up
# yet. A mount that hangs holds nobody up: NOT_LOOKED_UP says that one does, and it is asked again for the next unit.
declare -A PATH_KIND=() REAL_PATH=()
declare -a UNKNOWN_PATHS=()
NOT_LOOKED_UP=''
look_up() {
  local path
  local -a paths=() answers
  local -i i
  for path in "$@"; do
    [[ -n $path && -z ${PATH_KIND[$path]-} ]] || continue
    PATH_KIND[$path]=none REAL_PATH[$path]=$path
    paths+=("$path")
  done
  ((${#paths[@]} > 0)) || return 0
  # One that ends at its time has not read all of it.
  mapfile -d '' -t answers < <(printf '%s\0' "${paths[@]}" 2>/dev/null | timeout -k 1 10 bash -c "$LOOK_UP" || :)
  if ((${#answers[@]} != 2 * ${#paths[@]})); then
    NOT_LOOKED_UP=yes
    UNKNOWN_PATHS+=("${paths[@]}")
    return
  fi
  for ((i = 0; i < ${#paths[@]}; i++)); do
    PATH_KIND[${paths[i]}]=${answers[2 * i]}
    REAL_PATH[${paths[i]}]=${answers[2 * i + 1]}
  done
}

# forget_unknown: what did not answer for one unit may answer for the next.
forget_unknown() {
  local path
  NOT_LOOKED_UP=''
  for path in "${UNKNOWN_PATHS[@]}"; do unset "PATH_KIND[\$path]"; done
  UNKNOWN_PATHS=()
}

# A process of its own, which can hang. What it looks for may be part of a secret variable, so that it comes on standard input:
# everybody sees a command line. readlink gets of each what is there, in one call.
# shellcheck disable=SC2016 # the inner shell expands them
readonly LOOK_UP='
  mapfile -d "" -t paths
  there=() missing=() kinds=()
  for path in "${paths[@]}"; do
    kind=none
    if [[ -d $path ]]; then kind=folder; elif [[ -e $path ]]; then kind=file; fi
    rest=
    while [[ $path == */* && ! -e $path && ! -L $path ]]; do rest=/${path##*/}$rest path=${path%/*}; done
    kinds+=("$kind") there+=("${path:-/}") missing+=("$rest")
  done
  mapfile -d "" -t real < <(readlink -m -z -- "${there[@]}")
  for i in "${!kinds[@]}"; do
    path=${real[i]%/}${missing[i]}
    printf "%s\0%s\0" "${kinds[i]}" "${path:-/}"
  done'

# within PATH FOLDER...: ANSWER, whether it is one of them, or below.
within() {
  local folder
  ANSWER=
  for folder in "${@:2}"; do
    [[ $1/ != "${folder%/}"/* ]] || ANSWER=yes
  done
}

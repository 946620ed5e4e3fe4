# A service as it is: what systemd says of the unit that its owner, or a vendor's package, has made, without what our own
# drop-ins have added to it, and with what they will. Values of variables stay in here: what is told are paths, and names.
# Reads WAS, WANT, UNIT_FOLDER; sets UNIT_IS, OURS, OURS_BEFORE, COMMANDS, VARIABLES,
# VARIABLE_FROM, ANSWER, REPLY.

readonly AS_IT_IS=LoadState,NeedDaemonReload,FragmentPath,User,DynamicUser,WorkingDirectory,RootDirectory,RootImage,Environment,EnvironmentFiles,ReadWritePaths,BindPaths,BindReadOnlyPaths,RuntimeDirectory,StateDirectory,CacheDirectory,LogsDirectory,ConfigurationDirectory,ExecConditionEx,ExecStartPreEx,ExecStartEx,ExecStartPostEx,ExecReloadEx,ExecStopEx,ExecStopPostEx

# Secrets, and no paths.
readonly CREDENTIALS=/etc/goblin-host/credentials

# UNIT_IS[PROPERTY]: as systemctl prints it; a property that is printed more than once has as many lines.
declare -A UNIT_IS=()

# ask_of_unit UNIT
ask_of_unit() {
  local text line name=''
  UNIT_IS=()
  text=$(systemctl show --no-pager --property="$AS_IT_IS" -- "$1") || systemd_is_silent "$1"
  while IFS= read -r line; do
    # An argument may hold the end of a line, with which it goes on.
    if [[ ,$AS_IT_IS, == *,"${line%%=*}",* && $line == *=* ]]; then
      name=${line%%=*} line=${line#*=}
    fi
    [[ -z $name ]] || UNIT_IS[$name]+=${UNIT_IS[$name]+$'\n'}$line
  done <<<"$text"
}

# read_ours UNIT: OURS[DIRECTIVE]=(a line for each of its values) of our drop-in for what a new process gets, as the bundle has
# it; OURS_BEFORE of all our drop-ins as they lie there, which is what systemd has read.
declare -A OURS=() OURS_BEFORE=() DIRECTIVES=()
read_ours() {
  local name path=$UNIT_FOLDER/$1.d/$EXEC_DROP_IN
  DIRECTIVES=()
  if [[ -n ${WANT["has|files|$path"]-} ]]; then
    content_of WANT "$path"
    add_directives "$REPLY"
  fi
  OURS=()
  for name in "${!DIRECTIVES[@]}"; do OURS[$name]=${DIRECTIVES[$name]}; done
  DIRECTIVES=()
  entries WAS files
  for path in "${ENTRIES[@]}"; do
    [[ $path == "$UNIT_FOLDER/$1".d/*.conf && -f $path && -r $path ]] || continue
    text_of "$path"
    add_directives "$REPLY"
  done
  OURS_BEFORE=()
  for name in "${!DIRECTIVES[@]}"; do OURS_BEFORE[$name]=${DIRECTIVES[$name]}; done
}

# add_directives TEXT: to DIRECTIVES.
add_directives() {
  local line name
  while IFS= read -r line; do
    [[ $line == [A-Z]*=* ]] || continue
    name=${line%%=*}
    DIRECTIVES[$name]+=${DIRECTIVES[$name]+$'\n'}${line#*=}
  done <<<"$1"
}

# read_service UNIT: all of it; ANSWER is empty where there is no such unit yet, where its files are in a root of its own, and
# where systemd knows this project's own unit of a container in its place.
read_service() {
  local unit=$1 file="$UNIT_FOLDER/$1"
  ANSWER=
  [[ -z ${WAS["units|$unit|container"]-} ]] || return 0
  ask_of_unit "$unit"
  if [[ -n ${WANT["has|files|$file"]-} ]]; then
    [[ ${UNIT_IS[FragmentPath]-} == "$file" && -n ${WAS["has|files|$file"]-} ]] || UNIT_IS=()
    read_own_unit "$file"
  else
    [[ ${UNIT_IS[LoadState]-} == loaded && -z ${UNIT_IS[RootDirectory]-}${UNIT_IS[RootImage]-} ]] || return 0
  fi
  read_ours "$unit"
  read_commands
  read_environment
  ANSWER=yes
}

# read_own_unit PATH: what the bundle's own unit file will say.
read_own_unit() {
  local line
  content_of WANT "$1"
  UNIT_IS[User]='' UNIT_IS[DynamicUser]=no
  while IFS= read -r line; do
    case $line in
      ExecStart=*)
        split_quoted "${line#*=}"
        UNIT_IS[ExecStartEx]="{ path=${QUOTED[0]} ; argv[]=${QUOTED[*]} ; flags= ; start_time="
        ;;
      User=* | DynamicUser=*) UNIT_IS[${line%%=*}]=${line#*=} ;;
    esac
  done <<<"$REPLY"
}

# read_commands: COMMANDS=(PROPERTY, program, and the arguments joined by blanks, with tabs between) of those that the hardening
# holds: the prefix + takes all of it away.
declare -a COMMANDS=()
read_commands() {
  local property rest command path
  COMMANDS=()
  for property in Exec{Condition,StartPre,Start,StartPost,Reload,Stop,StopPost}; do
    rest=${UNIT_IS[${property}Ex]-}
    while [[ -n $rest ]]; do
      command=${rest%%$'\n{ path='*}
      rest=${rest:${#command}}
      rest=${rest#$'\n'}
      path=${command#'{ path='}
      path=${path%%' ; argv[]='*}
      command=${command#*' ; argv[]='}
      command=${command%' ; start_time='*}
      [[ ${command##*' ; flags='} != *privileged* ]] || continue
      COMMANDS+=("$property"$'\t'"$path"$'\t'"${command%' ; flags='*}")
    done
  done
}

# read_environment: VARIABLES[NAME] is its value, VARIABLE_FROM[NAME] where it is set. A file's come after (systemd.exec(5)).
# What our drop-in sets in the place of the owner's value is only known again once it is gone.
declare -A VARIABLES=() VARIABLE_FROM=()
read_environment() {
  local value file
  local -a of_owner files=()
  VARIABLES=() VARIABLE_FROM=()
  split_quoted "${UNIT_IS[Environment]-}"
  of_owner=("${QUOTED[@]}")
  [[ -z ${UNIT_IS[EnvironmentFiles]-} ]] || mapfile -t files <<<"${UNIT_IS[EnvironmentFiles]}"
  while IFS= read -r value; do
    split_quoted "${value//%%/%}"
    take_out of_owner "${QUOTED[0]-}"
  done <<<"${OURS_BEFORE[Environment]-}"
  while IFS= read -r value; do take_out files "$value (ignore_errors=no)"; done <<<"${OURS_BEFORE[EnvironmentFile]-}"
  for value in "${of_owner[@]}"; do set_variable "$value" Environment=; done
  while IFS= read -r value; do
    split_quoted "${value//%%/%}"
    set_variable "${QUOTED[0]-}" "the workload's environment"
  done <<<"${OURS[Environment]-}"
  for file in "${files[@]}"; do read_variables "${file% (ignore_errors=*}"; done
  while IFS= read -r file; do read_variables "$file"; done <<<"${OURS[EnvironmentFile]-}"
}

# take_out ARRAY VALUE: once.
take_out() {
  local -n list=$1
  local i
  for i in "${!list[@]}"; do
    [[ ${list[i]} == "$2" ]] || continue
    unset "list[i]"
    return
  done
}

# set_variable NAME=VALUE FROM
set_variable() {
  [[ $1 =~ ^([A-Za-z_][A-Za-z0-9_]*)=(.*)$ ]] || return 0
  VARIABLES[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]} VARIABLE_FROM[${BASH_REMATCH[1]}]=$2
}

# read_variables PATTERN: of the files for EnvironmentFile=.
read_variables() {
  local file line text
  local -a files
  [[ -n $1 ]] || return 0
  # systemd takes a pattern there. A mount that hangs holds nobody up (look_up).
  # shellcheck disable=SC2016 # the inner shell expands it
  mapfile -t files < <(timeout -k 1 10 bash -c 'compgen -G "$1"' bash "$1" || :)
  look_up "${files[@]}"
  [[ -z $NOT_LOOKED_UP ]] || return 0
  for file in "${files[@]}"; do
    [[ $file != "$CREDENTIALS"/* && ${PATH_KIND[$file]} == file && -f $file && -r $file ]] || continue
    text_of "$file"
    text=${REPLY//$'\\\n'/ }
    while IFS= read -r line; do
      [[ $line =~ ^[[:blank:]]*([A-Za-z_][A-Za-z0-9_]*)=[[:blank:]]*(.*)$ ]] || continue
      VARIABLE_FROM[${BASH_REMATCH[1]}]=$file
      line=${BASH_REMATCH[1]} text=${BASH_REMATCH[2]}
      if [[ $text == [\"\']* ]]; then
        split_quoted "$text"
        text=${QUOTED[0]-}
      fi
      VARIABLES[$line]=${text%"${text##*[![:blank:]]}"}
    done <<<"$text"
  done
}

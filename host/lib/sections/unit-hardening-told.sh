# What is told of a path that the hardening keeps from a service: the unit, the path, where it is named, what the hardening does
# to it, and what opens it.
# Reads WANT, JUDGED, BY, CONCERNED, NEED_HOW, NEED_WHERE, LACKING, PATH_KIND, UNIT_IS; sets FIXES, REPLY; adds to PROBLEMS.

# refuse_path UNIT PATH: by the JUDGED of judge.
refuse_path() {
  local unit=$1 path=$2 how=${NEED_HOW[$2]} setting=${WANT["hardening|$1|setting"]} what open leads='it' fix
  what="$setting: $unit needs $path (${NEED_WHERE[$path]})"
  [[ $CONCERNED == "$path" ]] || leads="$CONCERNED, to which that leads,"
  if [[ $JUDGED == lacking ]]; then
    lacking_of "$path"
    open=$REPLY
    fix="Put it there first, or name another"
    if [[ $how == @(write|folder) ]]; then
      make_folder "$open"
      fix="Make it first: $REPLY"
    fi
    problem "$what, and $open, which is to be opened to it, does not exist: systemd opens what is there when it starts the service. $fix"
    return
  fi
  opened_with "$how" "$CONCERNED"
  open=$REPLY
  if [[ $how == write ]]; then
    look_up "$open"
    fix_of "$unit" writable "$open"
    fix="To let it write there: "
    open=$REPLY
    if [[ ${PATH_KIND[$CONCERNED]-none} == none ]]; then
      make_folder "$CONCERNED"
      fix+="$REPLY on the host, and "
    fi
    fix+=$open
  else
    fix_of "$unit" readable "$open"
    fix="To show it, read-only: $REPLY"
  fi
  if [[ $JUDGED == closed ]]; then
    what+=" to write to, and $BY makes $leads read-only"
    fix+=". Where reading is enough, name it in readablePaths instead"
  else
    what+=", and $BY hides $leads from the service"
  fi
  problem "$what. $fix. Or leave ${BY%%=*} out (hardening.except)"
}

# make_folder PATH: REPLY is the command that makes a folder to which the service can write. The user of DynamicUser= is another one
# at each start.
make_folder() {
  if [[ ${UNIT_IS[DynamicUser]-} == yes ]]; then
    REPLY="give the service a user of its own instead of DynamicUser=, and install -d -o USER $1"
  else
    REPLY="install -d -o '${UNIT_IS[User]:-root}' $1"
  fi
}

# lacking_of PATH: REPLY is the folder that is to be opened and is not there.
lacking_of() {
  local folder
  for folder in "${LACKING[@]}"; do
    within "$1" "$folder"
    [[ -z $ANSWER ]] || REPLY=$folder
  done
}

# opened_with HOW PATH: REPLY is what has to be opened. A program needs its libraries: the folder that has its bin, or
# itself; a model in several files is given by its first one (llama.cpp).
opened_with() {
  REPLY=$2
  case $1:$2 in
    program:*/bin/*) REPLY=${2%/bin/*} ;;
    program:/*/*) REPLY=${2%/*} ;;
    write:*) ;;
    *:*-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9].gguf) REPLY=${2%/*} ;;
  esac
}

# fix_of UNIT LIST PATH: REPLY is the command that adds the path to readablePaths or writablePaths (LIST is readable or writable);
# a path that is named twice is added once.
declare -A FIXES=()
fix_of() {
  local setting=${WANT["hardening|$1|setting"]} values=$2Paths number
  if [[ ! $3 =~ ^(/[A-Za-z0-9._+@-]+)+$ ]]; then
    REPLY="move it to a path of letters, digits and . _ + @ -, which $setting.$values can name"
    return
  fi
  if [[ -z ${FIXES["$2|$3"]-} ]]; then
    number=${FIXES[$2]-${WANT["hardening|$1|$2"]}}
    FIXES["$2|$3"]=$number FIXES[$2]=$((number + 1))
  fi
  REPLY="add $3 to $values of $setting"
  # A component outside of this program has settings of its own.
  [[ $setting != *:* ]] || REPLY="pulumi config set --path '$setting.${values}[${FIXES["$2|$3"]}]' $3"
}

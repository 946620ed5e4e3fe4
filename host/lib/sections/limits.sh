# Limits: what systemd has loaded and the kernel enforces.
# Reads WANT, SEEN_UNIT, WEIGHED_BY; sets LIMIT_FILE, LIMITED, ENFORCED, REPLY, ANSWER.

readonly PROCESSES=/proc

# loaded_value UNIT PROPERTY: REPLY is what systemd has loaded, as a bundle declares it.
loaded_value() {
  limit_row "$2"
  canonical "${SEEN_UNIT["$1|$LOADED_AS"]-}"
}

# limit_file UNIT: LIMIT_FILE is the kernel's file of the limit in question, empty where there is none now.
limit_file() {
  LIMIT_FILE=
  if [[ $KERNEL_FILE == /* ]]; then
    REPLY=${SEEN_UNIT["$1|MainPID"]-}
    [[ ${REPLY:-0} == 0 ]] || LIMIT_FILE=$PROCESSES/$REPLY$KERNEL_FILE
  elif [[ $KERNEL_FILE != - ]]; then
    REPLY=${SEEN_UNIT["$1|ControlGroup"]-}
    [[ -z $REPLY ]] || LIMIT_FILE=$CGROUPS$REPLY/$KERNEL_FILE
  fi
}

# enforced_value UNIT DECLARED: ENFORCED is what the kernel enforces now of the limit in question, empty when it cannot be
# read. A unit may end while it is looked at.
enforced_value() {
  local line='' file
  ENFORCED=
  if [[ $SPELLING == slice ]]; then
    enforced_slice "$1"
    return
  fi
  limit_file "$1"
  file=$LIMIT_FILE
  # What the cgroup was given of what it was told.
  [[ $KERNEL_FILE != cpuset.cpus ]] || file+=.effective
  [[ -n $LIMIT_FILE && -r $file ]] || return 0
  case $KERNEL_FILE in
    /status)
      { IFS= read -r -d '' line || :; } 2>/dev/null <"$file" || return 0
      line=$'\n'$line
      [[ $line != *$'\nCpus_allowed_list:'* ]] || read -r ENFORCED <<<"${line#*$'\nCpus_allowed_list:'}"
      ;;
    io.max) enforced_of_disk "$2" "$file" ;;
    *) read -r ENFORCED 2>/dev/null <"$file" || : ;;
  esac
}

# enforced_slice UNIT: the one that its processes are in, whatever systemd would start it in now.
enforced_slice() {
  ENFORCED=${SEEN_UNIT["$1|ControlGroup"]-}
  ENFORCED=${ENFORCED%/*}
  ENFORCED=${ENFORCED##*/}
}

# enforced_of_disk DECLARED FILE: of the disk that holds the declared path; LIMITED_LAYER is the number of the device.
LIMITED_LAYER=''
enforced_of_disk() {
  local line number
  disk_of "${1% *}"
  [[ -n $DISK_LAYERS ]] || return 0
  ENFORCED=max LIMITED_LAYER=${DISK_LAYERS##* }
  # How far systemd follows a device down to its disk depends on its version: the limit is where it has put it.
  while read -r number line; do
    [[ " $DISK_LAYERS " == *" $number "* && " $line" == *" $IO_KEY="* ]] || continue
    line=${line#*"$IO_KEY="}
    [[ ${line%% *} != max ]] || continue
    ENFORCED=${line%% *} LIMITED_LAYER=$number
  done 2>/dev/null <"$2" || :
}

# limits_of UNIT: LIMITED=(the properties that are declared for it).
declare -a LIMITED=()
limits_of() { read -r -a LIMITED <<<"${WANT["limits|$1|properties"]-}"; }

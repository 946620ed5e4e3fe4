# Limits of GPUs: what keeps a workload to its cards. A closed device list is the kernel's (a BPF program of the cgroup, which
# compares numbers); a variable is advice, which a program may ignore.
# Reads WANT, SEEN_UNIT, CARDS_FROM, CARD, DEVICE_AT; sets VERDICT, ENFORCED, REASON, OWN_NODES, ANSWER, REPLY.

# check_gpu_limit UNIT PROPERTY DECLARED: VERDICT, ENFORCED and REASON. It is enforced where the tables of the drivers vouch for
# all of it; any doubt is said.
check_gpu_limit() {
  local unit=$1 vendor=nvidia ids=$3 by=DeviceAllow
  if [[ $2 == VRAM ]]; then
    VERDICT=unsupported REASON='advice: nothing on a host limits VRAM; the monitor alerts'
    return
  fi
  [[ $3 != 'amd '* ]] || vendor=amd ids=${3#amd }
  seen "$unit" ActiveState
  if [[ $REPLY != active ]]; then
    REPLY="$unit is not running"
  elif [[ -z ${WANT["units|$unit|container"]-} ]]; then
    doubt_service "$unit" "$vendor" "$ids"
  elif [[ $vendor == nvidia ]]; then
    by='device nodes given by the NVIDIA runtime'
    doubt_nvidia_container "$ids"
  else
    by='device nodes given by Docker'
    doubt_amd_container "$ids"
  fi
  if [[ -z $REPLY ]]; then
    ENFORCED=$3 REASON=$by
  else
    VERDICT=inert REASON=$REPLY
  fi
}

# doubt_service UNIT VENDOR IDS: REPLY says why its device list does not keep it to these cards; empty where it does.
doubt_service() {
  local alone="advice: CUDA_VISIBLE_DEVICES alone"
  [[ $2 == nvidia ]] || alone='advice: ROCR_VISIBLE_DEVICES alone'
  seen "$1" DevicePolicy
  if [[ $REPLY != @(closed|strict) ]]; then
    REPLY="$alone (hardening without DevicePolicy)"
  elif [[ -e $CONTAINER_MARK ]]; then
    REPLY="$alone (this host is a container itself, in which systemd leaves a device list out that the kernel does not take, and does not say so)"
  elif [[ $3 == *MIG-* ]]; then
    REPLY="$alone (the driver's table does not tell a MIG device's card, so that every GPU of NVIDIA is open to it)"
  else
    doubt_cards "$2" "$3"
    [[ -n $REPLY ]] || doubt_nodes "$1"
    [[ -n $REPLY ]] || doubt_list "$1" "$alone"
  fi
}

# doubt_nvidia_container IDS: the runtime asks the driver for the cards, and gives their nodes at each start. It starts no
# container whose MIG device there is not.
doubt_nvidia_container() {
  local id ids=''
  for id in ${1//,/ }; do [[ $id == MIG-* ]] || ids+=${ids:+,}$id; done
  REPLY=
  [[ -z $ids ]] || doubt_cards nvidia "$ids"
}

# doubt_amd_container IDS: Docker gives the nodes that are named, and every one where a card is named otherwise.
doubt_amd_container() {
  local id
  for id in ${1//,/ }; do
    [[ $id != /* ]] || continue
    card_of amd "$id"
    REPLY="advice: ROCR_VISIBLE_DEVICES alone (all of /dev/dri is open to it: name the render node in gpu.devices"
    CARD=${CARD##* }
    REPLY+="${CARD:+, which is ${CARD%=*}})"
    return
  done
  doubt_cards amd "$1"
  [[ -n $REPLY ]] || doubt_nodes
}

# doubt_cards VENDOR IDS: REPLY says which the driver's table does not have; OWN_NODES=(PATH=MAJOR:MINOR of all that it has).
declare -a OWN_NODES=()
doubt_cards() {
  local vendor=$1 id
  local -a nodes
  OWN_NODES=() REPLY=
  cards_of "$vendor"
  if [[ $CARDS_FROM != table ]]; then
    gpu_table "$vendor"
    REPLY="the driver says nothing of its GPUs now ($REPLY): is it loaded?"
    [[ $CARDS_FROM != memory ]] || REPLY+=' The devices are those of the last time that it did'
    return
  fi
  for id in ${2//,/ }; do
    doubt_card "$vendor" "$id"
    [[ -z $REPLY ]] || return 0
    read -r -a nodes <<<"$CARD"
    OWN_NODES+=("${nodes[@]:2}")
  done
}

# doubt_card VENDOR ID: REPLY says why the table does not say which it is; else CARD.
doubt_card() {
  local uuid
  # AMD's are all told, by those cards that have one.
  ANSWER=
  [[ $1 == amd ]] || hides_uuids "$1"
  card_of "$1" "$2"
  uuid=${CARD#* }
  uuid=${uuid%% *}
  REPLY=
  if [[ $2 == GPU-* && $uuid == *'?' || -z $CARD && $2 == GPU-* && -n $ANSWER ]]; then
    REPLY="the driver does not tell every UUID before the card is used: nvidia-smi -L uses all of them"
  elif [[ -z $CARD ]]; then
    gpus_of_host "$1"
    REPLY="this host has no GPU $2: it has $REPLY"
  fi
}

# doubt_nodes [UNIT]: REPLY says which of OWN_NODES is not there as the table has it. DEVICE_AT has them, and what the unit's
# list names by a path.
doubt_nodes() {
  local node path
  local -a paths=("${OWN_NODES[@]%=*}") listed=()
  if (($# > 0)); then
    seen "$1" DeviceAllow
    while read -r path _; do
      [[ $path != /dev/* || $path == /dev/char/* ]] || paths+=("$path")
    done <<<"$REPLY"
  fi
  see_devices "${paths[@]}"
  REPLY=
  for node in "${OWN_NODES[@]}"; do
    path=${node%=*}
    if [[ -z ${DEVICE_AT[$path]-} ]]; then
      REPLY="$path is not there, without which it is closed to all"
    elif [[ ${DEVICE_AT[$path]} != "${node#*=}" ]]; then
      REPLY="$path is the device ${DEVICE_AT[$path]}, and the driver's table says ${node#*=}"
    else
      continue
    fi
    return
  done
}

# doubt_list UNIT ALONE: REPLY says what of OWN_NODES systemd has not opened to it, or which GPU that is none of them.
doubt_list() {
  local entry device node
  local -A open=() mine=()
  seen "$1" DeviceAllow
  while read -r entry _; do
    case $entry in
      char-*)
        opens_gpus "${entry#char-}"
        if [[ -n $ANSWER ]]; then
          REPLY="$2 ($entry is open to it, and with it the GPUs of others)"
          return
        fi
        ;;
      /dev/char/*) open[${entry#/dev/char/}]=$entry ;;
      /dev/*) [[ -z ${DEVICE_AT[$entry]-} ]] || open[${DEVICE_AT[$entry]}]=$entry ;;
    esac
  done <<<"$REPLY"
  REPLY=
  for node in "${OWN_NODES[@]}"; do
    mine[${node#*=}]=1
    [[ -n ${open[${node#*=}]-} ]] || REPLY="systemd has not opened ${node%=*} (${node#*=}) to it"
  done
  for device in "${!open[@]}"; do
    # 255 is nvidiactl, and 254 nvidia-modeset, which are no card's.
    [[ $device == 195:* && $device != 195:25[45] || $device == 226:* ]] || continue
    [[ -n ${mine[$device]-} ]] || REPLY="$2 (${open[$device]} is open to it, too)"
  done
}

# opens_gpus PATTERN: ANSWER, of DeviceAllow=char-PATTERN. systemd opens every minor of a major whose name is matched, and what
# NVIDIA's driver calls nvidiactl and nvidia-modeset has the major of its cards.
opens_gpus() {
  local name
  ANSWER=
  for name in nvidia nvidia-frontend nvidiactl nvidia-modeset drm 195 226; do
    # shellcheck disable=SC2053 # it is a pattern
    [[ $name != $1 ]] || ANSWER=yes
  done
}

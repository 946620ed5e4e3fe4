# GPUs: the cards of this host, by the tables of their drivers. No card is opened, and no program runs.
# Reads STATE; sets CARDS, CARDS_FROM, REPLY.

# NVIDIA's driver lists its cards by their PCI address: in this order nvidia-smi counts them, as CUDA_DEVICE_ORDER=PCI_BUS_ID
# does. The minor of a card's node is another number, given in the order in which the driver met the cards.
readonly NVIDIA_TABLE=/proc/driver/nvidia/gpus
# amdgpu lists what ROCm computes on, processors among them: in this order rocminfo and ROCR_VISIBLE_DEVICES count the cards.
readonly AMD_TABLE=/sys/class/kfd/kfd/topology/nodes
readonly PCI_DEVICES=/sys/bus/pci/devices

# What the tables said when a bundle that names cards was last staged: at boot a driver may come after the manager, and tell a
# UUID later still.
readonly KNOWN_GPUS=$STATE/gpus

# CARDS_OF[VENDOR], and in GPUS_FROM[VENDOR] where that is from: table, memory or nowhere.
declare -A CARDS_OF=() GPUS_FROM=()

# forget_gpus: the next question is asked of the drivers again.
forget_gpus() { CARDS_OF=() GPUS_FROM=(); }

# cards_of VENDOR: CARDS=(a line each, in the order of their numbers: PCI address; UUID, - where it is not known, with a ? where
# it is that of the last time; and each node of the card as PATH=MAJOR:MINOR), CARDS_FROM.
declare -a CARDS=()
CARDS_FROM=''
cards_of() {
  if [[ -z ${GPUS_FROM[$1]-} ]]; then
    CARDS=() GPUS_FROM[$1]=table CARDS_OF[$1]=''
    if [[ $1 == nvidia ]]; then read_nvidia_table; else read_amd_table; fi
    if ((${#CARDS[@]} == 0)); then GPUS_FROM[$1]=nowhere; fi
    recall_cards "$1"
    ((${#CARDS[@]} == 0)) || printf -v "CARDS_OF[$1]" '%s\n' "${CARDS[@]}"
  fi
  CARDS=() CARDS_FROM=${GPUS_FROM[$1]}
  [[ -z ${CARDS_OF[$1]} ]] || mapfile -t CARDS <<<"${CARDS_OF[$1]%$'\n'}"
}

# gpu_table VENDOR: REPLY is where its driver lists the cards.
gpu_table() {
  if [[ $1 == nvidia ]]; then REPLY=$NVIDIA_TABLE; else REPLY=$AMD_TABLE; fi
}

# read_nvidia_table: a driver may go away meanwhile. A card that is excluded is nobody's.
read_nvidia_table() {
  local folder address line value uuid minor excluded
  for folder in "$NVIDIA_TABLE"/*; do
    address=${folder##*/} uuid=- minor='' excluded=''
    while IFS= read -r line; do
      value=${line##*[[:blank:]]}
      case $line in
        'GPU UUID:'*) uuid=$value ;;
        'Device Minor:'*) minor=$value ;;
        'GPU Excluded:'* | 'GPU Blacklisted:'*) excluded=$value ;;
      esac
    done 2>/dev/null <"$folder/information" || :
    [[ $minor =~ ^[0-9]{1,3}$ && $excluded != Yes ]] || continue
    # The driver learns that of some cards when somebody first uses them, and writes question marks before.
    [[ $uuid == GPU-* && $uuid != *'?'* ]] || uuid=-
    nvidia_render_nodes "$address"
    CARDS+=("$address $uuid /dev/nvidia$minor=195:$minor$REPLY")
  done
}

# nvidia_render_nodes ADDRESS: REPLY is " PATH=MAJOR:MINOR" of the card's render node; empty without nvidia-drm.
nvidia_render_nodes() {
  local node nodes=''
  for node in "$PCI_DEVICES/$1"/drm/renderD*; do
    first_line "$node/dev"
    [[ ! $REPLY =~ ^[0-9]+:[0-9]+$ ]] || nodes+=" /dev/dri/${node##*/}=$REPLY"
  done
  REPLY=$nodes
}

read_amd_table() {
  local key value uuid address
  local -i node
  local -A has
  for ((node = 0; ; node++)); do
    [[ -d $AMD_TABLE/$node ]] || return 0
    has=([simd_count]=0 [drm_render_minor]=0 [unique_id]=0 [location_id]=0 [domain]=0)
    while read -r key value; do
      [[ -z ${has[$key]-} || ! $value =~ ^[0-9]+$ ]] || has[$key]=$value
    done 2>/dev/null <"$AMD_TABLE/$node/properties" || :
    # A processor has none of these, but for one with graphics of its own, which is a card, too.
    [[ ${has[simd_count]} != 0 && ${has[drm_render_minor]} != 0 ]] || continue
    uuid=-
    [[ ${has[unique_id]} == 0 ]] || printf -v uuid 'GPU-%016x' "${has[unique_id]}"
    printf -v address '%04x:%02x:%02x.%x' "${has[domain]}" "$((has[location_id] >> 8 & 255))" \
      "$((has[location_id] >> 3 & 31))" "$((has[location_id] & 7))"
    # Major 226 is DRM's.
    CARDS+=("$address $uuid /dev/dri/renderD${has[drm_render_minor]}=226:${has[drm_render_minor]}")
  done
}

# recall_cards VENDOR: what the driver does not say now, as it was the last time: CARDS where it lists none, and of a card that is
# in the same place its UUID, and its render node where nvidia-drm is not loaded yet.
recall_cards() {
  local vendor address rest
  local -A uuid_at=() nodes_at=()
  local -i i
  [[ -r $KNOWN_GPUS ]] || return 0
  while read -r vendor address rest; do
    [[ $vendor == "$1" ]] || continue
    uuid_at[$address]=${rest%% *} nodes_at[$address]=${rest#* }
    [[ ${GPUS_FROM[$1]} == table ]] || CARDS+=("$address $rest")
  done <"$KNOWN_GPUS"
  if [[ ${GPUS_FROM[$1]} != table ]]; then
    ((${#CARDS[@]} == 0)) || GPUS_FROM[$1]=memory
    return 0
  fi
  for ((i = 0; i < ${#CARDS[@]}; i++)); do
    address=${CARDS[i]%% *} rest=${CARDS[i]#* } REPLY=
    [[ $rest != '- '* || ${uuid_at[$address]:--} == - ]] || rest="${uuid_at[$address]}? ${rest#* }"
    [[ $rest == */dev/dri/* ]] || recall_render_node "${nodes_at[$address]-}"
    CARDS[i]="$address $rest$REPLY"
  done
}

# recall_render_node NODES: REPLY is " PATH=MAJOR:MINOR" of the render node among those that a card had, unless another card has it
# now. It is not there, which the verdict says.
recall_render_node() {
  local node other
  local -a nodes
  REPLY=
  read -r -a nodes <<<"$1"
  for node in "${nodes[@]}"; do
    [[ $node == /dev/dri/* ]] || continue
    other=${node%=*}
    for other in "$PCI_DEVICES"/*/drm/"${other##*/}"; do return 0; done
    REPLY+=" $node"
  done
}

# remember_gpus: where somebody has asked.
remember_gpus() {
  local vendor card text=''
  ((${#GPUS_FROM[@]} > 0)) || return 0
  for vendor in amd nvidia; do
    cards_of "$vendor"
    for card in "${CARDS[@]}"; do text+="$vendor ${card/'? '/ }"$'\n'; done
  done
  REPLY=
  [[ ! -e $KNOWN_GPUS ]] || text_of "$KNOWN_GPUS"
  [[ $REPLY == "$text" ]] || write_text "$KNOWN_GPUS" 0600 "$text"
}

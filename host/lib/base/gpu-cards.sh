# GPUs: one card, by what a bundle calls it, and its nodes.
# Reads CARDS, CARDS_FROM; sets CARD, DEVICE_AT, ANSWER, REPLY.

# No device has this number, and systemd looks for no node of such a path.
readonly NO_DEVICE=/dev/char/0:0

# card_of VENDOR ID: CARD is the card of that number, of the UUID that begins so, or of the node of that path; empty where there
# is none, or two.
CARD=''
card_of() {
  local card uuid found=''
  cards_of "$1"
  CARD=
  if [[ $2 =~ ^[0-9]+$ ]]; then
    CARD=${CARDS[10#$2]-}
    return
  fi
  for card in "${CARDS[@]}"; do
    uuid=${card#* }
    uuid=${uuid%% *}
    [[ $2 == /* && " $card " == *" $2="* || $2 != /* && ${uuid,,} == "${2,,}"* ]] || continue
    found+=${found:+$'\n'}$card
  done
  [[ $found == *$'\n'* ]] || CARD=$found
}

# gpu_device KIND ID: REPLY is the device of the token @{KIND:ID} as systemd takes it, by its number: it would ask a node for
# that, and there may be none yet, or one of another number.
gpu_device() {
  local -a nodes
  card_of "${1%-*}" "$2"
  read -r -a nodes <<<"$CARD"
  nodes=("${nodes[@]:2}")
  # A card of NVIDIA's has its own node first.
  [[ $1 != nvidia-render ]] || nodes=("${nodes[@]:1}")
  REPLY=$NO_DEVICE
  ((${#nodes[@]} == 0)) || REPLY=/dev/char/${nodes[0]#*=}
}

# hides_uuids VENDOR: ANSWER, of its driver.
hides_uuids() {
  local card
  ANSWER=
  cards_of "$1"
  for card in "${CARDS[@]}"; do
    [[ ${card#* } != '- '* ]] || ANSWER=yes
  done
}

# gpus_of_host VENDOR: REPLY is "GPUs 0-1 (...)", with the names that are as good as their numbers.
gpus_of_host() {
  local card uuid text=''
  local -a words
  local -i number=0
  cards_of "$1"
  for card in "${CARDS[@]}"; do
    read -r -a words <<<"$card"
    uuid=${words[1]%'?'}
    uuid=${uuid/#-/}
    text+="${text:+, }$number is ${words[0]}${uuid:+ $uuid}"
    [[ $1 == nvidia ]] || text+=" ${words[2]%=*}"
    number+=1
  done
  case $number in
    0) REPLY='no GPU' ;;
    1) REPLY="GPU 0 ($text)" ;;
    *) REPLY="GPUs 0-$((number - 1)) ($text)" ;;
  esac
}

# see_devices PATH...: DEVICE_AT[PATH] is MAJOR:MINOR of each that is the node of a character device.
declare -A DEVICE_AT=()
see_devices() {
  local kind major minor path text
  DEVICE_AT=()
  (($# > 0)) || return 0
  # Of one that is not there nothing is said.
  text=$(exec stat -L -c $'%F\t%t\t%T\t%n' -- "$@" 2>/dev/null) || :
  while IFS=$'\t' read -r kind major minor path; do
    [[ $kind != 'character special file' ]] || DEVICE_AT[$path]=$((16#$major)):$((16#$minor))
  done <<<"$text"
}

# What on a host decides about swap beside ours: other configuration of zram-generator, the kernel's parameters, zswap, swap of
# the owner's that comes first, and kubelet, which refuses to run with any.
# Reads WANT, SEEN_SWAP, NAME; adds to PROBLEMS.

# In the order of zram-generator.conf(5); a file of a name hides one of that name further down.
declare -a GENERATOR_DROP_INS=(/etc/systemd/zram-generator.conf.d /run/systemd/zram-generator.conf.d
  /usr/local/lib/systemd/zram-generator.conf.d /usr/lib/systemd/zram-generator.conf.d)
readonly ZSWAP=/sys/module/zswap/parameters/enabled
readonly KUBELET_CONFIG=/var/lib/kubelet/config.yaml
readonly KUBELET_ENABLED=/etc/systemd/system/multi-user.target.wants/kubelet.service

# preflight_generator DEVICE...
preflight_generator() {
  local folder file device
  local -A hidden=()
  for folder in "${GENERATOR_DROP_INS[@]}"; do
    for file in "$folder"/*.conf; do
      [[ -z ${hidden[${file##*/}]-} ]] || continue
      hidden[${file##*/}]=1
      for device in "$@"; do
        has_generator_section "$file" "$device"
        [[ -z $ANSWER ]] ||
          problem "$file has a section [$device], which zram-generator takes before the one of /etc/systemd/zram-generator.conf: move that file away, or take the section out of it"
      done
    done
  done
  preflight_generator_parameter
}

# has_generator_section FILE DEVICE: ANSWER
has_generator_section() {
  local line
  ANSWER=
  [[ -f $1 && -r $1 ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    [[ ${line//[[:space:]]/} != "[$2]" ]] || ANSWER=yes
  done <"$1"
}

preflight_generator_parameter() {
  local parameters='' word
  { read -r parameters <"$KERNEL_COMMAND_LINE"; } 2>/dev/null || parameters=
  for word in $parameters; do
    [[ $word =~ ^systemd\.zram=(0|no|off|false)$ ]] || continue
    problem "this kernel was started with $word, with which zram-generator makes no device. Take it out of GRUB_CMDLINE_LINUX in /etc/default/grub, run update-grub and reboot"
  done
}

# warn_of_other_swap: what is on after an apply, and is not what this project can change.
warn_of_other_swap() {
  local device
  entries WANT zram
  ((${#ENTRIES[@]} > 0)) || return 0
  warn_of_zswap
  observe_swaps
  for device in "${ENTRIES[@]}"; do
    [[ -z ${WANT["zram|$device|priority"]-} ]] || warn_of_first_swap "/dev/$device" "${WANT["zram|$device|priority"]}"
  done
}

# warn_of_zswap: pages would be compressed by it, and what it evicts once more by zram.
warn_of_zswap() {
  local enabled=N
  { read -r enabled <"$ZSWAP"; } 2>/dev/null || enabled=N
  [[ $enabled != Y ]] ||
    warn "zswap is on: it holds pages back from zram, in memory of its own. To leave that to zram: echo 0 >$ZSWAP, and zswap.enabled=0 among the kernel's parameters"
}

# warn_of_first_swap PATH PRIORITY: swap that is not ours and fills before it.
warn_of_first_swap() {
  local path priority
  local -a others=("${!SEEN_SWAP[@]}")
  sort_words "${others[@]}"
  for path in "${SORTED[@]}"; do
    [[ $path != "$1" ]] || continue
    read -r _ _ _ priority <<<"${SEEN_SWAP[$path]}"
    ((priority > $2)) || continue
    is_swap_of_ours "$path"
    [[ -n $ANSWER ]] || warn "$path is swap of priority $priority and fills before $1, which has $2. To change that: swapoff $path, or give it a lower priority where it is set (/etc/fstab)"
  done
}

# is_swap_of_ours PATH: ANSWER, of this bundle or another one.
is_swap_of_ours() {
  local section=swapFiles entry=$1
  [[ $1 != /dev/zram* ]] || section=zram entry=${1#/dev/}
  ANSWER=${WANT["has|$section|$entry"]-}
  [[ -z $ANSWER ]] || return 0
  owner_of "$section" "$entry" "$NAME"
  ANSWER=$REPLY
}

# preflight_kubelet: one that is enabled does not start while any swap is on, unless it is told to.
preflight_kubelet() {
  local line
  [[ -e $KUBELET_ENABLED || -L $KUBELET_ENABLED ]] || return 0
  if [[ -f $KUBELET_CONFIG && -r $KUBELET_CONFIG ]]; then
    while IFS= read -r line || [[ -n $line ]]; do
      [[ ! $line =~ ^failSwapOn:[[:space:]]*false ]] || return 0
    done <"$KUBELET_CONFIG"
  fi
  problem "kubelet is enabled here and does not start while swap is on. Let it: failSwapOn: false in $KUBELET_CONFIG, then systemctl restart kubelet; or disable it"
}

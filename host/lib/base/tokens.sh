# Tokens: what a bundle leaves to the host to fill in. See docs/bundle.md.

readonly MEMORY_STEP=$((64 * 1024 * 1024))

# The first with ProtectControlGroups=strict (systemd.exec(5)).
readonly SYSTEMD_WITH_STRICT=257

# expand_tokens TEXT: REPLY has @{memory-less:BYTES:PERCENT}, @{cores-except:LIST}, @{disk-of:PATH}, @{own-cgroup:PATH} and the
# devices of GPUs resolved.
expand_tokens() {
  local text=$1 out='' token
  REPLY=$1
  [[ $text == *'@{'*'}'* ]] || return 0
  read_facts
  while [[ $text == *'@{'*'}'* ]]; do
    out+=${text%%'@{'*}
    text=${text#*'@{'}
    token=${text%%'}'*}
    text=${text#*'}'}
    case $token in
      memory-less:*:*%)
        memory_less "${token#memory-less:}"
        out+=$REPLY
        ;;
      cores-except:*)
        cpus_except "${token#cores-except:}"
        out+=$REPLY
        ;;
      disk-of:/*)
        # A path on no disk of this host is found by preflight; verify calls it drift.
        disk_of "${token#disk-of:}"
        out+=${DISK:-no-disk}
        ;;
      own-cgroup:/*)
        own_cgroup "${token#own-cgroup:}"
        out+=$REPLY
        ;;
      nvidia-device:?* | nvidia-render:?* | amd-render:?*)
        gpu_device "${token%%:*}" "${token#*:}"
        out+=$REPLY
        ;;
      # Of a bundle that an earlier build of this manager stored.
      at) out+=@ ;;
      *) die "$EXIT_USAGE" "the bundle has the token @{$token}, which manager $VERSION does not know" ;;
    esac
  done
  REPLY=$out$text
}

# memory_less BYTES:PERCENT%: REPLY is the host's memory less the larger of the two.
memory_less() {
  local reserve=${1%%:*} percent=${1#*:}
  percent=$((MEMORY_TOTAL * ${percent%\%} / 100))
  ((percent <= reserve)) || reserve=$percent
  # MemTotal differs by some kilobytes from boot to boot, which must not be another limit each time.
  REPLY=$(((MEMORY_TOTAL - reserve) / MEMORY_STEP * MEMORY_STEP))
}

# own_cgroup PATH: REPLY is the value of a service's ProtectControlGroups=, with the lines that must follow it, for which its
# /sys/fs/cgroup is that cgroup of its own, read-only.
own_cgroup() {
  systemd_version
  [[ -n $SYSTEMD_VERSION ]] || fail "systemd does not say its version (systemctl --version: $REPLY)"
  if ((SYSTEMD_VERSION >= SYSTEMD_WITH_STRICT)); then
    REPLY=strict
    return
  fi
  # Since 254 systemd also mounts the service's memory.pressure, by its path in the tree that the bind hides: without the
  # third line the service would not start. An older one warns that it does not know it, and starts after its upgrade.
  REPLY=$'yes\nBindReadOnlyPaths="-/sys/fs/cgroup'"$1"$'":/sys/fs/cgroup\nMemoryPressureWatch=no'
}

# Tokens: what a bundle leaves to the host to fill in. See docs/bundle.md.

readonly MEMORY_STEP=$((64 * 1024 * 1024))

# expand_tokens TEXT: REPLY has @{memory-less:BYTES:PERCENT}, @{cores-except:LIST}, @{disk-of:PATH} and the devices of GPUs
# resolved.
expand_tokens() {
  local text=$1 out='' token reserve percent
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
        reserve=${token#memory-less:}
        percent=${reserve#*:}
        reserve=${reserve%%:*}
        percent=$((MEMORY_TOTAL * ${percent%\%} / 100))
        ((percent <= reserve)) || reserve=$percent
        # MemTotal differs by some kilobytes from boot to boot, which must not be another limit each time.
        out+=$(((MEMORY_TOTAL - reserve) / MEMORY_STEP * MEMORY_STEP))
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
      nvidia-device:?* | nvidia-render:?* | amd-render:?*)
        gpu_device "${token%%:*}" "${token#*:}"
        out+=$REPLY
        ;;
      *) die "$EXIT_USAGE" "the bundle has the token @{$token}, which manager $VERSION does not know" ;;
    esac
  done
  REPLY=$out$text
}

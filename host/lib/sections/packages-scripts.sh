# What the scripts of packages do in this project's run of apt: they start no unit that a bundle to come configures, by a
# policy (invoke-rc.d(8)), which is Debian's own way to say so; and their reloads of systemd wait for a command that needs one.
# Each such script reloads it one to four times, which takes seconds, and hardly any then starts anything.
# Reads WANT, AHEAD, STATE; sets REPLY, ANSWER.

readonly START_POLICY=/usr/sbin/policy-rc.d
# First on the PATH of these scripts; SCRIPTS/reload is there while a reload waits.
readonly SCRIPTS=$STATE/package-scripts

# RELOAD_IS_THEIRS: pending/reload is there for these scripts alone.
declare RELOAD_IS_THEIRS=''

# govern_scripts: before apt installs.
govern_scripts() {
  hold_starts
  defer_reloads
}

# hold_starts: of the units of AHEAD.
hold_starts() {
  local package scripts=''
  for package in "${AHEAD[@]}"; do scripts+=" ${WANT["ahead|$package|units"]-}"; done
  join_words "$scripts"
  [[ -n $REPLY ]] || return 0
  mark_pending policy
  # Scripts of System V's kind ask by the name without .service.
  write_text "$START_POLICY" 0755 "#!/bin/sh
# Written by goblin-host. What is named here starts with its configuration, which comes next.
test -e $PENDING/policy && test \"\$2\" != stop || exit 0
case \" $REPLY \" in *\" \$1 \"* | *\" \$1.service \"*) exit 101 ;; esac
exit 0
"
}

# defer_reloads: of a run that is killed meanwhile the next one reloads.
defer_reloads() {
  local real
  [[ -e $PENDING/reload ]] || RELOAD_IS_THEIRS=yes
  mark_pending reload
  real=$(type -P systemctl)
  write_text "$SCRIPTS/systemctl" 0755 "#!/bin/sh
# Written by goblin-host, for the scripts of packages during one run of apt: a reload waits for a command that needs it.
for word; do
  case \$word in --root | --root=* | --user | --global | -M* | --machine*) exec $real \"\$@\" ;; esac
done
for word; do
  case \$word in
    -*) ;;
    daemon-reload) : >$SCRIPTS/reload && exit 0 || exec $real \"\$@\" ;;
    is-enabled | is-active | is-failed) exec $real \"\$@\" ;;
    *) break ;;
  esac
done
if test -e $SCRIPTS/reload; then $real daemon-reload && rm -f $SCRIPTS/reload; fi
exec $real \"\$@\"
"
}

# release_scripts: also after a run that was killed meanwhile. A policy without its mark has no effect.
release_scripts() {
  if [[ -e $PENDING/policy ]]; then
    is_ours "$START_POLICY"
    [[ -z $ANSWER ]] || remove_path "$START_POLICY"
    beside "$START_POLICY"
    remove_path "$REPLY"
    done_pending policy
  fi
  [[ -d $SCRIPTS ]] || return 0
  if [[ -e $SCRIPTS/reload ]]; then
    mark_reload
  elif [[ -n $RELOAD_IS_THEIRS ]]; then
    done_pending reload
  fi
  RELOAD_IS_THEIRS=
  remove_path "$SCRIPTS"
}

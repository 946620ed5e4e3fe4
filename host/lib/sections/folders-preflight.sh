# Folders: what would make one no place for somebody's data, found before anything changes.
# Reads WANT; adds to PROBLEMS; sets ANSWER, REPLY.

preflight_folders() {
  local path setting
  entries WANT folders
  for path in "${ENTRIES[@]}"; do
    setting=${WANT["folders|$path|setting"]:-$NAME}
    case ${SEEN_FOLDER[$path]-} in
      hung)
        problem "$setting.path: $path does not answer within 10 s: its mount hangs. Mend or unmount it (mount; dmesg), then run this again"
        continue
        ;;
      broken:*)
        folder_kind "$path"
        problem "$setting.path: $path cannot be looked at ($REPLY): mend or unmount its mount (mount; dmesg), then run this again"
        continue
        ;;
    esac
    preflight_folder_place "$path" "$setting"
    preflight_folder_links "$path" "$setting"
    is_mounted "$path"
    [[ -n $ANSWER ]] ||
      problem "$setting.mount: \"required\", but nothing is mounted at $path or above it: it is on the root filesystem. Mount its disk (mount $path; findmnt -T $path). Allowed: required, any. Fix: pulumi config set --path '$setting.mount' any"
    preflight_owner "$setting" "${WANT["folders|$path|owner"]-}"
    owner_of folders "$path" "$NAME"
    [[ -z $REPLY ]] || problem "$path belongs to the bundle $REPLY"
  done
}

# preflight_folder_place PATH SETTING: it is a folder, or can become one.
preflight_folder_place() {
  local kind parent=${1%/*}
  folder_kind "$1"
  kind=$REPLY
  [[ -z $kind || $kind == directory ]] ||
    problem "$2.path: $1 is a ${kind//-/ }, not a folder. Move it away, or choose another folder. Fix: pulumi config set --path '$2.path' FOLDER"
  while [[ -z $kind && -n $parent && ! -e $parent && ! -L $parent ]]; do parent=${parent%/*}; done
  [[ -n $kind || -z $parent || -d $parent ]] || problem "$2.path: $parent is not a folder, and $1 must go below it"
}

# preflight_folder_links PATH SETTING: where a link leads is for whoever may replace it to say, and root gives no folder away
# on their word.
preflight_folder_links() {
  local link=${1%/*} real
  while [[ -n $link ]]; do
    if [[ -L $link ]]; then
      others_write "${link%/*}/"
      if [[ -n $ANSWER ]]; then
        real=$(readlink -m -- "$1")
        problem "$2.path: $link, on the way to $1, is a link that others than root may replace. Allowed: the path that it stands for. Fix: pulumi config set --path '$2.path' $real"
      fi
    fi
    link=${link%/*}
  done
}

# others_write FOLDER...: whether somebody else than root may put something into one of them.
others_write() {
  local facts mode owner
  ANSWER=
  facts=$(exec stat -c '%a %u' -- "$@")
  while read -r mode owner; do
    ((owner == 0 && (8#$mode & 8#022) == 0)) || ANSWER=yes
  done <<<"$facts"
}

# preflight_owner SETTING OWNER
preflight_owner() {
  [[ -n $2 ]] || return 0
  [[ ${2%%:*} =~ ^[0-9]+$ ]] || getent passwd "${2%%:*}" >/dev/null ||
    problem "$1.owner: this host has no user \"${2%%:*}\". Make it first (useradd --system ${2%%:*}), or name another"
  [[ ${2##*:} =~ ^[0-9]+$ ]] || getent group "${2##*:}" >/dev/null ||
    problem "$1.owner: this host has no group \"${2##*:}\". Make it first (groupadd --system ${2##*:}), or name another"
}

# Packages, taken away: what this project brought and nothing else needs. What its owner has made theirs since stays.
# Reads WAS, WANT, NAME, PACKAGE_STATE, PACKAGE_WISH; sets BROUGHT, BEFORE, ASKED, OTHERS, NEEDED, SHARED, UNCLAIMED, REPLY.

# What is to go, what of it had left its configuration here before, and what was asked for by itself.
declare -A BROUGHT=() BEFORE=() ASKED=() OTHERS=()
# What dpkg keeps, because something else needs it.
declare -a NEEDED=()
declare SHARED=' '

# remove_packages: all at once; dpkg itself refuses to remove what another package needs.
remove_packages() {
  local package name link
  local -a gone=() candidates
  BROUGHT=() BEFORE=() ASKED=() OTHERS=() NEEDED=()
  gone_entries packages
  candidates=("${ENTRIES[@]}")
  gone_entries ahead
  candidates+=("${ENTRIES[@]}")
  forget_ahead
  for package in "${candidates[@]}"; do
    [[ -z ${WANT["has|packages|$package"]-}${WANT["has|ahead|$package"]-} ]] || continue
    original packages "$package"
    [[ -z ${RECORD[0]-} ]] || gone+=("$package")
  done
  ((${#gone[@]} > 0)) || return 0
  for link in "$STATE"/bundles/*; do [[ ${link##*/} == "$NAME" ]] || load_index OTHERS "$link"; done
  for package in "${gone[@]}"; do
    # Whoever has it, too, takes it away with its last bundle.
    [[ -z ${OTHERS["has|packages|$package"]-} ]] || continue
    original packages "$package"
    ASKED[$package]=1
    for name in "$package" ${RECORD[1]-}; do BROUGHT[$name]=1; done
    for name in ${RECORD[2]-}; do BEFORE[$name]=1; done
  done
  leave_to_others
  find_shared
  # In an order that is the same each time.
  sort_words "${!BROUGHT[@]}"
  purge_unneeded "${SORTED[@]}"
  hand_over
  for package in "${!ASKED[@]}"; do forget_original packages "$package"; done
}

# leave_to_others: what a bundle declares that did not bring it goes with that one.
leave_to_others() {
  local name
  for name in "${!BROUGHT[@]}"; do
    [[ -n ${WANT["has|packages|$name"]-}${OTHERS["has|packages|$name"]-} ]] || continue
    unset "BROUGHT[$name]"
    original packages "$name"
    [[ -n ${RECORD[0]-} ]] || record_original packages "$name" absent "$name" -
  done
  make_durable
}

# find_shared: SHARED is what other packages of ours have brought too, by the same run of apt: it goes with the last of them,
# which nobody needs to hear of at each.
find_shared() {
  local record package
  SHARED=' '
  for record in "$STATE"/originals/packages%*; do
    package=${record##*%}
    [[ -z ${ASKED[$package]-} ]] || continue
    original packages "$package"
    SHARED+="$package ${RECORD[1]-} "
  done
}

# hand_over: what something else still needs goes with the last of ours that may be it. Not what was asked for by itself:
# what becomes of that is decided with it alone.
hand_over() {
  local record package name brought before
  for record in "$STATE"/originals/packages%*; do
    package=${record##*%}
    [[ -z ${ASKED[$package]-} ]] || continue
    original packages "$package"
    [[ -n ${RECORD[0]-} ]] || continue
    brought=${RECORD[1]-} before=${RECORD[2]--}
    for name in "${NEEDED[@]}"; do
      [[ -z ${ASKED[$name]-} && " $brought " != *" $name "* ]] || continue
      brought+=" $name"
      [[ -z ${BEFORE[$name]-} ]] || before="${before/#-/} $name"
    done
    [[ $brought == "${RECORD[1]-}" ]] || record_original packages "$package" absent "$brought" "$before"
  done
}

# purge_unneeded PACKAGE...: removed first, where dpkg says what something else needs; then what is left of those that
# were not here before is purged.
purge_unneeded() {
  local name why
  local -a there=() purged=() gone=() removed=()
  query_packages "$@"
  for name in "$@"; do
    case ${PACKAGE_STATE[$name]-not-installed}:${BEFORE[$name]-} in
      not-installed:* | config-files:1) ;;
      config-files:) purged+=("$name") ;;
      *) there+=("$name") ;;
    esac
  done
  drop_claimed "${there[@]}"
  gone=("${purged[@]}")
  take_away --remove config-files "${UNCLAIMED[@]}"
  why=$REPLY
  for name in "${UNCLAIMED[@]}"; do
    case ${PACKAGE_STATE[$name]-not-installed}:${BEFORE[$name]-} in
      not-installed:*) gone+=("$name") ;;
      config-files:) gone+=("$name") purged+=("$name") ;;
      config-files:1) removed+=("$name") ;;
    esac
  done
  keep_edited_conffiles "${purged[@]}"
  take_away --purge not-installed "${purged[@]}"
  why+=$REPLY
  ((${#gone[@]} == 0)) || [[ -n $REPLY ]] || say "  purged ${gone[*]}"
  ((${#removed[@]} == 0)) || say "  removed ${removed[*]}: the configuration that was here before stays"
  [[ -z $why ]] || fail "$why"
}

# drop_claimed PACKAGE...: UNCLAIMED=(those that nobody has made theirs). What apt installed because another needed it is
# marked by hand only if somebody has asked for it since.
declare -a UNCLAIMED=()
drop_claimed() {
  local name manual=''
  local -a depended=()
  UNCLAIMED=()
  for name in "$@"; do
    [[ -n ${ASKED[$name]-} || ${PACKAGE_STATE[$name]} != installed ]] || depended+=("$name")
  done
  ((${#depended[@]} == 0)) || manual=$(apt-mark showmanual "${depended[@]}")
  for name in "$@"; do
    if [[ ${PACKAGE_WISH[$name]} == hold ]]; then
      say "  kept package $name: it is on hold"
    elif [[ -z ${ASKED[$name]-} && $'\n'$manual$'\n' == *$'\n'"$name"$'\n'* ]]; then
      say "  kept package $name: somebody has installed it by hand since"
    else
      UNCLAIMED+=("$name")
    fi
  done
}

# keep_edited_conffiles PACKAGE...: a purge deletes them, with what somebody wrote into them.
keep_edited_conffiles() {
  local text path sum rest now
  local -a paths=() shipped=()
  local -i i=0
  (($# > 0)) || return 0
  text=$(dpkg-query -W -f '${Conffiles}\n' -- "$@")
  while read -r path sum rest; do
    [[ $path == /* && $sum =~ ^[0-9a-f]{32}$ && -f $path && ! -L $path ]] || continue
    paths+=("$path")
    shipped+=("$sum")
  done <<<"$text"
  ((${#paths[@]} > 0)) || return 0
  text=$(md5sum -- "${paths[@]}")
  while read -r now _; do
    [[ ${now#\\} == "${shipped[i]}" ]] || keep_copy "${paths[i]}"
    i+=1
  done <<<"$text"
}

# take_away --remove|--purge STATE PACKAGE...: PACKAGE_STATE afterwards is STATE or not-installed, but for what dpkg keeps
# because something else needs it. REPLY says which others it keeps, and why.
take_away() {
  local name said reason
  local -a failed=() packages=("${@:3}")
  REPLY=
  ((${#packages[@]} > 0)) || return 0
  dpkg_run "$1" "${packages[@]}"
  said=$APT_SAID
  query_packages "${packages[@]}"
  for name in "${packages[@]}"; do
    case ${PACKAGE_STATE[$name]-not-installed} in
      not-installed | "$2") ;;
      *)
        if [[ $said == *"dependency problems prevent removal of $name:"* ]]; then
          NEEDED+=("$name")
          [[ $SHARED == *" $name "* ]] || say "  kept package $name: something else needs it"
        else
          failed+=("$name")
        fi
        ;;
    esac
  done
  ((${#failed[@]} > 0)) || return 0
  join_words "$said"
  reason="$REPLY. Mend it (dpkg $1 ${failed[*]}), then run this again"
  [[ $said != *'locked by another process'* ]] ||
    reason="another package manager holds dpkg's lock. Wait for it to end (ps -C apt,apt-get,dpkg,unattended-upgr) and run this again"
  packages_named "${failed[@]}"
  REPLY="$REPLY cannot be removed: $reason"
}

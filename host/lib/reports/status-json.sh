# status --json, written by bash itself: jq takes ten times as long to start as this takes in all, and who looks at many hosts
# waits for it each time. All lines of a kind are made JSON by a few commands.
# Reads STATE, EXAMINED, FINDINGS, LIMITS, UNFINISHED, BUSY, VERSION; sets LOOKING, OBJECTS, REPLY.

# status_json: what look_ahead has begun, as {version, busy, boot, bundles: [{name, digest, generation, owner, unconfirmed, reverted, findings, limits}],
# interrupted}
status_json() {
  local name boot busy=false bundles='' interrupted
  # docker's client is a dozen processes by itself: it is not asked.
  LOOKING=1
  if [[ -z $BUSY ]]; then
    examine
    finish_look
  fi
  if [[ -n $BUSY ]]; then
    # What differs now may be the work of that run. Nobody knows, so nothing is said.
    busy=true FINDINGS=() LIMITS=() UNFINISHED=()
    stored_bundles
    EXAMINED=("${BUNDLES[@]}")
  fi
  local -A findings=() limits=()
  objects_of findings FINDINGS unit property declared file kernel reason
  objects_of limits LIMITS unit property declared kernel verdict reason
  for name in "${EXAMINED[@]}"; do
    bundle_object "$name"
    bundles+="${bundles:+,}${REPLY%\}},\"findings\":[${findings[$name]-}],\"limits\":[${limits[$name]-}]}"
  done
  IFS= read -r boot </proc/sys/kernel/random/boot_id
  printf -v interrupted ',"%s"' "${UNFINISHED[@]}"
  ((${#UNFINISHED[@]} > 0)) || interrupted=
  print_json "{\"version\":\"$VERSION\",\"busy\":$busy,\"boot\":\"$boot\",\"bundles\":[$bundles],\"interrupted\":[${interrupted#,}]}"
}

# print_json TEXT: a process may have any bytes on its command line. What is no UTF-8, jq replaces.
print_json() {
  if [[ $1 == *[$'\x80'-$'\xff']* ]]; then jq -c . <<<"$1"; else printf '%s\n' "$1"; fi
}

# json_texts TEXT...: JSON_TEXTS are these as they stand between the quotes of JSON; what is no character is a blank, but tabs.
declare -a JSON_TEXTS=()
json_texts() {
  JSON_TEXTS=("$@")
  JSON_TEXTS=("${JSON_TEXTS[@]//\\/\\\\}")
  JSON_TEXTS=("${JSON_TEXTS[@]//\"/\\\"}")
  JSON_TEXTS=("${JSON_TEXTS[@]//[$'\x01'-$'\x08\x0a'-$'\x1f']/ }")
}

# objects_of OBJECTS LINES KEY...: OBJECTS[BUNDLE] has the objects of its lines (the bundle, and a field for each key, with tabs
# between them), with commas between them.
objects_of() {
  local -n objects=$1
  local -n told=$2
  local line key name
  json_texts "${told[@]}"
  for key in "${@:4}"; do
    # The first tab is the bundle's, and stays; each key takes the next.
    JSON_TEXTS=("${JSON_TEXTS[@]/$'\t'/$'\x1f'}")
    JSON_TEXTS=("${JSON_TEXTS[@]/$'\t'/\",\"$key\":\"}")
    JSON_TEXTS=("${JSON_TEXTS[@]/$'\x1f'/$'\t'}")
  done
  for line in "${JSON_TEXTS[@]}"; do
    name=${line%%$'\t'*}
    objects["$name"]+="${objects["$name"]+,}{\"$3\":\"${line#*$'\t'}\"}"
  done
}

# bundle_object NAME: REPLY is what the store says of it: its digest, generation, owner, whether its change waits for its
# confirmation, and when it went back without one.
bundle_object() {
  local folder=$STATE/bundles/$1 digest generation unconfirmed=false
  first_line "$folder/digest"
  digest=$REPLY
  generation_of "$folder"
  generation=$REPLY
  [[ $generation =~ ^(0|[1-9][0-9]*)$ ]] || fail "$folder/generation is \"$generation\" and no number"
  stored_owner "$1"
  [[ ! -L $STATE/unconfirmed/$1 ]] || unconfirmed=true
  json_texts "$digest" "$REPLY"
  printf -v digest '{"name":"%s","digest":"%s","generation":%s,"owner":"%s","unconfirmed":%s}' \
    "$1" "${JSON_TEXTS[0]}" "$generation" "${JSON_TEXTS[1]}" "$unconfirmed"
  first_line "$STATE/reverted/$1"
  if [[ -n $REPLY ]]; then
    json_texts "$REPLY"
    digest="${digest%\}},\"reverted\":\"${JSON_TEXTS[0]}\"}"
  fi
  REPLY=$digest
}

# JSON files that somebody else owns: the declared keys are merged into them, the rest stays. What each key was before
# (or that it was not there) is recorded when the bundle first declares it, and given back when no bundle does.

# The whole plan for one file in one process. Its answer is a list of fields with NUL after each: what is wrong, what is
# to be done (same, write, delete, restore), whether a restart is needed (a key changed that no reload takes over),
# whether somebody edited a key of ours, the record to have before and after the change, the new text, and then three
# fields for each declared key that has another value: key, declared, found.
# A declared array of KEY=VALUE texts is a set of options: each option is a key of its own in the owner's array.
# shellcheck disable=SC2016 # the variables are jq's
readonly JSON_PLAN_PROGRAM='
def option: if type == "string" then split("=")[0] else null end;
def options: type == "array" and length > 0 and all(.[]; type == "string" and test("^[^=]+="));
def leaves:
  if type == "object" and length > 0 then to_entries[] | .key as $key | .value | leaves | .path |= [$key] + .
  elif options then group_by(option)[] | {path: [], option: (.[0] | option), value: .}
  else {path: [], option: null, value: [.]} end;
def key: {path, option};
def name: (.path | join(".")) + (if .option then "[\(.option)]" else "" end);
def present($path): . as $doc | reduce range($path | length) as $i (true;
  . and ($doc | getpath($path[:$i]) | type == "object" and has($path[$i])));
def at($leaf): if present($leaf.path) | not then []
  elif $leaf.option == null then [getpath($leaf.path)]
  else [getpath($leaf.path) | arrays | .[] | select(option == $leaf.option)] end;
def put($leaf; $list):
  if at($leaf) == $list then .
  elif $leaf.option != null then
    ([if present($leaf.path) then getpath($leaf.path) | arrays | .[] else empty end]) as $old
    | ([$old | to_entries[] | select(.value | option == $leaf.option) | .key][0] // ($old | length)) as $place
    | setpath($leaf.path; $old[:$place] + $list + [$old[$place:][] | select(option != $leaf.option)])
  elif $list == [] then delpaths([$leaf.path])
  else setpath($leaf.path; $list[0]) end;
def prune($made): reduce ($made | sort_by(-length))[] as $path (.;
  if present($path) and (getpath($path) | . == {} or . == []) then delpaths([$path]) else . end);
def parents: if .option then [.path[:range(1; (.path | length) + 1)]] else [.path[:range(1; .path | length)]] end;
def blocked($leaf): . as $doc | first(($leaf | parents)[] as $path | select($doc | present($path))
  | (if $leaf.option and $path == $leaf.path then "array" else "object" end) as $type
  | ($doc | getpath($path) | type) as $found | select($found != $type)
  | "\($path | join(".")) is of type \($found), and it must be of type \($type)");
def document: if test("^\\s*$") then {} else fromjson end;
def wrong: if type != "object" then "it is of type \(type), not an object"
  elif any(.. | numbers; fabs > 9007199254740991) then "a number in it is too large to be kept exactly"
  else empty end;
def say($fields): $fields[] | ., "\u0000";
(try {doc: ($text | document)} catch {error: "it is no JSON: \(split(" (while parsing")[0])"}) as $read
| $read.doc as $doc
| ($read.error // first(($doc | wrong), null)) as $wrong
| if $wrong then say([$wrong]) else
  [$want | document | leaves | select(.path != [])] as $wanted
  | first(($wanted[] as $leaf | $doc | blocked($leaf)), null) as $blocked
  | if $blocked then say([$blocked]) else
    ($record | if . == "" then {leaves: [], made: []} else fromjson end) as $before
    | [$before.leaves[] | key] as $known
    | [$wanted[], ($keep | document | leaves | select(.path != []))] as $touched
    | ([$touched[] | select(key as $key | $known | index([$key]) | not)] | unique_by(key)) as $new
    | ($before | .leaves += [$new[] as $leaf | $leaf | key + {was: ($doc | at($leaf))}]
      | .made = (.made + [$new[] | parents[] | select(. as $path | $doc | present($path) | not)] | unique)) as $during
    | [$wanted[] | key] as $keys
    | ($during | .leaves |= map(select(key as $key | [$touched[] | key] | index([$key])))) as $after
    | (reduce ($during.leaves[] | select(key as $key | $keys | index([$key]) | not)) as $leaf ($doc; put($leaf; $leaf.was))
      | reduce $wanted[] as $leaf (.; put($leaf; $leaf.value)) | prune($during.made)) as $target
    | [inputs, ($want | document), ($keep | document) | leaves] as $ours
    | ($hold | [document | leaves | select(.path != [])]) as $held
    | (reduce $held[] as $leaf ($target; put($leaf; $leaf.value))) as $result
    | ($wanted == []) as $leaving
    | say(["",
        (if $leaving and $existed == "yes" and $result == ($original | document) and $text != $original then "restore"
         elif $leaving and $existed == "no" and $result == {} then (if $exists == "yes" then "delete" else "same" end)
         elif $result == $doc and ($exists == "yes" or $leaving) then "same" else "write" end),
        (if any($during.leaves[]; . as $leaf | ($doc | at($leaf)) != ($result | at($leaf)) and
          (.path[0] as $top | $reloads | split(" ") | index($top) | not)) then "yes" else "no" end),
        (if any($before.leaves[]; . as $leaf | key as $key | ($doc | at($leaf)) as $found
          | $found != .was and ([$ours[] | select(key == $key) | .value] | index([$found]) | not)) then "yes" else "no" end),
        ($during | tojson), (if $leaving then "" else $after | tojson end)]),
      $result, "\n", "\u0000",
      say([$wanted[] as $leaf | ($doc | at($leaf)) as $found | select($found != $leaf.value) | $leaf
        | def shown: if $leaf.option then join(" ") elif . == [] then "absent" else .[0] | tojson end;
          name, (.value | shown), ($found | if . == [] then "absent" else shown end)])
    end
  end'

# The answer, and the same under names.
declare -a JSON_PLAN=()
JSON_PROBLEM='' JSON_ACTION='' JSON_RESTART='' JSON_EDITED=''

# json_field PATH FIELD: REPLY is what the bundle says, or said where it says nothing of the file any more.
json_field() {
  if has WANT json "$1"; then REPLY=${WANT["json|$1|$2"]-}; else REPLY=${WAS["json|$1|$2"]-}; fi
}

# plan_json PATH [HOLD]: fills JSON_PLAN. HOLD is JSON that the file must hold beside what is declared; what such keys
# were is recorded with the rest, before any of it is written.
plan_json() {
  local path=$1 hold=${2-} file=/dev/null exists=no existed=no original=/dev/null record=''
  local want=/dev/null reloads keep
  local -a blobs
  if [[ -e $path ]]; then file=$path exists=yes; fi
  if original json "$path"; then
    record=${RECORD[1]}
    if [[ ${RECORD[0]} == kept ]]; then existed=yes original=$REPLY.data; fi
  fi
  ! has WANT json "$path" || want=${WANT["json|$path|dir"]}/blobs/${WANT["json|$path|blob"]}
  json_field "$path" reloads
  reloads=$REPLY
  hold_of "$path"
  keep=$REPLY
  read -r -a blobs <<<"${WAS["json|$path|blobs"]-}"
  mapfile -d '' -t JSON_PLAN < <(jq -nj --rawfile text "$file" --rawfile original "$original" --rawfile want "$want" \
    --arg exists "$exists" --arg existed "$existed" --arg record "$record" --arg reloads "$reloads" --arg hold "$hold" --arg keep "$keep" \
    "$JSON_PLAN_PROGRAM" "${blobs[@]}" 2>/dev/null)
  JSON_PROBLEM=${JSON_PLAN[0]-'jq cannot compare it'}
  JSON_ACTION=${JSON_PLAN[1]-} JSON_RESTART=${JSON_PLAN[2]-} JSON_EDITED=${JSON_PLAN[3]-}
}

# record_json PATH KIND RECORD: replaces the record in one rename, because it holds what earlier versions recorded.
record_json() {
  original_id json "$1"
  [[ ${RECORD[0]-} != "$2" || ${RECORD[1]-} != "$3" ]] || return 0
  printf '%s\t%s\tend\n' "$2" "$3" >"$STATE/pending/.json"
  mv -T -- "$STATE/pending/.json" "$REPLY"
  UNSYNCED+=("$REPLY")
}

# capture_json PATH: before a change, what each newly declared key was, and the whole file as it was at first.
capture_json() {
  local path=$1 kind=absent
  if original json "$path"; then
    kind=${RECORD[0]}
  elif [[ -e $path ]]; then
    kind=kept
    keep_data "$path" "$REPLY"
  else
    capture_parents "$path"
  fi
  original json "$path" || :
  record_json "$path" "$kind" "${JSON_PLAN[4]}"
}

# write_json PATH: as planned, in the mode and of the owner that the file has.
write_json() {
  local path=$1 temporary=${1%/*}/.${1##*/}.goblin-new
  rm -f -- "$temporary"
  [[ -d ${path%/*} ]] || mkdir -p -- "${path%/*}"
  case $JSON_ACTION in
    write)
      [[ ! -e $path ]] || cp -a -- "$path" "$temporary"
      printf '%s' "${JSON_PLAN[6]}" >"$temporary"
      mv -T -- "$temporary" "$path"
      sync -- "$path"
      say "  wrote $path"
      ;;
    restore)
      original_id json "$path"
      cp -a -- "$REPLY.data" "$temporary"
      sync_copy "$temporary"
      mv -T -- "$temporary" "$path"
      say "  put back $path"
      ;;
    delete)
      rm -f -- "$path"
      say "  removed $path"
      ;;
  esac
}

# units_of_json PATH: UNITS=(the units that a change of the file restarts).
declare -a UNITS=()
units_of_json() {
  local unit
  UNITS=()
  for unit in "${!RESTART_ON[@]}"; do [[ " ${RESTART_ON[$unit]} " != *" $1 "* ]] || UNITS+=("$unit"); done
}

# hold_of PATH: REPLY is what the file must hold while its units restart, as this version or the one before says.
hold_of() {
  REPLY=${WANT["json|$1|restartWith"]-}
  [[ -n $REPLY ]] || REPLY=${WAS["json|$1|restartWith"]-}
}

# write_planned PATH: what must follow is remembered before the change. Keys that a reload takes over are held until
# a restart that is to come is over.
write_planned() {
  local path=$1 unit verb=reload restarts=''
  [[ $JSON_EDITED == no || ! -e $path ]] || keep_copy "$path"
  units_of_json "$path"
  [[ $JSON_RESTART == no || $JSON_ACTION == same ]] || verb=restart
  for unit in "${UNITS[@]}"; do
    [[ $JSON_ACTION == same ]] || mark_pending "$verb%$unit"
    ! is_pending "restart%$unit" || restarts=1
  done
  hold_of "$path"
  if [[ -n $restarts && -n $REPLY ]]; then plan_json "$path" "$REPLY"; fi
  [[ $JSON_ACTION == same ]] || write_json "$path"
}

# change_json: merges what is declared, and takes back what no longer is. settle_json ends it.
change_json() {
  local path
  entries WANT json
  for path in "${ENTRIES[@]}"; do
    plan_json "$path"
    [[ -z $JSON_PROBLEM ]] || { REPLY="$path: $JSON_PROBLEM"; return 1; }
    capture_json "$path"
    make_durable || return 1
    write_planned "$path"
  done
  gone_entries json
  for path in "${ENTRIES[@]}"; do
    original json "$path" || continue
    rm -f -- "${path%/*}/.${path##*/}.goblin-new"
    if unreadable_json "$path"; then replace_json "$path"; else write_planned "$path"; fi
  done
}

# unreadable_json PATH: whether something stands there in which nobody can tell our keys any more; else it is planned.
unreadable_json() {
  if [[ -L $1 || -e $1 && ! -f $1 ]]; then return 0; fi
  plan_json "$1"
  [[ -n $JSON_PROBLEM ]]
}

# replace_json PATH: what stands there is kept aside and the whole original put back.
replace_json() {
  local path=$1 unit
  units_of_json "$path"
  for unit in "${UNITS[@]}"; do mark_pending "restart%$unit"; done
  displace "$path"
  original json "$path"
  [[ ${RECORD[0]} == kept ]] || return 0
  JSON_ACTION=restore
  write_json "$path"
}

# hold_json UNIT: before a restart its files hold what `restartWith` names, and the unit has taken that over.
hold_json() {
  local unit=$1 path seen=' '
  # Old and new versions name it.
  for path in ${RESTART_ON[$unit]-}; do
    [[ $seen != *" $path "* ]] || continue
    seen+="$path "
    has WANT json "$path" || has WAS json "$path" || continue
    hold_of "$path"
    [[ -n $REPLY ]] || continue
    plan_json "$path" "$REPLY"
    [[ -z $JSON_PROBLEM ]] || continue
    # Whatever else is to be done with the file waits until it is settled.
    [[ $JSON_ACTION == same ]] || { JSON_ACTION='write' && write_json "$path"; }
    take_over_hold "$unit" || return 1
  done
}

# settle_json: when every restart is over, the files become what they shall be, and the records with them.
settle_json() {
  local path unit
  entries WANT json
  local -a paths=("${ENTRIES[@]}")
  gone_entries json
  for path in "${paths[@]}" "${ENTRIES[@]}"; do
    original json "$path" || continue
    plan_json "$path"
    if [[ -z $JSON_PROBLEM && $JSON_ACTION != same ]]; then
      units_of_json "$path"
      for unit in "${UNITS[@]}"; do mark_pending "reload%$unit"; done
      write_json "$path"
      for unit in "${UNITS[@]}"; do reload_unit "$unit" || return 1; done
    fi
    if has WANT json "$path"; then
      original json "$path"
      record_json "$path" "${RECORD[0]}" "${JSON_PLAN[5]}"
    else
      forget_original json "$path"
    fi
  done
  ((${#ENTRIES[@]} == 0)) || remove_empty_folders
}

find_json_drift() {
  local path
  local -i i
  entries WANT json
  for path in "${ENTRIES[@]}"; do
    if [[ ! -e $path ]]; then
      finding "$path" file 'with the declared keys' missing '' missing
      continue
    fi
    plan_json "$path"
    if [[ -n $JSON_PROBLEM ]]; then
      finding "$path" file 'with the declared keys' "$JSON_PROBLEM" '' "$JSON_PROBLEM"
      continue
    fi
    for ((i = 7; i + 2 < ${#JSON_PLAN[@]}; i += 3)); do
      finding "$path" "${JSON_PLAN[i]}" "${JSON_PLAN[i + 1]}" "${JSON_PLAN[i + 2]}" '' 'has another value'
    done
  done
}

preflight_json() {
  local path setting section
  entries WANT json
  for path in "${ENTRIES[@]}"; do
    setting=${WANT["json|$path|setting"]:-$NAME}
    for section in json files; do
      owner_of "$section" "$path" "$NAME"
      [[ -z $REPLY ]] || problem "$path belongs to the bundle $REPLY"
    done
    if [[ -L $path || -e $path && ! -f $path ]]; then
      problem "$setting: $path is no regular file (a folder, a link or a device): move it away, then run this again"
      continue
    fi
    plan_json "$path"
    [[ -z $JSON_PROBLEM ]] ||
      problem "$setting: $path cannot be merged with: $JSON_PROBLEM. It was left as it is; mend it (jq . $path) or move it away, then run this again"
  done
}

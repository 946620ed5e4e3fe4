# JSON files that somebody else owns: the declared keys are merged into them, the rest stays. What each key was before
# (or that it was not there) is recorded when the bundle first declares it, and given back when no bundle does.
# This is the plan for one file, by JSON_PLAN_PROGRAM in jq, and what only needs the plan: drift and preflight.
# Reads WANT, WAS, NAME, RESTART_ON; sets JSON_PLAN and its names, UNITS, REPLY.

# The answer of the program, and the same under names. JSON_PROBLEM is what is wrong with the file, JSON_FAILED is set
# where that is nothing about the file: jq itself could not work.
declare -a JSON_PLAN=()
JSON_PROBLEM='' JSON_FAILED='' JSON_ACTION='' JSON_RESTART='' JSON_EDITED=''

# What each file's plan was made from, and what jq, which takes as long as ten other processes, said to it. What its findings
# follow from comes first: the text that there is and the one that is declared.
declare -A JSON_ASKED=() JSON_SAID=()

# plan_json PATH [HOLD]: fills JSON_PLAN. HOLD is JSON that the file must hold beside what is declared; what such keys
# were is recorded with the rest, before any of it is written.
plan_json() {
  local path=$1 hold=${2-} file=/dev/null exists=no existed=no before=/dev/null record='' keep
  local want reloads text inputs='' status=0
  local -a blobs
  if [[ -e $path ]]; then file=$path exists=yes; fi
  original json "$path"
  record=${RECORD[1]-}
  if [[ ${RECORD[0]-} == kept ]]; then existed=yes before=$ORIGINAL.data; fi
  declared_json "$path"
  want=$REPLY
  json_field "$path" reloads
  reloads=$REPLY
  hold_of "$path"
  keep=$REPLY
  read -r -a blobs <<<"${WAS["json|$path|blobs"]-}"
  both_texts "$file" "$want"
  [[ -z $REPLY ]] ||
    printf -v inputs '%s\x1e' "$REPLY" "$exists" "$existed" "$record" "$reloads" "$hold" "$keep" "${blobs[@]}"
  if [[ -n $inputs && $inputs == "${JSON_ASKED[$path]-}" ]]; then
    read_plan 0 "${JSON_SAID[$path]}"
    return
  fi
  text=$(exec jq -nj --rawfile text "$file" --rawfile original "$before" --rawfile want "$want" --arg exists "$exists" \
    --arg existed "$existed" --arg record "$record" --arg reloads "$reloads" --arg hold "$hold" --arg keep "$keep" \
    "$JSON_PLAN_PROGRAM" "${blobs[@]}" </dev/null 2>&1) || status=$?
  JSON_ASKED[$path]='' JSON_SAID[$path]=$text
  ((status != 0)) || JSON_ASKED[$path]=$inputs
  read_plan "$status" "$text"
}

# plan_findings PATH: the plan as far as findings go, of a file that there is. They follow from two texts, so that the last
# plan that was made from the same will do, whatever the record was.
plan_findings() {
  declared_json "$1"
  both_texts "$1" "$REPLY"
  if [[ -n $REPLY && ${JSON_ASKED[$1]-} == "$REPLY"$'\x1e'* ]]; then
    read_plan 0 "${JSON_SAID[$1]}"
  else
    plan_json "$1"
  fi
}

# declared_json PATH: REPLY is the file that holds what is declared.
declared_json() {
  REPLY=/dev/null
  [[ -z ${WANT["has|json|$1"]-} ]] || REPLY=${WANT["json|$1|dir"]}/blobs/${WANT["json|$1|blob"]}
}

# both_texts FILE DECLARED: REPLY is what both hold, each behind its length; empty where a NUL ends what bash can hold of one.
both_texts() {
  local text='' wanted=''
  REPLY=
  if IFS= read -r -d '' text <"$1" || IFS= read -r -d '' wanted <"$2"; then return; fi
  REPLY="${#text} $text${#wanted} $wanted"
}

# read_plan STATUS TEXT: of jq. Its last field ends in a separator, too, and what follows that is the here-string's.
read_plan() {
  local -i count
  mapfile -d $'\x1e' -t JSON_PLAN <<<"$2"
  count=$((${#JSON_PLAN[@]} - 1))
  JSON_FAILED='' JSON_ACTION='' JSON_RESTART='' JSON_EDITED=''
  if (($1 != 0 || count < 1)) || [[ -z ${JSON_PLAN[0]} && ($count -lt 7 || $(((count - 7) % 3)) != 0) ]]; then
    JSON_FAILED=yes JSON_PROBLEM="jq cannot compare it: ${2##*$'\n'}" JSON_PLAN=()
    return
  fi
  JSON_PLAN=("${JSON_PLAN[@]:0:count}")
  JSON_PROBLEM=${JSON_PLAN[0]} JSON_ACTION=${JSON_PLAN[1]-} JSON_RESTART=${JSON_PLAN[2]-} JSON_EDITED=${JSON_PLAN[3]-}
}

# json_field PATH FIELD: REPLY is what the bundle says, or said where it says nothing of the file any more.
json_field() {
  if [[ -n ${WANT["has|json|$1"]-} ]]; then REPLY=${WANT["json|$1|$2"]-}; else REPLY=${WAS["json|$1|$2"]-}; fi
}

# hold_of PATH: REPLY is what the file must hold while its units restart, as this version or the one before says.
hold_of() {
  REPLY=${WANT["json|$1|restartWith"]-}
  [[ -n $REPLY ]] || REPLY=${WAS["json|$1|restartWith"]-}
}

# units_of_json PATH: UNITS=(the units that a change of the file restarts).
declare -a UNITS=()
units_of_json() {
  local unit
  UNITS=()
  for unit in "${!RESTART_ON[@]}"; do [[ " ${RESTART_ON[$unit]} " != *" $1 "* ]] || UNITS+=("$unit"); done
}

# is_merged PATH: ANSWER is yes where the file is, to the byte, what this version was verified with. jq, which takes as long
# as ten other processes, is asked about any other content.
is_merged() {
  local line
  local -a lines=()
  ANSWER=
  [[ -n ${SEEN_SHA[$1]-} && -r ${WANT["json|$1|dir"]-}/merged ]] || return 0
  mapfile -t lines <"${WANT["json|$1|dir"]}/merged"
  for line in "${lines[@]}"; do [[ $line != "${SEEN_SHA[$1]} $1" ]] || ANSWER=yes; done
}

# remember_merged FOLDER: what the files of WANT are, which have just been verified. One that is another by now has not been;
# what a power cut leaves of this matches nothing.
remember_merged() {
  local path text=''
  entries WANT json
  for path in "${ENTRIES[@]}"; do
    digest_of "$path"
    [[ $REPLY != "${SEEN_SHA[$path]-}" ]] || text+="$REPLY $path"$'\n'
  done
  [[ -z $text ]] || write_new "$1/merged" "$text"
}

find_json_drift() {
  local path
  local -i i
  entries WANT json
  for path in "${ENTRIES[@]}"; do
    if [[ ! -e $path && ! -L $path ]]; then
      finding "$path" file 'with the declared keys' missing '' missing
      continue
    elif [[ -L $path || ! -f $path ]]; then
      finding "$path" file 'with the declared keys' 'no regular file' '' 'is no regular file'
      continue
    fi
    is_merged "$path"
    [[ -z $ANSWER ]] || continue
    plan_findings "$path"
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

# The whole plan for one file in one process. Its answer is a list of fields with a record separator after each: what is
# wrong, what is to be done (same, write, delete, restore), whether a restart is needed (a key changed that no reload
# takes over), whether somebody edited a key of ours, the record to have before and after the change, the new text, and
# then three fields for each declared key that has another value: key, declared, found.
# A declared array of KEY=VALUE texts is a set of options: each option is a key of its own in the array of the owner.
# Of $text, $original and $want (contents of files), $exists, $existed (yes, no), $record, $reloads, $hold and $keep;
# inputs are what earlier versions declared. It lies in the program between single quotes, so it has none itself.
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
def say($fields): $fields[] | split("\u001e") | join(" "), "\u001e";
# In a list, because jq 1.6 would catch what fails further down, too.
[try {doc: ($text | document)} catch {error: "it is no JSON: \(split(" (while parsing")[0])"}][0] as $read
| $read.doc as $doc
| ($read.error // first(($doc | wrong), (select($text | contains("\ufffd")) | "bytes in it are no UTF-8 text and would be lost"), null)) as $wrong
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
      $result, "\n", "\u001e",
      say([$wanted[] as $leaf | ($doc | at($leaf)) as $found | select($found != $leaf.value) | $leaf
        | def shown: if $leaf.option then join(" ") elif . == [] then "absent" else .[0] | tojson end;
          name, (.value | shown), ($found | if . == [] then "absent" else shown end)])
    end
  end

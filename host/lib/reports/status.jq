# status --json, from lines of fields with a tab between them; the first says what the line is.
[inputs | select(. != "") | split("\t")] as $rows
| def of(kind; name): $rows[] | select(.[0] == kind and .[1] == name);
{
  version: $version,
  busy: $busy,
  boot: $boot,
  bundles: [
    $rows[] | select(.[0] == "bundle")
    | . as [$_, $name, $digest, $generation, $owner, $unconfirmed, $reverted]
    | {
        name: $name,
        digest: $digest,
        generation: ($generation | tonumber),
        owner: $owner,
        unconfirmed: ($unconfirmed == "yes")
      }
    + (if $reverted == "" then {} else {reverted: $reverted} end)
    + {
        findings: [of("finding"; $name)
          | {unit: .[2], property: .[3], declared: .[4], file: .[5], kernel: .[6], reason: .[7]}],
        limits: [of("limit"; $name)
          | {unit: .[2], property: .[3], declared: .[4], kernel: .[5], verdict: .[6], reason: .[7]}]
      }
  ],
  interrupted: [$rows[] | select(.[0] == "interrupted") | .[1]]
}

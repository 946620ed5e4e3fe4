#!/usr/bin/env bash
# Keeps one issue about a stack's drift, with GitHub's gh: opens or updates it, or closes it when all is in sync.
#
#   drift-issue.sh STACK CODE FILE
#
#   CODE  exit code of `npm run drift`: 0 in sync, 7 drift, anything else an error
#   FILE  what it printed
set -euo pipefail

stack=$1 code=$2 file=$3
title="Drift: $stack"

number=$(gh issue list --state open --search "in:title \"$title\"" --json number,title \
	--jq "map(select(.title == \"$title\")) | first | .number // empty")

if [[ $code == 0 ]]; then
	[[ -z $number ]] || gh issue close "$number" --comment "All hosts of \`$stack\` are in sync again."
	exit 0
fi

case $code in
	7) what="The hosts of \`$stack\` differ from what it declares. Repair: \`pulumi up\`." ;;
	*) what="The hosts of \`$stack\` could not be looked at (exit code $code): whether they drifted is unknown." ;;
esac
body=$(mktemp)
trap 'rm -f "$body"' EXIT
# A fence longer than any in the text; GitHub takes 65536 characters.
{
	printf '%s\n\n``````\n' "$what"
	head -c 60000 "$file"
	printf '\n``````\n'
} >"$body"

if [[ -z $number ]]; then
	gh issue create --title "$title" --body-file "$body"
else
	gh issue edit "$number" --body-file "$body"
fi

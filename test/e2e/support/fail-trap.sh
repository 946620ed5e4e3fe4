#!/usr/bin/env bash
# Read by the manager's shell through BASH_ENV: counts the steps of a run and makes one of them fail.
# A step is an external command, or a built-in one whose output goes to a file. An external command that fails does nothing,
# says so and ends with 1 (cmp and diff with 2, because 1 is an answer of theirs), also one that bash has to become (exec),
# and one whose words are in an array; a write that fails leaves half of its text behind and ends with 1, as on a disk that
# is full.
#   FAIL_FOLDER   where `count`, `steps` and `kinds` are kept
#   FAIL_AT       the step that fails, behind which nothing is counted any more; 0 counts only
# Nothing here may start a process (a fork costs 50 ms in the sandbox) or touch REPLY and BASH_REMATCH.
unset BASH_ENV
declare -A fail_kind=() fail_word=()
fail_name=
# What each command is follows from its text alone, and finding out takes longer than most commands: pairs of text and kind,
# each ended by NUL, that an earlier run has found out.
if [[ -s $FAIL_FOLDER/kinds ]]; then
	mapfile -d '' -t fail_pairs <"$FAIL_FOLDER/kinds"
	for ((fail_pair = 0; fail_pair + 1 < ${#fail_pairs[@]}; fail_pair += 2)); do
		fail_kind[${fail_pairs[fail_pair]}]=${fail_pairs[fail_pair + 1]}
	done
	unset fail_pairs fail_pair
fi

# fail_named COMMAND: fail_name is the command's first word behind variables of its own, expanded where it is an array's.
fail_named() {
	local fail_text=$1
	while [[ $fail_text == [A-Z]*([A-Z_])=*([A-Za-z0-9/._-])' '[a-z]* ]]; do fail_text=${fail_text#* }; done
	local -a fail_words=("${fail_text%%[[:space:]]*}")
	# The manager's own text, which names its own arrays.
	# shellcheck disable=SC2016 # it is text
	case ${fail_words[0]} in
		'"${'*'[@]}"') eval "fail_words=(${fail_words[0]})" ;;
	esac
	fail_name=${fail_words[0]-}
}

# fail_classify COMMAND: fail_kind[COMMAND] is external, write or none; one whose first word is in an array, in this process.
fail_classify() {
	fail_find_kind "$1"
	[[ $1 == '"$'* ]] || builtin printf '%s\0%s\0' "$1" "${fail_kind[$1]}" >>"$FAIL_FOLDER/kinds"
}

# fail_find_kind COMMAND
fail_find_kind() {
	local word rest=${1//'> /dev/null'/} kind
	fail_named "$1"
	word=$fail_name
	rest=${rest//'2> /dev/null'/}
	case $word in
		'[['* | '(('* | *=* | fail_*)
			fail_kind[$1]=none
			return
			;;
	esac
	if [[ -z ${fail_word[$word]-} ]]; then
		# A file, because a command substitution would fork.
		type -t -- "$word" >|"$FAIL_FOLDER/kind.$BASHPID" 2>/dev/null || :
		read -r kind <"$FAIL_FOLDER/kind.$BASHPID" || kind=none
		fail_word[$word]=$kind
	fi
	case ${fail_word[$word]}:$rest in
		file:*) fail_kind[$1]='external' ;;
		builtin:'exec '[a-z]*) fail_kind[$1]='external' ;;
		builtin:printf*'> "'* | builtin:printf*'> /'* | builtin::*'> "'*) fail_kind[$1]='write' ;;
		*) fail_kind[$1]=none ;;
	esac
}

# fail_once WORD: its next call fails. A function of its name comes before a program and before what bash brings.
fail_once() {
	case $1 in
		printf)
			# shellcheck disable=SC2317,SC2059 # called in place of bash's own, with the caller's format
			printf() {
				unset -f printf
				local text
				if [[ $1 == -v ]]; then builtin printf "$@" && return; fi
				builtin printf -v text "$@"
				builtin printf '%s' "${text:0:${#text}/2}"
				builtin printf 'printf: write error: No space left on device\n' >&2
				return 1
			}
			;;
		:) eval ':() { unset -f :; builtin printf ":: No space left on device\n" >&2; return 1; }' ;;
		cmp | diff) eval "$1() { unset -f $1; builtin printf '%s: Input/output error\n' $1 >&2; return 2; }" ;;
		*)
			eval "$1() { unset -f $1; builtin printf '%s: Input/output error\n' $1 >&2; return 1; }"
			;;
	esac
}

# fail_no_more: what follows the step that failed runs as it does without all this; a subshell tells the one that made it by
# `count`.
fail_no_more() {
	trap - DEBUG
	set +T
}

# fail_step COMMAND
fail_step() {
	local fail_count
	[[ ${fail_kind[$1]+set} == set ]] || fail_classify "$1"
	[[ ${fail_kind[$1]} != none ]] || return 0
	read -r fail_count <"$FAIL_FOLDER/count"
	if ((FAIL_AT > 0 && fail_count >= FAIL_AT)); then
		fail_no_more
		return
	fi
	fail_count=$((fail_count + 1))
	builtin printf '%s\n' "$fail_count" >|"$FAIL_FOLDER/count"
	builtin printf '%s %s\n' "${fail_kind[$1]}" "${1//$'\n'/ }" >>"$FAIL_FOLDER/steps"
	((fail_count == FAIL_AT)) || return 0
	fail_named "$1"
	fail_once "$fail_name"
	fail_no_more
}

set -T
trap '[[ ${fail_kind[$BASH_COMMAND]-} == none ]] || fail_step "$BASH_COMMAND"' DEBUG

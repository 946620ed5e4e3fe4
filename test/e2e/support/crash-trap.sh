#!/usr/bin/env bash
# Read by the manager's shell through BASH_ENV: counts the steps of a run and kills the run before step KILL_AT.
# A step is whatever can change the machine: an external command, or a built-in one whose output goes to a file.
# Killed before step k means killed after step k-1, whatever that was.
#   CRASH_FOLDER   where `count` and `steps` are kept
#   CRASH_KILL_AT  the step that is not reached; 0 counts only
#   CRASH_FILL     where it is set, the disk is full from that step on instead
# Nothing here may start a process (a fork costs 50 ms in the sandbox) or touch REPLY and BASH_REMATCH.
unset BASH_ENV
declare -A crash_kind=() crash_word=()

# crash_classify COMMAND: crash_kind[COMMAND] is external, write or none.
crash_classify() {
	local word=$1 rest=${1//'> /dev/null'/} kind
	# Behind variables of its own.
	while [[ $word == [A-Z]*([A-Z_])=*([A-Za-z0-9/._-])' '[a-z]* ]]; do word=${word#* }; done
	word=${word%%[[:space:]]*}
	case $word in
		'[['* | '(('* | *=*)
			crash_kind[$1]=none
			return
			;;
	esac
	if [[ -z ${crash_word[$word]-} ]]; then
		# A file, because a command substitution would fork.
		type -t -- "$word" >|"$CRASH_FOLDER/kind.$BASHPID" 2>/dev/null || :
		read -r kind <"$CRASH_FOLDER/kind.$BASHPID" || kind=none
		crash_word[$word]=$kind
	fi
	case ${crash_word[$word]}:$rest in
		file:* | builtin:'exec '[a-z]*) crash_kind[$1]='external' ;;
		builtin:*'> "'* | builtin:*'> /'*) crash_kind[$1]='write' ;;
		*) crash_kind[$1]=none ;;
	esac
}

# crash_fill: most of it is only reserved, because the disk is large.
crash_fill() {
	local crash_free crash_size
	read -r crash_free crash_size < <(stat -f -c '%f %S' /var/tmp)
	fallocate -l $((crash_free * crash_size - 8 * 1024 * 1024)) /var/tmp/filler
	cat /dev/zero >/var/tmp/filler.rest 2>/dev/null || :
}

# crash_step COMMAND
crash_step() {
	local crash_count
	[[ ${crash_kind[$1]+set} == set ]] || crash_classify "$1"
	[[ ${crash_kind[$1]} != none ]] || return 0
	read -r crash_count <"$CRASH_FOLDER/count"
	crash_count=$((crash_count + 1))
	if ((crash_count == CRASH_KILL_AT)); then
		if [[ -n ${CRASH_FILL-} ]]; then crash_fill; else kill -KILL 0; fi
	fi
	printf '%s\n' "$crash_count" >|"$CRASH_FOLDER/count"
	printf '%s %s\n' "${crash_kind[$1]}" "${1//$'\n'/ }" >>"$CRASH_FOLDER/steps"
}

set -T
trap '[[ ${crash_kind[$BASH_COMMAND]-} == none ]] || crash_step "$BASH_COMMAND"' DEBUG

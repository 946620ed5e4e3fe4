#!/usr/bin/env bash
# Runs in the guest: steps on the bundle `crash` in one go, because each ssh and each fork is slow there. Prints
# "@@ STEP STATUS" before the output of each step.
#   apply:VERSION, remove          in the foreground, to the end
#   kill:K:apply:VERSION           the same, killed before its step K (see crash-trap.sh); 0 counts only
#   fill:K:apply:VERSION           the same, the disk full from its step K on
#   manager:K                      the removal of the manager itself, killed before its step K
#   unit:SECONDS:apply:VERSION     as a unit of its own, as over SSH, and all of it killed after so many seconds
#   fail:K:apply:VERSION, fail:K:remove, fail:K:stored, fail:K:restore
#                                  the same with its step K failing (see fail-trap.sh); 0 counts only
#   stored, restore                the repair, the bundle's version before
#   edit, edited                   another line of the owner's in a file of ours; all of these lines that there still are
#   apt:apply:VERSION              the same, killed while dpkg unpacks
#   steps                          the steps that the last counted run took
#   step:K                         the one of these
#   interrupted                    what the manager's store says about it
#   verify, status, fingerprint, state
folder=/run/goblin-crash

manager() {
	if [[ $1 == apply ]]; then
		ai-resource-manager apply crash <"$folder/$2.yaml"
	else
		ai-resource-manager remove crash
	fi
}

# counted K apply VERSION, counted K remove '' [BUNDLE]
counted() {
	rm -f "$folder"/kind.*
	echo 0 >"$folder/count"
	: >"$folder/steps"
	BASH_ENV=$folder/crash-trap.sh CRASH_FOLDER=$folder CRASH_KILL_AT=$1 AI_RESOURCE_MANAGER_DETACHED=1 \
		setsid --wait ai-resource-manager "$2" "${4:-crash}" <"$folder/${3:-v1}.yaml"
}

# failing K apply VERSION, failing K remove, failing K stored, failing K restore
failing() {
	local -a words=("$2" crash)
	case $2 in
		stored) words=(apply --stored crash) ;;
		restore) words=(restore crash) && fresh_spool ;;
	esac
	rm -f "$folder"/kind.*
	echo 0 >"$folder/count"
	: >"$folder/steps"
	BASH_ENV=$folder/fail-trap.sh FAIL_FOLDER=$folder FAIL_AT=$1 AI_RESOURCE_MANAGER_DETACHED=1 \
		setsid --wait ai-resource-manager "${words[@]}" <"$folder/${3:-v1}.yaml"
}

# fresh_spool: what the front of a detached restore hands on.
fresh_spool() {
	AI_RESOURCE_MANAGER_SPOOL=$(mktemp "/run/ai-resource-manager/spool.$$.XXXXXXXX")
	export AI_RESOURCE_MANAGER_SPOOL
}

kill_unit() { systemctl kill --signal=KILL 'ai-resource-manager-*-*.service'; }

killed_unit() {
	local client
	manager "$2" "${3-}" &
	client=$!
	sleep "$1"
	kill_unit
	wait "$client"
}

killed_in_dpkg() {
	local client
	manager "$1" "${2-}" &
	client=$!
	until pgrep -f '^/usr/bin/dpkg .*--unpack' >/dev/null || ! kill -0 "$client" 2>/dev/null; do :; done
	kill_unit
	wait "$client"
}

run() {
	local kind first second third
	IFS=: read -r kind first second third <<<"$1"
	case $kind in
		apply | remove) AI_RESOURCE_MANAGER_DETACHED=1 manager "$kind" "$first" ;;
		kill) counted "$first" "$second" "$third" ;;
		fail) failing "$first" "$second" "$third" ;;
		stored) AI_RESOURCE_MANAGER_DETACHED=1 ai-resource-manager apply --stored crash ;;
		restore) fresh_spool && AI_RESOURCE_MANAGER_DETACHED=1 ai-resource-manager restore crash ;;
		edit) echo "# edited by the owner at $EPOCHREALTIME" >>/etc/goblin-crash/keep.conf ;;
		edited) { grep -rhs '^# edited by the owner' /etc/goblin-crash /var/lib/ai-resource-manager/displaced || :; } | sort -u ;;
		fill) CRASH_FILL=1 counted "$first" "$second" "$third" ;;
		manager) counted "$first" remove '' manager ;;
		unit) killed_unit "$first" "$second" "$third" ;;
		apt) killed_in_dpkg "$first" "$second" ;;
		interrupted) find /var/lib/ai-resource-manager/journal /var/lib/ai-resource-manager/removing -type l ;;
		steps) cat "$folder/steps" ;;
		step) sed -n "${first}p" "$folder/steps" ;;
		verify) ai-resource-manager verify ;;
		status) ai-resource-manager status --json ;;
		fingerprint) bash "$folder/fingerprint.sh" ;;
		state) bash "$folder/state.sh" ;;
		*) return 2 ;;
	esac
}

for step in "$@"; do
	status=0
	started=${EPOCHREALTIME/./}
	output=$(run "$step" 2>&1) || status=$?
	printf '@@ %s %s %s\n%s\n' "$step" "$status" "$(((${EPOCHREALTIME/./} - started) / 1000))" "$output"
done

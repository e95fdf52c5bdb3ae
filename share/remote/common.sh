# common.sh - what agent.sh and supervise.sh share; see agent.sh.
#
# shellcheck shell=sh disable=SC2034 # used by them
# SPDX-License-Identifier: Apache-2.0
umask 022
cd || exit 71
home=$PWD
R=$home/.bindu/agent
T=$home/.bindu/trees/app
log=$R/logs/agent.log

read -r boot_id 2>/dev/null </proc/sys/kernel/random/boot_id || boot_id=-

# "PID BORN BOOT" in file $1 names a process that still runs: p is it.  Born
# is its start time, the 20th field after the name; no fork is spent on this.
alive() {
	p='' b='' o='' stat=''
	read -r p b o 2>/dev/null <"$1" || return 1
	{ [ "$o" = "$boot_id" ] && read -r stat <"/proc/$p/stat"; } \
		2>/dev/null || return 1
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	[ "${20:-}" = "$b" ] && [ "$1" != Z ]
}

# b is the start time in the fields of /proc/PID/stat behind the name.
born() {
	b=${20}
}

nap() {
	sleep 0.05 2>/dev/null || sleep 1
}

now_ms() {
	read -r up _ </proc/uptime
	now=${up%.*}${up#*.}0
}

# w is the first line of file $1.  A deploy runs through here while somebody
# waits: what is said often spends no fork.
get() {
	w=
	read -r w 2>/dev/null <"$1"
}

# For a file that is read while it may change.
put() {
	echo "$2" >"$1.new" && mv -f "$1.new" "$1"
}

use() {
	N=$1
	run=$R/runs/$N
}

take_launch() {
	script='' port='' url='' key='' base=''
	{ read -r script && read -r port && read -r url && read -r key &&
		read -r base; } 2>/dev/null <"$1/launch"
}

find_python() {
	python=
	get "$T/current"
	read -r python 2>/dev/null <"$T/releases/$w/python"
	[ -x "$python" ] || python=$(command -v python3) || python=python3
}

# File $1 becomes the first of the five older logs.
keep_log() {
	[ -s "$1" ] || return 0
	for n in 4 3 2 1; do
		[ ! -e "$log.$n" ] || mv -f "$log.$n" "$log.$((n + 1))"
	done
	ln -f "$1" "$log.1" 2>/dev/null || cp "$1" "$log.1"
}

# The agent of this run and all in its group; nap by nap for $1 seconds.
end_agent() {
	alive "$run/pid" || return 0
	agent=$p
	kill -TERM "-$agent" 2>/dev/null || kill -TERM "$agent"
	now_ms
	end=$((now + $1 * 1000))
	while alive "$run/pid" && [ "$now" -lt "$end" ]; do
		nap
		now_ms
	done
	# Also what it left behind in its group.
	kill -KILL "-$agent" 2>/dev/null || kill -KILL "$agent" 2>/dev/null
}

#!/bin/sh
# agent.sh - the agent process of this box.
#
#	agent.sh start SCRIPT PORT URL [KEY]
#			env on stdin: NAME='VALUE' lines for sh; KEY, a digest of
#			what was asked for, is told by status
#	agent.sh restart		the same again: release, environment
#	agent.sh stop [SECONDS]		TERM, then KILL after SECONDS (10)
#	agent.sh status [LINES]		key=value; an empty line, then the log's end
#	agent.sh watch			wait for its end, then as status 50
#	agent.sh confirm		it is healthy: from now on restart crashes
#
# It runs the live release (receive.sh) by the interpreter deps.sh chose for
# it.  What is kept is in HOME/.bindu/agent: launch (how it was started, no
# secrets), pid, supervisor, started, exit, restarts, healthy, logs/.
# The environment passes through a 0600 file that is gone before the agent
# runs; the supervisor keeps it in memory for restarts.
#
# SPDX-License-Identifier: Apache-2.0
set -u
umask 022
self=$0
cd || exit 71
home=$PWD
R=$home/.bindu/agent
T=$home/.bindu/trees/app
log=$R/logs/agent.log

born() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

# "PID BORN" in file $1 names a process that still runs, no zombie: p is it.
alive() {
	p='' b=''
	read -r p b 2>/dev/null <"$1" || return 1
	[ -n "$p" ] && [ "$(born "$p")" = "$b" ] &&
		! grep -q '^State:.Z' "/proc/$p/status" 2>/dev/null
}

nap() {
	sleep 0.05 2>/dev/null || sleep 1
}

release() {
	cur=
	read -r cur 2>/dev/null <"$T/current"
	printf %s "$cur"
}

# The logs of the last five runs stay.
rotate() {
	[ -s "$log" ] || return 0
	for n in 4 3 2 1; do
		[ ! -e "$log.$n" ] || mv -f "$log.$n" "$log.$((n + 1))"
	done
	mv -f "$log" "$log.1"
}

# One run may write 10 MB, then its beginning becomes the older log.  The
# agent appends, so emptying the file under it is safe.
limit_log() {
	while sleep 30; do
		size=$(wc -c <"$log") || continue
		[ "$size" -lt 10485760 ] || {
			cp "$log" "$log.1" && : >"$log"
		}
	done
}

say_in_log() {
	echo "[bindu] $*" >>"$log"
}

# One run of the agent: its pid is written from inside, its group is its own.
run_once() {
	rel=$(release)
	python=
	read -r python 2>/dev/null <"$T/releases/$rel/python"
	[ -x "$python" ] || python=$(command -v python3) || python=python3
	rm -f "$R/exit"
	echo "$rel" >"$R/release"
	date +%s >"$R/started"
	# shellcheck disable=SC2016 # expanded by the inner sh
	$setsid sh -c 'echo "$$ $(sed "s/.*) //" /proc/$$/stat |
		cut -d " " -f 20)" >"$0.new" && mv -f "$0.new" "$0"
		exec "$@"' "$R/pid" "$python" "$script" \
		</dev/null >>"$log" 2>&1 &
	child=$!
	wait "$child"
	code=$?
	# A signal to us ends wait early; the child decides when it is over.
	while kill -0 "$child" 2>/dev/null; do
		wait "$child"
		code=$?
	done
	echo "$code $(date +%s)" >"$R/exit.new" && mv -f "$R/exit.new" "$R/exit"
}

supervise() {
	script=$1 port=$2 url=$3
	setsid=
	command -v setsid >/dev/null 2>&1 && setsid=setsid
	echo "$$ $(born $$)" >"$R/supervisor"
	trap : HUP INT TERM
	set -a
	# shellcheck disable=SC1091 # written by start
	. "$R/env"
	rm -f "$R/env"
	set +a
	export BINDU_HOST=0.0.0.0 BINDU_PORT="$port" BINDU_PUBLIC_URL="$url" \
		PYTHONUNBUFFERED=1
	unset PYTHONDONTWRITEBYTECODE
	cd "$home/app" || exit 1
	limit_log &
	limiter=$!
	tries=0
	while :; do
		rm -f "$R/again"
		run_once
		[ ! -e "$R/stop" ] || break
		if [ -e "$R/again" ]; then
			tries=0
			continue
		fi
		read -r since <"$R/started"
		lasted=$(($(date +%s) - since))
		# What never worked would fail the same way again.
		[ -e "$R/healthy" ] || [ "$lasted" -ge 60 ] || break
		[ "$lasted" -lt 60 ] || tries=0
		pause=$((1 << tries))
		[ "$tries" -ge 5 ] || tries=$((tries + 1))
		say_in_log "ended with code $code, starts again in $pause s"
		echo $(($(cat "$R/restarts" 2>/dev/null || echo 0) + 1)) \
			>"$R/restarts"
		until [ "$pause" = 0 ] || [ -e "$R/stop" ]; do
			sleep 1
			pause=$((pause - 1))
		done
		[ ! -e "$R/stop" ] || break
	done
	kill "$limiter" 2>/dev/null
	rm -f "$R/supervisor"
}

stop() {
	: >"$R/stop"
	grace=$((${1:-10} * 20))
	if alive "$R/pid"; then
		agent=$p
		kill -TERM "-$agent" 2>/dev/null || kill -TERM "$agent"
		while [ "$grace" -gt 0 ] && alive "$R/pid"; do
			nap
			grace=$((grace - 1))
		done
		# Also what it left behind in its group.
		kill -KILL "-$agent" 2>/dev/null || kill -KILL "$agent" 2>/dev/null
	fi
	n=100
	while [ "$n" -gt 0 ] && alive "$R/supervisor"; do
		[ "$n" != 50 ] || kill -KILL "$p"
		nap
		n=$((n - 1))
	done
	rm -f "$R/healthy"
}

# Nobody but the deploy that holds the tree may start what it half wrote.
settle() {
	[ -e "$T/apply" ] && [ -z "${BINDU_HELD:-}" ] || return 0
	sh "$(dirname "$self")/receive.sh" app finish
}

start() {
	(umask 077 && cat >"$R/env.new") || exit 74
	settle || exit $?
	if [ ! -f "$home/app/$1" ]; then
		rm -f "$R/env.new"
		echo "no such script: app/$1" >&2
		exit 66
	fi
	stop 10
	rotate
	mv -f "$R/env.new" "$R/env"
	rm -f "$R/stop" "$R/again" "$R/pid" "$R/exit" "$R/restarts"
	: >>"$log"
	printf '%s\n%s\n%s\n%s\n' "$1" "$2" "$3" "${4:-}" >"$R/launch"
	command -v setsid >/dev/null 2>&1 && setsid=setsid || setsid='nohup'
	$setsid sh "$self" supervise "$1" "$2" "$3" </dev/null >>"$log" 2>&1 8>&- &
	n=100
	until [ -e "$R/pid" ] || [ -e "$R/exit" ] || [ "$n" = 0 ]; do
		nap
		n=$((n - 1))
	done
	status
}

restart() {
	if ! alive "$R/supervisor"; then
		echo "the agent does not run: its environment is gone, deploy it" >&2
		exit 69
	fi
	settle || exit $?
	: >"$R/again"
	rm -f "$R/healthy"
	old=
	if alive "$R/pid"; then
		old=$p
		kill -TERM "-$p" 2>/dev/null || kill -TERM "$p"
	fi
	n=200
	while [ "$n" -gt 0 ]; do
		if alive "$R/pid" && [ "$p" != "$old" ]; then
			break
		fi
		[ "$n" != 1 ] || [ -z "$old" ] || kill -KILL "-$old" 2>/dev/null
		nap
		n=$((n - 1))
	done
	status
}

value() {
	v=
	read -r v _ 2>/dev/null <"$R/$1"
	printf '%s=%s\n' "$1" "$v"
}

status() {
	state=none
	if alive "$R/pid"; then
		state=running
		echo "pid=$p"
	elif alive "$R/supervisor" && [ ! -e "$R/stop" ]; then
		state=restarting
	elif [ -e "$R/stop" ]; then
		state=stopped
	elif [ -e "$R/exit" ]; then
		state=exited
	elif [ -e "$R/pid" ]; then
		state=lost
	fi
	echo "state=$state"
	[ ! -e "$R/exit" ] || { value exit | sed 's/^exit=/exit_code=/'; }
	[ ! -e "$R/started" ] || value started
	[ ! -e "$R/restarts" ] || value restarts
	[ ! -e "$R/release" ] || value release
	[ ! -e "$R/healthy" ] || echo healthy=1
	if [ -e "$R/launch" ]; then
		{ read -r script && read -r port && read -r url &&
			read -r key; } <"$R/launch"
		printf 'script=%s\nport=%s\nurl=%s\nkey=%s\n' "$script" "$port" \
			"$url" "$key"
	fi
	if [ "${1:-0}" -gt 0 ] && [ -e "$log" ]; then
		echo
		tail -n "$1" "$log"
	fi
}

watch() {
	while alive "$R/pid" || { alive "$R/supervisor" && [ ! -e "$R/exit" ]; }
	do
		nap
	done
	# The supervisor notes the code a moment after the process is gone.
	n=40
	until [ -e "$R/exit" ] || [ "$n" = 0 ]; do
		nap
		n=$((n - 1))
	done
	status 50
}

mkdir -p "$R/logs" && chmod 700 .bindu || exit 74
verb=$1
shift
case $verb in
start | restart | stop)
	if command -v flock >/dev/null 2>&1; then
		exec 8>"$R/lock"
		if ! flock -w 30 8; then
			echo "another command on this agent is at work" >&2
			exit 75
		fi
	fi ;;
esac
case $verb in
start | restart | stop | status | watch | supervise) "$verb" "$@" ;;
confirm)
	: >"$R/healthy" ;;
*)
	echo "agent.sh: unknown command $verb" >&2
	exit 2 ;;
esac

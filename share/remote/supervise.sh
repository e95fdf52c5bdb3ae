#!/bin/sh
# supervise.sh - run an agent until it shall end; started by agent.sh.
#
#	supervise.sh RUN
#
# SIGUSR1: look at the run's files drain and stop.  SIGTERM: the box goes down.
# SPDX-License-Identifier: Apache-2.0
set -u
# shellcheck source=share/remote/common.sh
. "${0%/*}/common.sh"

# One run may write 10 MB, then its beginning becomes the older log.  The
# agent appends, so emptying the file under it is safe.
limit_log() {
	while sleep 30; do
		# $$ is the supervisor, which may have been killed.
		{ kill -0 $$ && [ -e "$run/log" ]; } 2>/dev/null || return
		size=$(wc -c <"$run/log") || return
		[ "$size" -lt 10485760 ] || {
			cp "$run/log" "$run/log.full" && : >"$run/log"
			keep_log "$run/log.full"
			rm -f "$run/log.full"
		}
	done
}

say_in_log() {
	echo "[bindu] $*" >>"$run/log"
}

# Open connections to port $1: established, or half closed by the client.
connections() {
	awk -v h="$(printf %04X "$1")" 'FNR > 1 && ($4 == "01" || $4 == "08") {
		n = split($2, a, ":")
		if (a[n] == h) c++
	} END { print c + 0 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# Not before its connections have ended, unless that takes too long.  What
# was on its way when the route changed gets there within a second.
drain() {
	get "$run/port"
	listens=$w
	get "$run/drain"
	now_ms
	end=$((now + w * 1000))
	free=0
	while alive "$run/pid" && [ "$now" -lt "$end" ] && [ "$free" -lt 4 ]; do
		sleep 0.3 2>/dev/null || sleep 1
		free=$((free + 1))
		[ "$(connections "$listens")" = 0 ] || free=0
		now_ms
	done
	say_in_log "another run has taken its place"
	end_agent 10
}

# One run of the agent: its pid is written from inside, its group is its own.
# Descriptor 7 is launch's, which waits until nobody has it.
run_once() {
	find_python
	[ ! -e "$run/exit" ] || rm -f "$run/exit"
	get "$T/current"
	echo "$w" >"$run/release"
	# shellcheck disable=SC2016 # expanded by the inner sh
	$setsid sh -c 'read -r s </proc/$$/stat; born() { b=${20}; }
		born ${s##*) }
		echo "$$ $b $1" >"$0"
		shift; exec "$@" 7>&-' "$run/pid" "$boot_id" "$python" \
		"$script" </dev/null >>"$run/log" 2>&1 &
	child=$!
	date +%s >"$run/started"
	exec 7>&-
	# A signal to us ends wait early; the child decides when it is over.
	while :; do
		wait "$child"
		code=$?
		kill -0 "$child" 2>/dev/null || break
		if [ -e "$run/drain" ]; then
			drain
		elif [ -n "$down" ]; then
			kill -TERM "-$child" 2>/dev/null
		fi
	done
	put "$run/exit" "$code $(date +%s)"
}

is_over() {
	[ -n "$down" ] || [ -e "$run/stop" ] || [ -e "$run/drain" ]
}

supervise() {
	use "$1"
	take_launch "$run"
	setsid=
	command -v setsid >/dev/null 2>&1 && setsid=setsid
	read -r stat </proc/$$/stat
	# shellcheck disable=SC2086 # fields
	born ${stat##*) }
	echo "$$ $b $boot_id" >"$run/supervisor"
	down=
	trap : USR1
	trap down=1 TERM
	trap '' HUP INT
	set -a
	# shellcheck disable=SC1091 # written by start
	. "$run/env"
	set +a
	export BINDU_HOST=0.0.0.0 BINDU_PORT="$port" BINDU_PUBLIC_URL="$url" \
		PYTHONUNBUFFERED=1
	unset PYTHONDONTWRITEBYTECODE
	cd "$home/app" || exit 1
	(exec 7>&- && limit_log) &
	limiter=$!
	tries=0
	while ! is_over; do
		run_once
		! is_over || break
		get "$run/started"
		lasted=$(($(date +%s) - w))
		# What never worked would fail the same way again.
		[ -e "$run/healthy" ] || [ "$lasted" -ge 60 ] || break
		[ "$lasted" -lt 60 ] || tries=0
		pause=$((1 << tries))
		[ "$tries" -ge 5 ] || tries=$((tries + 1))
		say_in_log "ended with code $code, starts again in $pause s"
		get "$run/restarts"
		put "$run/restarts" "$((${w:-0} + 1))"
		until [ "$pause" = 0 ] || is_over; do
			sleep 1
			pause=$((pause - 1))
		done
	done
	kill "$limiter" 2>/dev/null
	rm -f "$run/supervisor"
	[ ! -e "$run/drain" ] || rm -rf "$run"
}

supervise "$1"

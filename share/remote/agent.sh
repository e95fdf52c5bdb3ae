#!/bin/sh
# agent.sh - the agent process of this box.
#
#	agent.sh start SCRIPT|- PORT|- URL|- KEY [new|same]
#			start a run of the live release.  new: its environment
#			comes on stdin, NAME='VALUE' lines for sh; same: key and
#			environment of the live run, and what is -.  KEY, a
#			digest of what was asked for, is told by status.  Tells
#			the new run's status
#	agent.sh ready RUN MS	wait until RUN answers, at most MS; see below
#	agent.sh live RUN [GRACE]	RUN is the agent now: supervise it; the
#			others end with their connections, or after GRACE s (30)
#	agent.sh drop RUN	end RUN; the live one, if another, stays
#	agent.sh stop [SECONDS]	end all: TERM, then KILL after SECONDS (10)
#	agent.sh status [LINES [RUN]]	key=value; an empty line, the log's end
#	agent.sh watch		wait for the live run's end, then as status 50
#	agent.sh boot		the box has started: so does the live run
#
# Every start is a run with a directory of its own; two can run side by side,
# each on a port of its own from PORT up, told by BINDU_PORT.  Which one is the
# agent is said by the file live.  Where nothing serves, a new run is live from
# its start; beside one that serves it is so by the word live, which the client
# says when the way in leads to it.  An agent that ignores BINDU_PORT cannot
# run beside itself: ready stops the old one and starts the new one again, and
# the next start knows.
#
# ready answers as status does, with ready=1 and
#	port=N		where it listens, which a process of RUN does
#	ignores=N	it was told that port and does not listen there
#	gap_ms=N	the old one had to be stopped first
# or ready=0 and cause=TEXT.
#
# HOME/.bindu/agent:
#	live, before	numbers of runs: the agent, and the one stopped for it
#	fixed		the port of an agent that ignores BINDU_PORT
#	runs/N/		launch (script, port, url, key, PORT; no secrets), env (0600:
#			a reboot and a rollback need it), pid, supervisor, exit,
#			port, release, log, healthy, restarts, stop, drain
#	logs/		agent.log is the live run's, .1 to .5 those before
# HOME/.bindu/boot	what boxd-init, cron or systemd calls
#
# SPDX-License-Identifier: Apache-2.0
set -u
umask 022
self=$0
case $self in /*) ;; *) self=$PWD/$self ;; esac
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

born() {
	echo "${20}"
}

nap() {
	sleep 0.05 2>/dev/null || sleep 1
}

now_ms() {
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}0"
}

# The content of file $1, without newline.
word() {
	w=
	read -r w 2>/dev/null <"$1"
	printf %s "$w"
}

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
	read -r python 2>/dev/null <"$T/releases/$(word "$T/current")/python"
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

show_log() {
	[ ! -e "$log" ] || keep_log "$log"
	ln -f "$run/log" "$log.new" && mv -f "$log.new" "$log"
}

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

# --- the supervisor of one run

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

# The agent of this run and all in its group; nap by nap for $1 seconds.
end_agent() {
	alive "$run/pid" || return 0
	agent=$p
	kill -TERM "-$agent" 2>/dev/null || kill -TERM "$agent"
	end=$(($(now_ms) + $1 * 1000))
	while alive "$run/pid" && [ "$(now_ms)" -lt "$end" ]; do
		nap
	done
	# Also what it left behind in its group.
	kill -KILL "-$agent" 2>/dev/null || kill -KILL "$agent" 2>/dev/null
}

# Not before its connections have ended, unless that takes too long.  What
# was on its way when the route changed gets there within a second.
drain() {
	listens=$(word "$run/port")
	end=$(($(now_ms) + $(word "$run/drain") * 1000))
	free=0
	while alive "$run/pid" && [ "$(now_ms)" -lt "$end" ] &&
		[ "$free" -lt 4 ]; do
		sleep 0.3 2>/dev/null || sleep 1
		free=$((free + 1))
		[ "$(connections "$listens")" = 0 ] || free=0
	done
	say_in_log "another run has taken its place"
	end_agent 10
}

# One run of the agent: its pid is written from inside, its group is its own.
run_once() {
	find_python
	rm -f "$run/exit"
	put "$run/release" "$(word "$T/current")"
	put "$run/started" "$(date +%s)"
	# shellcheck disable=SC2016 # expanded by the inner sh
	$setsid sh -c 'read -r s </proc/$$/stat; born() { echo "${20}"; }
		echo "$$ $(born ${s##*) }) $1" >"$0.new" && mv -f "$0.new" "$0"
		shift; exec "$@"' "$run/pid" "$boot_id" "$python" "$script" \
		</dev/null >>"$run/log" 2>&1 &
	child=$!
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
	put "$run/supervisor" "$$ $(born ${stat##*) }) $boot_id"
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
	limit_log &
	limiter=$!
	tries=0
	while ! is_over; do
		run_once
		! is_over || break
		lasted=$(($(date +%s) - $(word "$run/started")))
		# What never worked would fail the same way again.
		[ -e "$run/healthy" ] || [ "$lasted" -ge 60 ] || break
		[ "$lasted" -lt 60 ] || tries=0
		pause=$((1 << tries))
		[ "$tries" -ge 5 ] || tries=$((tries + 1))
		say_in_log "ended with code $code, starts again in $pause s"
		r=$(word "$run/restarts")
		put "$run/restarts" "$((${r:-0} + 1))"
		until [ "$pause" = 0 ] || is_over; do
			sleep 1
			pause=$((pause - 1))
		done
	done
	kill "$limiter" 2>/dev/null
	rm -f "$run/supervisor"
	[ ! -e "$run/drain" ] || rm -rf "$run"
}

# --- the runs

exists() {
	[ -n "$1" ] && [ -d "$R/runs/$1" ]
}

is_running() {
	exists "$1" && {
		alive "$R/runs/$1/supervisor" || alive "$R/runs/$1/pid"
	}
}

runs() {
	ls "$R/runs"
}

# "LOCAL-PORT" of every socket, hexadecimal, a line each.
sockets() {
	awk 'FNR > 1 { n = split($2, a, ":"); print a[n] }' \
		/proc/net/tcp /proc/net/tcp6 2>/dev/null
}

is_taken() {
	sockets | grep -qx "$(printf %04X "$1")"
}

# The first port from $1 up that nobody has, nor another run or an agent that
# ignores what it is told.
free_port() {
	used=$(
		sockets
		for n in $(runs); do
			! is_running "$n" ||
				printf '%04X\n' "$(sed -n 2p "$R/runs/$n/launch")"
		done
		[ ! -e "$R/fixed" ] || printf '%04X\n' "$(word "$R/fixed")"
	) 2>/dev/null
	port=$1
	while echo "$used" | grep -qx "$(printf %04X "$port")"; do
		port=$((port + 1))
		[ "$port" -le 65535 ] || port=1024
	done
	echo "$port"
}

launch() {
	use "$1"
	rm -f "$run/pid" "$run/exit" "$run/port" "$run/stop" "$run/restarts"
	: >>"$run/log"
	command -v setsid >/dev/null 2>&1 && setsid=setsid || setsid='nohup'
	$setsid sh "$self" supervise "$1" </dev/null >>"$run/log" 2>&1 8>&- &
	n=100
	until [ -e "$run/pid" ] || [ -e "$run/exit" ] || [ "$n" = 0 ]; do
		nap
		n=$((n - 1))
	done
}

# End run $1 now; its agent gets $2 seconds.
end_run() {
	use "$1"
	: >"$run/stop"
	end_agent "$2"
	n=100
	while [ "$n" -gt 0 ] && alive "$run/supervisor"; do
		[ "$n" != 50 ] || kill -KILL "$p"
		nap
		n=$((n - 1))
	done
	rm -f "$run/healthy"
}

# Let run $1 end by itself within $2 seconds, while we go on.
let_go() {
	use "$1"
	if alive "$run/supervisor"; then
		put "$run/drain" "$2"
		kill -USR1 "$p"
		return
	fi
	if alive "$run/pid"; then
		kill -TERM "-$p" 2>/dev/null || kill -TERM "$p"
	fi
	rm -rf "$run"
}

let_others_go() {
	for n in $(runs); do
		[ "$n" = "$1" ] || [ "$n" = "$2" ] ||
			[ -e "$R/runs/$n/drain" ] || let_go "$n" "$3"
	done
}

# Nobody serves from here on: run $1 does when it answers.
take_over() {
	old=$(word "$R/live")
	if exists "$old" && [ "$old" != "$1" ]; then
		put "$R/before" "$old"
		if is_running "$old"; then
			put "$R/runs/$1/alone" "$(now_ms)"
			end_run "$old" 10
		fi
	fi
	put "$R/live" "$1"
	use "$1"
	show_log
}

# Nobody but the deploy that holds the tree may start what it half wrote.
settle() {
	[ -e "$T/apply" ] && [ -z "${BINDU_HELD:-}" ] || return 0
	sh "$(dirname "$self")/receive.sh" app finish
}

start() {
	umask 077
	last=$(word "$R/last")
	use $((${last:-0} + 1))
	live=$(word "$R/live")
	mkdir -p "$run" && put "$R/last" "$N" || exit 74
	trap 'rm -rf "$run"' EXIT
	if [ "${5:-new}" = same ]; then
		if ! exists "$live" || [ ! -e "$R/runs/$live/env" ]; then
			echo "no agent was started here before: deploy it" >&2
			exit 69
		fi
		take_launch "$R/runs/$live"
		cp "$R/runs/$live/env" "$run/env" || exit 74
	else
		cat >"$run/env" || exit 74
		key=$4
	fi
	[ "$2" = - ] || base=$2
	[ "$1" = - ] || script=$1
	[ "$3" = - ] || url=$3
	settle || exit $?
	if [ ! -f "$home/app/$script" ]; then
		echo "no such script: app/$script" >&2
		exit 66
	fi
	port=$(free_port "$base")
	{ printf '%s\n' "$script" "$port" "$url" "$key" "$base" >"$run/launch" &&
		: >"$run/log"; } || exit 74
	trap - EXIT
	umask 022
	if ! is_running "$live" ||
		{ [ -e "$R/fixed" ] && is_taken "$(word "$R/fixed")"; }; then
		new=$N
		take_over "$new"
		use "$new"
	fi
	launch "$N"
	status 0 "$N"
}

# Wait until run $N answers, at most $1 ms; its last lines are key=value.
probe() {
	find_python
	others=
	for n in $(runs); do
		[ "$n" = "$N" ] || ! alive "$R/runs/$n/pid" ||
			others="$others $p"
	done
	take_launch "$run"
	"$python" -I -S "$(dirname "$self")/probe.py" "$run" "$port" \
		"$base $(word "$R/fixed")" "$1" "$others"
}

answers() {
	case $nl$answer$nl in *"$nl$1$nl"*) return 0 ;; esac
	return 1
}

ready() {
	use "$1"
	exists "$1" || exit 66
	deadline=$(($(now_ms) + $2))
	me=$1
	answer=$(probe "$2")
	if answers busy=1; then
		take_over "$me"
		launch "$me"
		left=$((deadline - $(now_ms)))
		[ "$left" -gt 10000 ] || left=10000
		answer=$(probe "$left")
	elif answers shared=1; then
		# Both listen on one port: the old one must not get the half.
		take_over "$me"
	fi
	use "$me"
	if answers ready=1; then
		port=$(echo "$answer" | sed -n 's/^port=//p')
		put "$run/port" "$port"
		case $nl$answer in
		*"${nl}ignores="*) put "$R/fixed" "$port" ;;
		*)
			[ "$(word "$R/fixed")" = "$port" ] ||
				rm -f "$R/fixed" ;;
		esac
		[ ! -e "$run/alone" ] || answer="$answer
gap_ms=$(($(now_ms) - $(word "$run/alone")))"
	fi
	[ -n "$answer" ] || answer="ready=0
cause=python3 is needed to ask it"
	echo "$answer" | grep -v '^port='
	if answers ready=1; then status 0 "$me"; else status 50 "$me"; fi
}

# After a reboot somebody must call boot: who?
install_boot() {
	printf '#!/bin/sh\nexec sh "%s" boot\n' "$self" >"$home/.bindu/boot.new"
	mv -f "$home/.bindu/boot.new" "$home/.bindu/boot"
	how=none
	line="@reboot sh $home/.bindu/boot"
	if [ -e /.boxd/init ]; then
		how=init
	elif command -v crontab >/dev/null 2>&1 &&
		grep -qx -e cron -e crond /proc/[0-9]*/comm 2>/dev/null; then
		crontab -l 2>/dev/null | grep -qxF "$line" || {
			crontab -l 2>/dev/null
			echo "$line"
		} | crontab - 2>/dev/null && how=cron
	elif [ -d /run/systemd/system ] &&
		systemctl --user show-environment >/dev/null 2>&1; then
		install_unit && how=systemd
	fi
	put "$R/boot" "$how"
}

# A unit of the user starts at boot when the user may linger.
install_unit() {
	u=$home/.config/systemd/user
	mkdir -p "$u" && cat >"$u/bindu-agent.service" <<-U || return 1
	[Unit]
	Description=The agent of this box
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	KillMode=process
	ExecStart=/bin/sh "$home/.bindu/boot"
	[Install]
	WantedBy=default.target
	U
	{ loginctl enable-linger || sudo -n loginctl enable-linger "$(id -un)"
	} >/dev/null 2>&1 &&
		systemctl --user enable bindu-agent.service >/dev/null 2>&1
}

live() {
	exists "$1" || exit 66
	use "$1"
	: >"$run/healthy"
	# A way back for later.
	rel=$T/releases/$(word "$run/release")
	[ ! -e "$rel/manifest" ] || : >"$rel/healthy"
	rm -f "$run/alone" "$R/before"
	if [ "$(word "$R/live")" != "$1" ]; then
		put "$R/live" "$1"
		show_log
	fi
	let_others_go "$1" "$1" "${2:-30}"
	grep -qsF "\"$self\"" "$home/.bindu/boot" || install_boot
}

drop() {
	exists "$1" || exit 66
	live=$(word "$R/live")
	if [ "$live" = "$1" ]; then
		end_run "$1" 10
		before=$(word "$R/before")
		if exists "$before"; then
			put "$R/live" "$before"
			rm -f "$R/before"
		fi
	else
		keep_log "$R/runs/$1/log"
		let_others_go "$live" "$live" 0
	fi
}

stop() {
	for each in $(runs); do
		end_run "$each" "${1:-10}"
	done
	let_others_go "$(word "$R/live")" "$(word "$R/before")" 0
}

boot() {
	live=$(word "$R/live")
	if ! exists "$live" || is_running "$live" ||
		[ -e "$R/runs/$live/stop" ]; then
		return
	fi
	settle || exit $?
	let_others_go "$live" "$(word "$R/before")" 0
	use "$live"
	keep=$(word "$run/port")
	launch "$live"
	[ -z "$keep" ] || put "$R/runs/$live/port" "$keep"
}

value() {
	[ ! -e "$run/$1" ] || printf '%s=%s\n' "${2:-$1}" \
		"$(word "$run/$1" | cut -d ' ' -f 1)"
}

status() {
	use "${2:-$(word "$R/live")}"
	if ! exists "$N"; then
		echo state=none
		return
	fi
	state=none
	if alive "$run/pid"; then
		state=running
		echo "pid=$p"
	elif alive "$run/supervisor" && [ ! -e "$run/stop" ]; then
		state=restarting
	elif [ -e "$run/stop" ]; then
		state=stopped
	elif [ -e "$run/exit" ]; then
		state=exited
	elif [ -e "$run/pid" ]; then
		state=lost
	fi
	printf 'state=%s\nrun=%s\n' "$state" "$N"
	value exit exit_code
	value started
	value restarts
	value release
	[ ! -e "$run/healthy" ] || echo healthy=1
	if [ "$N" != "$(word "$R/live")" ]; then
		old=$R/runs/$(word "$R/live")
		take_launch "$old"
		listens=$(word "$old/port")
		echo "beside=${listens:-$port}"
	fi
	for n in $(runs); do
		[ "$n" = "$N" ] || [ -e "$R/runs/$n/drain" ] ||
			! alive "$R/runs/$n/pid" || echo others=1
	done
	take_launch "$run"
	listens=$(word "$run/port")
	printf 'script=%s\nport=%s\nurl=%s\nkey=%s\n' "$script" \
		"${listens:-$port}" "$url" "$key"
	[ ! -e "$R/boot" ] || echo "boot=$(word "$R/boot")"
	if [ "${1:-0}" -gt 0 ] && [ -e "$run/log" ]; then
		echo
		tail -n "$1" "$run/log"
	fi
}

watch() {
	use "$(word "$R/live")"
	while alive "$run/pid" ||
		{ alive "$run/supervisor" && [ ! -e "$run/exit" ]; }; do
		nap
	done
	# The supervisor notes the code a moment after the process is gone, and
	# goes itself when it is not to start it again.
	n=40
	until { [ -e "$run/exit" ] && { [ -e "$run/healthy" ] ||
		! alive "$run/supervisor"; }; } || [ "$n" = 0 ]; do
		nap
		n=$((n - 1))
	done
	status 50
}

nl='
'
mkdir -p "$R/logs" "$R/runs" && chmod 700 .bindu "$R/runs" || exit 74
verb=$1
shift
case $verb in
start | live | drop | stop | boot)
	if command -v flock >/dev/null 2>&1; then
		exec 8>"$R/lock"
		if ! flock -w 30 8; then
			echo "another command on this agent is at work" >&2
			exit 75
		fi
	fi ;;
esac
case $verb in
start | ready | live | drop | stop | status | watch | boot | supervise)
	"$verb" "$@" ;;
*)
	echo "agent.sh: unknown command $verb" >&2
	exit 2 ;;
esac

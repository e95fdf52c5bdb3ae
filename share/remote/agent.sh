#!/bin/sh
# agent.sh - the agent process of this box.
#
#	agent.sh start SCRIPT|- PORT|- URL|- KEY [new|same]
#			start a run of the live release.  new: its environment
#			comes on stdin, NAME='VALUE' lines for sh; same: key and
#			environment of the live run, and what is -.  KEY, a
#			digest of what was asked for, is told by status, with
#			+VERSION of the bindu deps was asked for.  Tells
#			the new run's status
#	agent.sh ready RUN MS	wait until RUN answers, at most MS; see below
#	agent.sh up SCRIPT PORT URL KEY BINDU PYTHON	deps.sh and start new, when
#			told so on stdin
#	agent.sh prove		ready and live, when told so on stdin
#	agent.sh live RUN [GRACE]	RUN is the agent now: supervise it; the
#			others end with their connections, or after GRACE s (30)
#	agent.sh drop RUN	end RUN; the live one, if another, stays
#	agent.sh stop [SECONDS]	end all: TERM, then KILL after SECONDS (10)
#	agent.sh status [LINES [RUN]]	key=value; an empty line, the log's end
#	agent.sh words LINES TEXT [RUN]	the same, without lines that hold TEXT
#			or ask for /health
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
self=$0
case $self in /*) ;; *) self=$PWD/$self ;; esac
# shellcheck source=share/remote/common.sh
. "${self%/*}/common.sh"

show_log() {
	[ ! -e "$log" ] || keep_log "$log"
	ln -f "$run/log" "$log.new" && mv -f "$log.new" "$log"
}

exists() {
	[ -n "$1" ] && [ -d "$R/runs/$1" ]
}

is_running() {
	exists "$1" && {
		alive "$R/runs/$1/supervisor" || alive "$R/runs/$1/pid"
	}
}

# all are the numbers of the runs.
list_runs() {
	all=
	for each in "$R"/runs/*; do
		[ ! -d "$each" ] || all="$all ${each##*/}"
	done
}

# p is the port of the launch file $1.
port_of() {
	p=
	{ read -r _ && read -r p; } 2>/dev/null <"$1"
}

# The first port from $1 up that nobody listens on or is joined to, and that is
# none of those in $2.
choose_port() {
	six=/proc/net/tcp6
	[ -r $six ] || six=
	# shellcheck disable=SC2086 # none or one
	awk -v port="$1" -v others="$2" '
	BEGIN { n = split(others, o, " ")
		for (i = 1; i <= n; i++) used[sprintf("%04X", o[i])] = 1 }
	FNR > 1 { n = split($2, a, ":"); used[a[n]] = 1 }
	END { while (sprintf("%04X", port) in used)
			if (++port > 65535) port = 1024
		print port }' /proc/net/tcp $six
}

is_taken() {
	[ "$(choose_port "$1" '')" != "$1" ]
}

# port is the first from $1 up that nobody has, nor another run or an agent
# that ignores what it is told.
free_port() {
	get "$R/fixed"
	taken=$w
	list_runs
	for n in $all; do
		is_running "$n" || continue
		port_of "$R/runs/$n/launch"
		taken="$taken $p"
	done
	port=$(choose_port "$1" "$taken")
}

# Until its agent has a pid, or it is over.
launch() {
	use "$1"
	if [ -e "$run/pid" ] || [ -e "$run/exit" ] || [ -e "$run/stop" ]; then
		rm -f "$run/pid" "$run/exit" "$run/port" "$run/stop" \
			"$run/restarts"
	fi
	: >>"$run/log"
	command -v setsid >/dev/null 2>&1 && setsid=setsid || setsid='nohup'
	: "$($setsid sh "${self%/*}/supervise.sh" "$1" </dev/null 7>&1 >>"$run/log" \
		2>&1 8>&- &)"
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
		echo "$2" >"$run/drain"
		kill -USR1 "$p"
		return
	fi
	if alive "$run/pid"; then
		kill -TERM "-$p" 2>/dev/null || kill -TERM "$p"
	fi
	rm -rf "$run"
}

let_others_go() {
	list_runs
	for n in $all; do
		[ "$n" = "$1" ] || [ "$n" = "$2" ] ||
			{ [ -e "$R/runs/$n/drain" ] && is_running "$n"; } ||
			let_go "$n" "$3"
	done
}

# Nobody serves from here on: run $1 does when it answers.
take_over() {
	get "$R/live"
	old=$w
	if exists "$old" && [ "$old" != "$1" ]; then
		put "$R/before" "$old"
		if is_running "$old"; then
			now_ms
			put "$R/runs/$1/alone" "$now"
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
	sh "${self%/*}/receive.sh" app finish
}

start() {
	umask 077
	get "$R/last"
	use $((${w:-0} + 1))
	get "$R/live"
	live=$w
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
		url='' key=$4
	fi
	# Which bindu was asked for is what deps knows.
	get "$T/current"
	{ read -r _ && read -r want; } 2>/dev/null \
		<"$T/releases/$w/python" || want=
	key=${key%%+*}${want:++$want}
	[ "$2" = - ] || base=$2
	[ "$1" = - ] || script=$1
	[ "$3" = - ] || url=$3
	settle || exit $?
	if [ ! -f "$home/app/$script" ]; then
		echo "no such script: app/$script" >&2
		exit 66
	fi
	free_port "$base"
	{ printf '%s\n' "$script" "$port" "$url" "$key" "$base" >"$run/launch" &&
		: >"$run/log"; } || exit 74
	trap - EXIT
	umask 022
	get "$R/fixed"
	if ! is_running "$live" || { [ -n "$w" ] && is_taken "$w"; }; then
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
	list_runs
	for n in $all; do
		[ "$n" = "$N" ] || ! alive "$R/runs/$n/pid" ||
			others="$others $p"
	done
	take_launch "$run"
	get "$R/fixed"
	"$python" -I -S "${self%/*}/probe.py" "$run" "$port" \
		"$base $w" "$1" "$others"
}

answers() {
	case $nl$answer$nl in *"$nl$1$nl"*) return 0 ;; esac
	return 1
}

# answer is what probe says of run $1, after the old one was stopped if it
# must be; ready=1, ignores and port are as in there.
ask_for() {
	answer=$(probe "$2")
	if answers busy=1; then
		launched=1
		take_over "$1"
		launch "$1"
		now_ms
		left=$((deadline - now))
		[ "$left" -gt 10000 ] || left=10000
		answer=$(probe "$left")
	elif answers shared=1; then
		# Both listen on one port: the old one must not get the half.
		take_over "$1"
	fi
	use "$1"
	is_ready=
	ignores=
	while IFS='=' read -r key value; do
		case $key in
		ready) [ "$value" = 0 ] || is_ready=1 ;;
		port) port=$value ;;
		ignores) ignores=$value ;;
		esac
	done <<-A
	$answer
	A
}

ready() {
	use "$1"
	exists "$1" || exit 66
	now_ms
	deadline=$((now + $2))
	me=$1
	launched=
	ask_for "$1" "$2"
	if [ -n "$is_ready" ]; then
		echo "$port" >"$run/port"
		get "$R/fixed"
		if [ -n "$ignores" ]; then
			put "$R/fixed" "$port"
		elif [ -n "$w" ] && [ "$w" != "$port" ]; then
			rm -f "$R/fixed"
		fi
		if [ -e "$run/alone" ]; then
			get "$run/alone"
			now_ms
			answer="$answer
gap_ms=$((now - w))"
		fi
		ensure_boot
	fi
	[ -n "$answer" ] || answer="ready=0
cause=python3 is needed to ask it"
	# It tells its port too, and the last word counts.
	echo "$answer"
	if [ -n "$is_ready" ]; then
		status 0 "$me"
		return
	fi
	words 50 "GET /health " "$me"
}

# After a reboot somebody must call boot: who?
ensure_boot() {
	w=
	{ read -r _ && read -r w; } 2>/dev/null <"$home/.bindu/boot"
	[ "$w" = "exec sh \"$self\" boot" ] || install_boot
}

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
	elif [ -d /run/systemd/system ]; then
		install_unit && how=systemd
	fi
	put "$R/boot" "$how"
}

# A unit of the user starts at boot when the user may linger.  Enabled by hand:
# who never logged in has no manager to ask.
install_unit() {
	u=$home/.config/systemd/user
	mkdir -p "$u/default.target.wants" &&
		cat >"$u/bindu-agent.service" <<-U || return 1
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
	ln -sf ../bindu-agent.service "$u/default.target.wants/" || return 1
	loginctl enable-linger >/dev/null 2>&1 ||
		sudo -n loginctl enable-linger "$(id -un)" >/dev/null 2>&1
}

live() {
	exists "$1" || exit 66
	use "$1"
	: >"$run/healthy"
	# A way back for later.
	get "$run/release"
	rel=$T/releases/$w
	[ ! -e "$rel/manifest" ] || : >"$rel/healthy"
	if [ -e "$run/alone" ] || [ -e "$R/before" ]; then
		rm -f "$run/alone" "$R/before"
	fi
	get "$R/live"
	if [ "$w" != "$1" ]; then
		put "$R/live" "$1"
		show_log
	fi
	let_others_go "$1" "$1" "${2:-30}"
	ensure_boot
}

drop() {
	exists "$1" || exit 66
	get "$R/live"
	live=$w
	if [ "$live" = "$1" ]; then
		end_run "$1" 10
		get "$R/before"
		before=$w
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
	list_runs
	for n in $all; do
		end_run "$n" "${1:-10}"
	done
	get "$R/before"
	before=$w
	get "$R/live"
	let_others_go "$w" "$before" 0
}

boot() {
	get "$R/before"
	before=$w
	get "$R/live"
	live=$w
	if ! exists "$live" || is_running "$live" ||
		[ -e "$R/runs/$live/stop" ]; then
		return
	fi
	settle || exit $?
	let_others_go "$live" "$before" 0
	use "$live"
	get "$run/port"
	keep=$w
	launch "$live"
	[ -z "$keep" ] || put "$R/runs/$live/port" "$keep"
}

# The first word of a file of the run, as NAME=WORD.
value() {
	[ -e "$run/$1" ] || return
	get "$run/$1"
	echo "${2:-$1}=${w%% *}"
}

status() {
	get "$R/live"
	live=$w
	use "${2:-$live}"
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
	if [ "$N" != "$live" ]; then
		take_launch "$R/runs/$live"
		get "$R/runs/$live/port"
		echo "beside=${w:-$port}"
	fi
	list_runs
	for n in $all; do
		[ "$n" = "$N" ] || [ -e "$R/runs/$n/drain" ] ||
			! alive "$R/runs/$n/pid" || echo others=1
	done
	take_launch "$run"
	get "$run/port"
	printf 'script=%s\nport=%s\nurl=%s\nkey=%s\n' "$script" \
		"${w:-$port}" "$url" "$key"
	get "$R/boot"
	[ -z "$w" ] || echo "boot=$w"
	if [ "${1:-0}" -gt 0 ] && [ -e "$run/log" ]; then
		echo
		if [ -n "$asked" ]; then
			LC_ALL=C asked=$asked awk '!index($0, "GET /health ") &&
				!index($0, ENVIRON["asked"])' "$run/log" | tail -n "$1"
		else
			tail -n "$1" "$run/log"
		fi
	fi
}

# Our own questions, twenty a second, are not what it has to say.
words() {
	asked=$2
	status "$1" "${3:-}"
}

watch() {
	get "$R/live"
	use "$w"
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

# deps.sh and start in one, waiting for the word: a line with the size of the
# installer's settings, they, the agent's environment.
up() {
	read -r n || exit 0
	if [ "$n" = 0 ]; then
		sh "${self%/*}/deps.sh" "$1" "$5" "$6" </dev/null || exit $?
	else
		head -c "$n" | sh "${self%/*}/deps.sh" "$1" "$5" "$6" || exit $?
	fi
	lock
	start "$1" "$2" "$3" "$4" new
}

# ready and live in one: asked "RUN MS GRACE" it answers as ready, and an empty
# line when it waits for the word live.  Not after it started the run itself:
# that must outlive a client that goes away now.
prove() {
	read -r n ms grace || exit 0
	new=$n
	ready "$n" "$ms"
	[ -n "$is_ready" ] && [ -z "$launched" ] || exit 0
	echo
	read -r answer && [ "$answer" = live ] || exit 0
	lock
	live "$new" "$grace"
}

lock() {
	command -v flock >/dev/null 2>&1 || return 0
	exec 8>"$R/lock"
	if ! flock -w 30 8; then
		echo "another command on this agent is at work" >&2
		exit 75
	fi
}

asked=
nl='
'
[ -d "$R/logs" ] && [ -d "$R/runs" ] ||
	(umask 077 && mkdir -p "$R/logs" "$R/runs") || exit 74
verb=$1
shift
case $verb in
start | live | drop | stop | boot) lock ;;
esac
case $verb in
start | up | ready | prove | live | drop | stop | status | words | watch | boot)
	"$verb" "$@" ;;
*)
	echo "agent.sh: unknown command $verb" >&2
	exit 2 ;;
esac

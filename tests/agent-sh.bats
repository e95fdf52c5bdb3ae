# agent.sh and its supervisor: the same under dash, bash and busybox ash, here,
# with a directory as the box.
load helper
load remote-sh

agent() {
	script agent.sh "$@"
}
app() {
	mkdir -p "$BOX/app"
	cat >"$BOX/app/$1"
}

running() {
	SH=$1
	app ok.py <<-'P'
		import os, sys, time
		print("up", os.environ["BINDU_HOST"], os.environ["BINDU_PORT"],
		      os.environ["BINDU_PUBLIC_URL"], os.environ["SECRET"], flush=True)
		time.sleep(100)
	P
	[ "$(agent status)" = state=none ]
	printf "SECRET='it'\\\\''s a \$(secret)'\n" | agent start ok.py 4000 http://x key1
	[ "$(field state)" = running ]
	[ "$(field key)" = key1 ]
	eventually 5 grep -qF "up 0.0.0.0 4000 http://x it's a \$(secret)" \
		"$BOX/.bindu/agent/logs/agent.log"
	# The environment is in no command line, and in a file for us alone.
	run ! grep -qa secret "/proc/$(field pid)/cmdline"
	[ "$(cd "$BOX/.bindu/agent" && grep -rl 'a \$(secret)' . | sort)" = \
		"./logs/agent.log
./runs/1/env
./runs/1/log" ]
	[ "$(stat -c %a "$BOX/.bindu/agent/runs/1/env")" = 600 ]
	[ "$(stat -c %a "$BOX/.bindu/agent/runs")" = 700 ]
	old=$(field pid)
	agent live 1
	agent start - - - - same
	[ "$(field pid)" = "$old" ]
	agent live 2 0
	[ "$(field key)" = key1 ]
	[ "$(field pid)" != "$old" ]
	gone() { [ ! -d "$BOX/.bindu/agent/runs/1" ]; }
	eventually 5 gone
	[ ! -d "/proc/$old" ]
	agent stop
	[ "$(field state)" = stopped ]
	agent start - - - - same
	[ "$(field state)" = running ]
	eventually 5 grep -qF "a \$(secret)" "$BOX/.bindu/agent/logs/agent.log"
	agent stop
}
@test "agent: starts with its environment, restarts, stops" {
	each_shell running
}

crashing() {
	SH=$1
	app bad.py <<-'P'
		import time
		time.sleep(0.2)
		import no_such_module
	P
	agent start bad.py 4000 http://x - </dev/null
	run agent watch
	[[ "$output" == *state=exited* ]]
	[[ "$output" == *exit_code=1* ]]
	[[ "$output" == *"No module named 'no_such_module'"* ]]
	app ok.py <<-'P'
		import time
		time.sleep(100)
	P
	agent start ok.py 4000 http://x - </dev/null
	agent live 2
	old=$(field pid)
	kill -9 "$old"
	restarted() { [ "$(field state)" = running ] && [ "$(field pid)" != "$old" ]; }
	eventually 8 restarted
	[ "$(field restarts)" = 1 ]
	[ -e "$BOX/.bindu/agent/logs/agent.log.1" ]
	grep -q no_such_module "$BOX/.bindu/agent/logs/agent.log.1"
	agent stop
}
@test "agent: a crash at once is an end, a crash later a restart" {
	each_shell crashing
}

stubborn() {
	SH=$1
	app no.py <<-'P'
		import os, signal, time
		signal.signal(signal.SIGTERM, signal.SIG_IGN)
		if os.fork() == 0:
		    open(os.environ["CHILD"], "w").write(str(os.getpid()))
		    time.sleep(100)
		time.sleep(100)
	P
	echo "CHILD=$BOX/child" | agent start no.py 4000 http://x -
	eventually 5 test -s "$BOX/child"
	old=$(field pid)
	agent stop 1
	dead() { [ ! -d "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; }
	eventually 3 dead "$old"
	eventually 3 dead "$(cat "$BOX/child")"
}
@test "agent: one that ignores TERM is killed with its children" {
	each_shell stubborn
}

answering() { # answering FILE PORT
	serving "$2" | app "$1"
}
switching() {
	SH=$1
	base=$((20000 + RANDOM % 10000))
	answering ok.py 'int(os.environ["BINDU_PORT"])'
	agent start ok.py $base http://x - </dev/null
	run agent ready 1 20000
	[ "${lines[0]}" = ready=1 ]
	agent live 1
	first=$(field pid) port=$(field port)
	# Beside it, on another port, and live only when that is said.
	agent start ok.py $base http://x - </dev/null
	run agent ready 2 20000
	echo "$output"
	[[ "$output" == ready=1* && "$output" == *beside=$port* ]]
	[ "$(field pid)" = "$first" ]
	agent live 2 5
	[ "$(field port)" != "$port" ]
	gone() { [ ! -d "$BOX/.bindu/agent/runs/1" ]; }
	eventually 10 gone
	# A red one, and all is as before.
	second=$(field pid)
	echo 'import no_such_module' | app bad.py
	agent start bad.py $base http://x - </dev/null
	run agent ready 3 20000
	echo "$output"
	[[ "$output" == ready=0* && "$output" == *exit_code=1* ]]
	[[ "$output" == *no_such_module* ]]
	agent drop 3
	[ "$(field pid)" = "$second" ]
	[ "$(ls "$BOX/.bindu/agent/runs")" = 2 ]
	grep -q no_such_module "$BOX/.bindu/agent/logs/agent.log.1"
	# One that ignores its port: the second is found to, the third known to.
	answering fixed.py $((base + 500))
	for n in 4 5 6; do
		agent start fixed.py $base http://x - </dev/null
		run agent ready $n 20000
		echo "$output"
		[[ "$output" == ready=1* && "$output" == *ignores=* ]]
		[[ "$output" == *port=$((base + 500))* ]]
		[[ $n = 4 || "$output" == *gap_ms=* ]]
		agent live $n 0
	done
	agent stop
}
@test "agent: one beside the other, and one that cannot be" {
	each_shell switching
}

booting() {
	SH=$1
	answering ok.py 'int(os.environ["BINDU_PORT"])'
	echo "SECRET=x" | agent start ok.py 23000 http://x -
	mkdir -p "$BOX/bin"
	cat >"$BOX/bin/crontab" <<-'C'
		#!/bin/sh
		case $1 in -l) cat "$HOME/crontab" 2>/dev/null ;; -) cat >"$HOME/crontab.new"
		mv "$HOME/crontab.new" "$HOME/crontab" ;; esac
	C
	# grep is asked whether a cron runs.
	cat >"$BOX/bin/grep" <<-'C'
		#!/bin/sh
		case "$*" in *crond*) exit 0 ;; *) exec /bin/grep "$@" ;; esac
	C
	chmod +x "$BOX"/bin/*
	echo "1 2 3 4 5 mine" >"$BOX/crontab"
	# Known before a first start is reported, which live comes after.
	told=$(PATH=$BOX/bin:$PATH agent ready 1 30000)
	[[ $told == *ready=1* && $told == *$'\n'boot=cron* ]]
	PATH=$BOX/bin:$PATH agent live 1
	[ "$(field boot)" = cron ]
	[ "$(cat "$BOX/crontab")" = "1 2 3 4 5 mine
@reboot sh $BOX/.bindu/boot" ]
	# As after a reboot: no process, and other numbers.
	kill -9 "$(cut -d ' ' -f 1 "$BOX/.bindu/agent/runs/1/supervisor")" \
		"$(field pid)"
	port=$(field port)
	HOME=$BOX timeout 60 sh "$BOX/.bindu/boot" 3>&- 8>&-
	[ "$(field state)" = running ]
	[ "$(field port)" = "$port" ]
	agent stop
	HOME=$BOX timeout 60 sh "$BOX/.bindu/boot" 3>&-
	[ "$(field state)" = stopped ]
}
@test "agent: boot starts what was live, and cron is told to call it" {
	each_shell booting
}

@test "agent: the unit for systemd is one, and enabled without its manager" {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/home/.bindu"
	home=$BATS_TEST_TMPDIR/home
	printf '#!/bin/sh\necho "$0 $*" >>"%s/calls"\n' "$home" \
		>"$BATS_TEST_TMPDIR/bin/loginctl"
	chmod +x "$BATS_TEST_TMPDIR/bin/loginctl"
	eval "$(sed -n '/^install_unit()/,/^}/p' "$REPO/share/remote/agent.sh")"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH install_unit
	grep -q 'loginctl enable-linger$' "$home/calls"
	u=$home/.config/systemd/user
	[ "$(readlink -f "$u/default.target.wants/bindu-agent.service")" = \
		"$u/bindu-agent.service" ]
	echo 'exit 0' >"$home/.bindu/boot"
	! command -v systemd-analyze || XDG_RUNTIME_DIR=$home timeout 20 \
		systemd-analyze verify --user "$u/bindu-agent.service"
}

unhealthy() {
	SH=$1
	app bad.py <<-'P'
		import os
		from http.server import BaseHTTPRequestHandler, HTTPServer
		print("the cause: no key", flush=True)
		class H(BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(500)
		        self.end_headers()
		HTTPServer(("127.0.0.1", int(os.environ["BINDU_PORT"])), H).serve_forever()
	P
	agent start bad.py 23100 http://x - </dev/null
	told=$(agent ready 1 5000)
	[[ $told == *ready=0* && $told == *"the cause: no key"* ]]
	[[ $told != *"GET /health"* ]]
	[[ $(agent status 50) == *"GET /health"* ]]
	told=$(agent words 50 "GET /health ")
	[[ $told == *"the cause: no key"* && $told != *"GET /health"* ]]
	agent stop
}
@test "agent: a red start shows its words, not our own questions" {
	each_shell unhealthy
}

keyed() {
	SH=$1
	mkdir -p "$BOX/.bindu/trees/app/releases/r"
	echo r >"$BOX/.bindu/trees/app/current"
	rel=$BOX/.bindu/trees/app/releases/r
	app ok.py <<<'import time; time.sleep(100)'
	# As deps.sh leaves it, and as it did before it told the version.
	printf '%s\n' "$(command -v python3)" 1.2+l >"$rel/python"
	agent start ok.py 4000 http://x abc </dev/null
	[ "$(field key)" = abc+1.2+l ]
	printf '%s\n' "$(command -v python3)" '' >"$rel/python"
	agent start - - - - same
	agent live 2 0
	[ "$(field key)" = abc ]
	command -v python3 >"$rel/python"
	agent start - - - - same
	agent live 3 0
	[ "$(field key)" = abc ]
	agent stop
}
@test "agent: the key says which bindu was asked for, whoever started it" {
	each_shell keyed
}

missing() {
	SH=$1
	mkdir -p "$BOX/app"
	run agent start none.py 4000 http://x - </dev/null
	[ "$status" = 66 ]
	[ "$output" = "no such script: app/none.py" ]
}
@test "agent: a script that is not there is said so" {
	each_shell missing
}

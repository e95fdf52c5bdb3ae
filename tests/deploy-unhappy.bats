# bindu-deploy when things go wrong: Ctrl-C in every phase, a full disk, a
# taken port, a daemon that dies.  Each has a clear message and its exit
# status, leaves nothing half-made, and the next run succeeds.
load helper
load deploying

NAME=unhappy
# A box that cannot be suspended runs on, which is said.
ASLEEP=suspended
can_suspend || ASLEEP=running
setup() {
	own_home
	own_runtime
	TREE=$BATS_TEST_TMPDIR/tree
	export TMPDIR=$BATS_TEST_TMPDIR/tmp
	mkdir -p "$TREE" "$TMPDIR"
	agent 1
	PID=
}
teardown() {
	own_runtime # not the one a test meant not to start
	[ -z "$PID" ] || kill -KILL "$PID" 2>/dev/null || true
	timeout 30 bindu-box destroy -q --yes "$NAME" 2>/dev/null || true
}

# An agent without dependencies that says VERSION; LINE is run before it
# listens.
agent() { # agent VERSION [LINE]
	cp "$REPO/examples/plain-agent/server.py" "$TREE/agent.py"
	sed -i -e "s/^VERSION = .*/VERSION = \"$1\"/" \
		-e "/^VERSION/i ${2:-pass}" "$TREE/agent.py"
}
# An installer for the box that does COMMAND where uv would install.
installer() { # installer COMMAND
	timeout 60 bindu-exec -q "$NAME" -- sh -c 'mkdir -p .local/bin
		printf "%s\n" "#!/bin/sh" \
			"[ \$1 = pip ] || exec python3 -m venv --without-pip \$5" \
			"echo installing >&2" "$1" >.local/bin/uv
		chmod 755 .local/bin/uv' sh "$1"
	echo "bindu-test-package==$RANDOM" >"$TREE/requirements.txt"
}
serves() { # serves VERSION
	ask /health | grep -qF "\"version\": \"$1\""
}
# hold_up PHASE VERSION: the next deploy stays long in what follows PHASE.
hold_up() {
	agent "$2"
	case $1 in
	box) head -c 20000000 /dev/urandom >"$TREE/model" ;;
	upload) installer 'sleep 1000' ;;
	start) agent "$2" 'time.sleep(1000)' ;;
	esac
}
succeeds() { # succeeds VERSION: with nothing that holds it up
	rm -f "$TREE/model" "$TREE/requirements.txt"
	agent "$1"
	deploy
	serves "$1"
	nothing_left
}
daemon() {
	timeout 30 bindu-boxd status --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p'
}

# begin PHASE ARGS...: a deploy in the background, PID, until PHASE is over.
begin() {
	local line until=$1
	shift
	rm -f "$TMPDIR/../status"
	mkfifo "$TMPDIR/../status"
	exec 6<>"$TMPDIR/../status"
	# A background job of a script ignores SIGINT.
	env --default-signal=INT bindu-deploy -C "$TREE" \
		${NAME:+--name "$NAME"} --status-fd 6 agent.py "$@" \
		>"$TMPDIR/../out" 2>"$TMPDIR/../log" 3>&- &
	PID=$!
	[ -n "$until" ] || return 0
	while read -r -t 60 -u 6 line; do
		echo "$line"
		[[ $line != *"\"phase\":\"$until\""*'"ms"'* ]] || return 0
		[[ $line != *'"code"'* ]] || break
	done
	cat "$TMPDIR/../log"
	return 1
}
# ended CODE WORDS: the deploy ends with CODE within 5 s and says WORDS.
ended() {
	local rc=0 start=${EPOCHREALTIME/./}
	wait "$PID" || rc=$?
	echo "exit $rc after $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	cat "$TMPDIR/../log"
	[ "$rc" = "$1" ]
	[ $((${EPOCHREALTIME/./} - start)) -lt 5000000 ]
	grep -qF -- "$2" "$TMPDIR/../log"
	[ ! -s "$TMPDIR/../out" ]
	[ -z "$(ls -A "$TMPDIR")" ]
}
# nothing_left: of what broke off, in the box and here.  There the dialogue may
# still be putting its lock away when the deploy has ended.
nothing_left() {
	eventually 5 nothing_in_box
	[ -z "$(ls -A "$TMPDIR")" ]
}
nothing_in_box() {
	run -0 timeout 20 bindu-exec -q "$NAME" -- sh -c 'exec 2>/dev/null
		cd .bindu
		ls -d trees/app/apply trees/app/stage trees/app/owner \
			trees/app/releases/.t.* trees/app/in/* deps.*
		for e in envs/*; do [ ! -d $e ] || [ -e $e/.ok ] || echo $e; done
		pgrep -u boxd -f "[r]eceive.sh|[d]eps.sh|[u]v pip"; :'
	echo "left: $output"
	[ -z "$output" ]
}

@test "unhappy: without bindufy() there is no agent to deploy" {
	export BINDU_STATE_DIR=$BATS_TEST_TMPDIR/untouched
	echo 'print("hello")' >"$TREE/agent.py"
	run --separate-stderr -65 timeout 20 bindu-deploy -C "$TREE" agent.py
	[[ $stderr == *"agent.py"*"bindufy()"* ]]
	run --separate-stderr -65 timeout 20 bindu-deploy -C "$TREE" --run agent.py
	[[ $stderr == *"never called bindufy()"* ]]
	[ ! -e "$BINDU_STATE_DIR" ]
	[ -z "$(ls -A "$TMPDIR")" ]
}

@test "unhappy: Ctrl-C while the source is read ends it before anything began" {
	export BINDU_STATE_DIR=$BATS_TEST_TMPDIR/untouched
	cat >"$TREE/agent.py" <<-P
	import subprocess, time
	from bindu.penguin.bindufy import bindufy
	bindufy({"name": subprocess.os.environ["NAME"]}, None)
	P
	mkdir -p "$TREE/bindu/penguin"
	cat >"$TREE/bindu/penguin/bindufy.py" <<-P
	import os, subprocess
	child = subprocess.Popen(["sleep", "1000"])
	open("$TMPDIR/../ran", "w").write(f"{os.getpid()} {child.pid}")
	child.wait()
	P
	NAME='' begin '' --run
	eventually 20 test -s "$TMPDIR/../ran"
	kill -INT "$PID"
	ended 130 "interrupted"
	for pid in $(cat "$TMPDIR/../ran"); do
		eventually 5 eval "! kill -0 $pid 2>/dev/null"
	done
	# Long to read, and to compress: too large for the limit, if it comes so
	# far.
	truncate -s 200M "$TREE/model"
	for phase in discover scrub; do
		begin $phase --max-size 1M
		sleep 0.1
		kill -INT "$PID"
		ended 130 "interrupted"
	done
	[ ! -e "$BINDU_STATE_DIR" ]
}

@test "unhappy: Ctrl-C while the box is made leaves none, one asleep or one that runs" {
	for how in destroy suspend detach; do
		begin pack --on-exit $how
		sleep 0.05
		kill -INT "$PID"
		ended 130 "interrupted"
		case $how in
		destroy) [ -z "$(box_field status)" ] ;;
		suspend) [[ $(box_field status) =~ ^($ASLEEP|)$ ]] ;;
		detach) [[ $(box_field status) =~ ^(running|)$ ]] ;;
		esac
	done
	deploy
	serves 1
}

@test "unhappy: Ctrl-C at each step in the box applies on-exit, and the next run succeeds" {
	local version=1
	timeout 60 bindu-box create -q --image "$(image)" "$NAME" >/dev/null
	while read -r phase how status; do
		echo "== $phase $how"
		version=$((version + 1))
		hold_up "$phase" $version
		begin "$phase" --on-exit "$how"
		kill -INT "$PID"
		ended 130 "interrupted"
		[ "$(box_field status)" = "$status" ]
		succeeds $version
	done <<-ROWS
	box suspend $ASLEEP
	upload detach running
	deps suspend $ASLEEP
	start detach running
	start destroy
	ROWS
}

@test "unhappy: Ctrl-C while attached applies on-exit" {
	screen=$BATS_TEST_TMPDIR/screen
	for how in suspend destroy; do
		: >"$screen"
		status=0
		{
			eventually 60 grep -q 'its log follows' "$screen"
			sleep 0.5
			printf '\003'
			eventually 10 grep -q 'interrupted' "$screen"
		} | env -u CI timeout 120 script -qefc "exec bindu-deploy -C '$TREE' \
			--name $NAME --on-exit $how agent.py" \
			"$screen" >/dev/null || status=$?
		cat "$screen"
		grep -q "its log follows; Ctrl-C ${how}s the box" "$screen"
		case $how$ASLEEP in
		suspendrunning) grep -q "cannot suspend box $NAME, which still runs" "$screen" ;;
		*) grep -q "box $NAME is $how" "$screen" ;;
		esac
		[ "$status" -eq 130 ]
	done
	[ -z "$(box_field status)" ]
}

@test "unhappy: a crash at import is told within a second of it" {
	timeout 60 bindu-box create -q --image "$(image)" "$NAME" >/dev/null
	agent 1 'open("/tmp/crash", "w").write(str(time.time())); import no_such'
	run --separate-stderr -1 deploy --on-exit detach
	end=$EPOCHREALTIME
	[[ $stderr == *"Traceback"*"No module named 'no_such'"*"exited with code 1"* ]]
	began=$(timeout 20 bindu-exec -q "$NAME" -- cat /tmp/crash)
	ms=$(awk "BEGIN { print int(($end - $began) * 1000) }")
	echo "$ms ms after the crash"
	# A second on a machine of its own.
	[ "$ms" -lt $((3000 * SLOW)) ]
	[ "$(box_field status)" = running ]
}

@test "unhappy: the daemon dies while attached; the agent serves on" {
	screen=$BATS_TEST_TMPDIR/screen
	: >"$screen"
	status=0
	{
		eventually 60 grep -q 'its log follows' "$screen"
		kill_hard "$(daemon)"
		# Its terminal stays until it has ended by itself.
		eventually 30 test -e "$BATS_TEST_TMPDIR/ended"
	} | { env -u CI timeout 120 script -qefc "exec bindu-deploy -C '$TREE' \
		--name $NAME --on-exit suspend agent.py" "$screen" >/dev/null ||
		status=$?
		echo $status >"$BATS_TEST_TMPDIR/ended"; }
	cat "$screen"
	[ "$(cat "$BATS_TEST_TMPDIR/ended")" = 75 ]
	grep -q 'cannot be reached' "$screen"
	grep -q 'cannot suspend box unhappy, which still runs' "$screen"
	[ "$(box_field status)" = running ]
	serves 1
	deploy
	serves 1
	nothing_left
}

@test "unhappy: the box's disk is full during the upload, the install, the start" {
	[ "$(id -u)" = 0 ] || skip "not possible here: a disk of its own needs root"
	timeout 60 bindu-box create -q --image "$(image)" --disk 128M "$NAME" >/dev/null
	deploy
	fill() { timeout 60 bindu-exec -q "$NAME" -- sh -c \
		'fallocate -l $(($(df -Pk . | tail -n 1 | awk "{ print \$4 }") - $1))K full' sh "$1"; }
	# the upload
	head -c 20000000 /dev/urandom >"$TREE/model"
	fill 8000
	run --separate-stderr -74 deploy
	[[ $stderr == *"o space left"* ]]
	serves 1
	rm "$TREE/model"
	agent 2
	deploy
	serves 2
	nothing_left
	# the install
	installer 'dd if=/dev/zero of=$VIRTUAL_ENV/fill bs=1M'
	run --separate-stderr -1 deploy
	echo "$stderr"
	[[ $stderr == *"No space left"*"dependencies"* ]]
	serves 2
	nothing_left
	# what the install leaves is too little for anything after it
	installer 'dd if=/dev/zero of=$HOME/fill bs=4k; exit 0'
	agent 3
	run --separate-stderr deploy
	echo "$status $stderr"
	[ "$status" = 74 ]
	[[ $stderr == *"o space left"* ]]
	serves 2
	timeout 20 bindu-exec "$NAME" -- rm fill
	installer 'exit 0'
	deploy
	serves 3
	nothing_left
}

@test "unhappy: a port that is taken, in the box and on the host" {
	timeout 60 bindu-box create -q --image "$(image)" "$NAME" >/dev/null
	agent 1 'os.environ["BINDU_PORT"] = "3773"'
	listener=$(timeout 20 bindu-exec -q "$NAME" -- sh -c \
		'setsid python3 -m http.server 3773 >/dev/null 2>&1 & echo $!')
	run --separate-stderr -1 deploy
	[[ $stderr == *"Address already in use"* ]]
	timeout 20 bindu-exec -q "$NAME" -- kill "$listener"
	deploy
	serves 1
	# The daemon comes back and finds another program on the box's port.
	port=$(timeout 30 bindu-box get -q --json "$NAME" | sed -n \
		's/.*"local_url":"[^"]*:\([0-9]*\)".*/\1/p')
	kill_hard "$(daemon)"
	python3 -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1 3>&- &
	PID=$!
	eventually 5 timeout 30 curl -so "$TMPDIR/../x" "http://127.0.0.1:$port/"
	agent 2
	deploy
	serves 2
	kill "$PID"
}

@test "unhappy: an agent that ends by itself, a box that is taken away" {
	agent 1 'os._exit(0)'
	run --separate-stderr -1 deploy
	[[ $stderr == *"exited with code 0: it must stay in the foreground"* ]]
	agent 2 'time.sleep(1000)'
	begin start
	timeout 30 bindu-box destroy -q --yes "$NAME"
	! wait "$PID" || false
	cat "$TMPDIR/../log"
	grep -q "box $NAME was destroyed meanwhile" "$TMPDIR/../log"
	! grep -q "left running" "$TMPDIR/../log" || false
}

@test "unhappy: the daemon dies at each step; the message says so, the next run succeeds" {
	local version=1
	timeout 60 bindu-box create -q --image "$(image)" "$NAME" >/dev/null
	deploy
	for phase in pack box upload deps start; do
		echo "== $phase"
		version=$((version + 1))
		hold_up "$phase" $version
		begin $phase
		kill_hard "$(daemon)"
		ended 75 "cannot be reached"
		[ "$(box_field status)" = running ]
		succeeds $version
	done
}

# bindu-logs and bindu-shell in a box of the local runtime.
load helper

setup_file() {
	own_runtime
	timeout 280 bindu-box create -q --image "$(image)" l1 >/dev/null
	timeout 20 bindu-exec l1 -- sh -c 'mkdir -p app .bindu/agent/logs
		seq 1 300 >.bindu/agent/logs/agent.log'
	timeout 60 bindu-box create -q --image "$(image)" l2 >/dev/null
}
# Each test is a process of its own, and so is the file's end.
setup() { own_runtime; }
teardown_file() {
	own_runtime
	end_runtime
}

@test "logs: the last lines, then the end" {
	run --separate-stderr -0 timeout 20 bindu-logs -q --no-follow -n 3 l1
	[ "$output" = "298
299
300" ]
	run --separate-stderr -0 timeout 20 bindu-logs -q --no-follow l1
	[ "${#lines[@]}" = 100 ]
}

@test "logs: what is added is followed, also through a new file" {
	timeout 120 bindu-logs -q -n 1 l1 >"$BATS_TEST_TMPDIR/out" &
	client=$!
	eventually 10 grep -qx 300 "$BATS_TEST_TMPDIR/out"
	timeout 30 bindu-exec l1 -- sh -c 'cd .bindu/agent/logs
		echo more >>agent.log; sleep 0.2; mv agent.log old; echo new >agent.log'
	eventually 15 grep -qx new "$BATS_TEST_TMPDIR/out"
	grep -qx more "$BATS_TEST_TMPDIR/out"
	pkill -TERM -P $client
	code=0
	wait $client || code=$?
	[ $code = 0 ]
}

@test "logs: runs that follow each other within a second are all shown" {
	timeout 120 bindu-logs -q -n 1 l1 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	client=$!
	eventually 10 grep -qxE "300|new" "$BATS_TEST_TMPDIR/out"
	timeout 30 bindu-exec l1 -- sh -c 'cd .bindu/agent/logs
		cp agent.log kept
		for i in 1 2 3; do mv agent.log old; echo "run $i" >agent.log; sleep 0.7
		done'
	eventually 2 grep -qx "run 3" "$BATS_TEST_TMPDIR/out"
	[ "$(grep -cx "run [12]" "$BATS_TEST_TMPDIR/out")" = 2 ]
	timeout 30 bindu-exec l1 -- sh -c 'cd .bindu/agent/logs; mv kept agent.log'
	pkill -TERM -P $client
	wait $client
}

@test "logs: a quiet log is not waited for when its reader is gone" {
	run --separate-stderr -0 timeout 10 bash -o pipefail -c \
		'bindu-logs -q -n 2 l1 | head -n 1'
	[ "$output" = "$(timeout 30 bindu-logs -q --no-follow -n 2 l1 | head -n 1)" ]
}

@test "logs: a quiet console is not waited for when its reader is gone" {
	run --separate-stderr -0 timeout 10 bash -o pipefail -c \
		'bindu-logs -q --console l1 | true'
	# Its reader goes while it waits.
	run --separate-stderr -0 timeout 10 bash -o pipefail -c \
		'bindu-logs -q --console l1 | sleep 0.5'
}

@test "logs: a box without an agent is exit 66" {
	run -66 timeout 20 bindu-logs l2
	[[ $output == *"no agent has been started in l2"* ]]
	[[ $output != *"started here"* ]]
	run -66 timeout 20 bindu-logs nobody
	[[ $output == *'no box "nobody"; bindu-box list shows '* ]]
	run -66 timeout 20 bindu-logs ll1
	[[ $output == *'no box "ll1" (did you mean l1?)' ]]
}

@test "logs: a log that cannot be read or written is exit 74" {
	timeout 20 bindu-exec l1 -- mv .bindu/agent/logs .bindu/agent/away
	timeout 20 bindu-exec l1 -- mkdir -p .bindu/agent/logs/agent.log
	code=0
	timeout 20 bindu-logs --no-follow l1 2>/dev/null || code=$?
	timeout 20 bindu-exec l1 -- sh -c 'cd .bindu/agent; rm -r logs;
		mv away logs'
	[ $code = 74 ]
	code=0
	timeout 20 bindu-logs --no-follow l1 >/dev/full || code=$?
	[ $code = 74 ]
}

@test "logs: -f is what it does anyway, and no --no-follow" {
	run -2 timeout 20 bindu-logs -f --no-follow l1
	timeout 120 bindu-logs -q -f -n 1 l1 >"$BATS_TEST_TMPDIR/out" &
	eventually 10 grep -q . "$BATS_TEST_TMPDIR/out"
	pkill -TERM -P $!
	wait $!
}

@test "logs: --console is the output of the box" {
	run -0 timeout 20 bindu-logs -q --console --no-follow l1
	[[ $output != *300* ]]
}

@test "shell: commands from a pipe run in the agent's directory" {
	run --separate-stderr -4 timeout 20 bindu-shell -q l1 <<'S'
pwd
exit 4
S
	[ "$output" = /home/boxd/app ]
	run --separate-stderr -0 timeout 20 bindu-shell -q l2 <<<pwd
	[ "$output" = /home/boxd ]
	run --separate-stderr -0 timeout 20 bindu-shell -q -w /usr l2 <<<pwd
	[ "$output" = /usr ]
}

# type_in LINE WORDS: to the shell on SCREEN when it asks, and wait for WORDS.
type_in() {
	until grep -qa '[$#] $' "$SCREEN"; do sleep 0.1; done
	printf '%s\r' "$1"
	until grep -qa "$2" "$SCREEN"; do sleep 0.1; done
	sleep 1
}
export -f type_in

@test "shell: a terminal is given and ours restored" {
	export SCREEN=$BATS_TEST_TMPDIR/screen
	# A shell between that is not bash would drop the function.
	{ declare -f type_in; cat; } >"$BATS_TEST_TMPDIR/session" <<'S'
stty rows 31 cols 91
stty -g
: >"$SCREEN"
type_in 'stty size; exit 3' '[0-9] [0-9]*.$' | script -qfec 'bindu-shell -q l1' "$SCREEN"
stty -g
S
	run -0 timeout 100 script -qec "bash $BATS_TEST_TMPDIR/session" /dev/null
	[[ $output == *[0-9]" "[0-9]* ]]
	[ "${lines[0]}" = "${lines[-1]}" ]
}

@test "shell: the terminal's type is ours where the box knows it" {
	for row in vt100:vt100 no-such:xterm-256color; do
		export SCREEN=$BATS_TEST_TMPDIR/${row%:*}
		: >"$SCREEN"
		run -0 timeout 100 env TERM="${row%:*}" script -qfec \
			"bindu-shell -q l1" "$SCREEN" \
			< <(timeout 90 bash -c 'type_in "$@"' sh \
				'echo "is:$TERM"; exit' "is:${row#*:}")
		[[ $output == *"is:${row#*:}"* ]]
	done
}

@test "shell: a box that is not there is exit 125" {
	run -125 timeout 20 bindu-shell nobody </dev/null
}

@test "exec: sizes pass; the terminal is restored at a stop, a signal, the end" {
	run timeout 300 "$REPO/tests/stub/ptycheck.py" bindu-exec -t l1 -- \
		sh -c 'trap "stty size" WINCH; trap "exit 9" TERM; stty size
			while :; do sleep 0.1; done'
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "raw
ready
resized
stopped
and restored
raw again
restored
exit 9" ]
}

@test "exec: 200 at once, each with its own answer" {
	for i in $(seq 200); do
		timeout 60 bindu-exec -n l1 -- sh -c "echo $i; exit $((i % 100))" \
			>"$BATS_TEST_TMPDIR/$i" || [ $? = $((i % 100)) ] ||
			echo "$i" >>"$BATS_TEST_TMPDIR/bad" &
	done
	wait
	[ ! -e "$BATS_TEST_TMPDIR/bad" ]
	for i in $(seq 200); do [ "$(cat "$BATS_TEST_TMPDIR/$i")" = "$i" ]; done
}

@test "exec: a blocked reader does not disturb a sibling" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 7<>"$BATS_TEST_TMPDIR/pipe"
	timeout 200 bindu-exec -n l1 -- head -c 200M /dev/zero >&7 &
	client=$!
	sleep 0.5
	for i in 1 2 3 4 5; do timeout 30 bindu-exec -n l1 -- true; done
	rss=$(ps -o rss= -p "$(pgrep -P $client)")
	[ "$rss" -lt 65536 ]
	kill $client
	wait $client || true
	exec 7>&-
}

# after VERB STATE CURE
after() {
	timeout 20 bindu-box "$1" -q l2
	run -125 timeout 20 bindu-exec l2 -- true
	[[ $output == *"box l2 is $2; $3 it first: bindu-box $3 l2" ]]
	for look in bindu-logs bindu-health "bindu-agent status"; do
		run -69 timeout 20 $look l2
		[[ $output == *": bindu-box $3 l2" ]]
	done
	timeout 20 bindu-box wait -q --up l2
	timeout 20 bindu-exec l2 -- true
}
@test "exec: a box that is suspended or stopped is exit 125 and says what to do" {
	! can_suspend || after suspend suspended resume
	after stop stopped start
}

@test "shell: the terminal is restored however it ends" {
	# A sanitizer that takes SIGSEGV for itself is not what is tested.
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:handle_segv=0
	for row in SIGTERM:143 SIGHUP:129 SIGSEGV:-11 SIGQUIT:-3 SIGPIPE:-13 \
		SIGINT,sleep,SIGINT:130 hex:04:0 "text:exit 255:255" \
		"text:sleep 30 & exit 3:3" size,hex:04:0 \
		SIGTSTP,stopped,SIGCONT,raw,hex:04:0 \
		SIGSTOP,stopped,own,SIGCONT,raw,hex:04:0; do
		echo "$row"
		run -0 --separate-stderr timeout 150 \
			"$REPO/tests/stub/ptyend.py" "${row%:*}" bindu-shell -q l1
		[ "${lines[0]}" = restored ]
		[ "${lines[1]}" = "exit ${row##*:}" ]
	done
}

@test "exec: every byte passes a terminal both ways" {
	bytes=$(python3 -c 'print(bytes(range(256)).hex())')
	run -0 --separate-stderr timeout 150 "$REPO/tests/stub/ptyend.py" \
		"hex:$bytes" bindu-exec -t l1 -- \
		sh -c 'stty raw -echo; printf go; head -c 256'
	[ "${lines[2]}" = "676f$bytes" ]
}

# bindu-logs and bindu-shell in a box of the local runtime.
load helper

setup_file() {
	own_runtime
	image=host
	[ "$(id -u)" = 0 ] || image=debian:trixie
	timeout 280 bindu-box create -q --image $image l1 >/dev/null
	timeout 20 bindu-exec l1 -- sh -c 'mkdir -p app .bindu/agent/logs
		seq 1 300 >.bindu/agent/logs/agent.log'
	timeout 60 bindu-box create -q --image $image l2 >/dev/null
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
	timeout 30 bindu-logs -q -n 1 l1 >"$BATS_TEST_TMPDIR/out" &
	client=$!
	eventually 10 grep -qx 300 "$BATS_TEST_TMPDIR/out"
	timeout 10 bindu-exec l1 -- sh -c 'cd .bindu/agent/logs
		echo more >>agent.log; sleep 0.2; mv agent.log old; echo new >agent.log'
	eventually 15 grep -qx new "$BATS_TEST_TMPDIR/out"
	grep -qx more "$BATS_TEST_TMPDIR/out"
	pkill -TERM -P $client
	code=0
	wait $client || code=$?
	[ $code = 0 ]
}

@test "logs: runs that follow each other within a second are all shown" {
	timeout 30 bindu-logs -q -n 1 l1 >"$BATS_TEST_TMPDIR/out" 2>&1 &
	client=$!
	eventually 10 grep -qxE "300|new" "$BATS_TEST_TMPDIR/out"
	timeout 10 bindu-exec l1 -- sh -c 'cd .bindu/agent/logs
		cp agent.log kept
		for i in 1 2 3; do mv agent.log old; echo "run $i" >agent.log; sleep 0.7
		done'
	eventually 2 grep -qx "run 3" "$BATS_TEST_TMPDIR/out"
	[ "$(grep -cx "run [12]" "$BATS_TEST_TMPDIR/out")" = 2 ]
	timeout 10 bindu-exec l1 -- sh -c 'cd .bindu/agent/logs; mv kept agent.log'
	pkill -TERM -P $client
	wait $client
}

@test "logs: a quiet log is not waited for when its reader is gone" {
	run --separate-stderr -0 timeout 10 bash -o pipefail -c \
		'bindu-logs -q -n 2 l1 | head -n 1'
	[ "$output" = "$(timeout 10 bindu-logs -q --no-follow -n 2 l1 | head -n 1)" ]
}

@test "logs: a box without an agent is exit 66" {
	run -66 timeout 20 bindu-logs l2
	[[ $output == *"no agent has been started in l2"* ]]
	[[ $output != *"started here"* ]]
	run -66 timeout 20 bindu-logs nobody
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
	timeout 20 bindu-logs -q -f -n 1 l1 >"$BATS_TEST_TMPDIR/out" &
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

@test "shell: a terminal is given and ours restored" {
	cat >"$BATS_TEST_TMPDIR/session" <<'S'
stty rows 31 cols 91
stty -g
(sleep 1; printf 'stty size; exit 3\r'; sleep 2) | script -qec 'bindu-shell -q l1' /dev/null
stty -g
S
	run -0 timeout 30 script -qec "sh $BATS_TEST_TMPDIR/session" /dev/null
	[[ $output == *[0-9]" "[0-9]* ]]
	[ "${lines[0]}" = "${lines[-1]}" ]
}

@test "shell: a box that is not there is exit 125" {
	run -125 timeout 20 bindu-shell nobody </dev/null
}

@test "exec: sizes pass; the terminal is restored at a stop, a signal, the end" {
	run -0 timeout 60 "$REPO/tests/stub/ptycheck.py" bindu-exec -t l1 -- \
		sh -c 'stty size; trap "stty size" WINCH; trap "exit 9" TERM
			while :; do sleep 0.1; done'
	[ "$output" = "raw
ready
resized
stopped and restored
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
	timeout 60 bindu-exec -n l1 -- head -c 200M /dev/zero >&7 &
	client=$!
	sleep 0.5
	for i in 1 2 3 4 5; do timeout 2 bindu-exec -n l1 -- true; done
	rss=$(ps -o rss= -p "$(pgrep -P $client)")
	[ "$rss" -lt 65536 ]
	kill $client
	wait $client || true
	exec 7>&-
}

@test "exec: a box that is suspended or stopped is exit 125 and says what to do" {
	timeout 20 bindu-box suspend -q l2
	run -125 timeout 20 bindu-exec l2 -- true
	[[ $output == *resume* ]]
	timeout 20 bindu-box wait -q --up l2
	timeout 20 bindu-exec l2 -- true
}

@test "shell: the terminal is restored however it ends" {
	# A sanitizer that takes SIGSEGV for itself is not what is tested.
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:handle_segv=0
	for row in SIGTERM:143 SIGHUP:129 SIGSEGV:-11 SIGQUIT:-3 SIGPIPE:-13 \
		SIGINT,sleep,SIGINT:130 hex:04:0 "text:exit 255:255" \
		"text:sleep 30 & exit 3:3" size,hex:04:0 \
		SIGTSTP,sleep,SIGCONT,raw,hex:04:0 \
		SIGSTOP,sleep,own,SIGCONT,raw,hex:04:0; do
		echo "$row"
		run -0 --separate-stderr timeout 60 \
			"$REPO/tests/stub/ptyend.py" "${row%:*}" bindu-shell -q l1
		[ "${lines[0]}" = restored ]
		[ "${lines[1]}" = "exit ${row##*:}" ]
	done
}

@test "exec: every byte passes a terminal both ways" {
	bytes=$(python3 -c 'print(bytes(range(256)).hex())')
	run -0 --separate-stderr timeout 60 "$REPO/tests/stub/ptyend.py" \
		"hex:$bytes" bindu-exec -t l1 -- \
		sh -c 'stty raw -echo; head -c 256'
	[ "${lines[2]}" = "$bytes" ]
}

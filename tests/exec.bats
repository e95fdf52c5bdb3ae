# bindu-exec against a scripted service; tests/boxd.bats has the real one.
load helper
load stub/stub

setup_file() {
	start_boxd
	use_boxd
	timeout 60 bindu-box create a -q >/dev/null
}
teardown_file() { stop_stubs; }
setup() { use_boxd; }

@test "exec: the exit status is the command's" {
	for code in 0 1 2 77 124 125 126 127 128 200 255; do
		run -$code timeout 30 bindu-exec a -- sh -c "exit $code"
	done
}

@test "exec: a command killed by signal n exits 128+n" {
	run -137 timeout 30 bindu-exec a -- sh -c 'kill -9 $$'
	behave Exec minus*1
	run -137 timeout 30 bindu-exec a -- true
}

@test "exec: a command that is not there exits 127, one that cannot run 126" {
	run -127 timeout 30 bindu-exec a -- no-such-program
	run -126 timeout 30 bindu-exec a -- /etc/passwd
}

@test "exec: stdout and stderr stay apart, byte for byte" {
	run --separate-stderr -0 timeout 30 bindu-exec a -- sh -c \
		'printf "out\n"; printf "err\n" >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "exec: standard input passes and its end ends the command" {
	run -0 timeout 30 sh -c 'echo hi | bindu-exec a -- cat'
	[ "$output" = hi ]
	run -0 timeout 30 bindu-exec a -- cat </dev/null
	[ -z "$output" ]
}

@test "exec: -n leaves standard input to a loop around it" {
	run -0 timeout 30 sh -c 'printf "1\n2\n3\n" | while read -r x; do
		bindu-exec -n a -- echo "got $x"; done'
	[ "$output" = "got 1
got 2
got 3" ]
}

@test "exec: 64 MiB go there and back unchanged" {
	head -c 64M /dev/urandom >"$BATS_TEST_TMPDIR/in"
	timeout 60 bindu-exec a -- cat <"$BATS_TEST_TMPDIR/in" \
		>"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "exec: a command that ends early does not wait for local input" {
	run -0 timeout 30 sh -c 'yes | bindu-exec a -- head -n 1'
	[ "$output" = y ]
	# Its input stays open; it ends nevertheless.
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	run -3 timeout 30 bindu-exec a -- sh -c 'exit 3' \
		<>"$BATS_TEST_TMPDIR/fifo"
}

@test "exec: a local reader that goes away ends the tool by SIGPIPE" {
	run -0 timeout 10 bash -c \
		'bindu-exec a -- yes | head -n 1; echo "${PIPESTATUS[0]}"'
	[ "$output" = "y
141" ]
	eventually 5 sh -c '! pgrep -f "^yes$" -g 0 >/dev/null'
}

@test "exec: arguments arrive as they are" {
	run -0 timeout 30 bindu-exec a -- printf '<%s>' 'a b' '' "it's" '$HOME' \
		$'new\nline' '*' '`id`' '-n'
	[ "$output" = "<a b><><it's><\$HOME><new
line><*><\`id\`><-n>" ]
}

@test "exec: 100 KiB in one argument arrive" {
	big=$(head -c 100000 /dev/zero | tr '\0' x)
	run -0 timeout 20 bindu-exec a -- sh -c 'echo ${#1}' x "$big"
	[ "$output" = 100000 ]
}

@test "exec: --env values reach the command and no command line" {
	export FROM_HERE='here it is'
	printf '# comment\n\nF=from file\n' >"$BATS_TEST_TMPDIR/env"
	run -0 timeout 30 bindu-exec -e "SECRET=c4n4ry'" -e FROM_HERE \
		--env-file "$BATS_TEST_TMPDIR/env" a -- \
		sh -c 'echo "$SECRET|$FROM_HERE|$F"; cat' <<<input
	[ "$output" = "c4n4ry'|here it is|from file
input" ]
	run grep -c c4n4ry "$STUB/argv"
	[ "$output" = 0 ]
}

@test "exec: a bad variable name is a usage error before anything is sent" {
	run -2 timeout 30 bindu-exec -e '1X=secret-value' a -- true
	[[ $output != *secret-value* ]]
	[ ! -e "$STUB/calls" ]
}

@test "exec: --cwd is where it runs; a missing one is exit 125" {
	run -0 timeout 30 bindu-exec --cwd /usr/bin a -- pwd
	[ "$output" = /usr/bin ]
	run -125 timeout 30 bindu-exec --cwd /no/such a -- true
}

@test "exec: --timeout kills the command and exits 124" {
	run -124 timeout 10 bindu-exec --timeout 0.5s a -- \
		sh -c "echo \$\$ >$BATS_TEST_TMPDIR/pid; sleep 60"
	[[ $output == *"did not end in 0.5 s"* ]]
	eventually 5 sh -c "! kill -0 $(cat "$BATS_TEST_TMPDIR/pid") 2>/dev/null"
}

@test "exec: a killed client leaves no process behind" {
	timeout 60 bindu-exec a -- \
		sh -c "echo \$\$ >$BATS_TEST_TMPDIR/pid; exec sleep 60" &
	client=$!
	eventually 5 test -s "$BATS_TEST_TMPDIR/pid"
	pkill -KILL -P $client
	wait $client || true
	eventually 5 sh -c "! kill -0 $(cat "$BATS_TEST_TMPDIR/pid") 2>/dev/null"
}

@test "exec: signals reach the command, whose own code is the answer" {
	for s in INT:7 TERM:8 HUP:9; do
		rm -f "$BATS_TEST_TMPDIR/ready"
		# bash gives background jobs SIGINT ignored; timeout passes on.
		env --default-signal=INT timeout --foreground 60 \
			bindu-exec a -- sh -c "trap 'exit ${s#*:}' ${s%:*}
			touch $BATS_TEST_TMPDIR/ready; while :; do sleep 0.1; done" &
		client=$!
		eventually 5 test -e "$BATS_TEST_TMPDIR/ready"
		pkill -"${s%:*}" -P $client
		code=0
		wait $client || code=$?
		[ $code = "${s#*:}" ]
	done
}

@test "exec: a box that is not there is exit 125" {
	run -125 timeout 30 bindu-exec nobody -- true
	[[ $output == *"no machine named nobody"* ]]
}

@test "exec: a server that is not there is exit 125" {
	BOXD_API_URL=http://127.0.0.1:9 run -125 timeout 30 bindu-exec a -- true
	[[ $output == *"cannot be reached"* ]]
}

@test "exec: a stream that ends without an exit code is exit 255" {
	behave Exec empty*1
	run -255 timeout 30 bindu-exec a -- true
	behave Exec noexit*1
	run -255 timeout 30 bindu-exec a -- true
}

@test "exec: a second code, or data after a code, is exit 76" {
	behave Exec twocodes*1
	run -76 timeout 30 bindu-exec a -- true
	behave Exec dataafter*1
	run -76 timeout 30 bindu-exec a -- true
}

@test "exec: last words and exit code may share a chunk" {
	behave Exec both*1
	run -5 timeout 30 bindu-exec a -- true
	[ "$output" = "last words" ]
	behave Exec keepalive*1
	run -0 timeout 30 bindu-exec a -- true
	[ "$output" = alive ]
}

@test "exec: a box that is silent is given up with 255 within 20 s" {
	behave Exec hang*1
	behave GetVm hang*9
	run -255 timeout 40 bindu-exec a -- true
	[[ $output == *"may still be running"* ]]
}

@test "exec: a refusal while a command runs is a sign of life" {
	behave GetVm UNAUTHENTICATED*1
	behave GetVm UNAVAILABLE*1
	run -0 timeout 40 bindu-exec a -- sh -c "
		until [ \$(grep -c '^GetVm ' $STUB/calls) -ge 2 ]; do sleep 0.1; done
		sleep 0.5; echo done"
	[ "$output" = done ]
}

@test "exec: a box that ends while a command hangs is exit 255" {
	behave Exec hang*1
	timeout 60 bindu-exec -n a -- true 2>"$BATS_TEST_TMPDIR/err" &
	eventually 5 grep -q '^Exec' "$STUB/calls"
	timeout 30 bindu-box stop -q a
	code=0
	wait $! || code=$?
	timeout 30 bindu-box start -q a
	[ $code = 255 ]
	grep -q "box a is stopped" "$BATS_TEST_TMPDIR/err"
}

@test "exec: a refused token is exit 125 and no second try" {
	behave Exec UNAUTHENTICATED*1
	run -125 timeout 30 bindu-exec a -- true
	[ "$(calls Exec)" = 1 ]
}

@test "exec: a server's message is shown without its control bytes" {
	behave Exec ugly*1
	run -125 timeout 30 bindu-exec a -- true
	[[ $output != *$'\x1b'* ]]
	[ ${#output} -lt 1000 ]
}

@test "exec: -t gives a terminal, restores ours and passes the size on" {
	run -0 timeout 20 script -qec \
		"stty rows 33 cols 99; stty -g; bindu-exec -t a -- echo hi; stty -g" \
		/dev/null
	[ "${lines[1]}" = hi ]
	[ "${lines[0]}" = "${lines[2]}" ]
}

@test "exec: -t with an environment keeps it off the terminal" {
	run -0 timeout 20 script -qec \
		"bindu-exec -t -e SECRET=c4n4ry a -- sh -c 'echo \${#SECRET}'" \
		/dev/null
	[ "${lines[0]}" = 6 ]
	run grep -c c4n4ry "$STUB/argv"
	[ "$output" = 0 ]
}

@test "exec: options belong before BOX" {
	run -2 timeout 30 bindu-exec a -t
	run -2 timeout 30 bindu-exec a
	run -2 timeout 30 bindu-exec a --
	run -2 timeout 30 bindu-exec -i -n a -- true
}

@test "exec: arguments and directories that are not UTF-8 arrive" {
	odd=$(printf 'a\377b')
	run -0 timeout 30 bindu-exec a -- printf '%s' "$odd"
	[ "$output" = "$odd" ]
	mkdir "$BATS_TEST_TMPDIR/$odd"
	run -0 timeout 30 bindu-exec -w "$BATS_TEST_TMPDIR/$odd" a -- pwd
	[[ $output == *"/$odd" ]]
}

@test "exec: output that cannot be written here is exit 74" {
	code=0
	timeout 30 bindu-exec a -- echo hi >/dev/full || code=$?
	[ $code = 74 ]
	code=0
	timeout 30 bindu-exec a -- echo hi >&- || code=$?
	[ $code = 74 ]
}

@test "exec: a closed standard input reads as empty" {
	run -0 timeout 30 sh -c 'bindu-exec a -- cat <&-'
	[ -z "$output" ]
}

@test "exec: an unknown option names the one that was meant" {
	run -2 timeout 30 bindu-exec --timout 5 a -- true
	[[ $output == *"unknown option --timout (did you mean --timeout?)"* ]]
	run -2 timeout 30 bindu-exec --xyzzy a -- true
	[[ $output != *"did you mean"* ]]
}

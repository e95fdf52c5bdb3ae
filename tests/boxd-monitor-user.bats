# boxd-monitor for an ordinary user: commands and files of a box without
# cgroups, where parentage keeps the account.
load boxd-hub

setup_file() {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root to make a user"
	as_user
	new_state
	busybox_image
	start_hub
	start_box one 2
	SOCK=$STATE/boxes/one/monitor.sock
	export SOCK
}
teardown_file() {
	end_hub
	end_user
}
sleepers() { # "sleep 60N" processes of the box
	in_box one 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" " " |
		grep -o "sle[e]p 60" | wc -l'
}

@test "user exec: users, status, signals and streams are as for root" {
	run -0 in_box one 'id -u; pwd' boxd
	[ "$output" = "1000
/" ]
	run -0 in_box one 'id -u'
	[ "$output" = 0 ]
	for code in 1 7 255; do
		run -$code in_box one "exit $code"
	done
	run -137 in_box one 'kill -9 $$' boxd
	run -127 wire "$SOCK" --exec '{"argv":["/no/such"]}' </dev/null
	run -0 in_box one 'grep -E "CapBnd|Seccomp:|NoNew" /proc/self/status' boxd
	[[ $output == *00000000a80425fb*"Seccomp:	2"* ]]
}

@test "user exec: a terminal is one, and belongs to the user" {
	run -3 wire "$SOCK" --exec '{"command":
		"tty; stty size; stat -c %U $(tty); exit 3","tty":true,
		"cols":101,"rows":37}' </dev/null
	[[ ${lines[0]} == /dev/pts/[0-9]* ]]
	[[ ${lines[1]} == "37 101"* ]]
	[[ ${lines[2]} == boxd* ]]
}

@test "user exec: closing its connection ends it all, setsid children too" {
	timeout 20 python3 - "$SOCK" <<-'E'
	import json, os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	s.send(json.dumps({"op": "exec", "command":
	    "setsid sleep 600 & (setsid sh -c 'sleep 601 & sleep 602' &) ;"
	    "trap '' TERM; nohup sleep 603 & echo up; sleep 604; sleep 605"
	    }).encode())
	_, fds, _, _ = socket.recv_fds(s, 65536, 3)
	assert os.read(fds[1], 10) == b"up\n"
	s.close()
	E
	gone() { [ "$(sleepers)" = 0 ]; }
	eventually 6 gone
}

@test "user exec: what a command left running lives on after its exit" {
	in_box one 'setsid sleep 700 >/dev/null 2>&1 & echo $! >/tmp/left'
	run -0 in_box one 'sleep 1; kill -0 $(cat /tmp/left)'
	run -0 wire "$SOCK" '{"op":"stat"}'
	[ "$(field execs <<<"$output")" = 0 ]
	in_box one 'kill $(cat /tmp/left)'
}

@test "user exec: a signal reaches the command" {
	run -0 timeout 20 python3 - "$SOCK" <<-'E'
	import json, os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	s.send(json.dumps({"op": "exec", "command":
	    "trap 'exit 44' USR1; echo up; while :; do sleep 0.05; done"}).encode())
	_, fds, _, _ = socket.recv_fds(s, 65536, 3)
	assert os.read(fds[1], 10) == b"up\n"
	s.send(json.dumps({"signal": 10}).encode())
	print(json.loads(s.recv(65536))["code"])
	E
	[ "$output" = 44 ]
}

@test "user exec: 50 at once all end well" {
	run -0 --separate-stderr wire "$SOCK" --at-once 50 '{"command":"sleep 0.3"}'
	[ "$output" = 50 ]
}

@test "user put and get: the bytes are the same, the owner boxd" {
	head -c 300001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	wire "$SOCK" --put new/file "$BATS_TEST_TMPDIR/in"
	run -0 in_box one 'stat -c "%u %a" /home/boxd/new/file'
	[ "$output" = "1000 644" ]
	wire "$SOCK" --get new/file "$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "user suspend: refused with the reason" {
	run -1 wire "$SOCK" '{"op":"suspend"}'
	[ "$(field code <<<"$output")" = unavailable ]
	[[ $output == *"needs root"* ]]
}

@test "user connect: a closed port says again, an open one answers" {
	run -1 wire "$SOCK" '{"op":"connect","port":3773}'
	[ "$(field code <<<"$output")" = again ]
	in_box one 'setsid nc -lp 3773 </dev/zero >/dev/null 2>&1 &'
	answers() { wire "$SOCK" '{"op":"connect","port":3773}'; }
	eventually 5 answers
}

@test "user stop and start: files stay, processes do not" {
	in_box one 'echo kept >/root/kept; trap "" TERM; setsid sleep 910 \
		>/dev/null 2>&1 &'
	run -0 stop_box one
	[ -z "$(pgrep -f 'sleep 910')" ]
	start_box one 2
	run -0 in_box one 'cat /root/kept'
	[ "$output" = kept ]
}

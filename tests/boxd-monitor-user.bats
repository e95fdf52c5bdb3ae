# boxd-monitor for an ordinary user: commands and files of a box without
# cgroups, where parentage keeps the account.
load boxd-hub

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	as_user
	new_state
	busybox_image
	start_hub
	start_box one 2
	SOCK=$STATE/boxes/one/monitor.sock
	export SOCK
}
setup() {
	needs_root " to make a user"
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
	wire "$SOCK" --drop "setsid sleep 600 &
		(setsid sh -c 'sleep 601 & sleep 602' &)
		trap '' TERM; nohup sleep 603 & echo up; sleep 604; sleep 605"
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
	run -0 wire "$SOCK" --signal 10 "trap 'exit 44' USR1; echo up
		while :; do sleep 0.05; done"
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
	[[ $output == *"needs root"*"use the tools with sudo"* ]]
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

@test "user files: no depth of directories keeps a box from starting or going" {
	start_box deep 5
	in_box deep 'for d in /tmp /root; do
		cd $d; i=0
		while [ $i -lt 400 ]; do mkdir d; cd d; i=$((i + 1)); done
	done; mkdir /tmp/.deep-0 && echo x >/tmp/.deep-0/x; chmod 0 /tmp/d/d'
	stop_box deep
	start_box deep 5
	[ -z "$(in_box deep 'ls -A /tmp')" ]
	stop_box deep
	run -0 remove_box deep
	! [ -e "$STATE/boxes/deep" ] || false
}

@test "user end: a monitor killed hard takes its box with it, whatever its root does" {
	start_box six 6
	in_box six '(setsid sleep 911 >/proc/1/fd/0) 2>/dev/null
		(trap "" TERM HUP; setsid sleep 912 >/dev/null 2>&1 &)'
	init=$(wire "$STATE/boxes/six/monitor.sock" '{"op":"stat"}' | field init_pid)
	pgrep -f 'sleep 912'
	kill -9 "$(sed -n 's/^PPid:.//p' "/proc/$init/status")"
	eventually 5 eval "! [ -e /proc/$init ]"
	[ -z "$(pgrep -f 'sleep 91[12]')" ]
	run -0 remove_box six
}

@test "user files: a transfer has no more rights than the box's root" {
	in_box one 'head -c 3000000 /dev/zero >/home/boxd/big'
	run -0 timeout 20 python3 - "$SOCK" <<-'E'
	import glob, json, os, socket, struct, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	fd = os.open(os.path.dirname(sys.argv[1]), os.O_PATH)
	s.connect("/proc/self/fd/%d/monitor.sock" % fd)
	monitor = struct.unpack("iii", s.getsockopt(socket.SOL_SOCKET,
	    socket.SO_PEERCRED, 12))[0]
	s.send(json.dumps({"op": "get", "path": "/home/boxd/big"}).encode())
	socket.recv_fds(s, 65536, 3)
	for path in glob.glob("/proc/[0-9]*/status"):
	    try:
	        text = open(path).read()
	    except OSError:
	        continue
	    if "PPid:\t%d\n" % monitor in text and "Name:\tboxd-monitor" in text:
	        row = dict(line.split(":\t", 1) for line in text.splitlines())
	        print(row["CapPrm"], row["CapBnd"], row["Seccomp"])
	E
	[ "$output" = "00000000a80425fb 00000000a80425fb 2" ]
}

@test "user remove: a box is ended first, also when its monitor is stuck" {
	local monitor init
	for how in runs stuck; do
		start_box held 9
		init=$(wire "$STATE/boxes/held/monitor.sock" '{"op":"stat"}' | field init_pid)
		monitor=$(python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET,
    socket.SO_PEERCRED, 12))[0])' "$STATE/boxes/held/monitor.sock")
		in_box held 'setsid sleep 999 >/dev/null 2>&1 &'
		[ $how = runs ] || kill -STOP "$monitor"
		[[ $(remove_box held) == *'"ok": true'* ]]
		[ ! -e "$STATE/boxes/held" ]
		eventually 10 eval "! [ -e /proc/$monitor/ns/net ] && ! [ -e /proc/$init ]"
		! pgrep -u "$HUB_USER" -f "$STATE/boxes/held" || false
	done
}

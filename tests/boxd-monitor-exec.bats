# boxd-monitor: commands and files of one box, spoken to directly.
load boxd-monitor

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	start_hub
	start_box one '"env":["COLOUR=green"]'
}
teardown_file() {
	end_hub
}
setup() {
	needs_root
	[ -S "$STATE/boxes/one/monitor.sock" ]
}

@test "exec: a command runs as boxd in its home, with the box's environment" {
	run -0 in_box one 'id -u; pwd; echo $COLOUR $HOME $USER' </dev/null
	[ "$output" = "1000
/home/boxd
green /home/boxd boxd" ]
}

@test "exec: the request's user, directory and variables count" {
	run -0 in_box one 'id -u; pwd; echo $COLOUR' '"user":"root"' \
		'"cwd":"/usr"' '"env":["COLOUR=red"]' </dev/null
	[ "$output" = "0
/usr
red" ]
}

@test "exec: status 0 to 255 and signals come back as shells give them" {
	for code in 0 1 7 126 255; do
		run -$code in_box one "exit $code" </dev/null
	done
	run -137 in_box one 'kill -9 $$' </dev/null
	run -143 in_box one 'kill -15 $$' </dev/null
}

@test "exec: no such program is 127, no right to run it 126, no cwd 125" {
	run -127 wire "$STATE/boxes/one/monitor.sock" --exec \
		'{"argv":["/no/such/program"]}' </dev/null
	[[ $output == *'"code": "noinput"'*"/no/such/program"* ]]
	run -126 wire "$STATE/boxes/one/monitor.sock" --exec \
		'{"argv":["/etc/hosts"]}' </dev/null
	run -125 in_box one true '"cwd":"/no/where"' </dev/null
	[[ $output == *"/no/where"* ]]
	run -125 in_box one true '"user":"nobody-known"' </dev/null
	[[ $output == *"no user nobody-known"* ]]
}

@test "exec: arguments and variables with every odd byte arrive unchanged" {
	run -0 wire "$STATE/boxes/one/monitor.sock" --exec '{"argv":["printf",
		"%s|%s|%s","a b","$HOME\n\"","'"'"'\u00fc"]}' </dev/null
	[ "$output" = "a b|\$HOME
\"|'ü" ]
}

@test "exec: stdout and stderr are two streams, stdin ends" {
	echo hello >"$BATS_TEST_TMPDIR/in"
	in_box one 'cat; echo err >&2' <"$BATS_TEST_TMPDIR/in" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = hello ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
}

@test "exec: 32 MiB through stdin and back are the same bytes" {
	head -c 33554432 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	in_box one cat <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "exec: nothing but the three streams is open in a command" {
	run -0 in_box one 'ls /proc/self/fd | wc -l; readlink /proc/$$/cwd' \
		</dev/null
	[ "${lines[0]}" = 4 ]	# ls has the directory open
	run -125 in_box one true '"cwd":"/proc/self/fd/7"' </dev/null
}

@test "exec: a terminal is one, has its size, and belongs to the user" {
	run -3 wire "$STATE/boxes/one/monitor.sock" --exec '{"command":
		"tty; stty size; stat -c %U $(tty); exit 3","tty":true,
		"cols":101,"rows":37}' </dev/null
	[[ ${lines[0]} == /dev/pts/[0-9]* ]]
	[[ ${lines[1]} == "37 101"* ]]
	[[ ${lines[2]} == boxd* ]]
}

@test "exec: a command-less terminal is a login shell" {
	printf 'echo $0; exit 5\n' >"$BATS_TEST_TMPDIR/in"
	run -5 wire "$STATE/boxes/one/monitor.sock" --exec '{"tty":true}' \
		<"$BATS_TEST_TMPDIR/in"
	[[ $output == *-bash* ]]
}

@test "exec: closing its connection ends it all, setsid children too" {
	wire "$STATE/boxes/one/monitor.sock" --drop "setsid sleep 600 &
		(setsid sh -c 'sleep 601 & sleep 602' &)
		trap '' TERM; nohup sleep 603 & echo up; sleep 604; sleep 605"
	gone() { in_box one '! pgrep -f "[s]leep 60"' </dev/null; }
	eventually 5 gone
}

@test "exec: what a command left running lives on after its exit" {
	in_box one 'setsid sleep 700 >/dev/null 2>&1 & echo $!' </dev/null
	run -0 in_box one 'sleep 0.1; pgrep -f "[s]leep 700"' </dev/null
	run -0 ask one '{"op":"stat"}'
	[[ $output == *'"execs": 0'* ]]
	in_box one 'pkill -f "[s]leep 700"' </dev/null
	no_groups() {
		[ -z "$(find /sys/fs/cgroup -path "*/boxd-$(tag)*/one/exec-*")" ]
	}
	eventually 3 no_groups
}

@test "exec: a signal reaches the command's group" {
	run -0 wire "$STATE/boxes/one/monitor.sock" --signal 10 "trap 'exit 44' USR1; echo up
		while :; do sleep 0.05; done"
	[ "$output" = 44 ]
}

@test "exec: sudo makes root of boxd" {
	in_box one 'command -v sudo' </dev/null ||
		skip "not possible here: image host of a machine without sudo"
	run -0 in_box one 'sudo -n id -u' </dev/null
	[ "${lines[-1]}" = 0 ]
}

@test "exec: 200 at once all end well" {
	run -0 --separate-stderr wire "$STATE/boxes/one/monitor.sock" \
		--at-once 200 '{"command":"sleep 0.5"}'
	[ "$output" = 200 ]
}

@test "exec: a command nobody reads from does not disturb another" {
	python3 - "$STATE/boxes/one/monitor.sock" 3>&- <<-'E' &
	import json, socket, sys, time
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	s.send(json.dumps({"op": "exec", "argv": ["yes"]}).encode())
	socket.recv_fds(s, 65536, 3)
	time.sleep(3)
	E
	sleep 0.3
	run -0 timeout 30 python3 "$REPO/tests/wire.py" \
		"$STATE/boxes/one/monitor.sock" --exec '{"command":"echo fine"}' \
		</dev/null
	[ "$output" = fine ]
	wait
}

@test "put: a file arrives whole, boxd's, with its parents" {
	head -c 3000001 /dev/urandom >"$BATS_TEST_TMPDIR/in"
	run -0 wire "$STATE/boxes/one/monitor.sock" --put new/deep/file \
		"$BATS_TEST_TMPDIR/in"
	[[ $output == *'"bytes": 3000001'* ]]
	run -0 in_box one 'sha256sum <new/deep/file; stat -c "%U %a" \
		new new/deep/file; ls -A new/deep' </dev/null
	[ "${lines[0]}" = "$(sha256sum <"$BATS_TEST_TMPDIR/in")" ]
	[ "${lines[1]}" = "boxd 755" ]
	[ "${lines[2]}" = "boxd 644" ]
	[ "${lines[3]}" = file ]	# and nothing beside it
}

@test "put: a place of root and through a link; a directory is refused" {
	echo x >"$BATS_TEST_TMPDIR/in"
	wire "$STATE/boxes/one/monitor.sock" --put /etc/put-test \
		"$BATS_TEST_TMPDIR/in"
	echo longer >"$BATS_TEST_TMPDIR/in"
	in_box one 'ln -sfn /etc/put-test link' </dev/null
	wire "$STATE/boxes/one/monitor.sock" --put '~/link' \
		"$BATS_TEST_TMPDIR/in"
	run -0 in_box one 'cat /etc/put-test; readlink link' </dev/null
	[ "$output" = "longer
/etc/put-test" ]
	run -1 wire "$STATE/boxes/one/monitor.sock" --put /etc \
		"$BATS_TEST_TMPDIR/in"
	[[ $output == *'"code": "data"'*directory* ]]
}

@test "put: a connection that breaks leaves no half file" {
	python3 - "$STATE/boxes/one/monitor.sock" <<-'E'
	import json, os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	s.send(json.dumps({"op": "put", "path": "broken/half", "mode": 420,
	                   "size": 1000}).encode())
	_, fds, _, _ = socket.recv_fds(s, 65536, 3)
	os.write(fds[0], b"x" * 500)
	E
	empty() { [ -z "$(in_box one 'ls -A broken' </dev/null)" ]; }
	eventually 5 empty
}

@test "put: a size not known before is told after the bytes, or there is no file" {
	run -0 timeout 60 python3 - "$STATE/boxes/one/monitor.sock" <<-'E'
	import json, os, socket, sys
	def put(name, size):
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.connect(sys.argv[1])
	    s.send(json.dumps({"op": "put", "path": "sized/" + name,
	                       "mode": 420, "size": -1}).encode())
	    _, fds, _, _ = socket.recv_fds(s, 65536, 3)
	    os.write(fds[0], b"x" * 500)
	    if size is not None:
	        s.send(json.dumps({"size": size}).encode())
	    os.close(fds[0])
	    if size is None:
	        return
	    got = json.loads(s.recv(65536))
	    print(got.get("event"), got.get("bytes"), got.get("error"))
	put("a-whole", 500)
	put("less", 400)
	put("half", None)
	E
	[ "$output" = "exit 500 None
None None /home/boxd/sized/less: 500 bytes of 400 came" ]
	only_whole() {
		[ "$(in_box one 'ls -A sized' </dev/null)" = a-whole ]
	}
	eventually 5 only_whole
}

@test "put: why it failed is told, though its size was not listened to any more" {
	run in_box one 'head -c 1G /dev/zero >/dev/shm/full' '"user":"root"' </dev/null
	[[ $output == *"No space"* ]]
	run -0 timeout 60 python3 - "$STATE/boxes/one/monitor.sock" <<-'E'
	import json, os, signal, socket, struct, sys, time
	def ask(request):
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.connect(sys.argv[1])
	    s.send(json.dumps(request).encode())
	    return s, *socket.recv_fds(s, 65536, 3)[:2]
	s, _, fds = ask({"op": "put", "path": "/dev/shm/x", "size": -1})
	s.send(json.dumps({"size": 500}).encode())
	ask({"op": "stat"})  # after it
	# The monitor finds all of it at once: what it said, and its end.
	monitor = struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET,
	                                           socket.SO_PEERCRED, 12))[0]
	def ended():
	    with open("/proc/%d/task/%d/children" % (monitor, monitor)) as f:
	        return any(") Z " in open("/proc/%s/stat" % p).read()
	                   for p in f.read().split())
	os.kill(monitor, signal.SIGSTOP)
	os.write(fds[0], b"x" * 500)
	for _ in range(300):
	    if ended():
	        break
	    time.sleep(0.1)
	os.kill(monitor, signal.SIGCONT)
	print(json.loads(s.recv(65536))["error"])
	E
	in_box one 'rm /dev/shm/full' '"user":"root"' </dev/null
	[[ $output == *"No space left on device"* ]]
}

@test "get: the bytes come back; what is no file is refused" {
	in_box one 'head -c 1000003 /dev/urandom >g; sha256sum <g' </dev/null \
		>"$BATS_TEST_TMPDIR/sum"
	run -0 wire "$STATE/boxes/one/monitor.sock" --get /home/boxd/g \
		"$BATS_TEST_TMPDIR/out"
	[ "$(sha256sum <"$BATS_TEST_TMPDIR/out")" = "$(cat "$BATS_TEST_TMPDIR/sum")" ]
	run -1 wire "$STATE/boxes/one/monitor.sock" --get /no/such "$BATS_TEST_TMPDIR/out"
	[[ $output == *'"code": "noinput"'* ]]
	for path in /etc /dev/null /proc/self/environ /proc/self/mem; do
		run -1 wire "$STATE/boxes/one/monitor.sock" --get $path \
			"$BATS_TEST_TMPDIR/out"
		[[ $output == *'"code": "data"'* || $output == *'"code": "auth"'* ]]
	done
}

@test "connect: a service on the box's loopback answers, a closed port says again" {
	in_box one 'mkdir -p w; cd w; echo works >index.html; setsid python3 -m \
		http.server -b 127.0.0.1 3773 >/dev/null 2>&1 &' </dev/null
	run -0 timeout 60 python3 - "$STATE/boxes/one/monitor.sock" <<-'E'
	import json, socket, sys, time
	for _ in range(100):
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.connect(sys.argv[1])
	    s.send(json.dumps({"op": "connect", "port": 3773}).encode())
	    data, fds, _, _ = socket.recv_fds(s, 65536, 1)
	    answer = json.loads(data)
	    if answer["ok"]:
	        break
	    assert answer["code"] == "again", answer
	    time.sleep(0.1)
	t = socket.socket(fileno=fds[0])
	t.setblocking(True)
	t.send(b"GET / HTTP/1.0\r\n\r\n")
	text = b""
	while block := t.recv(65536):
	    text += block
	print(text.decode().splitlines()[-1])
	E
	[ "$output" = works ]
	run -1 ask one '{"op":"connect","port":9}'
	[[ $output == *'"code": "again"'* ]]
	in_box one 'pkill -f [h]ttp.server' </dev/null
}

@test "requests that are wrong are refused, and the monitor goes on" {
	for bad in '{"op":"fly"}' '{}' '{"op":"connect","port":0}' \
		'{"op":"exec","argv":[1]}' '{"op":"put"}' '{"op":"get","path":""}'; do
		run -1 ask one "$bad"
		[[ $output == *'"ok": false'* ]]
	done
	run -0 ask one '{"op":"stat"}'
}

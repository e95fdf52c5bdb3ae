# boxd-monitor: a box as a whole: its life, its limits, its walls.
load boxd-monitor

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	start_hub
	start_box two '"disk_bytes":134217728' '"pids":200'
	# A program per system call: python3 is on the host, and so in the box.
	cat >"$BATS_FILE_TMPDIR/call.py" <<-'P'
	import ctypes, os, sys
	c = ctypes.CDLL(None, use_errno=True)
	c.syscall.restype = ctypes.c_long
	r = c.syscall(*[int(a, 0) for a in sys.argv[1:]])
	print(0 if r >= 0 else ctypes.get_errno())
	P
	export BATS_FILE_TMPDIR
	wire "$STATE/boxes/two/monitor.sock" --put /home/boxd/call.py \
		"$BATS_FILE_TMPDIR/call.py"
}
setup() {
	needs_root
}
teardown_file() {
	end_hub
}

@test "walls: own ids, hostname, mounts, processes; capabilities of the list" {
	run -0 in_box two 'cat /proc/1/uid_map; hostname; ls -d /proc/[0-9]* |
		wc -l; grep -E "Cap(Inh|Prm|Eff|Bnd|Amb)|NoNew|Seccomp:" \
		/proc/self/status' '"user":"root"' </dev/null
	[[ ${lines[0]} =~ ^\ *0\ +[1-9][0-9]+\ +65536$ ]]
	[ "${lines[1]}" = two ]
	[ "${lines[2]}" -lt 8 ]
	[[ $output == *"CapInh:	0000000000000000"* ]]
	[[ $output == *"CapPrm:	00000000a80425fb"* ]]
	[[ $output == *"CapEff:	00000000a80425fb"* ]]
	[[ $output == *"CapBnd:	00000000a80425fb"* ]]
	[[ $output == *"CapAmb:	0000000000000000"* ]]
	[[ $output == *"Seccomp:	2"* ]]
}

@test "walls: a file made in the box belongs to no user of the host" {
	in_box two 'touch /home/boxd/mine /root-made' '"user":"root"' </dev/null
	pid=$(init_of two)
	[ "$(stat -c %u "/proc/$pid/root/root-made")" -ge 65536 ]
	[ "$(stat -c %u "/proc/$pid")" -ge 65536 ]
}

@test "walls: proc and sys are masked or read-only" {
	for path in /proc/kcore /proc/keys /proc/timer_list; do
		run in_box two "cat $path 2>/dev/null | wc -c" '"user":"root"' </dev/null
		[ "$output" = 0 ]
	done
	run -0 in_box two 'ls -A /sys/firmware /sys/fs/cgroup | grep -c ...
		true' '"user":"root"' </dev/null
	for path in /proc/sysrq-trigger /proc/sys/kernel/hostname \
		/sys/kernel/uevent_helper; do
		run ! in_box two "echo b >$path" '"user":"root"' </dev/null
	done
}

@test "walls: no mount, no device node, no new namespace, no module" {
	for command in 'mount -t tmpfs x /mnt' 'mknod /n c 1 3' 'unshare -U true' \
		'umount /tmp' 'mount -o remount,rw /sys' 'nsenter -t 1 -n true' \
		'mount --bind / /mnt'; do
		run ! in_box two "$command" '"user":"root"' </dev/null
	done
}

# Numbers of x86_64.
@test "walls: system calls outside the list fail as documented" {
	[ "$(uname -m)" = x86_64 ] || skip "not possible here: x86_64 numbers"
	while read -r name want args; do
		run -0 in_box two "python3 /home/boxd/call.py $args" \
			'"user":"root"' </dev/null
		[ "$output" = "$want" ] || { echo "$name: $output, not $want"; false; }
	done <<-E
	io_uring_setup 1 425 8 0
	bpf 1 321 0 0 0
	keyctl 1 250 0 0 0
	add_key 1 248 0 0 0 0 0
	userfaultfd 1 323 0
	perf_event_open 1 298 0 0 0 0 0
	kexec_load 1 246 0 0 0 0
	unshare 1 272 0x10000000
	setns 1 308 0 0
	open_by_handle_at 1 304 0 0 0
	clone3 38 435 0 0
	clone_newuser 38 56 0x10000011 0 0 0 0
	unknown 38 999
	x32_getpid 38 0x40000027
	socket_alg 97 41 38 5 0
	socket_vsock 97 41 40 1 0
	getpid 0 39
	E
}

@test "walls: the way out of PID 1's file is read-only" {
	run ! in_box two 'echo x >/proc/1/exe' '"user":"root"' </dev/null
	run ! in_box two 'echo x >/.boxd/init' '"user":"root"' </dev/null
	run ! in_box two 'rm -f /.boxd/init' '"user":"root"' </dev/null
	# Nor does its root get hold of it: it ends the box with its monitor.
	run ! in_box two ': >/proc/1/fd/0' '"user":"root"' </dev/null
	[[ $output == *"ermission denied"* ]]
	run -0 in_box two 'python3 /home/boxd/call.py 101 16 1 0 0' \
		'"user":"root"' </dev/null
	[ "$output" = 1 ]
}

@test "limits: a full disk is the box's own" {
	before=$(du -xsm "$STATE" | cut -f1)
	run ! in_box two 'head -c 200000000 /dev/zero >/home/boxd/fill' </dev/null
	[[ $output == *"No space left"* ]]
	after=$(du -xsm "$STATE" | cut -f1)
	[ $((after - before)) -lt 200 ]
	in_box two 'rm /home/boxd/fill; echo fine >/home/boxd/fine' </dev/null
}

@test "disk: one that the kernel calls clean but saw an error in is repaired" {
	local img=$STATE/boxes/hurt/disk.img
	start_box hurt '"disk_bytes":67108864'
	in_box hurt 'echo x >/root/lost; echo y >/root/kept' '"user":"root"'
	ask hurt '{"op":"stop","grace_ms":0}'
	dumpe2fs -h "$img" 2>/dev/null | grep -q 'state: *clean$'
	debugfs -w -R 'clri upper/root/lost' "$img"
	debugfs -w -R 'ssv state 3' "$img"
	start_box hurt '"disk_bytes":67108864'
	[ "$(in_box hurt 'cat /root/kept; ls /root/lost 2>&1' '"user":"root"')" = \
		"$(printf "y\nls: cannot access '/root/lost': No such file or directory")" ]
	grep -qF "disk $img was damaged and is repaired" "$STATE/hub.log"
	ask hurt '{"op":"stop","grace_ms":0}'
	e2fsck -f -n "$img"
}

@test "limits: a box whose disk is full to the last byte starts again" {
	start_box full '"disk_bytes":67108864'
	in_box full 'for i in 64k 4k 4k 4k 1k 1k; do
		dd if=/dev/zero of="/home/boxd/$i.$((n += 1))" bs=$i; sync
	done 2>/dev/null; df -k /' '"user":"root"' </dev/null
	ask full '{"op":"stop","grace_ms":0}'
	start_box full '"disk_bytes":67108864'
	in_box full 'rm /home/boxd/*; echo x >/etc/new' '"user":"root"' </dev/null
	ask full '{"op":"stop","grace_ms":0}'
}

@test "limits: memory over the limit ends the command, not the box" {
	run -137 in_box two 'exec python3 -c "x = bytearray(800 << 20)
for i in range(0, len(x), 4096): x[i] = 1"' </dev/null
	run -0 in_box two 'echo alive' </dev/null
	[ "$output" = alive ]
}

@test "limits: a fork bomb fills its own box and goes with its exec" {
	timeout 60 python3 - "$STATE/boxes/two/monitor.sock" <<-'E'
	import json, socket, sys, time
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	# The first process stays: what a command leaves behind would live on.
	s.send(json.dumps({"op": "exec", "argv": ["python3", "-c", "import "
	    "subprocess, time; subprocess.Popen(['sh', '-c', 'b() { b | b & };"
	    " b; sleep 60']); time.sleep(60)"]}).encode())
	socket.recv_fds(s, 65536, 3)
	time.sleep(1.5)
	s.close()
	E
	true	# the host still forks
	calm() { [ "$(pids_in two 2>/dev/null)" -lt 10 ]; }
	eventually 10 calm
}

@test "limits: a box full of a fork bomb stops all the same" {
	start_box bomb '"pids":300'
	in_box bomb '(b() { b | b & }; b) >/dev/null 2>&1' </dev/null || true
	sleep 1
	run -0 timeout 60 python3 "$REPO/tests/wire.py" \
		"$STATE/boxes/bomb/monitor.sock" '{"op":"stop","grace_ms":300}'
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*boxd-$(tag)*/bomb")" ]
}

@test "suspend: the box stands still, exec is refused, resume goes on" {
	in_box two 'echo 0 >/tmp/n; setsid sh -c "while :; do
		read n </tmp/n; echo \$((n + 1)) >/tmp/n; sleep 0.02; done" \
		>/dev/null 2>&1 &' </dev/null
	pid=$(init_of two)
	run -0 ask two '{"op":"suspend"}'
	[[ $output == *'"us": '* ]]
	run -0 ask two '{"op":"stat"}'
	[[ $output == *'"state": "suspended"'* ]]
	n=$(cat "/proc/$pid/root/tmp/n")
	sleep 0.3
	[ "$(cat "/proc/$pid/root/tmp/n")" = "$n" ]
	run -125 in_box two true </dev/null
	[[ $output == *suspended* ]]
	run -1 ask two '{"op":"connect","port":80}'
	run -0 ask two '{"op":"resume"}'
	went_on() { [ "$(cat "/proc/$pid/root/tmp/n")" != "$n" ]; }
	eventually 5 went_on
	in_box two 'pkill -f "[t]mp/n"' </dev/null
}

@test "suspend: a connection closed meanwhile ends its command at the resume" {
	timeout 60 python3 - "$STATE/boxes/two/monitor.sock" <<-'E'
	import json, socket, sys
	def wire():
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.connect(sys.argv[1])
	    return s
	s = wire()
	s.send(json.dumps({"op": "exec", "command": "sleep 801; true"}).encode())
	socket.recv_fds(s, 65536, 3)
	t = wire()
	t.send(json.dumps({"op": "suspend"}).encode())
	assert json.loads(t.recv(65536))["ok"]
	s.close()
	E
	ask two '{"op":"resume"}'
	gone() { in_box two '! pgrep -f "[s]leep 801"' </dev/null; }
	eventually 5 gone
}

@test "stop: from suspended, within its grace, and nothing is left" {
	start_box three '"disk_bytes":134217728'
	in_box three 'trap "" TERM; setsid sleep 900 >/dev/null 2>&1 &' </dev/null
	ask three '{"op":"suspend"}'
	run -0 ask three '{"op":"stop","grace_ms":300}'
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*boxd-$(tag)*/three")" ]
	[ -z "$(losetup -a | grep "$STATE/boxes/three")" ]
	[ -z "$(pgrep -f 'sleep 900')" ]
	[ ! -e "$STATE/boxes/three/monitor.sock" ]
	[ ! -e "$STATE/boxes/three/crun" ]
}

@test "stop: commands that are just starting hear of it too" {
	start_box three
	run -0 python3 - "$STATE/boxes/three/monitor.sock" "$STATE/hub.sock" <<-'P'
	import json, socket, sys, time
	def ask(path, what):
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    s.settimeout(60)
	    s.connect(path)
	    s.send(json.dumps(what).encode())
	    return s
	began = time.monotonic()
	socks = [ask(sys.argv[1], {"op": "exec", "command": "exec sleep 99"})
	         for _ in range(40)]
	stop = ask(sys.argv[1], {"op": "stop", "grace_ms": 40000})
	assert json.loads(stop.recv(1 << 16))["ok"]
	print("%.1f s" % (time.monotonic() - began))
	assert time.monotonic() - began < 30
	P
}

monitor_of() { # pid
	python3 -c 'import socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET,
    socket.SO_PEERCRED, 12))[0])' "$STATE/boxes/$1/monitor.sock"
}
remove() {
	wire "$STATE/hub.sock" "{\"op\":\"remove\",\"id\":\"$1\",
		\"dir\":\"$STATE/boxes/$1\"}"
}

@test "remove: a monitor that runs is ended first, one that is stuck too" {
	local tag monitor init
	for how in runs stuck; do
		start_box eleven
		tag=$(group_of eleven)
		monitor=$(monitor_of eleven)
		init=$(init_of eleven)
		[ $how = runs ] || kill -STOP "$monitor"
		run -0 remove eleven
		[ ! -e "$STATE/boxes/eleven" ]
		eventually 5 eval "! [ -e /proc/$monitor/ns/net ] && ! [ -e /proc/$init ]"
		[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*$tag/eleven")" ]
	done
}

@test "remove: a start that is under way leaves no box that nobody knows" {
	for wait in 0 0.005 0.01 0.02 0.03 0.04 0.06 0.08 0.1; do
		start_box twelve >"$BATS_TEST_TMPDIR/start" 3>&- &
		eventually 5 test -e "$STATE/boxes/twelve"
		sleep $wait
		eventually 10 eval 'remove twelve && ! [ -e "$STATE/boxes/twelve" ]'
		wait $! || true
		eventually 5 eval '! pgrep -f -- "$STATE/boxes/twelve" >/dev/null'
		[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*boxd-$(tag)*/twelve")" ]
	done
}

@test "start: of a box that runs, begins it anew" {
	local old
	start_box thirteen
	old=$(init_of thirteen)
	start_box thirteen
	[ "$(init_of thirteen)" != "$old" ]
	[ ! -e "/proc/$old" ]
	run -0 in_box thirteen 'echo alive' </dev/null
	remove thirteen
}

@test "start again: the box's files and users are as they were" {
	start_box four '"disk_bytes":134217728'
	in_box four 'echo kept >/home/boxd/kept; echo 10.0.0.1 db >>/etc/hosts
		touch /tmp/gone; mkdir /usr/share/added' '"user":"root"' </dev/null
	ask four '{"op":"stop","grace_ms":300}'
	start_box four '"disk_bytes":134217728'
	run -0 in_box four 'cat kept; grep -c 10.0.0.1 /etc/hosts; ls -d \
		/usr/share/added; ls /tmp' </dev/null
	[ "$output" = "kept
1
/usr/share/added" ]
	ask four '{"op":"stop","grace_ms":300}'
}

@test "end: a watcher hears when init is killed; removal leaves nothing" {
	start_box five
	pid=$(init_of five)
	run -0 timeout 60 python3 - "$STATE/boxes/five/monitor.sock" "$pid" <<-'E'
	import os, socket, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	s.send(b'{"op":"watch"}')
	# The answer to a later question: the watch has begun.
	t = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	t.connect(sys.argv[1])
	t.send(b'{"op":"stat"}')
	t.recv(65536)
	os.kill(int(sys.argv[2]), 9)
	print(s.recv(65536).decode())
	E
	[[ $output == *'"event":"end"'*'"code":137'* ]]
	run -0 wire "$STATE/hub.sock" "{\"op\":\"remove\",\"id\":\"five\",
		\"dir\":\"$STATE/boxes/five\"}"
	[ ! -e "$STATE/boxes/five" ]
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*boxd-$(tag)*/five")" ]
}

@test "end: a monitor killed hard takes its box with it, and start cleans up" {
	monitor=$(start_box six '"disk_bytes":134217728' | python3 -c '
import json,sys; print(json.load(sys.stdin)["pid"])')
	in_box six 'setsid sleep 950 >/dev/null 2>&1 & touch kept' </dev/null
	kill -9 "$monitor"
	gone() { ! pgrep -f 'sleep 950'; }
	eventually 5 gone
	unmounted() { [ -z "$(losetup -a | grep "$STATE/boxes/six")" ]; }
	eventually 5 unmounted
	start_box six '"disk_bytes":134217728'
	run -0 in_box six 'ls kept' </dev/null
	ask six '{"op":"stop","grace_ms":0}'
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*boxd-$(tag)*/six")" ]
}

@test "init: the image's command runs, its output is kept and bounded" {
	start_box seven '"cmd":["sh","-c","echo up $WHAT; yes | head -c 9000000; sleep 1000"]' \
		'"env":["WHAT=and away"]'
	said() { grep -qa "up and away" "$STATE"/boxes/seven/console.log*; }
	full() { [ -e "$STATE/boxes/seven/console.log.1" ]; }
	eventually 10 full
	[ "$(cat "$STATE"/boxes/seven/console.log* | wc -c)" -le 8400000 ]
	run -0 in_box seven '(setsid sh -c "exit 3" &); sleep 0.2; ps -e -o stat= |
		grep -c Z; true' </dev/null
	[ "$output" = 0 ]
	ask seven '{"op":"stop","grace_ms":500}'
}

@test "start: a hostile image and a wrong request are refused without traces" {
	mkdir -p "$BATS_TEST_TMPDIR/evil/etc" "$BATS_TEST_TMPDIR/out"
	chmod 755 "$BATS_TEST_TMPDIR/evil"
	ln -s "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/evil/dev"
	run -1 start_box eight "\"image\":{\"kind\":\"layers\",\"lower\":[\"$BATS_TEST_TMPDIR/evil\"]}"
	run -1 wire "$STATE/hub.sock" "{\"op\":\"start\",\"id\":\"eight\",
		\"dir\":\"$STATE/boxes/eight\",\"name\":\"eight\",\"hostname\":\"eight\",
		\"image\":{\"kind\":\"layers\",\"lower\":[\"$BATS_TEST_TMPDIR/evil\"]},
		\"ip\":\"10.88.9.9\"}"
	[[ $output == *'"code": "data"'*"/dev is not a directory"* ]]
	[ -z "$(ls -A "$BATS_TEST_TMPDIR/out")" ]
	run -1 start_box ../x
	mkdir "$STATE/boxes/nine"
	run -1 wire "$STATE/hub.sock" "{\"op\":\"start\",\"id\":\"nine\",
		\"dir\":\"$STATE/boxes/nine\",\"hostname\":\"nine\",\"ip\":\"10.88.9.9\",
		\"image\":{\"kind\":\"layers\",\"lower\":[\"/no/such/layer\"]}}"
	[[ $output == *"/no/such/layer"* ]]
	[ -z "$(find /sys/fs/cgroup -maxdepth 3 -path "*boxd-$(tag)*/nine")" ]
}

@test "start: no link a box left where a host directory comes is followed" {
	mkdir "$BATS_TEST_TMPDIR/out"
	start_box nine
	ask nine '{"op":"stop","grace_ms":0}'
	# As mv /var/lib /x; mkdir /var/lib; ln -s TARGET /var/lib/dpkg in the box
	# does where overlays redirect directories.
	lib=$STATE/boxes/nine/disk/upper/var/lib
	mkdir -p "$lib"
	ln -s "$BATS_TEST_TMPDIR/out" "$lib/dpkg"
	run -1 start_box nine
	[[ $output == *'"data"'*"/var/lib/dpkg is not the directory"* ]]
	rm "$lib/dpkg"
	start_box nine
	[[ $(in_box nine 'ls /var/lib/dpkg') == *status* ]]
	ask nine '{"op":"stop","grace_ms":0}'
}

@test "start: 12 boxes at once" {
	for nr in $(seq 12); do
		start_box "many$nr" >"$BATS_TEST_TMPDIR/$nr" 3>&- &
	done
	wait
	[ "$(cat "$BATS_TEST_TMPDIR"/* | grep -c '"ok": true')" = 12 ]
	for nr in $(seq 12); do
		run -0 in_box "many$nr" hostname </dev/null
		[ "$output" = "many$nr" ] || { cat "$BATS_TEST_TMPDIR/$nr"; echo "$nr: $output"; false; }
	done
	for nr in $(seq 12); do
		ask "many$nr" '{"op":"stop","grace_ms":0}' >/dev/null 3>&- &
	done
	wait
}

@test "hub killed and started again: no later box keeps an earlier one's disk" {
	start_box early '"disk_bytes":134217728'
	kill_hard "$(cat "$STATE/hub.pid")"
	rehub() {
		"$BINDU_BUILD/libexec/boxd-monitor" hub "$STATE" \
			>>"$STATE/hub.log" 2>&1 3>&- &
		echo $! >"$STATE/hub.pid"
	}
	rehub
	hub_answers() { wire "$STATE/hub.sock" '{"op":"ping"}'; }
	eventually 10 hub_answers
	start_box late '"disk_bytes":134217728'
	run -0 in_box early 'echo alive' </dev/null
	[ "$output" = alive ]
	ask early '{"op":"stop","grace_ms":0}'
	freed() { [ -z "$(losetup -a | grep "$STATE/boxes/early")" ]; }
	eventually 3 freed
	ask late '{"op":"stop","grace_ms":0}'
}

@test "at the end: no mount, cgroup, loop device or process of these boxes" {
	group=$(group_of two)
	[[ $group == "boxd-$(tag)"* ]]
	ask two '{"op":"stop","grace_ms":500}'
	run -0 leftovers "$group"
	[ -z "$output" ] || { echo "$output"; false; }
}

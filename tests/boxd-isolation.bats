# What a box cannot read, reach, fill or survive, its root included.  Each no
# has its positive control: the same thing succeeds where it may.
load boxd-hub

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	start_peer
	start_hub
	start_box one 2 '"disk_bytes":134217728' '"memory_bytes":268435456' \
		'"pids":128' '"vcpu":1'
	start_box two 3 '"disk_bytes":134217728' '"memory_bytes":268435456' \
		'"pids":128' '"vcpu":1'
	serve 127.0.0.1 18411 loopback
	serve 0.0.0.0 18412 everywhere
	serve 198.51.100.2 18413 peer nsenter --target "$PEER" --net
}
setup() {
	needs_root
}
teardown_file() {
	end_servers
	end_hub
	end_peer
}
teardown() {
	rm -rf /usr/local/share/bindu-test.*
}
ports() { # the boxes' ends on the bridge
	in_hub ip -o link show master br0 | sed 's/^[0-9]*: \([^@:]*\).*/\1/'
}
from_box() { # from_box ID ADDRESS PORT
	in_box "$1" "python3 -c '$reach' $2 $3" boxd
}

@test "files: what the world may not read on the host, no one reads in the box" {
	d=$(mktemp -d /usr/local/share/bindu-test.XXXXXX)
	chmod 755 "$d"
	mkdir -m 700 "$d/dir"
	mkdir -m 711 "$d/dark"
	for f in open secret group dir/file dark/file; do
		echo "text of $f" >"$d/$f"
		chmod 644 "$d/$f"
	done
	chmod 600 "$d/secret"
	chmod 640 "$d/group"
	chmod 755 "$d/group/.." 2>/dev/null || true
	[ "$(in_box one "cat $d/open")" = "text of open" ]
	for user in root boxd; do
		for f in secret group dir/file; do
			run in_box one "cat $d/$f" $user
			[ "$status" != 0 ]
			[[ $output == *"Permission denied"* ]]
			[[ $output != *"text of"* ]]
		done
		run in_box one "ls $d/dir $d/dark" $user
		[ "$status" != 0 ]
	done
	# Not by changing it, moving it, linking it, nor by a copy of the layer.
	for trick in "chmod 644 $d/secret; cat $d/secret" \
		"chown 0:0 $d/secret; cat $d/secret" \
		"mv $d/secret /tmp/x; cat /tmp/x" \
		"ln $d/secret $d/x; cat $d/x" "chmod 755 $d/dir; cat $d/dir/file" \
		"mv $d/dir $d/dir2; cat $d/dir2/file" \
		"python3 -c 'import mmap,os
f = os.open(\"$d/secret\", os.O_RDWR); print(os.read(f, 99))'"; do
		run in_box one "$trick"
		[[ $output != *"text of"* ]]
	done
}

@test "files: a right taken away on the host counts at once" {
	d=$(mktemp -d /usr/local/share/bindu-test.XXXXXX)
	chmod 755 "$d"
	echo "text" >"$d/file"
	chmod 644 "$d/file"
	[ "$(in_box two "cat $d/file")" = text ]
	chmod 600 "$d/file"
	run in_box one "cat $d/file"
	[[ $output == *"Permission denied"* ]]
}

@test "files: a box writes to /usr and /etc and the host keeps its own" {
	in_box one 'echo mine >/usr/bin/bindu-mine && echo mine >/etc/bindu-mine &&
		rm /usr/bin/env && rm -r /usr/share/doc/sudo || ls -d /usr/share/doc/sudo'
	[ ! -e /usr/bin/bindu-mine ]
	[ ! -e /etc/bindu-mine ]
	[ -e /usr/bin/env ]
	run in_box two 'ls /usr/bin/bindu-mine'
	[ "$status" != 0 ]
	in_box two 'ls /usr/bin/env'
}

@test "files: nothing of /home /root /opt /srv /mnt, of /var the package database" {
	run -0 in_box two 'find /home /root /opt /srv /mnt /media /boot /run \
		-mindepth 1 ! -path "/home/boxd*" ! -path "/run/*lock*" ! -type d'
	[ -z "$output" ]
	run -0 in_box two 'find /var ! -path "/var/lib/dpkg/*" ! -type d'
	[ -z "$output" ]
	in_box two 'dpkg -s sudo >/dev/null'
	# The hub's own state is not in sight, under any name.
	run in_box two "ls $STATE"
	[ "$status" != 0 ]
}

@test "files: a box installs a package, and the host has none" {
	run -0 in_box two 'mkdir -p /tmp/p/DEBIAN && cd /tmp &&
		printf "Package: bindu-zz\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x.x>\nDescription: x\n" \
			>p/DEBIAN/control && dpkg-deb -b p p.deb >/dev/null &&
		dpkg -i p.deb >/dev/null && dpkg -s bindu-zz; rm -r p p.deb'
	[[ $output == *"Status: install ok installed"* ]]
	run ! dpkg -s bindu-zz
}

@test "files: not even what the world may read there, nor in /var" {
	for dir in /home /root /opt /srv /mnt /var/lib /var/log /var/tmp /tmp; do
		f=$(mktemp "$dir/bindu-test.XXXXXX")
		chmod 644 "$f"
		echo "text of $f" >"$f"
		for user in root boxd; do
			run in_box two "cat $f" $user
			[ "$status" != 0 ] && [[ $output != *"text of"* ]] || bad=$f
		done
		rm "$f"
	done
	[ -z "${bad:-}" ]
}

@test "files: of /etc only what the host's world may read" {
	# shellcheck disable=SC2016
	run -0 in_box two 'cd /etc && find . -type f ! -name shadow ! -name gshadow \
		! -name sudoers ! -name passwd ! -name group ! -name hosts \
		! -name hostname ! -name resolv.conf ! -name pip.conf'
	while read -r f; do
		[ -e "/etc/$f" ] || continue
		[ -n "$(find "/etc/$f" -perm -o+r)" ] || { echo "$f"; false; }
	done <<<"$output"
	hash=$(sed -n 's/^root:\([^:]*\):.*/\1/p' /etc/shadow)
	run -0 in_box two 'cat /etc/shadow'
	[ ${#hash} -lt 4 ] || [[ $output != *"$hash"* ]]
}

@test "files: no path leads to the host's root, processes or devices" {
	run -0 in_box one 'ls /proc | grep -c "^[0-9]"'
	[ "$output" -lt 20 ]
	run in_box one 'cat /proc/kcore | head -c 1 | wc -c'
	[ "${lines[-1]}" = 0 ]
	for try in 'mknod /tmp/d b 8 0 && head -c 1 /tmp/d' \
		'mknod /usr/d c 1 1 && head -c 1 /usr/d' \
		'mount -t tmpfs t /mnt' 'mount --bind / /mnt' 'unshare -Ur true' \
		'echo b >/proc/sysrq-trigger' 'echo 1 >/proc/sys/kernel/panic' \
		'chroot /proc/1/root/../.. ls /work' 'dmesg | head -n 1 | grep .' \
		'nsenter -t 1 -m -u true'; do
		run in_box one "$try"
		[ "$status" != 0 ] || { echo "allowed: $try"; false; }
	done
}

@test "kernel: calls that reach around the box are refused, in every spelling" {
	[ "$(uname -m)" = x86_64 ] || skip "not possible here: numbers of x86-64"
	cat >"$BATS_TEST_TMPDIR/calls.py" <<-'P'
	import ctypes
	call = ctypes.CDLL(None, use_errno=True).syscall
	room = ctypes.create_string_buffer(256)
	def works(nr, *args):
	    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
	    return call(ctypes.c_long(nr), *args) >= 0
	assert works(39) and works(41, 2, 1, 0) and works(41, 1, 1, 0), "control"
	rows = {
	    # The kernel takes 32 bits of a family, a filter may see 64.
	    "alg": (41, 38, 5, 0), "alg64": (41, 1 << 32 | 38, 5, 0),
	    "packet": (41, 17, 3, 0), "packet64": (41, 1 << 32 | 17, 3, 0),
	    "tipc": (53, 30, 5, 0, room),
	    "vsock": (41, 40, 1, 0), "vsock64": (41, 1 << 32 | 40, 1, 0),
	    "xdp": (41, 44, 3, 0), "clone user": (56, 0x10000000 | 17, 0, 0, 0, 0),
	    "clone ns": (56, 0x20000 | 17, 0, 0, 0, 0), "clone3": (435, room, 88),
	    "unshare": (272, 0x10000000), "time ns": (272, 0x80), "setns": (308, 0, 0),
	    "kernel log": (103, 3, room, 256), "log size": (103, 10, None, 0),
	    "add_key": (248, b"user", b"x", b"y", 1, -3), "keyctl": (250, 0, -3, 1),
	    "request_key": (249, b"user", b"x", None, -3), "bpf": (321, 0, room, 120),
	    "perf": (298, room, 0, -1, -1, 0), "io_uring": (425, 4, room),
	    "userfaultfd": (323, 1), "handle": (304, -100, room, 0),
	    "mount": (165, b"t", b"/tmp", b"tmpfs", 0, None), "open_tree": (428, -100, b"/", 1),
	    "fsopen": (430, b"tmpfs", 0), "pivot_root": (155, b"/", b"/tmp"),
	    "kexec": (246, 0, 0, None, 0), "module": (175, room, 8, b""),
	    "reboot": (169, 0xfee1dead, 672274793, 0, None), "swapon": (167, b"/x", 0),
	    "acct": (163, None), "clock": (227, 0, room), "iopl": (172, 3),
	    "hostname": (170, b"x", 1), "x32": (0x40000000 | 39,),
	    "fanotify": (300, 0, 0), "quota": (179, 0x80000100, None, 0, room),
	    "personality": (135, 0x400000), "rt": (144, 0, 1, b"\1\0\0\0"),
	}
	print(" ".join(k for k, v in rows.items() if works(*v)))
	P
	for user in boxd root; do
		run -0 in_box one "$(printf 'python3 - <<"P"\n%s\nP' \
			"$(cat "$BATS_TEST_TMPDIR/calls.py")")" $user
		[ -z "$output" ]
	done
}

@test "mounts: what the host mounts later does not show, nor the box's on the host" {
	d=$(mktemp -d /usr/local/share/bindu-test.XXXXXX)
	mount -t tmpfs t "$d"
	echo seen >"$d/file"
	run in_box one "cat $d/file"
	umount "$d"
	[ "$status" != 0 ]
	! grep -qF "$STATE" /proc/mounts || false
}

@test "processes: a box shares no namespace with the host or another box" {
	for kind in cgroup ipc mnt net pid user uts; do
		host=$(readlink /proc/self/ns/$kind)
		one=$(in_box one "readlink /proc/self/ns/$kind")
		two=$(in_box two "readlink /proc/self/ns/$kind")
		[[ $one == "$kind:["* ]]
		[ "$one" != "$two" ]
		[ "$one" != "$host" ]
		[ "$two" != "$host" ]
	done
	in_box two 'setsid sleep 4242 >/dev/null 2>&1 &
		echo secret >/dev/shm/mine'
	[ "$(in_box two 'grep -lz "^424[2]" /proc/[0-9]*/cmdline | wc -l')" = 1 ]
	[ "$(in_box one 'grep -lz "^424[2]" /proc/[0-9]*/cmdline | wc -l')" = 0 ]
	[ -z "$(in_box one 'ls /dev/shm')" ]
	in_box two 'rm /dev/shm/mine; pkill -f "^sleep 4242"'
}

@test "network: services of the host are out of reach by every address" {
	[ "$(reach 127.0.0.1 18411)" = loopback ]
	[ "$(reach 127.0.0.1 18412)" = everywhere ]
	own=$(ip -4 -o addr | sed -n 's/.*inet \([0-9.]*\).*/\1/p')
	[ "$(wc -l <<<"$own")" -ge 2 ]
	for address in $own; do
		[ "$(reach "$address" 18412)" = everywhere ]
	done
	for address in $own 10.0.2.2 10.0.2.3 10.0.2.100 10.88.0.1 127.0.0.1 \
		0.0.0.0 localhost; do
		for port in 18411 18412; do
			run from_box one "$address" "$port"
			[[ $output == no:* ]] || { echo "$address:$port $output"; false; }
		done
	done
}

@test "network: the world beyond the host is in reach" {
	[ "$(reach 198.51.100.2 18413)" = peer ]
	[ "$(from_box one 198.51.100.2 18413)" = peer ]
}

@test "network: link-local addresses (metadata services) are refused" {
	run from_box one 169.254.169.254 80
	[[ $output == "no:"* ]]
	[ "$(in_hub nft list ruleset | grep -c 169.254.0.0/16)" = 1 ]
}

@test "network: a box does not reach another box, directly or by the gateway" {
	in_box two "cd /tmp; setsid python3 -m http.server 8080 >/dev/null 2>&1 &
		sleep 0.1"
	get='python3 -c "import urllib.request
print(urllib.request.urlopen(\"http://10.88.7.3:8080/\", timeout=3).status)"'
	eventually 10 in_box two "$get"
	[ "$(in_box two "$get")" = 200 ]
	run in_box one "$get"
	[ "$status" != 0 ]
	# What forbids it is the isolation of the ports: with a rule that lets
	# all through it is still shut, and open once the ports are not isolated.
	in_hub nft insert rule ip boxd forw iifname br0 oifname br0 accept
	run in_box one "$get"
	[ "$status" != 0 ]
	for port in $(ports); do
		in_hub ip link set "$port" type bridge_slave isolated off
	done
	between=$(in_box one "$get" || true)
	for port in $(ports); do
		in_hub ip link set "$port" type bridge_slave isolated on
	done
	[ "$between" = 200 ]
	# A change of the host's addresses brings the hub's own rules back.
	ip addr add 198.51.100.78/32 dev lo
	ip addr del 198.51.100.78/32 dev lo
	eventually 5 eval '! in_hub nft list chain ip boxd forw | grep -q br0.*br0'
	run in_box one "$get"
	[ "$status" != 0 ]
	# Nor by way of the hub, whose rules forward to the relay alone.
	in_hub nft list chain ip boxd forw | grep -qF 'policy drop'
	[ "$(in_hub nft list chain ip boxd forw | grep -c jump)" = 1 ]
}

@test "network: a box cannot take another's address on the bridge" {
	run -0 in_hub ip neigh show dev br0
	[ "$(grep -c PERMANENT <<<"$output")" = 2 ]
	run -0 in_hub ip -d link show master br0
	[ "$(grep -c 'learning off' <<<"$output")" = 2 ]
	[ "$(grep -c 'isolated on' <<<"$output")" = 2 ]
	run in_box one 'ip addr add 10.88.7.3/16 dev eth0'
	[ "$status" != 0 ]
}

@test "network: a box cannot speak in another's name" {
	cat >"$BATS_TEST_TMPDIR/listen.py" <<-'P'
	import socket
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(("198.51.100.2", 18414))
	print("ready", flush=True)
	while True:
	    print(s.recv(99).decode(), flush=True)
	P
	nsenter --target "$PEER" --net timeout 60 \
		python3 "$BATS_TEST_TMPDIR/listen.py" >"$BATS_TEST_TMPDIR/heard" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	eventually 10 grep -q ready "$BATS_TEST_TMPDIR/heard"
	cat >"$BATS_TEST_TMPDIR/say.py" <<-'P'
	import socket, struct, sys
	peer = socket.inet_aton("198.51.100.2")
	text = sys.argv[2].encode()
	s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	s.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(text), 0, 0, 64, 17,
	    0, socket.inet_aton(sys.argv[1]), peer) +
	    struct.pack("!HHHH", 4444, 18414, 8 + len(text), 0) + text,
	    ("198.51.100.2", 0))
	P
	say() { # say SOURCE TEXT: one datagram with that source, by root in box one
		in_box one "$(printf 'python3 - %s %s <<"P"\n%s\nP' "$1" "$2" \
			"$(cat "$BATS_TEST_TMPDIR/say.py")")"
	}
	say 10.88.7.2 own
	eventually 5 grep -q own "$BATS_TEST_TMPDIR/heard"
	# Another box's, one of nobody, one that differs in the third byte, the
	# gateway's and the world's.
	for forged in 10.88.7.3 10.88.7.99 10.88.6.2 10.88.0.1 198.51.100.77; do
		say "$forged" "forged-$forged"
	done
	say 10.88.7.2 last
	eventually 5 grep -q last "$BATS_TEST_TMPDIR/heard"
	! grep forged "$BATS_TEST_TMPDIR/heard" || false
	# The rules do it: without them it is heard.
	in_hub nft flush chain ip boxd names
	say 10.88.7.3 bare
	eventually 5 grep -q bare "$BATS_TEST_TMPDIR/heard"
	ip addr add 198.51.100.78/32 dev lo
	ip addr del 198.51.100.78/32 dev lo
	eventually 5 eval 'in_hub nft list chain ip boxd names | grep -q drop'
	# And the port takes no other hardware address.
	[ "$(in_hub ip -d link show master br0 | grep -c 'locked on')" = 2 ]
}

@test "limits: a full disk stays inside" {
	before=$(df --output=avail -k "$STATE" | tail -n 1)
	run in_box one 'dd if=/dev/zero of=/home/boxd/fill bs=1M 2>&1; df -k / | tail -n 1'
	[[ $output == *"No space left"* ]]
	after=$(df --output=avail -k "$STATE" | tail -n 1)
	# 128 MiB, and room for what others write meanwhile.
	[ $((before - after)) -lt $((256 * 1024)) ]
	in_box two 'dd if=/dev/zero of=/home/boxd/part bs=1M count=8 2>/dev/null &&
		rm /home/boxd/part'
	in_box one 'rm /home/boxd/fill && echo again >/home/boxd/file'
}

@test "limits: a fork bomb stays inside" {
	(in_box one 'bomb() { bomb | bomb & }; bomb; sleep 3' boxd >/dev/null 2>&1 || true) &
	bomb=$!
	sleep 1
	# Programs of the host start as ever; one of them may meet others' work.
	least=9999
	for _ in 1 2 3 4 5; do
		start=$(date +%s%N)
		timeout 30 true
		ms=$((($(date +%s%N) - start) / 1000000))
		[ $ms -ge $least ] || least=$ms
	done
	[ $least -lt 1000 ]
	in_box two true
	kill $bomb 2>/dev/null || true
	ask=$(stop_box one)
	[[ $ask == *'"ok": true'* ]]
	start_box one 2 '"disk_bytes":134217728' '"memory_bytes":268435456' \
		'"pids":128' '"vcpu":1'
	[ "$(in_box one 'cat /home/boxd/file')" = again ]
}

@test "limits: one that takes all its memory is killed, the other lives" {
	run in_box one 'python3 -c "x = bytearray(1 << 30)
for i in range(0, len(x), 4096): x[i] = 1"' boxd
	[ "$status" != 0 ]
	[ "$(in_box two 'echo alive')" = alive ]
}

@test "limits: kernel memory of sockets that no cgroup counts is not to be had" {
	cat >"$BATS_TEST_TMPDIR/ring.py" <<-'P'
	import socket, struct
	s = socket.socket(17, socket.SOCK_RAW, 0)
	s.setsockopt(263, 5, struct.pack("IIII", 1 << 16, 16, 2048, 512))
	P
	python3 "$BATS_TEST_TMPDIR/ring.py"
	for user in boxd root; do
		run in_box one "$(printf 'python3 - <<"P"\n%s\nP' \
			"$(cat "$BATS_TEST_TMPDIR/ring.py")")" $user
		[[ $output == *"not supported by protocol"* ]]
	done
}

@test "limits: signals and watches a box uses up are there for root and others" {
	cat >"$BATS_TEST_TMPDIR/greed.py" <<-'P'
	import ctypes, os, signal, sys, time
	c = ctypes.CDLL(None, use_errno=True)
	signal.pthread_sigmask(signal.SIG_BLOCK, [40])
	most = int(sys.argv[1])
	signals = watches = 0
	while signals < most and c.sigqueue(os.getpid(), 40, None) == 0:
	    signals += 1
	while watches < min(most, 9999) and c.inotify_init() >= 0:
	    watches += 1
	print(signals, watches, flush=True)
	time.sleep(float(sys.argv[2]))
	P
	[ "$(python3 "$BATS_TEST_TMPDIR/greed.py" 1 0)" = "1 1" ]
	command=$(printf 'cat >/tmp/greed.py <<"P"\n%s\nP' \
		"$(cat "$BATS_TEST_TMPDIR/greed.py")")
	in_box one "$command"
	in_box two "$command"
	in_box one 'python3 /tmp/greed.py 1000000 29' >"$BATS_TEST_TMPDIR/greed" 3>&- &
	greed=$!
	eventually 10 grep -q ' ' "$BATS_TEST_TMPDIR/greed"
	read -r signals watches <"$BATS_TEST_TMPDIR/greed"
	[ "$signals" -gt 1000 ]
	[ "$watches" -gt 10 ]
	# Now nothing more is to be had there, but here and in the other box.
	[ "$(in_box one 'python3 /tmp/greed.py 1 0')" = "0 0" ]
	[ "$(python3 "$BATS_TEST_TMPDIR/greed.py" 100 0)" = "100 100" ]
	[ "$(in_box two 'python3 /tmp/greed.py 100 0')" = "100 100" ]
	in_box one 'pkill -f greed.py' || true
	wait $greed || true
}

@test "end: after stop and remove nothing of a box is left" {
	start_box three 4 '"disk_bytes":134217728'
	# What hides from its parent and does not hear of TERM, one as root.
	for user in boxd root; do
		in_box three 'trap "" TERM HUP INT
			(setsid sh -c "sleep 998 & exec sleep 999" >/dev/null 2>&1 &)' \
			$user
	done
	init=$(wire "$STATE/boxes/three/monitor.sock" '{"op":"stat"}' | field init_pid)
	space=$(readlink "/proc/$init/ns/pid" | tr '[]' '??')
	inside() { # the box's processes, as the host sees them
		find /proc -mindepth 3 -maxdepth 3 -path '/proc/[0-9]*/ns/pid' \
			-lname "$space" 2>/dev/null | wc -l
	}
	[ "$(inside)" -ge 5 ]
	losetup -a | grep -qF "$STATE/boxes/three"
	stop_box three
	! [ -e "/proc/$init" ] || false
	[ "$(inside)" = 0 ]
	! losetup -a | grep -F "$STATE/boxes/three" || false
	[ "$(pgrep -fc "$STATE/boxes/three")" = 0 ]
	[ -z "$(find /sys/fs/cgroup -maxdepth 4 -name three -path "*$(tag)*")" ]
	! nsenter --target "$HUB" --mount grep -qF "$STATE/boxes/three" /proc/mounts || false
	[ "$(in_hub ip -o link show master br0 | wc -l)" = 2 ]
	[ "$(in_hub ip neigh show dev br0 | grep -c PERMANENT)" = 2 ]
	[ -e "$STATE/boxes/three" ]
	remove_box three
	! [ -e "$STATE/boxes/three" ] || false
	remove_box three
}

@test "end: a box whose monitor was killed is removed with all it had" {
	start_box three 4
	pid=$(wire "$STATE/boxes/three/monitor.sock" '{"op":"stat"}' | field init_pid)
	python3 - "$STATE/boxes/three/monitor.sock" <<-'P'
	import os, signal, socket, struct, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	who = s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
	os.kill(struct.unpack("3i", who)[0], signal.SIGKILL)
	P
	remove_box three
	! [ -e "$STATE/boxes/three" ] || false
	eventually 3 eval "! [ -e /proc/$pid ]"
	! nsenter --target "$HUB" --mount grep -qF "$STATE/boxes/three" /proc/mounts || false
	[ -z "$(find /sys/fs/cgroup -maxdepth 4 -name three -path "*$(tag)*")" ]
}

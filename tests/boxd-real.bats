# bindu-boxd with real boxes of image host: what a client, the daemon and a
# box do to each other when one of them is killed, slow or many.
load helper

setup_file() {
	own_runtime
	timeout 600 bindu-box create --timeout 600s --image "$(image)" main >/dev/null
}

setup() {
	own_runtime
}

teardown() {
	! mountpoint -q "$BATS_TEST_TMPDIR/small" ||
		umount -l "$BATS_TEST_TMPDIR/small"
}

teardown_file() {
	own_runtime
	end_runtime
}

pid() {
	timeout 30 bindu-boxd status --json | grep -oE '"pid":[0-9]+' | cut -d: -f2
}

rss() {
	awk '/VmRSS/ { print $2 }' "/proc/$(pid)/status"
}

inside() {
	timeout 60 bindu-exec main -- "$@"
}

@test "boxd: a box's program is its own user with sudo and a home" {
	[ "$(inside sh -c 'id -un; pwd; sudo -n id -u')" = "$(printf 'boxd\n/home/boxd\n0')" ]
}

@test "boxd: an upload need not say its size beforehand" {
	run -0 timeout 60 /usr/bin/python3 - "$BINDU_STATE_DIR/boxd.sock" <<-'END'
	import sys, grpc
	def field(n, b): return bytes([n << 3 | 2, len(b)]) + b
	put = grpc.insecure_channel("unix:" + sys.argv[1]).stream_unary(
	    "/boxd.api.v1.BoxdApi/UploadFileStream")
	print(put(iter([field(1, b"main") + field(2, b"/tmp/u") + field(4, b"one "),
	                field(4, b"two")]), timeout=30).hex())
	END
	[ "$output" = 0807 ]
	[ "$(inside cat /tmp/u)" = "one two" ]
}

@test "boxd: an upload of no size that breaks off is not taken for whole" {
	inside sh -c 'mkdir /tmp/cut; for i in $(seq 10 29); do echo old >/tmp/cut/$i; done'
	# Each is there in part, then the client cancels; the last one dies.
	timeout 60 /usr/bin/python3 - "$BINDU_STATE_DIR/boxd.sock" <<-'END'
	import os, sys, threading, time, grpc
	def field(n, b): return bytes([n << 3 | 2, len(b)]) + b
	channel = grpc.insecure_channel("unix:" + sys.argv[1])
	put = channel.stream_unary("/boxd.api.v1.BoxdApi/UploadFileStream")
	run = channel.stream_stream("/boxd.api.v1.BoxdApi/Exec")
	for i in range(10, 30):
	    over = threading.Event()
	    def pieces():
	        yield field(1, b"main") + field(2, b"/tmp/cut/%d" % i) + field(4, b"half")
	        over.wait(30)
	    call = put.future(pieces(), timeout=30)
	    list(run(iter([field(5, b"main") + field(4,
	        b"for i in $(seq 300); do [ -s /tmp/cut/%d.* ] && break; sleep 0.1; done" % i)])))
	    if i == 29:
	        os._exit(0)
	    call.cancel()
	    over.set()
	END
	eventually 5 sh -c '! timeout 30 bindu-exec -q main -- sh -c "ls /tmp/cut/*.*" 2>/dev/null'
	[ "$(inside sh -c 'cat /tmp/cut/*' | sort | uniq -c | tr -s ' ')" = ' 20 old' ]
}

@test "boxd: exit codes 0 to 255 and deaths by signal come back" {
	local c
	for c in 0 1 2 125 126 127 254 255; do
		run -$c inside sh -c "exit $c"
	done
	for c in 1 9 15; do
		run -$((128 + c)) inside sh -c "kill -$c \$\$"
	done
}

# The highest memory use of the daemon so far, kB.
peak() {
	awk '/VmHWM/ { print $2 }' "/proc/$(pid)/status"
}

# 1 GiB of noise, the same each time, at the speed of a pipe.
noise() {
	head -c 1073741824 /dev/zero |
		openssl enc -aes-128-ctr -nosalt -K 0123456789abcdef0123456789abcdef \
			-iv 0123456789abcdef0123456789abcdef
}

@test "boxd: 1 GiB goes in and comes back with one digest, in little memory" {
	local sum
	sum=$(noise | openssl sha256)
	noise | timeout 500 python3 -c '
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(peak, file=open(sys.argv[1], "w"))
sys.exit(code)' "$BATS_TEST_TMPDIR/peak" bindu-exec -q main -- cat |
		openssl sha256 >"$BATS_TEST_TMPDIR/sum"
	[ "$(cat "$BATS_TEST_TMPDIR/sum")" = "$sum" ]
	echo "client $(cat "$BATS_TEST_TMPDIR/peak") kB, daemon $(peak) kB"
	[ "${BINDU_TEST_SAN:-0}" = 1 ] || [ "$(cat "$BATS_TEST_TMPDIR/peak")" -lt 65536 ]
	[ "${BINDU_TEST_SAN:-0}" = 1 ] || [ "$(peak)" -lt 65536 ]
}

@test "boxd: 200 commands at once all answer" {
	local i n pids=()
	for i in $(seq 200); do
		timeout 120 bindu-exec -q main -- sh -c "sleep 1; echo $i" >"$BATS_TEST_TMPDIR/$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	n=$(for i in $(seq 200); do [ "$(cat "$BATS_TEST_TMPDIR/$i")" = "$i" ] && echo; done | wc -l)
	[ "$n" = 200 ]
}

@test "boxd: a killed client leaves no process in the box, not even setsid ones" {
	bindu-exec main -- sh -c 'setsid sleep 4711 & sleep 4711' &
	local client=$!
	eventually 20 sh -c 'timeout 30 bindu-exec -q main -- pgrep -x sleep >/dev/null'
	kill -9 $client
	eventually 20 sh -c '! timeout 30 bindu-exec -q main -- pgrep -f "sleep 471[1]" >/dev/null'
}

@test "boxd: a reader that stopped does not disturb its sibling" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	exec 7<>"$BATS_TEST_TMPDIR/pipe"
	timeout 100 bindu-exec main -- yes >&7 3>&- &
	local slow=$! before after=0
	read -r _ <&7
	# All that can be under way is.
	steady() {
		before=$after
		after=$(rss)
		[ "$before" = "$after" ]
	}
	eventually 30 steady
	run -0 timeout 30 bindu-exec main -- true
	after=$(rss)
	[ $((after - before)) -lt 4096 ]
	kill $slow
	wait $slow || true
	exec 7>&-
}

@test "boxd: commands go on when the daemon is killed, their client hears of it" {
	timeout 60 bindu-exec main -- sh -c 'nohup setsid sh -c "sleep 3; echo yes >after" \
		>/dev/null 2>&1 &'
	timeout 60 bindu-exec main -- sh -c 'echo on; exec sleep 30' \
		>"$BATS_TEST_TMPDIR/on" 3>&- &
	local client=$! rc=0
	eventually 30 grep -q on "$BATS_TEST_TMPDIR/on"
	kill_hard "$(pid)"
	wait $client || rc=$?
	[ $rc = 255 ]
	timeout 30 bindu-boxd start
	[ "$(timeout 30 bindu-box get main --json | grep -o '"status":"[a-z]*"')" = '"status":"running"' ]
	# The lost command was ended, what was left behind on purpose goes on.
	eventually 20 sh -c '! timeout 30 bindu-exec -q main -- pgrep -f "sleep 3[0]" >/dev/null'
	eventually 20 sh -c 'timeout 30 bindu-exec -q main -- test -e after'
}

@test "boxd: its own port and its name lead into the box" {
	local url
	timeout 60 bindu-exec main -- sh -c 'mkdir -p web && cd web && echo page >x &&
		nohup setsid python3 -m http.server --bind 127.0.0.1 8000 >/dev/null 2>&1 &'
	url=$(timeout 30 bindu-box get main --json | grep -oE 'http://127[^"]*')
	eventually 20 curl -sf -m 5 -o /dev/null "$url/x"
	[ "$(curl -s -m 20 "$url/x")" = page ]
	url=$(timeout 30 bindu-box get main --json | grep -oE 'http://main[^"]*')
	[ "$(curl -s -m 20 "$url/x")" = page ]
}

@test "boxd: 20 boxes at once, and nothing is left of them" {
	[ "$(id -u)" = 0 ] || skip "not possible here: 20 boxes need the host image"
	local i rc=0 pids=()
	for i in $(seq 20); do
		timeout 120 bindu-box create --image host "many$i" >/dev/null &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 20); do
		timeout 30 bindu-exec "many$i" -- true || rc=1
	done
	timeout 120 bindu-box destroy --yes $(seq -f 'many%g' 20)
	[ $rc = 0 ]
	[ "$(ls "$BINDU_STATE_DIR/boxes" | wc -l)" = 1 ]
	[ "$(timeout 30 bindu-box list --json | grep -o '"vm_id"' | wc -l)" = 1 ]
}

# What the daemon has open.
fds() {
	find "/proc/$(pid)/fd" -mindepth 1 | wc -l
}

@test "boxd: 20 boxes one after another leave the daemon as it was" {
	[ "$(id -u)" = 0 ] || skip "not possible here: 20 boxes need the host image"
	local i fds_before rss_before
	cycle() {
		timeout 60 bindu-box create -q --image host cycle >/dev/null
		timeout 30 bindu-exec -q cycle -- true
		timeout 60 bindu-box destroy -q --yes cycle
	}
	cycle
	fds_before=$(fds)
	rss_before=$(rss)
	for i in $(seq 20); do
		cycle
	done
	echo "fds $fds_before $(fds), RSS $rss_before $(rss) kB"
	few() { [ "$(fds)" -le $((fds_before + 2)) ]; }
	eventually 30 few
	[ "${BINDU_TEST_SAN:-0}" = 1 ] || [ "$(rss)" -lt $((rss_before + 2048)) ]
}

@test "boxd: a box whose monitor hangs is found again, and can be destroyed" {
	local monitor
	timeout 120 bindu-box create --image "$(image)" hangs >/dev/null
	monitor=$(/usr/bin/python3 - "$BINDU_STATE_DIR" \
		"$(timeout 30 bindu-box get hangs --json)" <<-'END'
	import json, os, socket, struct, sys
	os.chdir("%s/boxes/%s" % (sys.argv[1], json.loads(sys.argv[2])["vm_id"]))
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect("monitor.sock")
	print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET,
	    socket.SO_PEERCRED, 12))[0])
	END
	)
	kill -STOP "$monitor"
	kill_hard "$(pid)"
	timeout 30 bindu-boxd start
	timeout 30 bindu-box get hangs --json | grep -q '"status":"running"'
	# It is asked again and again, so that its death is noticed.
	kill -CONT "$monitor"
	eventually 30 timeout 20 bindu-exec -q hangs -- true
	kill -STOP "$monitor"
	timeout 60 bindu-box destroy --yes hangs
	eventually 30 sh -c "! [ -e /proc/$monitor/ns/net ]"
	run -66 timeout 30 bindu-box get hangs
}

@test "boxd: with a full disk below its state boxes still stop and go" {
	[ "$(id -u)" = 0 ] || skip "not possible here: mounting needs root"
	own_runtime "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o size=200m,mode=700 small "$BINDU_STATE_DIR"
	timeout 60 bindu-box create --image host a >/dev/null
	timeout 60 bindu-box create --image host b >/dev/null
	! head -c 300M /dev/zero >"$BINDU_STATE_DIR/fill" || false
	run -74 timeout 60 bindu-box create --image host c
	[[ $output == *"No space left on device"* ]]
	[ "$(ls "$BINDU_STATE_DIR/boxes" | wc -l)" = 2 ]
	timeout 60 bindu-box stop a
	timeout 60 bindu-box destroy --yes a
	timeout 60 bindu-box destroy --yes b
	[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]
	end_runtime
	eventually 20 umount "$BINDU_STATE_DIR"
}

@test "boxd: boxes stand still when their disks have no room, and go on with it" {
	[ "$(id -u)" = 0 ] || skip "not possible here: mounting needs root"
	own_runtime "$BATS_TEST_TMPDIR/small"
	mount -t tmpfs -o size=400m,mode=700 small "$BINDU_STATE_DIR"
	timeout 60 bindu-box create --image host a >/dev/null
	timeout 60 bindu-exec a -- sh -c 'mkdir d && cd d
		nohup setsid sh -c "for i in \$(seq 60); do
			head -c 1000000 /dev/urandom >\$i; sync; sleep 0.3; done
			md5sum * >../sums; touch ../over" >/dev/null 2>&1 &'
	is() { timeout 30 bindu-box get -q a --json | grep -q "\"status\":\"$1\""; }
	fallocate -l $(($(df --output=avail -B1M "$BINDU_STATE_DIR" | tail -1) - 18))M \
		"$BINDU_STATE_DIR/fill"
	eventually 60 is suspended
	run -74 timeout 60 bindu-box resume a
	[[ $output == *"No space left on device: "*" stays free below $BINDU_STATE_DIR, and to resume a box takes 20.0 MB; make room there, or destroy boxes"* ]]
	run -74 timeout 60 bindu-box create --image host c
	[[ $output == *"to start a box takes 40.0 MB"* ]]
	grep -q "box a is suspended until there is room" "$BINDU_STATE_DIR/daemon.log"
	# The next daemon knows of it.
	kill -9 "$(pid)"
	timeout 30 bindu-boxd start
	rm "$BINDU_STATE_DIR/fill"
	mount -o remount,size=900m "$BINDU_STATE_DIR"
	eventually 60 is running
	eventually 60 timeout 30 bindu-exec -q a -- test -e over
	timeout 60 bindu-exec a -- sh -c 'cd d; md5sum * | cmp - ../sums'
	timeout 60 bindu-box stop a
	e2fsck -f -n "$BINDU_STATE_DIR"/boxes/*/disk.img
	timeout 60 bindu-box destroy --yes a
	end_runtime
	eventually 20 umount "$BINDU_STATE_DIR"
}

# Of the process that listens on the socket, before it has accepted anyone.
listener() {
	/usr/bin/python3 - "$1" <<-'END'
	import os, socket, struct, sys
	os.chdir(os.path.dirname(sys.argv[1]))
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(os.path.basename(sys.argv[1]))
	print(struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET,
	    socket.SO_PEERCRED, 12))[0])
	END
}

@test "boxd: a request that waits when the hub is killed is asked of the next" {
	local hub verb
	timeout 120 bindu-box create --image "$(image)" waits >/dev/null
	for verb in reboot destroy; do
		hub=$(listener "$BINDU_STATE_DIR/hub.sock")
		kill -STOP "$hub"
		timeout 90 bindu-box $verb --yes waits 3>&- &
		sleep 1
		kill -9 "$hub"
		wait $!
	done
	run -66 timeout 30 bindu-box get waits
	hub=$(listener "$BINDU_STATE_DIR/hub.sock")
	kill -STOP "$hub"
	timeout 90 bindu-box create --image "$(image)" waits >/dev/null 3>&- &
	sleep 1
	kill -9 "$hub"
	wait $!
	timeout 60 bindu-exec waits -- true
	timeout 60 bindu-box destroy --yes waits
}

@test "boxd: a box maker that is killed each time is said so, and no box is left" {
	own_runtime "$BATS_TEST_TMPDIR/deadly"
	mkdir "$BATS_TEST_TMPDIR/bin"
	write "$BATS_TEST_TMPDIR/bin/crun" <<-'END'
	#!/bin/sh
	for word; do [ "$word" != create ] || kill -9 $PPID; done
	PATH=${PATH#*:} exec crun "$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/crun"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH timeout 30 bindu-boxd start
	run timeout 120 bindu-box create --image "$(image)" dies
	[ "$status" = 69 ]
	[[ $output == *"the box maker ended 3 times before it answered (see $BINDU_STATE_DIR/hub.log)"* ]]
	eventually 30 sh -c '[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]'
	end_runtime
}

@test "boxd: who waits for a daemon that is killed before it serves starts one" {
	own_runtime "$BATS_TEST_TMPDIR/early"
	/usr/bin/python3 -c 'import fcntl, sys, time
f = open(sys.argv[1] + "/daemon.lock", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[1] + "/held", "w")
time.sleep(60)' "$BINDU_STATE_DIR" 3>&- &
	local holder=$!
	eventually 20 test -e "$BINDU_STATE_DIR/held"
	timeout 50 bindu-boxd start 3>&- &
	sleep 1
	kill -9 $holder
	wait $!
	timeout 30 bindu-boxd status
	end_runtime
}

# Last: no box may be there.
@test "boxd: a daemon killed as it starts leaves no hub" {
	local i daemon
	timeout 60 bindu-box destroy --yes main
	timeout 30 bindu-boxd stop
	eventually 20 hub_gone
	for i in 0.01 0.02 0.03 0.05 0.1 0.2 0.4; do
		bindu-boxd run >/dev/null 2>&1 3>&- &
		daemon=$!
		sleep $i
		kill -9 $daemon
		eventually 20 hub_gone
	done
	timeout 30 bindu-boxd start
	timeout 120 bindu-box create --image "$(image)" main >/dev/null
}

@test "boxd: a daemon killed or stopped in a destroy leaves no hub without boxes" {
	local how after
	timeout 60 bindu-box destroy --yes main
	for how in kill-9 stop; do
		for after in 0.02 0.1 0.3 0.6; do
			timeout 120 bindu-box create --image "$(image)" ends >/dev/null
			# It does not hear of TERM: the destroy takes its grace of 0.5 s.
			timeout 60 bindu-exec ends -- sh -c \
				'(trap "" TERM; nohup setsid sleep 99 >/dev/null 2>&1 &)'
			timeout 60 bindu-box destroy --yes ends >/dev/null 2>&1 3>&- &
			sleep $after
			if [ $how = stop ]; then
				timeout 30 bindu-boxd stop
			else
				kill_hard "$(pid)"
			fi
			wait $! || true
			# On a busy machine the destroy had not come yet.
			grep -qs '"want":"running"' "$BINDU_STATE_DIR"/boxes/*/box.json ||
				eventually 20 hub_gone
			# The next daemon finishes what was begun, or never was.
			timeout 30 bindu-boxd start
			timeout 60 bindu-box destroy --yes ends 2>/dev/null || true
			eventually 20 sh -c '[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]'
		done
	done
	kill_hard "$(pid)"
	eventually 20 hub_gone
}

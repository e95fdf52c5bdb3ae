# bindu-boxd with real boxes of image host: what a client, the daemon and a
# box do to each other when one of them is killed, slow or many.
load helper

image() {
	[ "$(id -u)" = 0 ] && echo host || echo debian:trixie
}

setup_file() {
	own_runtime
	timeout 600 bindu-box create --timeout 600s --image "$(image)" main >/dev/null
}

setup() {
	own_runtime
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
	inside sh -c 'echo old >/tmp/cut'
	timeout 60 /usr/bin/python3 - "$BINDU_STATE_DIR/boxd.sock" <<-'END'
	import os, sys, time, grpc
	def field(n, b): return bytes([n << 3 | 2, len(b)]) + b
	def pieces():
	    yield field(1, b"main") + field(2, b"/tmp/cut") + field(4, b"half")
	    time.sleep(30)
	put = grpc.insecure_channel("unix:" + sys.argv[1]).stream_unary(
	    "/boxd.api.v1.BoxdApi/UploadFileStream")
	call = put.future(pieces(), timeout=30)
	time.sleep(2)
	call.cancel()
	os._exit(0)
	END
	sleep 3
	[ "$(inside sh -c 'cat /tmp/cut*')" = old ]
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
	noise | timeout 120 python3 -c '
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
		timeout 60 bindu-exec -q main -- sh -c "sleep 1; echo $i" >"$BATS_TEST_TMPDIR/$i" &
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
	timeout 60 bindu-exec main -- yes | (read -r _; exec sleep 8) &
	local slow=$!
	sleep 1
	local before after
	before=$(rss)
	run -0 timeout 5 bindu-exec main -- true
	after=$(rss)
	[ $((after - before)) -lt 4096 ]
	wait $slow
}

@test "boxd: commands go on when the daemon is killed, their client hears of it" {
	timeout 60 bindu-exec main -- sh -c 'nohup setsid sh -c "sleep 3; echo yes >after" \
		>/dev/null 2>&1 &'
	timeout 60 bindu-exec main -- sleep 30 &
	local client=$! rc=0
	sleep 1
	kill -9 "$(pid)"
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
		timeout 60 bindu-box create --image host "many$i" >/dev/null &
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
	[ "$(fds)" -le $((fds_before + 2)) ]
	[ "${BINDU_TEST_SAN:-0}" = 1 ] || [ "$(rss)" -lt $((rss_before + 2048)) ]
}

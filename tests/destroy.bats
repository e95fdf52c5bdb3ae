# bindu-box destroy: whatever a box was doing, nothing of it stays on the host.
load boxd-hub

setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	own_runtime
	# The first box starts the hub and what all boxes share.
	timeout 60 bindu-box create -q --image host first >/dev/null
	timeout 30 bindu-box destroy -q --yes first
	HUB=$(wire "$BINDU_STATE_DIR/hub.sock" '{"op":"ping"}' | field pid)
	export HUB
}
setup() {
	needs_root
	own_runtime
	shared >"$BATS_TEST_TMPDIR/before"
}
teardown() {
	[ -z "${CLIENT:-}" ] || kill "$CLIENT" 2>/dev/null || true
}
teardown_file() {
	own_runtime
	end_runtime
}

daemon() {
	timeout 30 bindu-boxd status --json | grep -oE '"pid":[0-9]+' | cut -d: -f2
}
# shared: what is one for all boxes: the same before a box and after it.
shared() {
	ip -o link | sed 's/^[0-9]*: \([^:]*\):.*/host link \1/'
	in_hub ip -o link | sed 's/^[0-9]*: \([^:]*\):.*/hub link \1/'
	in_hub ip neigh show dev br0 | sed -n 's/ *PERMANENT.*/ neighbour/p'
	in_hub nft list ruleset
	nft list ruleset 2>/dev/null
	ls "$BINDU_STATE_DIR" "$BINDU_STATE_DIR/boxes"
	echo "hub: $(ls "/proc/$HUB/fd" | wc -l) descriptors"
}
# begin NAME: a box; ID, INIT, NET (its network) and PIDS (its processes' space)
begin() {
	ID=$(timeout 60 bindu-box create -q --json --image host "$1" | field vm_id)
	INIT=$(wire "$BINDU_STATE_DIR/boxes/$ID/monitor.sock" '{"op":"stat"}' |
		field init_pid)
	# As patterns: brackets mean themselves nowhere else.
	NET=$(readlink "/proc/$INIT/ns/net" | tr '[]' '??')
	PIDS=$(readlink "/proc/$INIT/ns/pid" | tr '[]' '??')
	PORT=$(timeout 30 bindu-box get -q --json "$1" | field local_url |
		grep -oE '[0-9]+$')
}
# kinds: of all that box ID has on the host now, one line a kind
kinds() {
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null)" ] ||
		echo cgroup
	[ -z "$(losetup -a | grep -F "$ID")" ] || echo loop
	[ -z "$(grep -lsF "$ID" /proc/[0-9]*/mountinfo)" ] || echo mount
	[ -z "$(find "$BINDU_STATE_DIR" /run /dev/shm /tmp -xdev -name "*$ID*" \
		-print -quit 2>/dev/null)" ] || echo file
	[ -z "$(ss -Hltn "sport = :$PORT")" ] || echo port
	find /proc/[0-9]*/ns -lname "$NET" -printf 'netns\n' \
		-o -lname "$PIDS" -printf 'process\n' 2>/dev/null | sort -u
	[ -z "$(grep -ls "${NET//\?/.}" /proc/[0-9]*/mountinfo)" ] || echo bound-netns
	[ -z "$(find "/proc/$HUB/fd" "/proc/$(daemon)/fd" -lname "*$ID*")" ] ||
		echo descriptor
}
# gone NAME: destroy says so, and it is
gone() {
	timeout 30 bindu-box destroy -q --yes "$1"
	run -66 timeout 30 bindu-box get -q "$1"
	eventually 5 nothing_left || { kinds; shared | diff \
		"$BATS_TEST_TMPDIR/before" -; false; }
}
nothing_left() {
	[ -z "$(kinds)" ] && shared | cmp -s "$BATS_TEST_TMPDIR/before" -
}

@test "destroy: a box that runs, with what hides in it" {
	begin run
	timeout 20 bindu-exec run -- sh -c 'trap "" TERM HUP
		(setsid sh -c "sleep 997 & exec sleep 996" >/dev/null 2>&1 &)
		sudo -n setsid sh -c "sleep 995 >/dev/null 2>&1 &"'
	# The looks themselves work: each kind is there while the box is.
	have=$(kinds)
	for kind in cgroup loop mount file port netns process; do
		grep -qx "$kind" <<<"$have" || { echo "no $kind seen"; false; }
	done
	shared >"$BATS_TEST_TMPDIR/during"
	run -1 cmp -s "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/during"
	gone run
}

@test "destroy: one that sleeps" {
	begin sleeper
	timeout 20 bindu-exec sleeper -- sh -c 'setsid sleep 994 >/dev/null 2>&1 &'
	timeout 20 bindu-box suspend -q sleeper
	gone sleeper
}

@test "destroy: one that is stopped, and one that was started again" {
	begin still
	timeout 30 bindu-box stop -q still
	gone still
	begin again
	timeout 30 bindu-box reboot -q again
	gone again
}

@test "destroy: under a command and a stream, which end" {
	begin busy
	timeout 120 bindu-exec busy -- sh -c 'echo on; exec sleep 993' \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	CLIENT=$!
	timeout 120 bindu-exec busy -- yes 2>/dev/null 3>&- |
		(sleep 100 3>&-) 3>&- &
	READER=$!
	eventually 10 grep -q on "$BATS_TEST_TMPDIR/out"
	gone busy
	code=0
	wait "$CLIENT" || code=$?
	echo "$code $(cat "$BATS_TEST_TMPDIR/err")"
	# By the signal that ends what runs in a box, or by its loss.
	[[ $code =~ ^(143|137|255)$ ]]
	kill "$READER" 2>/dev/null || true
}

@test "destroy: one whose init was killed" {
	begin headless
	kill -9 "$INIT"
	gone headless
}

@test "destroy: one whose monitor was killed" {
	begin orphan
	pid=$(python3 - "$BINDU_STATE_DIR/boxes/$ID/monitor.sock" <<-'P'
	import socket, struct, sys
	s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	s.connect(sys.argv[1])
	print(struct.unpack("3i", s.getsockopt(
	    socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
	P
	)
	[ "$pid" != "$HUB" ]
	kill -9 "$pid"
	gone orphan
}

@test "destroy: one whose daemon was killed" {
	begin lost
	pid=$(daemon)
	kill -9 "$pid"
	eventually 5 eval "! kill -0 $pid 2>/dev/null"
	gone lost
}

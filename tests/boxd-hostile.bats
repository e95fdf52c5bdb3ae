# What a stranger, and a client with a token, can do to the daemon's TCP port:
# every limit and deadline holds, and the owner does not notice.
load helper

setup_file() {
	export BINDU_RUNTIME=local BINDU_STATE_DIR=$BATS_FILE_TMPDIR/state
	mkdir -p "$BATS_FILE_TMPDIR/bin" "$BATS_FILE_TMPDIR/libexec"
	mkdir -m 700 "$BINDU_STATE_DIR"
	cp "$BINDU_BUILD"/bin/bindu-boxd "$BATS_FILE_TMPDIR/bin/"
	cat >"$BATS_FILE_TMPDIR/libexec/boxd-monitor" <<-EOF
	#!/bin/sh
	exec /usr/bin/python3 -B "$REPO/tests/peers/fakehub.py" "\$@"
	EOF
	chmod +x "$BATS_FILE_TMPDIR/libexec/boxd-monitor"
	export PATH=$BATS_FILE_TMPDIR/bin:$PATH BINDU_TEST_STATE_DIR=$BINDU_STATE_DIR
	timeout 30 bindu-boxd start --listen 127.0.0.1:0
	timeout 30 bindu-boxd status --json >"$BATS_FILE_TMPDIR/status"
	PORT=$(grep -oE '127.0.0.1:[0-9]+' "$BATS_FILE_TMPDIR/status" | cut -d: -f2)
	PID=$(grep -oE '"pid":[0-9]+' "$BATS_FILE_TMPDIR/status" | cut -d: -f2)
	TOKEN=$(curl -s -m 20 -d "{\"api_key\":\"$(bindu-boxd key)\"}" \
		"http://127.0.0.1:$PORT/api/v1/auth/token" |
		python3 -c 'import json,sys; print(json.load(sys.stdin)["token"])')
	export PORT PID TOKEN
	timeout 20 bindu-box create -q b >/dev/null
	head -c 15000000 /dev/zero | timeout 20 bindu-exec -q b -- sh -c 'cat >big'
}
setup() {
	export PATH=$BATS_FILE_TMPDIR/bin:$PATH
}
teardown_file() {
	end_runtime
}
# attack NAME: what came of it
attack() {
	timeout 60 python3 "$REPO/tests/peers/hostile.py" "$PORT" "$TOKEN" "$1"
}
peak() {
	awk '/VmHWM/ { print $2 }' "/proc/$PID/status"
}
all_is_well() {
	timeout 30 bindu-box list >/dev/null
	BOXD_BASE_URL=http://127.0.0.1:$PORT BOXD_TOKEN=$TOKEN \
		timeout 30 bindu-box list --runtime boxd >/dev/null
	echo "VmHWM $(peak) kB"
	# 10 MB idle, 36 MB that all may share, and what gRPC has in its hands
	# when it is told that this is full.
	[ "${BINDU_TEST_SAN:-0}" = 1 ] || [ "$(peak)" -lt 65536 ]
}

@test "hostile: header blocks that are big or never end are refused" {
	run -0 attack big_heads
	[ "$output" = "refused, refused, endless closed" ]
	all_is_well
}

@test "hostile: bodies, methods, tokens and lengths that are wrong get their status" {
	run -0 attack bad_messages
	# Malformed, not served, no token, a wrong one; 4 GB is never read.
	[ "$output" = "3 12 16 16 none 3 3 3" ]
	all_is_well
}

@test "hostile: junk after the preface ends the connection" {
	run -0 attack bad_frames
	# A frame that is announced and does not come is waited for.
	[[ $output == [0-2]" of 9 live on" ]]
	all_is_well
}

@test "hostile: floods of resets, pings and settings are cut off" {
	run -0 attack floods
	for n in $(grep -o '[0-9]*' <<<"$output"); do
		[ "$n" -lt 20000 ]
	done
	all_is_well
}

@test "hostile: messages that never end and calls that never begin have a bound" {
	attack big_messages
	attack many_streams
	all_is_well
}

@test "hostile: long messages, deaf commands and unread downloads have a bound" {
	# The whole is read and held in pieces by the daemon for whoever is slow.
	for what in long_messages deaf_commands unread_files; do
		attack $what >"$BATS_TEST_TMPDIR/$what" &
	done
	wait
	cd "$BATS_TEST_TMPDIR"
	# Each stream that ended was told so: 8 is RESOURCE_EXHAUSTED, and so is
	# 11, "calm down", in HTTP/2's own words.
	cat long_messages deaf_commands unread_files | tee ends
	run -0 grep -oE "'[^']*'" ends
	[ -z "$(grep -vxE "'(8|reset 11)'" <<<"$output" || true)" ]
	all_is_well
	# What they held is free again.
	BOXD_BASE_URL=http://127.0.0.1:$PORT BOXD_TOKEN=$TOKEN \
		timeout 20 bindu-exec --runtime boxd -q b -- cat big | cmp -n 15000000 - /dev/zero
}

@test "hostile: a compressed message is refused, not unpacked" {
	run -0 attack bombs
	[ "$output" = "{'12': 2}" ]
	all_is_well
}

@test "hostile: who fills the port with connections does not keep the owner out" {
	export BOXD_BASE_URL=http://127.0.0.1:$PORT
	BOXD_TOKEN=$TOKEN timeout 100 bindu-exec --runtime boxd -q b -- \
		sh -c 'echo on; sleep 9' >"$BATS_TEST_TMPDIR/on" 3>&- &
	old=$!
	eventually 30 grep -q on "$BATS_TEST_TMPDIR/on"
	attack crowd >"$BATS_TEST_TMPDIR/crowd" 3>&- &
	sleep 3
	for _ in 1 2 3 4; do
		token=$(curl -s -m 30 -d "{\"api_key\":\"$(bindu-boxd key)\"}" \
			"$BOXD_BASE_URL/api/v1/auth/token" | grep -o 'bxt_[^"]*')
		BOXD_TOKEN=$token timeout 30 bindu-box list --runtime boxd >/dev/null
		sleep 1
	done
	# One that was there before is still there.
	wait $old
	wait
	[ "$(grep -o '^[0-9]*' "$BATS_TEST_TMPDIR/crowd")" -gt 1500 ]
	all_is_well
}

@test "hostile: silent and slow connections end, the owner is served meanwhile" {
	attack slow_heads >"$BATS_TEST_TMPDIR/slow" &
	attack half_open >"$BATS_TEST_TMPDIR/half" &
	for _ in 1 2 3 4 5; do
		sleep 1
		timeout 30 bindu-box list >/dev/null
	done
	wait
	[[ $(cat "$BATS_TEST_TMPDIR/slow") == "closed after "* ]]
	# Only those that said a whole preface, and no more than fit.
	[ "$(grep -o '^[0-9]*' "$BATS_TEST_TMPDIR/half")" -le 256 ]
	all_is_well
}

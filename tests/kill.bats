# A deploy killed at random moments; make fuzz-kill takes 200 of them.
load helper

setup_file() {
	own_runtime
	timeout 280 bindu-box create -q --image debian:trixie kill >/dev/null
}
teardown_file() {
	own_runtime
	end_runtime
}

@test "kill: whatever is killed, and whenever, the next run ends right" {
	own_home
	own_runtime
	run timeout 150 "$REPO/tests/kill-run" kill "$BATS_TEST_TMPDIR/tree" 8
	echo "$output"
	[ "$status" = 0 ]
}

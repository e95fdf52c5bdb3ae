# make demo: a real bindu agent, its real dependencies, a real box.
load helper

setup_file() {
	own_runtime
	cp -r "$REPO/examples/echo-agent" "$BATS_FILE_TMPDIR/echo-agent"
	export AGENT=$BATS_FILE_TMPDIR/echo-agent
	unset CI
}

teardown_file() {
	end_runtime
}

keys() {
	timeout 30 bindu-exec -q echo-agent -- sh -c 'sha256sum app/.bindu/*.pem'
}

@test "demo: the echo agent answers a message through its name and through its port" {
	run timeout 290 "$REPO/mk/self/demo.sh" "$BINDU_BUILD" "$AGENT"
	echo "$output"
	[ "$status" = 0 ]
	[ "$(grep -c '"state":"completed"' <<<"$output")" = 2 ]
	[ "$(grep -c '"ready":true' <<<"$output")" = 2 ]
	grep -q 'http://echo-agent.localhost:[0-9]' <<<"$output"
	grep -q 'http://127.0.0.1:[0-9]' <<<"$output"
}

@test "demo: a redeploy of one changed line starts a new agent and keeps its keys" {
	before=$(keys)
	[ "$(wc -l <<<"$before")" = 2 ]
	pid=$(bindu-agent status -q echo-agent | sed -n 's/^pid=//p')
	sed -i 's/"".join(/"again: " + "".join(/' "$AGENT/agent.py"
	run timeout 200 make --no-print-directory -C "$AGENT" deploy
	echo "$output"
	[ "$status" = 0 ]
	[ "$(bindu-agent status -q echo-agent | sed -n 's/^pid=//p')" != "$pid" ]
	[ "$(keys)" = "$before" ]
	timeout 30 bindu-exec -q echo-agent -- grep -q again: app/agent.py
}

@test "demo: a deploy with nothing changed leaves the agent running as it is" {
	pid=$(bindu-agent status -q echo-agent | sed -n 's/^pid=//p')
	run timeout 60 make --no-print-directory -C "$AGENT" deploy
	echo "$output"
	[ "$status" = 0 ]
	! grep -qE 'upload|deps|start' <<<"$output" || false
	[ "$(bindu-agent status -q echo-agent | sed -n 's/^pid=//p')" = "$pid" ]
}

# A deploy killed at random moments; make fuzz-kill takes 200 of them.  And its
# client killed where the new agent has answered and is not the live one yet.
load helper

setup_file() {
	own_runtime
	timeout 280 bindu-box create -q --image debian:trixie kill >/dev/null
}
teardown_file() {
	own_runtime
	end_runtime
}
setup() {
	own_home
	own_runtime
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE"
	RELAY=
}
teardown() {
	[ -z "$RELAY" ] || kill "$RELAY"
}

@test "kill: whatever is killed, and whenever, the next run ends right" {
	run timeout 150 "$REPO/tests/kill-run" kill "$TREE" 8
	echo "$output"
	[ "$status" = 0 ]
}

# version N: asked in the box it leaves the file inside; asked by its address,
# outside, and the first time answers late.
version() {
	sed -e "s/VERSION = \"v0\"/VERSION = \"v$1\"/" \
		-e 's|        if path == "/health":|        self.note()\n&|' \
		"$REPO/tests/redeploy-agent.py" >"$TREE/agent.py"
	sed -i '/    def do_GET/i\
\    def note(self):\
\        own = "127.0.0.1:" + os.environ["BINDU_PORT"]\
\        where = "inside" if self.headers["Host"] == own else "outside"\
\        where += VERSION\
\        if not os.path.exists(where):\
\            open(where, "w")\
\            time.sleep(3 * where.startswith("outsidev2"))\
' "$TREE/agent.py"
}
deploy() {
	BINDU_GRACE=0 timeout 100 bindu-deploy -q -d -C "$TREE" --name kill agent.py
}
inside() {
	timeout 20 bindu-exec -q kill -- sh -c "$1"
}
# killed_at FILE: a deploy, until the agent has left it.
killed_at() {
	(deploy >/dev/null 2>&1 3>&- || :) &
	local job=$!
	eventually 30 inside "test -e app/$1"
	pkill -KILL -P "$(pgrep -P $job -x timeout)" -x bindu-deploy
	wait $job
}
# right VERSION: it answers by its address, is the live one, and alone.
right() {
	local url
	url=$(timeout 30 bindu-box get -q --json kill |
		sed -n 's/.*"local_url":"\([^"]*\)".*/\1/p')
	timeout 20 curl -sf "$url/health" | grep -qF "\"version\": \"v$1\""
	timeout 20 bindu-agent status kill | grep -qx healthy=1
	one() { [ "$(inside 'pgrep -fc "[p]ython.* agent.py"')" = 1 ]; }
	eventually 30 one
	# Its supervisor tidies up after it.
	one() { [ "$(inside "ls .bindu/agent/runs | wc -l")" = 1 ]; }
	eventually 30 one
}
live_version() {
	inside 'sed -n "s/^serving \(v[0-9]*\) .*/\1/p" .bindu/agent/logs/agent.log |
		tail -n 1'
}

@test "kill: the client before it leads the way to the new agent" {
	local key
	version 1
	deploy
	key=$(timeout 30 bindu-boxd key)
	# What the service says arrives late, so that the client knows of nothing.
	port=$(timeout 30 bindu-boxd status --json | python3 -c \
		'import json, sys; print(json.load(sys.stdin)["address"].split(":")[-1])')
	timeout 100 python3 "$REPO/tests/stub/delay.py" "$BATS_TEST_TMPDIR" \
		"$port" 1000 >/dev/null 2>&1 3>&- &
	RELAY=$!
	eventually 30 test -e "$BATS_TEST_TMPDIR/relay"
	version 3
	BINDU_RUNTIME=boxd BOXD_API_KEY=$key \
		BOXD_BASE_URL=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/relay") \
		bash -c "$(declare -f deploy); TREE=$TREE deploy" >/dev/null 2>&1 3>&- &
	job=$!
	eventually 30 inside "test -e app/insidev3"
	pkill -KILL -P "$(pgrep -P $job -x timeout)" -x bindu-deploy
	wait $job || true
	[ "$(live_version)" = v1 ]
	# The same tree once more.
	deploy
	right 3
	[ "$(live_version)" = v3 ]
}

@test "kill: the client after it has led the way, before the agent is live" {
	version 1
	deploy
	version 2
	killed_at outsidev2
	[ "$(live_version)" = v1 ]
	deploy
	right 2
	inside 'rm app/outsidev2'
	version 4
	deploy
	version 2
	killed_at outsidev2
	version 5
	deploy
	right 5
}

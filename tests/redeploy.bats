# A redeploy under load: nobody notices, and what fails changes nothing.
load helper
load deploying

version() {
	sed "s/VERSION = \"v0\"/VERSION = \"v$1\"/" \
		"$REPO/tests/redeploy-agent.py" >"$TREE/agent.py"
}
# It listens on 3773 whatever it is told.
fixed() {
	version "$1"
	sed -i 's/^PORT = .*/PORT = 3773/' "$TREE/agent.py"
}
ask_load() {
	timeout 100 python3 "$REPO/tests/load.py" "$@"
}
agents() {
	timeout 30 bindu-exec "$NAME" -- pgrep -fc '[p]ython.* agent.py'
}
is_up() {
	[[ "$(ask /health)" == *"\"version\": \"$1\""* ]]
}

@test "redeploy: 200 requests a second, by both addresses, and none fails" {
	version 1
	deploy
	ask_load load "$TREE/../over" 200 / "$(box_field url)" \
		"$(box_field local_url)" >"$TREE/../load" 3>&- &
	load=$!
	sleep 0.5
	for i in 2 3 4; do
		version $i
		deploy -q
	done
	sleep 0.5
	touch "$TREE/../over"
	wait $load || { cat "$TREE/../load"; false; }
	echo "# $(cat "$TREE/../load")" >&3
	python3 - "$TREE/../load" <<-'P'
	import json, sys
	r = json.load(open(sys.argv[1]))
	assert r["requests"] > 300 and r["failed"] == 0, r
	assert len(r["versions"]) > 1, r
	P
	is_up v4
	one() { [ "$(agents)" = 1 ]; }
	eventually 10 one
}

@test "redeploy: a stream and a WebSocket end with the agent they began with" {
	version 1
	deploy
	ask_load stream 20 "$(box_field url)" >"$TREE/../stream" 3>&- &
	stream=$!
	ask_load ws 18 "$(box_field local_url)" >"$TREE/../ws" 3>&- &
	ws=$!
	# Both are there before the next one comes.
	both() {
		[ "$(timeout 30 bindu-exec "$NAME" -- cat /proc/net/tcp |
			grep -c '^ *[0-9]*: [0-9A-F]*:0EBD [^ ]* 01 ')" = 2 ]
	}
	eventually 10 both
	version 2
	deploy
	is_up v2
	[ "$(agents)" = 2 ]
	# The next one does not wait for what still drains.
	version 3
	deploy
	is_up v3
	wait $stream
	wait $ws
	[[ "$(cat "$TREE/../stream")" == *'"versions": ["v1"]'* ]]
	[[ "$(cat "$TREE/../ws")" == *'"v1": '* ]]
	one() { [ "$(agents)" = 1 ]; }
	eventually 10 one
}

@test "redeploy: who does not let go is ended after the grace time" {
	version 1
	BINDU_GRACE=2 deploy
	ask_load stream 60 "$(box_field url)" >/dev/null 3>&- &
	stream=$!
	has_stream() {
		timeout 30 bindu-exec "$NAME" -- cat /proc/net/tcp |
			grep -q '^ *[0-9]*: [0-9A-F]*:0EBD [^ ]* 01 '
	}
	eventually 30 has_stream
	version 2
	BINDU_GRACE=2 deploy
	one() { [ "$(agents)" = 1 ]; }
	eventually 10 one
	is_up v2
	run ! wait $stream
}

@test "redeploy: an agent that ignores BINDU_PORT is replaced, and that is said" {
	fixed 1
	deploy
	fixed 2
	run --separate-stderr -0 deploy
	[[ "$stderr" =~ "the agent ignores BINDU_PORT (it listens on 3773): stopped the old one first, "[0-9]+\.[0-9]" s without service" ]]
	is_up v2
	[ "$(agents)" = 1 ]
	# Known by now: no attempt beside it, so nothing in the log of one.
	fixed 3
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"stopped the old one first"* ]]
	is_up v3
	run timeout 30 bindu-exec "$NAME" -- sh -c \
		'grep -l "already in use" .bindu/agent/logs/*'
	[ "$(wc -l <<<"$output")" -le 1 ]
	# One that listens to it again is believed.
	version 4
	deploy
	version 5
	run --separate-stderr -0 deploy
	[[ "$stderr" != *"without service"* ]]
	is_up v5
}

@test "redeploy: what does not start leaves the old one serving" {
	version 1
	SECRET=one deploy -e SECRET
	pid=$(timeout 30 bindu-agent status "$NAME" | sed -n 's/^pid=//p')
	ask_load load 6 50 / "$(box_field url)" >"$TREE/../load" 3>&- &
	load=$!
	{
		echo 'print("what is wrong"); raise SystemExit(7)'
		cat "$TREE/agent.py"
	} >"$TREE/a" && mv "$TREE/a" "$TREE/agent.py"
	SECRET=two run --separate-stderr -1 deploy -e SECRET
	[[ "$stderr" == *"| what is wrong"* ]]
	[[ "$stderr" == *"exited with code 7"* ]]
	[[ "$stderr" == *"still serves"* ]]
	# One that runs and never answers.
	version 3
	sed -i 's/"ready": True/"ready": False/' "$TREE/agent.py"
	run --separate-stderr -1 deploy -e SECRET=three --health-timeout 5s
	echo "$stderr"
	[[ "$stderr" == *"in its box, port 377"*"not ready"* ]]
	[[ "$stderr" != *"starts slowly"* ]]
	# An answer that comes when time is up does not hide the ones before.
	sed -i 's|if path == "/health":|&\n            time.sleep(0.5)|' "$TREE/agent.py"
	run --separate-stderr -1 deploy -e SECRET=three --health-timeout 4300ms
	echo "$stderr"
	[[ "$stderr" == *"in its box, port 377"*"not ready"* ]]
	sed -i '/^VERSION/i time.sleep(60)' "$TREE/agent.py"
	run --separate-stderr -1 deploy -e SECRET=three --health-timeout 1s
	[[ "$stderr" == *"no port; if it only starts slowly: "*"--health-timeout"* ]]
	wait $load
	[[ "$(ask /health)" == *'"secret": "one"'* ]]
	[ "$(timeout 30 bindu-agent status "$NAME" | sed -n 's/^pid=//p')" = "$pid" ]
	timeout 30 bindu-exec "$NAME" -- grep -q '"v1"' app/agent.py
	one() { [ "$(agents)" = 1 ]; }
	eventually 10 one
	# The next good one goes.
	version 4
	deploy
	is_up v4
}

@test "redeploy: a red release of a fixed port goes back to the old environment" {
	fixed 1
	SECRET=one deploy -e SECRET
	fixed 2
	SECRET=one deploy -e SECRET
	{ echo 'import no_such'; cat "$TREE/agent.py"; } >"$TREE/a" &&
		mv "$TREE/a" "$TREE/agent.py"
	SECRET=two run --separate-stderr -1 deploy -e SECRET
	[[ "$stderr" == *"serves again"* ]]
	is_up v2
	[[ "$(ask /health)" == *'"secret": "one"'* ]]
}

@test "redeploy: inside it answers, outside not: the way is named, the old one stays" {
	version 1
	deploy
	# The probe in the box is no browser.
	version 2
	sed -i 's|if path == "/health":|if path == "/health" and self.headers["Host"] != "127.0.0.1:" + os.environ["BINDU_PORT"]:\n            self.send_error(503)\n        elif path == "/health":|' "$TREE/agent.py"
	run --separate-stderr -1 deploy --health-timeout 2s --status-fd 4 \
		4>"$TREE/../status"
	tail -n 1 "$TREE/../status" | python3 -c 'import json, sys
r = json.load(sys.stdin)
h = r["result"]["health"]
assert r["code"] == 1 and r["result"]["rolled_back"], r
assert h["inside"] and not h["public"] and h["status"] == 503, r
assert h["pid"] > 1 and h["port"] == 3774 and len(h["release"]) == 64, r'
	[[ "$stderr" == *"answers in its box (port 3774, pid "*"), but not at http"*"status 503"* ]]
	[[ "$stderr" == *"still serves"* ]]
	is_up v1
	# With nothing to go back to it stays, and bindu-health tells the same.
	timeout 60 bindu-box destroy -q -y "$NAME"
	run -1 deploy --health-timeout 1s
	run -1 --separate-stderr timeout 20 bindu-health --json -t 1s "$NAME"
	[[ "$output" == *'"healthy":false'* ]]
	[[ "$output" == *'"inside":true'* ]]
	# Of a path of the agent's own nothing is known in the box.
	run -1 --separate-stderr timeout 20 bindu-health --json -t 1s -p /none "$NAME"
	[[ "$output" == *'"healthy":false'* && "$output" != *inside* ]]
}

@test "redeploy: the box lost in the last step: what was proved healthy goes on serving" {
	version 1
	deploy
	version 2
	# Asked from outside it is routed to: what follows is only noted in the box.
	sed -i 's|if path == "/health":|if self.headers["Host"] != "127.0.0.1:" + os.environ["BINDU_PORT"]:\n            os.system("pkill -KILL -f \\"[a]gent.sh prove\\"")\n        if path == "/health":|' "$TREE/agent.py"
	run --separate-stderr deploy
	echo "$status $stderr"
	[ "$status" = 69 ]
	[[ "$stderr" == *"it was killed in the box"* ]]
	[[ "$stderr" != *"still serves"* ]]
	is_up v2
	version 3
	deploy
	is_up v3
	one() { [ "$(agents)" = 1 ]; }
	eventually 40 one
}

@test "redeploy: a reboot, a suspend, and the agent is there again by itself" {
	version 1
	cat - "$TREE/agent.py" >"$TREE/a" <<-'P'
	import os
	if not os.path.exists("key"):
	    open("key", "w").write(os.urandom(8).hex())
	P
	mv "$TREE/a" "$TREE/agent.py"
	SECRET=kept deploy -e SECRET
	version 2
	SECRET=kept deploy -e SECRET
	key=$(timeout 30 bindu-exec "$NAME" -- cat app/key)
	[ -n "$key" ]
	timeout 30 bindu-agent status "$NAME" | grep -qx boot=init
	before=$(ask /health)
	if can_suspend; then
		timeout 30 bindu-box suspend -q "$NAME"
		timeout 30 bindu-box resume -q "$NAME"
	fi
	[ "$(ask /health | sed 's/"uptime.*//')" = "$(sed 's/"uptime.*//' <<<"$before")" ]
	timeout 60 bindu-box reboot -q "$NAME"
	eventually 20 is_up v2
	[[ "$(ask /health)" == *'"secret": "kept"'* ]]
	[ "$(timeout 30 bindu-exec "$NAME" -- cat app/key)" = "$key" ]
	[ "$(timeout 30 bindu-exec "$NAME" -- id -un)" = \
		"$(timeout 30 bindu-exec "$NAME" -- sh -c \
			'ps -o user= -p "$(pgrep -f "[p]ython.* agent.py")"')" ]
	# It is supervised as before, and stopped means stopped.
	timeout 30 bindu-exec "$NAME" -- pkill -9 -f '[p]ython.* agent.py' || true
	eventually 20 is_up v2
	timeout 20 bindu-agent stop -q "$NAME"
	timeout 60 bindu-box reboot -q "$NAME"
	sleep 1
	run ! timeout 30 curl -sf "$(box_field local_url)/health"
	version 3
	deploy
	is_up v3
}

@test "redeploy: what bindu-health shows of a red agent is its own words" {
	version 1
	sed -i -e '/def log_message/,$ s/pass$/super().log_message(*args)/' \
		-e 's/"ready": True/"ready": not os.path.exists("red")/' \
		"$TREE/agent.py"
	deploy
	timeout 30 bindu-exec "$NAME" -- touch app/red
	for path in "" "-p /health"; do
		run -1 --separate-stderr timeout 30 bindu-health -t 1s $path \
			"$NAME"
		# Its words may also be of a question that we gave up.
		echo "$stderr"
		[[ "$stderr" == *"| "* && "$stderr" != *"GET /health"* ]]
	done
	run -1 --separate-stderr timeout 30 bindu-health -t 1s -p none "$NAME"
	[[ "$stderr" == *"| "* && "$stderr" != *"GET /none"* ]]
	[[ "$stderr" != *"GET /health"* ]]
}

# bindu-agent releases and rollback: what a box keeps, and the way back.
load helper
load deploying

# An agent that says VERSION, the environment it was given, and writes.
agent() {
	write "$TREE/agent.py" <<-P
	import json, os, time
	from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
	T = time.time()
	open("visits", "a").write("x")
	class H(BaseHTTPRequestHandler):
	    def do_GET(self):
	        b = json.dumps({"v": "$1", "word": os.environ.get("WORD"),
	            "uptime_seconds": round(time.time() - T, 2)}).encode()
	        self.send_response(200)
	        self.send_header("Content-Length", str(len(b)))
	        self.end_headers()
	        self.wfile.write(b)
	    def log_message(self, *a):
	        pass
	ThreadingHTTPServer(("0.0.0.0", int(os.environ["BINDU_PORT"])), H).serve_forever()
	P
}
deploy() {
	timeout 200 bindu-deploy -C "$TREE" --name "$NAME" agent.py "$@"
}
ask() {
	local url
	url=$(timeout 10 bindu-box get -q --json "$NAME" | sed -n \
		's/.*"local_url":"\([^"]*\)".*/\1/p')
	timeout 10 curl -sf "$url/"
}
ids() {
	timeout 20 bindu-agent releases --json "$NAME" |
		python3 -c 'import json,sys
for r in json.load(sys.stdin): print(r["release"], *(["*"] if r["live"] else []))'
}
commit() {
	git -C "$TREE" add -A
	git -C "$TREE" -c user.name=t -c user.email=t@t commit -qm "$1"
}

@test "release: the list tells who, when, from which commit and how long it took" {
	git init -q "$TREE"
	agent 1
	commit one
	git -C "$TREE" tag v1
	deploy
	agent 2
	USER=ann deploy
	run --separate-stderr -0 timeout 20 bindu-agent releases "$NAME"
	[[ "${lines[0]}" == "  RELEASE"*"LIVE SINCE"*"BY"*"COMMIT"*"TOOK" ]]
	[[ "${lines[1]}" =~ ^"* "[0-9a-f]{12}"  "[0-9-]{10}" "[0-9:]{8}"  ann@".*" v1-dirty ".*" s: box".*upload.*deps.*start.*health ]]
	[[ "${lines[2]}" =~ ^"  "[0-9a-f]{12}.*" v1  " ]]
	timeout 20 bindu-agent releases --json "$NAME" >"$BATS_TEST_TMPDIR/out"
	python3 - "$BATS_TEST_TMPDIR/out" <<-'P'
	import json, sys, time
	new, old = json.load(open(sys.argv[1]))
	assert new["live"] and not old["live"]
	assert new["healthy"] and old["healthy"]
	assert new["script"] == "agent.py" and len(new["release"]) == 64
	assert old["commit"] == "v1" and new["by"].startswith("ann@")
	assert abs(new["time"] - time.time()) < 100
	assert set(new["ms"]) == {"box", "upload", "deps", "start", "health"}
	P
	run -66 timeout 20 bindu-agent releases nobox
}

@test "release: a tree that brings a git hook or monitor runs neither" {
	git init -q "$TREE"
	agent 1
	commit one
	printf '#!/bin/sh\ntouch %s\n' "$BATS_TEST_TMPDIR/ran" >"$BATS_TEST_TMPDIR/evil"
	chmod +x "$BATS_TEST_TMPDIR/evil"
	git -C "$TREE" config core.fsmonitor "$BATS_TEST_TMPDIR/evil"
	for h in post-index-change fsmonitor-watchman reference-transaction; do
		cp "$BATS_TEST_TMPDIR/evil" "$TREE/.git/hooks/$h"
	done
	deploy
	[[ "$(timeout 20 bindu-agent releases "$NAME")" =~ [0-9a-f]{12}.*[0-9a-f]{12} ]]
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "release: rollback goes to the one before, again further, by name anywhere" {
	for v in 1 2 3; do
		agent $v
		deploy -e WORD=kept
	done
	set -- $(ids | cut -d' ' -f1)
	c=$1 b=$2 a=$3
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME"
	[ "$output" = "$b" ]
	[[ "$(ask)" == *'"v": "2", "word": "kept"'* ]]
	[ "$(ids | grep -F '*')" = "$b *" ]
	run --separate-stderr -0 timeout 60 bindu-agent rollback --json "$NAME"
	[ "$output" = "{\"release\":\"$a\",\"before\":\"$b\"}" ]
	[[ "$(ask)" == *'"v": "1"'* ]]
	run --separate-stderr -66 timeout 60 bindu-agent rollback "$NAME"
	[[ "$stderr" == *"no release from before the live one"* ]]
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME" "${c:0:7}"
	[[ "$(ask)" == *'"v": "3"'* ]]
	run -2 timeout 60 bindu-agent rollback "$NAME" "$c"
	[[ "$output" == *"is the live release"* ]]
	run -2 timeout 60 bindu-agent rollback "$NAME" ""
	run -66 timeout 60 bindu-agent rollback "$NAME" 0123456789
	agent 4
	deploy
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME"
	[[ "$(ask)" == *'"v": "3"'* ]]
	# What the agent wrote is there still.
	[ "$(timeout 10 bindu-exec "$NAME" -- cat app/visits)" = xxxxxxxx ]
}

@test "release: a rollback to what does not work ends where it began" {
	agent 1
	deploy
	first=$(ids | cut -d' ' -f1)
	agent 2
	deploy
	second=$(ids | head -n 1 | cut -d' ' -f1)
	# The files of a release that is kept are spoiled in the box.
	timeout 10 bindu-exec "$NAME" -- sh -c \
		"echo 'import no_such_module' >.bindu/trees/app/releases/$first/tree/agent.py"
	run --separate-stderr -1 timeout 60 bindu-agent rollback "$NAME"
	[[ "$stderr" == *"No module named 'no_such_module'"* ]]
	[[ "$stderr" == *"release ${second:0:12} still serves"* ]]
	[ "$(ids | grep -F '*')" = "$second *" ]
	[[ "$(ask)" == *'"v": "2"'* ]]
	# The release that failed is no way back for the next.
	agent 3
	deploy
	timeout 60 bindu-agent rollback -q "$NAME"
	[[ "$(ask)" == *'"v": "2"'* ]]
}

@test "release: a red release is passed over by rollback" {
	agent 1
	deploy
	agent 2
	deploy
	echo 'import no_such_module' >"$TREE/agent.py"
	run -1 deploy
	[[ "$(ask)" == *'"v": "2"'* ]]
	timeout 60 bindu-agent rollback -q "$NAME"
	[[ "$(ask)" == *'"v": "1"'* ]]
}

@test "release: --keep says how many stay" {
	for v in 1 2 3 4; do
		agent $v
		deploy --keep 2
	done
	[ "$(ids | wc -l)" = 2 ]
	run -2 deploy --keep 0
	run -2 deploy --keep 101
	agent 5
	timeout 20 bindu-pack -C "$TREE" | timeout 60 bindu-upload --keep 3 \
		--source "$TREE" "$NAME"
	[ "$(ids | wc -l)" = 3 ]
}

@test "release: a file changed in the box is named and put right, also when nothing else changed" {
	agent 1
	deploy
	timeout 10 bindu-exec "$NAME" -- sed -i 's/"v": "1"/"v": "x"/' app/agent.py
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"agent.py was changed in the box"* ]]
	[[ "$stderr" == *"start pid"* ]]
	[[ "$(ask)" == *'"v": "1"'* ]]
	timeout 10 bindu-exec "$NAME" -- sh -c \
		'grep -q "\"v\": \"x\"" .bindu/trees/app/displaced/*/agent.py'
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"upload unchanged"* ]]
	[[ "$stderr" != *"changed in the box"* ]]
}

@test "release: keys, databases and logs survive redeploys, rollback, suspend and reboot" {
	agent 0
	deploy
	timeout 10 bindu-exec "$NAME" -- sh -c 'mkdir -p app/.bindu
		head -c 32 /dev/urandom >app/.bindu/private.pem
		python3 -c "import sqlite3
c = sqlite3.connect(\"app/state.sqlite\")
c.execute(\"create table t(x)\"); c.execute(\"insert into t values(7)\"); c.commit()"'
	kept() {
		timeout 20 bindu-exec "$NAME" -- sh -c 'cd app &&
			sha256sum .bindu/private.pem state.sqlite'
	}
	own=$(kept)
	for v in $(seq "${REDEPLOYS:-4}"); do
		agent "$v"
		BINDU_GRACE=0 deploy
		[ "$(kept)" = "$own" ]
	done
	timeout 60 bindu-agent rollback -q "$NAME"
	[ "$(kept)" = "$own" ]
	if [ "$(id -u)" = 0 ]; then # nobody else can pause
		timeout 30 bindu-box suspend -q "$NAME"
		timeout 30 bindu-box resume -q "$NAME"
	fi
	[ "$(kept)" = "$own" ]
	timeout 60 bindu-box reboot -q "$NAME"
	timeout 60 bindu-box wait --up -q "$NAME"
	[ "$(kept)" = "$own" ]
	timeout 20 bindu-exec "$NAME" -- sh -c 'ls .bindu/agent/logs/agent.log*'
	deploy
	[ "$(kept)" = "$own" ]
}

# How often a deploy waits for an answer, over a line of 100 ms.
load helper

setup_file() {
	own_runtime
	timeout 280 bindu-box create -q --image debian:trixie far >/dev/null
	port=$(timeout 30 bindu-boxd status --json | python3 -c \
		'import json, sys; print(json.load(sys.stdin)["address"].split(":")[-1])')
	timeout 300 python3 "$REPO/tests/stub/delay.py" "$BATS_FILE_TMPDIR" \
		"$port" 100 >/dev/null 2>&1 3>&- &
	echo $! >"$BATS_FILE_TMPDIR/pid"
}
teardown_file() {
	kill "$(cat "$BATS_FILE_TMPDIR/pid")"
	own_runtime
	end_runtime
}

@test "trips: a changed line is five calls, an unchanged tree four, none more" {
	local key
	own_runtime
	key=$(timeout 30 bindu-boxd key)
	eventually 30 test -e "$BATS_FILE_TMPDIR/relay"
	own_home
	export BINDU_RUNTIME=boxd BOXD_API_KEY=$key
	BOXD_BASE_URL=http://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/relay")
	export BOXD_BASE_URL
	mkdir "$BATS_TEST_TMPDIR/tree"
	cat >"$BATS_TEST_TMPDIR/tree/agent.py" <<-'P'
	import os
	from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
	class H(BaseHTTPRequestHandler):
	    def do_GET(self):
	        self.send_response(200)
	        self.send_header("Content-Length", "2")
	        self.end_headers()
	        self.wfile.write(b"ok")
	ThreadingHTTPServer(("0.0.0.0", int(os.environ["BINDU_PORT"])), H).serve_forever()
	P
	deploy() {
		: >"$BATS_FILE_TMPDIR/calls"
		timeout 100 bindu-deploy -vv -C "$BATS_TEST_TMPDIR/tree" --name far \
			agent.py 2>"$BATS_TEST_TMPDIR/err"
	}
	calls() { grep -c call "$BATS_FILE_TMPDIR/calls"; }
	deploy
	echo '# one line more' >>"$BATS_TEST_TMPDIR/tree/agent.py"
	began=$(date +%s%N)
	deploy
	echo "# changed: $(calls) calls, $((($(date +%s%N) - began) / 1000000)) ms" >&3
	[ "$(calls)" -le 5 ]
	began=$(date +%s%N)
	deploy
	echo "# unchanged: $(calls) calls, $((($(date +%s%N) - began) / 1000000)) ms" >&3
	[ "$(calls)" -le 4 ]
	# -vv lists each, with its time.
	grep -E 'debug: call [A-Za-z]+ [0-9]+ ms$' "$BATS_TEST_TMPDIR/err" >&3
	[ "$(grep -c 'debug: call ' "$BATS_TEST_TMPDIR/err")" = "$(calls)" ]
}

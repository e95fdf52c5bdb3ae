# deploying.bash - for files whose tests each deploy TREE to the box NAME of
# the file's own runtime.  A file may define any of it anew.

setup_file() {
	own_runtime
	# A first image is built here once, with all the time it takes.
	timeout 280 bindu-box create -q --image debian:trixie warm >/dev/null
	timeout 30 bindu-box destroy -q --yes warm
}
teardown_file() {
	own_runtime
	end_runtime
}
setup() {
	own_home
	own_runtime
	TREE=$BATS_TEST_TMPDIR/tree
	NAME=t$BATS_TEST_NUMBER
	mkdir -p "$TREE"
}
teardown() {
	own_runtime
	timeout 30 bindu-box destroy -q --yes "$NAME" 2>/dev/null || true
}

# An agent without dependencies that says VERSION and what it was given.
agent() { # agent VERSION
	write "$TREE/agent.py" <<-P
	import json, os, time
	from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
	T = time.time()
	open("visits", "a").write("x")
	class H(BaseHTTPRequestHandler):
	    def do_GET(self):
	        b = json.dumps({"ready": True, "v": "$1",
	            "uptime_seconds": round(time.time() - T, 2),
	            "secret": os.environ.get("SECRET"),
	            "visits": len(open("visits").read())}).encode()
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
box_field() { # box_field NAME: as bindu-box get has it
	timeout 30 bindu-box get -q --json "$NAME" 2>/dev/null |
		sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'
}
ask() { # ask [PATH]
	timeout 20 curl -sf "$(box_field local_url)${1:-/}"
}

# remote-sh.bash - for files that run the box's programs here, with a directory
# as the box.

SHELLS="dash|bash --posix|busybox ash"

# Call FUNCTION SHELL HOME for each shell, each with a box of its own.
each_shell() {
	local IFS='|' s
	for s in $SHELLS; do
		IFS=' '
		BOX=$BATS_TEST_TMPDIR/box.${s%% *}
		mkdir -p "$BOX"
		echo "# shell: $s"
		"$1" "$s"
		IFS='|'
	done
}

script() {
	local name=$1
	shift
	# shellcheck disable=SC2086 # a command and its option
	# What it starts lives on, and bats waits for who holds 3.
	HOME=$BOX timeout 60 $SH "$REPO/share/remote/$name" "$@" 3>&-
}

# What status says of NAME; agent is the file's own.
field() {
	agent status | sed -n "s/^$1=//p"
}
# serving PORT: an agent that answers there; PORT is Python.
serving() {
	cat <<-P
		import os
		from http.server import BaseHTTPRequestHandler, HTTPServer
		class H(BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(200)
		        self.end_headers()
		    def log_message(self, *a):
		        pass
		HTTPServer(("127.0.0.1", $1), H).serve_forever()
	P
}

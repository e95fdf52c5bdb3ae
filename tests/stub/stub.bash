# stub.bash - start and stop the misbehaving servers; load after helper.

# A boxd service in $STUB (a directory of the file's own) and its credentials.
start_boxd() {
	STUB=$BATS_FILE_TMPDIR/stub
	export STUB
	mkdir -p "$STUB"
	setsid "$REPO/tests/stub/badboxd.py" "$STUB" 127.0.0.1:0 \
		>"$STUB/log" 2>&1 </dev/null 3>&- &
	echo $! >"$STUB/pid"
	eventually 20 test -s "$STUB/port" || { cat "$STUB/log"; return 1; }
}
start_httpd() {
	STUB=$BATS_FILE_TMPDIR/stub
	export STUB
	mkdir -p "$STUB"
	setsid "$REPO/tests/stub/httpd.py" "$STUB" \
		>"$STUB/http-log" 2>&1 </dev/null 3>&- &
	echo $! >"$STUB/http-pid"
	eventually 20 test -s "$STUB/http-port" || { cat "$STUB/http-log"; return 1; }
}
stop_stubs() {
	local f
	for f in "$STUB"/pid "$STUB"/http-pid; do
		[ ! -s "$f" ] || kill "$(cat "$f")" 2>/dev/null || true
	done
}
# Tools speak to the stub with a token.
use_boxd() {
	own_home
	BOXD_API_URL=http://127.0.0.1:$(cat "$STUB/port")
	export BINDU_RUNTIME=boxd BOXD_TOKEN=token-of-the-test BOXD_API_URL
	rm -f "$STUB/script" "$STUB/calls" "$STUB/argv"
}
# How METHOD shall behave: behave CreateVm UNAVAILABLE*1
behave() { echo "$1 $2" >>"$STUB/script"; }
# How often METHOD was called.
calls() { grep -c "^$1 " "$STUB/calls"; }

# bindu-boxd alone: its state, its doors and its manners.  The boxes are
# processes of this machine (tests/peers/fakehub.py); boxd-real.bats has real ones.
load helper

# Each test is a process of its own, and so is the file's end.
here() {
	export BINDU_RUNTIME=local
	export BINDU_STATE_DIR=$BATS_FILE_TMPDIR/state
	export PATH=$BATS_FILE_TMPDIR/bin:$PATH
}

setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/bin" "$BATS_FILE_TMPDIR/libexec"
	cp "$BINDU_BUILD"/bin/bindu-boxd "$BATS_FILE_TMPDIR/bin/"
	cat >"$BATS_FILE_TMPDIR/libexec/boxd-monitor" <<-EOF
	#!/bin/sh
	exec /usr/bin/python3 -B "$REPO/tests/peers/fakehub.py" "\$@"
	EOF
	chmod +x "$BATS_FILE_TMPDIR/libexec/boxd-monitor"
}

setup() {
	here
	mkdir -p -m 700 "$BINDU_STATE_DIR"
	timeout 30 bindu-boxd start --listen 127.0.0.1:0
	port=$(status port)
}

teardown_file() {
	here
	end_runtime
}

# status FIELD: pid, port, or a field of status --json.
status() {
	timeout 30 bindu-boxd status --json | python3 -c '
import json, sys
s = json.load(sys.stdin)
s["port"] = s.get("address", ":").split(":")[1]
print(s.get(sys.argv[1], ""))' "$1"
}

# field NAME FIELD: of a box.
field() {
	timeout 30 bindu-box get "$1" --json | python3 -c '
import json, sys
print(json.load(sys.stdin).get(sys.argv[1]))' "$2"
}

create() {
	timeout 20 bindu-box create --image host "$@" >/dev/null
}

# kill_box ID: its process, so that it ends by itself
kill_box() {
	kill -9 "$(pgrep -f "fakehub.py.*$BINDU_STATE_DIR" | while read -r p; do
		ls -l "/proc/$p/fd" | grep -q "boxes/$1/console.log" && echo "$p"
	done)"
}

restart() {
	timeout 20 bindu-boxd stop
	timeout 30 bindu-boxd start
}

exchange() {
	curl -s -m 20 -o /dev/null -w '%{http_code}' -d "$1" "http://127.0.0.1:$port/api/v1/auth/token"
}

@test "boxd: start is fine when it runs, also twice at once" {
	local before
	before=$(status pid)
	timeout 20 bindu-boxd start
	[ "$(status pid)" = "$before" ]
	timeout 20 bindu-boxd stop
	run -1 timeout 30 bindu-boxd status
	timeout 30 bindu-boxd start &
	timeout 30 bindu-boxd start
	wait $!
	[ -n "$(status pid)" ]
}

@test "boxd: start waits for one that is about to end" {
	timeout 30 bindu-boxd stop
	python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(2)' "$BINDU_STATE_DIR/daemon.lock" >"$BATS_TEST_TMPDIR/held" 3>&- &
	eventually 30 grep -q held "$BATS_TEST_TMPDIR/held"
	timeout 50 bindu-boxd start
	[ "$(status pid)" != $! ]
	wait $!
}

@test "boxd: a lock of who starts it is not held by it or its hub" {
	timeout 20 bindu-boxd stop
	exec 9>"$BATS_TEST_TMPDIR/lock"
	flock -n 9
	timeout 30 bindu-boxd start
	exec 9>&-
	flock -n "$BATS_TEST_TMPDIR/lock" true
}

@test "boxd: root's daemon has a unit of its own under systemd, or serves without" {
	needs_root
	under_systemd() {
		timeout 20 bindu-boxd stop
		PATH=$BATS_TEST_TMPDIR:$PATH timeout 40 unshare --mount sh -c '
			mount -t tmpfs t /run && mkdir -p /run/systemd/system &&
			exec "$@"' sh bindu-boxd start
	}
	write "$BATS_TEST_TMPDIR/systemd-run" <<-'E'
	#!/bin/sh
	echo "$@" >"${0%/*}/asked"
	while [ "$1" != -- ]; do shift; done
	shift
	IN_A_UNIT=1 exec "$@"
	E
	chmod +x "$BATS_TEST_TMPDIR/systemd-run"
	under_systemd
	grep -qz IN_A_UNIT=1 "/proc/$(status pid)/environ"
	[[ $(cat "$BATS_TEST_TMPDIR/asked") == --scope\ * ]]
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/systemd-run"
	under_systemd
	run ! grep -qz IN_A_UNIT=1 "/proc/$(status pid)/environ"
	restart
}

@test "boxd: a user's daemon has a unit of the user's manager where that lingers" {
	needs_root " to be another user"
	write "$BATS_TEST_TMPDIR/in" <<-'E'
	mount -t tmpfs t /run
	mount -t tmpfs t /var/lib
	mkdir -p /run/systemd/system /run/bin /run/libexec /var/lib/systemd/linger
	install -d -o nobody /run/state
	cp "$1/bin/bindu-boxd" /run/bin
	cp "$2" /run/libexec/fakehub.py
	cat >/run/libexec/boxd-monitor <<-'H'
	#!/bin/sh
	exec /usr/bin/python3 -B "${0%/*}/fakehub.py" "$@"
	H
	cat >/run/bin/systemd-run <<-'R'
	#!/bin/sh
	echo "$@" >/run/state/asked
	while [ "$1" != -- ]; do shift; done
	shift
	exec "$@"
	R
	chmod 755 /run/bin/* /run/libexec/*
	chmod 700 /run/state
	for lingers in no yes; do
		[ $lingers = no ] || : >/var/lib/systemd/linger/nobody
		for verb in start stop; do
			setpriv --reuid nobody --regid nogroup --clear-groups \
				env PATH="/run/bin:$PATH" HOME=/nonexistent \
				BINDU_STATE_DIR=/run/state bindu-boxd $verb
		done
		echo "$lingers: $(cat /run/state/asked 2>&1)"
	done
	E
	run -0 timeout 60 unshare --mount sh -e "$BATS_TEST_TMPDIR/in" \
		"$BATS_FILE_TMPDIR" "$REPO/tests/peers/fakehub.py"
	[[ $output == *"no: "*"No such file"*"yes: --scope --user "* ]]
}

@test "boxd: a second daemon on the same state is refused and told who holds it" {
	run -73 timeout 30 bindu-boxd run
	[[ $output == *"pid $(status pid)"* ]]
	timeout 30 bindu-box list
}

@test "boxd: a taken port is refused, the default moves on" {
	run -73 timeout 30 bindu-boxd run --state "$BATS_TEST_TMPDIR/b" --listen "127.0.0.1:$port"
	[[ $output == *"127.0.0.1:$port"* ]]
}

@test "boxd: a state directory open to others is refused" {
	mkdir -m 755 "$BATS_TEST_TMPDIR/open"
	run ! timeout 30 bindu-boxd run --state "$BATS_TEST_TMPDIR/open"
	[[ $output == *"$BATS_TEST_TMPDIR/open"* ]]
}

@test "boxd: the address stays over a restart" {
	restart
	[ "$(status port)" = "$port" ]
}

@test "boxd: nothing in the state directory is for others" {
	bindu-boxd key >/dev/null
	create modes
	run timeout 30 find "$BINDU_STATE_DIR" -maxdepth 3 \( -type f -o -type d \) -perm /077 \
		! -path '*/boxes/*/*'
	[ -z "$output" ]
	timeout 20 bindu-box destroy --yes modes
}

@test "boxd: the key buys a token, others do not and have to wait, the key never" {
	local key i codes=
	key=$(bindu-boxd key)
	[ "$key" = "$(bindu-boxd key)" ]
	[ "$(exchange "{\"api_key\":\"$key\"}")" = 200 ]
	[ "$(exchange '{"api_key":"bxk_no"}')" = 401 ]
	[ "$(exchange 'no json')" = 400 ]
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/api/v1/auth/token")" = 405 ]
	for i in 1 2 3 4 5 6 7 8 9 10 11; do
		codes="$codes $(exchange '{"api_key":"x"}')"
	done
	[[ $codes == *429 ]]
	[ "$(exchange "{\"api_key\":\"$key\"}")" = 200 ]
}

@test "boxd: over TCP there is nothing without the key, with it everything" {
	export BOXD_BASE_URL=http://127.0.0.1:$port
	BOXD_TOKEN=bxt_no run -77 timeout 30 bindu-box list --runtime boxd
	BOXD_API_KEY=$(bindu-boxd key) timeout 30 bindu-box list --runtime boxd
}

@test "boxd: a box is made, runs commands, is listed and goes" {
	create one
	run -7 timeout 30 bindu-exec one -- sh -c 'cat; exit 7' <<<hello
	[[ $output == *hello* ]]
	[ "$(field one status)" = running ]
	run -73 timeout 30 bindu-box create --image host one
	timeout 20 bindu-box destroy --yes one
	run -66 timeout 30 bindu-box get one
	[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]
}

@test "boxd: why no box can be made here is what the maker said last" {
	local d=$BATS_TEST_TMPDIR
	mkdir "$d/bin" "$d/libexec"
	mkdir -m 700 "$d/state"
	cp "$BINDU_BUILD/bin/bindu-boxd" "$d/bin"
	printf '#!/bin/sh\necho first\necho "boxd-monitor: no luck here" >&2\nexit 78\n' \
		>"$d/libexec/boxd-monitor"
	chmod 755 "$d/libexec/boxd-monitor"
	export BINDU_STATE_DIR=$d/state
	why="cannot start the box maker (see $d/state/hub.log): no luck here"
	run -0 timeout 30 "$d/bin/bindu-boxd" start
	[ "$output" = "bindu-boxd: warning: it serves, but no box can start: $why" ]
	run -69 timeout 30 bindu-box create why
	timeout 30 "$d/bin/bindu-boxd" stop
	[[ $output == *"$why" ]]
	# A maker that is there, and can make none.
	printf '#!/bin/sh\nexec /usr/bin/python3 -B "%s" "$@"\n' \
		"$REPO/tests/peers/fakehub.py" >"$d/libexec/boxd-monitor"
	echo "no boxes: nothing is installed" >"$d/state/no-boxes"
	run -0 timeout 30 "$d/bin/bindu-boxd" start
	timeout 30 "$d/bin/bindu-boxd" stop
	[[ $output == *"no box can start: no boxes: nothing is installed" ]]
}

@test "boxd: a state directory of a long name serves like any other" {
	needs_root " for the image host: another's files stay in the state"
	local d=$BATS_TEST_TMPDIR/$(printf '%0120d' 1)
	mkdir -m 700 "$d"
	export BINDU_STATE_DIR=$d
	timeout 30 bindu-box create -q --image host long >/dev/null
	[ "$(timeout 20 bindu-exec long -- echo hi)" = hi ]
	timeout 30 bindu-box destroy -q --yes long
	timeout 30 bindu-boxd stop
}

@test "boxd: what cannot be made is refused with what can" {
	run -65 timeout 30 bindu-box create --image alpine x
	[[ $output == *debian:SUITE* ]]
	run ! timeout 30 bindu-box create --image host Not_A_Name
	run -65 timeout 30 bindu-box create --image host --memory 1K small
	[[ $output == *"memory_bytes: 1.0 KB is not between 64.0 MB and 1.0 TB" ]]
	[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]
}

@test "boxd: a box whose image must be built is starting, and its log says why" {
	rm -f "$BINDU_STATE_DIR/built"
	timeout 20 bindu-box create --no-wait --image debian:trixie slow
	[ "$(field slow status)" = starting ]
	eventually 20 sh -c 'timeout 30 bindu-box get slow --json | grep -q running'
	run timeout 30 bindu-logs --console --no-follow slow
	[[ $output == *unpacking*boot* ]]
	timeout 20 bindu-box destroy --yes slow
}

@test "boxd: who waits for a box sees its image built" {
	rm -f "$BINDU_STATE_DIR/built"
	echo 3 >"$BINDU_STATE_DIR/build-plan"
	run -0 --separate-stderr timeout 30 bindu-box create --image debian:trixie \
		--json slow
	rm "$BINDU_STATE_DIR/build-plan"
	[[ $output == *'"name":"slow"'* ]]
	[[ $stderr == *"building image debian:trixie; this is done once"*unpacking*setting*up*image*built* ]]
	[[ $stderr != *$'\e'* ]]
	[ "$(grep -c unpacking <<<"$stderr")" = 1 ]
	timeout 20 bindu-box destroy --yes slow
	# Not again where nothing is built.
	run -0 --separate-stderr timeout 30 bindu-box create --image debian:trixie quick
	[[ $stderr != *building* ]]
	timeout 20 bindu-box destroy --yes quick
}

@test "boxd: a box that is being changed is busy, not out of reach" {
	rm -f "$BINDU_STATE_DIR/built"
	echo 5 >"$BINDU_STATE_DIR/build-plan"
	timeout 20 bindu-box create --no-wait --image debian:trixie slow
	run -75 timeout 20 bindu-box suspend slow
	rm "$BINDU_STATE_DIR/build-plan"
	[[ $output == *"box slow is busy: start is under way"* ]]
	[[ $output != *reached* ]]
	timeout 20 bindu-box destroy --yes slow
}

@test "boxd: who waits for an image that cannot be built hears why" {
	rm -f "$BINDU_STATE_DIR/built"
	echo '0.5 no mirror answers' >"$BINDU_STATE_DIR/build-plan"
	run ! timeout 30 bindu-box create --image debian:trixie slow
	rm "$BINDU_STATE_DIR/build-plan"
	[[ $output == *"image debian:trixie: no mirror answers"* ]]
	timeout 20 bindu-box destroy --yes slow
}

@test "boxd: a box can be destroyed while its image is built" {
	rm -f "$BINDU_STATE_DIR/built"
	timeout 20 bindu-box create --no-wait --image debian:trixie slow
	timeout 20 bindu-box destroy --yes slow
	run -66 timeout 30 bindu-box get slow
	eventually 20 sh -c '[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]'
}

@test "boxd: a killed daemon finds its boxes again, and their addresses" {
	local url
	create kept
	timeout 30 bindu-exec kept -- sh -c 'echo data >file'
	url=$(field kept local_url)
	kill_hard "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	timeout 30 bindu-boxd start
	[ "$(field kept status)" = running ]
	[ "$(field kept local_url)" = "$url" ]
	[ "$(timeout 30 bindu-exec kept -- cat file)" = data ]
	timeout 20 bindu-box destroy --yes kept
}

@test "boxd: status says what runs, without a daemon too" {
	local id
	create alone
	id=$(field alone vm_id)
	kill_hard "$(status pid)"
	run -1 timeout 30 bindu-boxd status
	[[ $output == *" alone running "* ]]
	kill_box "$id"
	run -1 timeout 30 bindu-boxd status
	[[ $output == *" alone stopped "* ]]
	timeout 30 bindu-boxd start
	timeout 20 bindu-box destroy --yes alone
}

@test "boxd: what a killed create left is cleared, nobody knew of it" {
	local id
	create half
	id=$(field half vm_id)
	timeout 20 bindu-box stop half
	kill_hard "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	sed -i 's/"state":"stopped"/"state":"starting"/; s/"want":"stopped"/"want":"running"/
		s/"announced":true/"announced":false/' "$BINDU_STATE_DIR/boxes/$id/box.json"
	mkdir "$BINDU_STATE_DIR/boxes/bxwithout"
	timeout 30 bindu-boxd start
	run -66 timeout 30 bindu-box get half
	eventually 20 sh -c '[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]'
}

@test "boxd: a stop or destroy asked of a killed daemon is finished" {
	local id
	create a
	id=$(field a vm_id)
	kill_hard "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	sed -i 's/"want":"running"/"want":"stopped"/' "$BINDU_STATE_DIR/boxes/$id/box.json"
	timeout 30 bindu-boxd start
	eventually 20 sh -c 'timeout 30 bindu-box get a --json | grep -q stopped'
	kill_hard "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	sed -i 's/"want":"stopped"/"want":"gone"/' "$BINDU_STATE_DIR/boxes/$id/box.json"
	timeout 30 bindu-boxd start
	eventually 20 sh -c '[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]'
}

@test "boxd: a box that ends by itself is said to be stopped, and why" {
	local id
	create mortal
	id=$(field mortal vm_id)
	kill_box "$id"
	eventually 20 sh -c 'timeout 30 bindu-box get mortal --json | grep -q stopped'
	run ! timeout 30 bindu-exec mortal -- true
	[[ $output == *"start it first"* ]]
	timeout 20 bindu-box start mortal
	timeout 30 bindu-exec mortal -- true
	timeout 20 bindu-box destroy --yes mortal
}

@test "boxd: the proxy says what it waits for, then passes" {
	local url free
	free=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	create --port "$free" web
	url=$(field web local_url)
	run curl -s -m 20 -w ' %{http_code}' "$url/"
	[[ $output == *"box web is running"*"port $free"*502 ]]
	run curl -s -m 20 -H 'Accept: text/html' "$url/"
	[[ $output == *"<!doctype html>"* ]]
	cd "$BATS_TEST_TMPDIR"
	echo page >x.txt
	python3 -m http.server --bind 127.0.0.1 "$free" >/dev/null 2>&1 3>&- &
	local server=$!
	eventually 20 curl -sf -m 5 "$url/x.txt"
	[ "$(curl -s -m 20 "http://web.localhost:$port/x.txt")" = page ]
	[ "$(curl -s -m 20 -H "Host: web.localhost" "http://127.0.0.1:$port/x.txt")" = page ]
	timeout 20 bindu-box suspend web
	run curl -s -m 20 -w ' %{http_code}' "$url/x.txt"
	[[ $output == *"suspended; resume it first: bindu-box resume web"*503 ]]
	kill $server
	timeout 20 bindu-box destroy --yes web
}

@test "boxd: an answer that comes before the request was read arrives whole" {
	cat >"$BATS_TEST_TMPDIR/early.py" <<-'P'
	# A server that answers and closes; a client that sends all the same.
	import socket, subprocess, sys, threading
	s = socket.create_server(("127.0.0.1", 0))
	size = 20000
	def serve():
	    while True:
	        c, _ = s.accept()
	        c.recv(1000)
	        c.sendall(b"HTTP/1.1 413 X\r\nContent-Length: %d\r\n\r\n" % size
	                  + b"x" * size)
	        c.close()
	threading.Thread(target=serve, daemon=True).start()
	print(s.getsockname()[1], flush=True)
	host, port = sys.stdin.readline().split("//")[1].strip("/\n").split(":")
	def send(c):
	    try:
	        c.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n"
	                  b"Content-Length: 8000000\r\n\r\n" + b"y" * 8000000)
	    except OSError:
	        pass
	whole = 0
	for _ in range(30):
	    c = socket.create_connection((host, int(port)), 60)
	    t = threading.Thread(target=send, args=(c,))
	    t.start()
	    got = 0
	    try:
	        while block := c.recv(65536):
	            got += len(block)
	    except OSError:
	        pass
	    whole += got > size
	    c.close()
	    t.join()
	print(whole)
	P
	coproc timeout 200 python3 "$BATS_TEST_TMPDIR/early.py" 3>&-
	local inner
	read -r inner <&"${COPROC[0]}"
	create --port "$inner" early
	field early local_url >&"${COPROC[1]}"
	run -0 cat <&"${COPROC[0]}"
	echo "$output of 30"
	[ "$output" = 30 ]
	timeout 30 bindu-box destroy --yes early
}

@test "boxd: other host names are refused on every port" {
	local url
	create plain
	url=$(field plain local_url)
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "$url/")" = 421 ]
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' -H 'Host: localhost.evil.example' \
		"http://127.0.0.1:$port/")" = 421 ]
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' -H 'Host:' "http://127.0.0.1:$port/")" = 421 ]
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "http://none.localhost:$port/")" = 404 ]
	timeout 20 bindu-box destroy --yes plain
}

@test "boxd: silent and half connections, and long heads, disturb nobody" {
	python3 - "$port" <<-'EOF' &
	import socket, sys, time
	a = ("127.0.0.1", int(sys.argv[1]))
	s = [socket.create_connection(a) for _ in range(200)]
	for x in s[:50]:
	    x.send(b"PRI * HT")
	for x in s[50:100]:
	    x.send(b"GET / HTTP/1.1\r\nX: ")
	big = socket.create_connection(a)
	try:
	    big.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 100000)
	    print(big.recv(100))
	except OSError:
	    pass
	time.sleep(2)
	EOF
	local crowd=$!
	sleep 0.5
	timeout 30 bindu-box list
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "http://none.localhost:$port/")" = 404 ]
	wait $crowd
}

@test "boxd: an idle box is suspended when its time is over, a used one is not" {
	create --auto-suspend 5 idle
	mkfifo "$BATS_TEST_TMPDIR/in"
	timeout 60 bindu-exec idle -- sh -c 'echo on; cat' \
		<>"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/on" 3>&- &
	local client=$!
	eventually 30 grep -q on "$BATS_TEST_TMPDIR/on"
	sleep 7
	[ "$(field idle status)" = running ]
	kill $client
	wait $client || true
	eventually 30 sh -c 'timeout 30 bindu-box get idle --json | grep -q suspended'
	timeout 20 bindu-box destroy --yes idle
}

@test "boxd: it takes little memory" {
	restart
	local rss
	rss=$(awk '/VmRSS/ { print $2 }' "/proc/$(status pid)/status")
	echo "VmRSS $rss kB"
	[ "${BINDU_TEST_SAN:-0}" = 1 ] || [ "$rss" -lt 16384 ]
}

@test "boxd: stop ends the hub when no box needs it" {
	timeout 20 bindu-boxd stop
	eventually 20 sh -c '! pgrep -f "fakehub.py hub $BINDU_STATE_DIR" >/dev/null'
	[ ! -e "$BINDU_STATE_DIR/boxd.sock" ]
}

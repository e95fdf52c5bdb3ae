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

@test "boxd: what cannot be made is refused with what can" {
	run -65 timeout 30 bindu-box create --image alpine x
	[[ $output == *debian:SUITE* ]]
	run ! timeout 30 bindu-box create --image host Not_A_Name
	run ! timeout 30 bindu-box create --image host --memory 1K small
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
	kill -9 "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	timeout 30 bindu-boxd start
	[ "$(field kept status)" = running ]
	[ "$(field kept local_url)" = "$url" ]
	[ "$(timeout 30 bindu-exec kept -- cat file)" = data ]
	timeout 20 bindu-box destroy --yes kept
}

@test "boxd: what a killed create left is cleared, nobody knew of it" {
	local id
	create half
	id=$(field half vm_id)
	timeout 20 bindu-box stop half
	kill -9 "$(status pid)"
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
	kill -9 "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	sed -i 's/"want":"running"/"want":"stopped"/' "$BINDU_STATE_DIR/boxes/$id/box.json"
	timeout 30 bindu-boxd start
	eventually 20 sh -c 'timeout 30 bindu-box get a --json | grep -q stopped'
	kill -9 "$(status pid)"
	eventually 20 sh -c '! bindu-boxd status >/dev/null'
	sed -i 's/"want":"stopped"/"want":"gone"/' "$BINDU_STATE_DIR/boxes/$id/box.json"
	timeout 30 bindu-boxd start
	eventually 20 sh -c '[ -z "$(ls "$BINDU_STATE_DIR/boxes")" ]'
}

@test "boxd: a box that ends by itself is said to be stopped, and why" {
	local id
	create mortal
	id=$(field mortal vm_id)
	kill -9 "$(pgrep -f "fakehub.py.*$BINDU_STATE_DIR" | while read -r p; do
		ls -l "/proc/$p/fd" | grep -q "boxes/$id/console.log" && echo "$p"
	done)"
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
	[[ $output == *"suspended: resume it first"*503 ]]
	kill $server
	timeout 20 bindu-box destroy --yes web
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
	timeout 5 bindu-box list
	[ "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "http://none.localhost:$port/")" = 404 ]
	wait $crowd
}

@test "boxd: an idle box is suspended when its time is over, a used one is not" {
	create --auto-suspend 1 idle
	timeout 20 bindu-exec idle -- sleep 2
	[ "$(field idle status)" = running ]
	eventually 20 sh -c 'timeout 30 bindu-box get idle --json | grep -q suspended'
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

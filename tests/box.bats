# bindu-box against a scripted service; tests/boxd.bats has the real one.
load helper
load stub/stub

setup_file() {
	start_boxd
	start_httpd
}
teardown_file() { stop_stubs; }
setup() {
	use_boxd
	rm -f "$STUB/http-calls" "$STUB/http-script"
	EXCHANGE=http://127.0.0.1:$(cat "$STUB/http-port")/token
}
# Speak with a key instead of a token.
use_key() {
	unset BOXD_TOKEN
	export BOXD_API_KEY=key-c4n4ry BOXD_EXCHANGE_URL=$EXCHANGE
}
exchanges() { grep -c '^POST /token ' "$STUB/http-calls"; }

@test "box: create describes the new box" {
	run --separate-stderr -0 timeout 20 bindu-box create one --vcpu 2 \
		--memory 512M --port 3773 --json
	[[ $output == *'"name":"one"'* ]]
	[[ $output == *'"status":"running"'* ]]
	[[ $output == *'"vcpu":2'* && $output == *'"memory_bytes":536870912'* ]]
	[[ $output == *'"url":"https://one.example.test"'* ]]
	# Old servers ignored the port in the request.
	[ "$(calls SetProxyPort)" = 1 ]
}

@test "box: list is an array, get an object" {
	run --separate-stderr -0 timeout 20 bindu-box list --json
	[[ $output == '['*']' ]]
	run --separate-stderr -0 timeout 20 bindu-box get --json one
	[[ $output == '{'*'}' ]]
}

@test "box: what the service says does not speak to the terminal" {
	timeout 20 bindu-box create -q loud --image $'a\e[2Jmz' >/dev/null
	run --separate-stderr -0 timeout 20 bindu-box get loud
	[[ $output == *'image    a\x1b[2J'* && $output != *$'\e'* ]]
	timeout 20 bindu-box destroy -q --yes loud
}

@test "box: --status-fd ends with the result" {
	timeout 20 bindu-box get -q --status-fd 4 one >/dev/null 4>"$STUB/fd"
	tail -n 1 "$STUB/fd" | grep '"result"' | grep '"code":0'
	run -66 timeout 20 bindu-box get -q --status-fd 4 none 4>"$STUB/fd"
	tail -n 1 "$STUB/fd" | grep '"code":66'
}

@test "box: a failure leaves stdout empty and tells its class" {
	run --separate-stderr -66 timeout 30 bindu-box get nobody --json
	[ -z "$output" ]
	[[ $stderr == *"no machine named nobody"* ]]
	run --separate-stderr -73 timeout 30 bindu-box create one --json
	[ -z "$output" ]
}

@test "box: each status of the service has its exit status" {
	for row in PERMISSION_DENIED:77 UNAUTHENTICATED:77 RESOURCE_EXHAUSTED:75 \
		INVALID_ARGUMENT:65 FAILED_PRECONDITION:69 ABORTED:75 \
		DEADLINE_EXCEEDED:75 UNIMPLEMENTED:69 DATA_LOSS:74; do
		echo "GetVm ${row%:*}*3" >"$STUB/script"
		run -"${row#*:}" timeout 30 bindu-box get one
	done
}

@test "box: a full disk is 74 by whatever status it is told, a full quota 75" {
	for row in "RESOURCE_EXHAUSTED=no room: No space left on device:74" \
		"RESOURCE_EXHAUSTED=no room: Disk quota exceeded:74" \
		"DATA_LOSS=no room: No space left on device:74" \
		"RESOURCE_EXHAUSTED=no room for another machine:75"; do
		behave GetVm "${row%:*}*1"
		run -"${row##*:}" timeout 30 bindu-box get one
		[[ $output == *"no room"* ]]
	done
}

@test "box: a host name that is not known is one short line with its cure" {
	BOXD_API_URL=https://no-such-host.invalid:9443 \
		run -75 timeout 60 bindu-box list
	[[ ${lines[-1]} == "bindu-box: no-such-host.invalid:9443: the host name cannot be resolved ("*"): check how it is spelled"* ]]
	[ ${#lines[-1]} -lt 200 ]
}

@test "box: a read is repeated after UNAVAILABLE and ABORTED, twice at most" {
	behave GetVm ABORTED*2
	run -0 timeout 30 bindu-box get one
	rm -f "$STUB/calls"
	behave GetVm UNAVAILABLE*2
	run -0 timeout 30 bindu-box get one
	[ "$(calls GetVm)" = 3 ]
	rm -f "$STUB/calls"
	behave GetVm UNAVAILABLE*9
	run -75 timeout 30 bindu-box get one
	[ "$(calls GetVm)" = 3 ]
}

@test "box: create is sent once; a lost answer is looked up and adopted" {
	behave CreateVm after:UNAVAILABLE*1
	run -0 timeout 20 bindu-box create lost --json
	[ "$(calls CreateVm)" = 1 ]
	[[ $output == *'"name":"lost"'* ]]
	rm -f "$STUB/calls"
	behave CreateVm after:DEADLINE_EXCEEDED*1
	run -0 timeout 20 bindu-box create
	[ "$(calls CreateVm)" = 1 ]
}

@test "box: a create that did not happen is exit 75, and not repeated" {
	behave CreateVm UNAVAILABLE*1
	run -75 timeout 20 bindu-box create never
	[ "$(calls CreateVm)" = 1 ]
	[[ $output == *"safe to try again"* ]]
}

@test "box: a box of that name that is not provably ours is not adopted" {
	timeout 20 bindu-box create theirs -q
	behave CreateVm UNAVAILABLE*1
	run -75 timeout 20 bindu-box create theirs
	[[ $output == *"cannot be told"* ]]
}

@test "box: the wanted state reached is a success without a call" {
	run -0 timeout 30 bindu-box start one
	[ "$(calls StartVm)" = 0 ]
	run -0 timeout 30 bindu-box suspend one
	run -0 timeout 30 bindu-box suspend one
	[ "$(calls SuspendVm)" = 1 ]
	run -0 timeout 30 bindu-box resume one
}

@test "box: a server that only says it suspended is found out" {
	behave SuspendVm lie*1
	run -75 timeout 20 bindu-box suspend one
	[[ $output == *"still running"* ]]
}

@test "box: destroy asks for --yes, and a lost answer is no failure" {
	timeout 20 bindu-box create gone -q
	run -2 timeout 30 bindu-box destroy gone
	behave DestroyVm after:UNAVAILABLE*1
	run -0 timeout 30 bindu-box destroy --yes gone
	run -66 timeout 30 bindu-box destroy --yes gone
}

@test "box: of several boxes each is tried, and all that fail are told" {
	timeout 20 bindu-box create last -q
	run --separate-stderr -66 timeout 20 \
		bindu-box destroy --yes none last neither
	[[ $stderr == *' none'*' neither'* ]]
	run -66 timeout 30 bindu-box get last
}

@test "box: wrong names, sizes and verbs are usage errors, nothing is sent" {
	run -2 timeout 30 bindu-box create 'Bad_Name'
	run -2 timeout 30 bindu-box create --memory lots
	run -2 timeout 30 bindu-box create --port 70000
	run -2 timeout 30 bindu-box create --auto-suspend soon
	run -2 timeout 30 bindu-box create --auto-suspend 500ms
	run -2 timeout 30 bindu-box frobnicate
	run -2 timeout 30 bindu-box get
	run -2 timeout 30 bindu-box
	[ ! -e "$STUB/calls" ]
}

@test "box: a misspelt verb or option names the one that was meant" {
	run -2 timeout 30 bindu-box creat x
	[[ $output == *'unknown verb "creat" (did you mean create?)'* ]]
	run -2 timeout 30 bindu-box frobnicate
	[[ $output != *"did you mean"* ]]
	run -2 timeout 30 bindu-box list --jso
	[[ $output == *"(did you mean --json?)"* ]]
}

@test "box: runtime boxd without a credential says so" {
	unset BOXD_TOKEN
	run -78 timeout 30 bindu-box list
	[[ $output == *"BOXD_API_KEY or BOXD_TOKEN must be set"* ]]
}

@test "box: http:// to another machine is refused before a packet is sent" {
	BOXD_API_URL=http://192.0.2.1:9443 run -78 timeout 30 bindu-box list
	[[ $output == *"without TLS"* ]]
}

@test "box: an HTTP server is no boxd endpoint" {
	BOXD_API_URL=http://127.0.0.1:$(cat "$STUB/http-port") run -76 \
		timeout 30 bindu-box list
	[[ $output == *"not as a boxd endpoint does"* ]]
}

@test "box: TLS never falls back to plaintext" {
	BOXD_API_URL=https://127.0.0.1:$(cat "$STUB/port") run timeout 20 \
		bindu-box list
	[ "$status" = 75 ] || [ "$status" = 76 ]
	[ ! -e "$STUB/calls" ]
}

@test "box: TLS needs a certificate that is trusted and fits the host" {
	dir=$BATS_TEST_TMPDIR
	for name in 127.0.0.1 192.0.2.7; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
			-nodes -days 2 -subj "/CN=stub" -addext \
			"subjectAltName=IP:$name" -keyout "$dir/$name.key" \
			-out "$dir/$name.pem" 2>/dev/null
		mkdir "$dir/$name"
		setsid "$REPO/tests/stub/badboxd.py" "$dir/$name" 127.0.0.1:0 \
			"$dir/$name.key" "$dir/$name.pem" >/dev/null 2>&1 \
			</dev/null 3>&- &
		echo $! >>"$dir/pids"
		eventually 20 test -s "$dir/$name/port"
	done
	export BOXD_API_URL=https://127.0.0.1:$(cat "$dir/127.0.0.1/port")
	BINDU_CACERT=$dir/127.0.0.1.pem run -0 timeout 20 bindu-box list
	run -76 timeout 20 bindu-box list
	[[ $output == *TLS* ]]
	export BOXD_API_URL=https://127.0.0.1:$(cat "$dir/192.0.2.7/port")
	BINDU_CACERT=$dir/192.0.2.7.pem run -76 timeout 20 bindu-box list
	kill $(cat "$dir/pids")
	[ ! -e "$dir/192.0.2.7/calls" ]
}

@test "box: a key is exchanged once and the token shared" {
	use_key
	for i in 1 2 3 4 5 6; do timeout 20 bindu-box list -q >/dev/null & done
	wait
	[ "$(exchanges)" = 1 ]
	[ "$(calls ListVms)" = 6 ]
	run -0 grep -c 'ListVms Bearer_tok-' "$STUB/calls"
}

@test "box: the key is on no disk, in no output and in no argv" {
	use_key
	run -0 timeout 20 bindu-box -vv list
	[[ $output != *c4n4ry* ]]
	run -1 grep -r c4n4ry "$HOME"
	mode=$(stat -c %a "$XDG_CACHE_HOME/bindu/tokens"/*.json)
	[ "$mode" = 600 ]
	[ "$(stat -c %a "$XDG_CACHE_HOME/bindu/tokens")" = 700 ]
}

@test "box: a token cache open to others is refused with 77" {
	use_key
	timeout 20 bindu-box list -q
	chmod 644 "$XDG_CACHE_HOME/bindu/tokens"/*.json
	run -77 timeout 20 bindu-box list
	[[ $output == *"open to others"* ]]
	rm -rf "$XDG_CACHE_HOME"
	mkdir -p "$XDG_CACHE_HOME/bindu/tokens"
	chmod 777 "$XDG_CACHE_HOME/bindu/tokens"
	run timeout 20 bindu-box list
	[ "$status" != 0 ]
}

@test "box: a home that cannot be written costs an exchange, no more" {
	use_key
	mkdir "$BATS_TEST_TMPDIR/ro"
	root=
	[ "$(id -u)" = 0 ] || root=--map-root-user
	for home in /dev/null "$BATS_TEST_TMPDIR/ro"; do
		HOME=$home XDG_CACHE_HOME= run -0 timeout 20 unshare $root -m sh -c '
			mount -t tmpfs -o ro none "$0" && exec bindu-box list' \
			"$BATS_TEST_TMPDIR/ro"
	done
	[ "$(exchanges)" = 2 ]
	timeout 20 bindu-box list -q
	rm "$XDG_CACHE_HOME"/bindu/tokens/*.json
	run -0 timeout 20 unshare $root -m sh -c 'mount --bind "$0" "$0" &&
		mount -o remount,ro,bind "$0" && exec bindu-box list' "$HOME"
	[ "$(exchanges)" = 4 ]
}

@test "box: each broken exchange has its exit status and shows no secret" {
	use_key
	for row in 401:77 403:77 malformed:76 empty:76 notoken:76 expired:76 \
		big:76 redirect:76 badtoken:77 404:76; do
		rm -rf "$XDG_CACHE_HOME"
		echo "${row%:*}" >"$STUB/http-script"
		run -"${row#*:}" timeout 20 bindu-box list
		[[ $output != *c4n4ry* && $output != *"secret words"* ]]
	done
	run -1 grep -q elsewhere "$STUB/http-calls"
}

@test "box: 429 is waited for once, 5xx is tried three times, then 75" {
	use_key
	printf '429\n' >"$STUB/http-script"
	run -0 timeout 20 bindu-box list
	rm -rf "$XDG_CACHE_HOME"
	printf '429\n429\n' >"$STUB/http-script"
	run -75 timeout 20 bindu-box list
	rm -rf "$XDG_CACHE_HOME" "$STUB/http-calls"
	printf '500\n502\n503\n500\n' >"$STUB/http-script"
	run -75 timeout 20 bindu-box list
	[ "$(exchanges)" = 3 ]
}

@test "box: an exchanged token that is refused is exchanged anew once" {
	use_key
	behave ListVms UNAUTHENTICATED*1
	run -0 timeout 20 bindu-box list
	[ "$(exchanges)" = 2 ]
	rm -f "$STUB/http-calls"
	behave ListVms UNAUTHENTICATED*9
	run -77 timeout 20 bindu-box list
	[ "$(exchanges)" = 1 ]
}

@test "box: a token as it is, refused, is not tried again" {
	behave ListVms UNAUTHENTICATED*1
	run -77 timeout 30 bindu-box list
	[ "$(calls ListVms)" = 1 ]
}

@test "box: a token about to end is kept when no new one can be had" {
	use_key
	printf 'short\n500\n500\n500\n' >"$STUB/http-script"
	timeout 20 bindu-box list -q
	run -0 timeout 20 bindu-box list
}

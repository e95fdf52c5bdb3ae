# The way to a boxd service on the net: TLS, key exchange, token, and networks
# that fail.  The local daemon's own port stands behind a relay.
load helper

setup_file() {
	own_runtime
	timeout 280 bindu-box create -q --image "$(image)" t1 >/dev/null
	bindu-boxd status --json >"$BATS_FILE_TMPDIR/status"
	cd "$BATS_FILE_TMPDIR" || return 1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.pem \
		2>/dev/null
	certify good IP:127.0.0.1,DNS:localhost 2
	certify other IP:192.0.2.7,DNS:other.test 2
	certify expired IP:127.0.0.1,DNS:localhost 0 # OpenSSL 3.5 takes no less
	for name in good other expired; do
		relay "$BATS_FILE_TMPDIR/$name" "$name.key" "$name.pem"
	done
}
teardown_file() {
	kill $(cat "$BATS_FILE_TMPDIR"/*/relay-pid) 2>/dev/null || true
	own_runtime
	end_runtime
}
setup() {
	own_home
	own_runtime
	KEY=$(bindu-boxd key)
	export BINDU_CACERT=$BATS_FILE_TMPDIR/ca.pem
	unset BINDU_TEST_STATE_DIR
}

# certify NAME SUBJECT_ALT_NAMES DAYS
certify() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	echo "subjectAltName=$2" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key \
		-CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem" \
		2>/dev/null
}
# relay DIR [KEY CERT]: to the daemon's port
relay() {
	local to
	to=$(python3 -c 'import json,sys
print(json.load(sys.stdin)["address"])' <"$BATS_FILE_TMPDIR/status")
	mkdir -p "$1"
	setsid "$REPO/tests/stub/relay.py" "$1" "$to" ${2:+"$2" "$3"} \
		>"$1/relay-out" 2>&1 </dev/null 3>&- &
	echo $! >"$1/relay-pid"
	eventually 20 test -s "$1/relay-port"
}
# service NAME SCHEME: speak to the relay NAME
service() {
	export BINDU_RUNTIME=boxd
	BOXD_API_URL=$2://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/$1/relay-port")
	export BOXD_API_URL
}
# A token as the daemon gives it for its key.
token() {
	service good https
	BOXD_API_KEY=$KEY timeout 20 bindu-box list -q >/dev/null
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["token"])' \
		"$XDG_CACHE_HOME"/bindu/tokens/*.json
}
log_of() { cat "$BATS_FILE_TMPDIR/$1/relay-log" 2>/dev/null; }

@test "tls: a key is exchanged and calls are made, both over TLS" {
	service good https
	export BOXD_API_KEY=$KEY
	run -0 timeout 20 bindu-box -vv list
	[[ $output == *t1* && $output != *"$KEY"* ]]
	log_of good | grep -qx h2
	log_of good | grep -qx http/1.1
	[ "$(stat -c %a "$XDG_CACHE_HOME"/bindu/tokens/*.json)" = 600 ]
	run -1 grep -rqF "$KEY" "$HOME"
	BOXD_API_URL=https://localhost:${BOXD_API_URL##*:} \
		run -0 timeout 20 bindu-exec t1 -- sh -c 'exit 0'
}

@test "tls: 8 MiB there and back" {
	service good https
	export BOXD_API_KEY=$KEY
	head -c 8M /dev/urandom >"$BATS_TEST_TMPDIR/in"
	timeout 60 bindu-exec t1 -- cat <"$BATS_TEST_TMPDIR/in" \
		>"$BATS_TEST_TMPDIR/out"
	cmp "$BATS_TEST_TMPDIR/in" "$BATS_TEST_TMPDIR/out"
}

@test "tls: another host's, an expired and an unknown certificate are refused" {
	token=$(token)
	for name in other expired good; do
		service $name https
		before=$(log_of $name | grep -c h2) || true
		[ $name != good ] || unset BINDU_CACERT
		BOXD_API_KEY=$KEY BOXD_EXCHANGE_URL=$BOXD_API_URL/other/way \
			run -76 timeout 20 bindu-box list
		[[ $output != *"$KEY"* ]]
		BOXD_TOKEN=$token run -76 timeout 20 bindu-box list
		[[ $output == *"TLS fails; no fall back to plaintext"* ]]
		# One line of ours, none of a library's.
		[ ${#lines[@]} = 2 ]
		BOXD_TOKEN=$token run -125 timeout 20 bindu-exec t1 -- true
		[ ${#lines[@]} = 1 ]
	done
}

@test "tls: a token the service has forgotten is exchanged anew" {
	service good https
	export BOXD_API_KEY=$KEY
	timeout 20 bindu-box list -q >/dev/null
	cache=$(echo "$XDG_CACHE_HOME"/bindu/tokens/*.json)
	forget() {
		echo '{"token":"forgotten","expires_at":99999999999}' >"$cache"
	}
	forget
	run -0 timeout 20 bindu-box get t1
	run -1 grep -q forgotten "$cache"
	forget
	run -0 timeout 20 bindu-logs -q --console --no-follow t1
	# What was sent to a call that was refused is sent again.
	forget
	run -0 timeout 20 bindu-exec -e A=later t1 -- sh -c 'cat; echo " $A"' \
		< <(printf first)
	[ "$output" = "first later" ]
	forget
	run -0 timeout 20 bindu-exec t1 -- wc -c < <(head -c 400000 /dev/zero)
	[ "$output" = 400000 ]
	# Too much to keep: an error perhaps, but only once.
	forget
	run timeout 20 bindu-exec t1 -- wc -c < <(head -c 3000000 /dev/zero)
	[ "$status" = 0 ] || [ "$status" = 125 ]
	run -0 timeout 20 bindu-exec t1 -- wc -c < <(head -c 3000000 /dev/zero)
	forget
	echo 1 >"$BATS_TEST_TMPDIR/main.py"
	tar -C "$BATS_TEST_TMPDIR" -cf - main.py |
		timeout 30 bindu-upload -q t1
	run -1 grep -q forgotten "$cache"
}

@test "tls: no core file and no command line holds a secret" {
	service good https
	export BOXD_API_KEY=$KEY
	(ulimit -c unlimited; exec timeout 60 bindu-exec t1 -- sleep 50) &
	eventually 10 pgrep -P $! -x bindu-exec
	pid=$(pgrep -P $! -x bindu-exec)
	eventually 10 grep -q 'Max core file size *0 *0' "/proc/$pid/limits"
	run -1 grep -qF "$KEY" "/proc/$pid/cmdline"
	[ "$(stat -c %U "/proc/$pid/environ")" = root ]
	kill -TERM "$pid"
	wait $! || true
}

@test "net: a connection that dies after the start is exit 255" {
	relay "$BATS_FILE_TMPDIR/dying"
	service dying http
	export BOXD_API_KEY=$KEY
	timeout 60 bindu-exec t1 -- sh -c 'echo here; sleep 50' \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" &
	eventually 10 grep -q here "$BATS_TEST_TMPDIR/out"
	kill "$(cat "$BATS_FILE_TMPDIR/dying/relay-pid")"
	code=0
	wait $! || code=$?
	[ $code = 255 ]
	[ -s "$BATS_TEST_TMPDIR/err" ]
	# And nobody there at all, before the start: 125.
	run -125 timeout 30 bindu-exec t1 -- true
}

@test "net: a connection that freezes is given up" {
	for scheme in http https; do
		name=freezing-$scheme
		if [ $scheme = https ]; then
			relay "$BATS_FILE_TMPDIR/$name" \
				"$BATS_FILE_TMPDIR/good.key" \
				"$BATS_FILE_TMPDIR/good.pem"
		else
			relay "$BATS_FILE_TMPDIR/$name"
		fi
		service $name $scheme
		export BOXD_API_KEY=$KEY
		timeout 60 bindu-exec t1 -- sh -c 'echo here; sleep 50' \
			>"$BATS_TEST_TMPDIR/$name" \
			2>"$BATS_TEST_TMPDIR/$name-err" &
		eval "${scheme}_pid=$!"
		eventually 10 grep -q here "$BATS_TEST_TMPDIR/$name"
		timeout 60 bindu-logs -q --console t1 \
			2>"$BATS_TEST_TMPDIR/$name-logs" &
		eval "${scheme}_logs=$!"
		sleep 1
		kill -USR1 "$(cat "$BATS_FILE_TMPDIR/$name/relay-pid")"
	done
	start=$SECONDS
	code=0
	wait $http_pid || code=$?
	[ $code = 255 ]
	code=0
	wait $https_pid || code=$?
	[ $code = 255 ]
	for pid in $http_logs $https_logs; do
		code=0
		wait $pid || code=$?
		[ $code = 75 ]
	done
	[ $((SECONDS - start)) -lt 40 ]
	grep -q "connection to t1 lost" "$BATS_TEST_TMPDIR"/freezing-https-err
	# Before the start it is no connection: 125, and 75 for a question.
	code=0
	timeout 60 bindu-exec t1 -- true 2>/dev/null & exec_pid=$!
	timeout 60 bindu-box list 2>/dev/null & list_pid=$!
	wait $exec_pid || code=$?
	[ $code = 125 ]
	code=0
	wait $list_pid || code=$?
	[ $code = 75 ]
	[ $((SECONDS - start)) -lt 90 ]
}

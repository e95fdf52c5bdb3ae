# bindu-health: says no with exit 1, never with 0.
load helper
load stub/stub

setup_file() { start_httpd; }
teardown_file() { stop_stubs; }
setup() {
	own_home
	U=http://127.0.0.1:$(cat "$STUB/http-port")
}

@test "health: 200 is healthy" {
	run --separate-stderr -0 timeout 60 bindu-health -t 30s -p /up/3 "$U"
	[ -z "$output" ]
	run --separate-stderr -0 timeout 30 bindu-health --json -p /up/2.98 "$U"
	[[ $output == *'"healthy":true'* && $output == *'"uptime_seconds":2.98,'* ]]
}

@test "health: an agent that never answers is exit 1 and silence on stdout" {
	run --separate-stderr -1 timeout 30 bindu-health -t 1s http://127.0.0.1:9
	[ -z "$output" ]
	[[ $stderr == *refused* ]]
}

@test "health: each bad answer is exit 1 with its cause" {
	for row in "/status/503:status 503" "/status/404:status 404" \
		"/redirect:status 302" "/notready:not ready" \
		"/close:closed without" "/hang:no answer in time"; do
		# On a busy machine the server may not answer in that time.
		eventually 30 says "$row"
	done
}
says() { # says PATH:CAUSE
	run -1 timeout 30 bindu-health -t 0.5s -p "${1%%:*}" "$U"
	[[ $output == *"${1#*:}"* ]]
}

@test "health: the old process is not the new one" {
	eventually 30 old
	run -0 timeout 60 bindu-health -t 30s --newer-than 5s -p /up/2 "$U"
}

old() {
	run -1 timeout 30 bindu-health -t 1s --newer-than 5s -p /up/300 "$U"
	[[ $output == *"the old process"* ]]
}

@test "health: a waiting page is no health answer" {
	page() {
		run -1 timeout 30 bindu-health -t 1s --newer-than 5s -p /html "$U"
		[[ $output == *"web page"* ]]
	}
	eventually 30 page
}

@test "health: it waits until the agent is there" {
	began=$(date +%s)
	run -0 timeout 90 bindu-health -t 60s -p "/later/$(($(ps -o etimes= -p \
		"$(cat "$STUB/http-pid")") + 2))" "$U"
	[ $(($(date +%s) - began)) -lt 30 ]
}

@test "health: what cannot be found out is not 'unhealthy'" {
	run -75 timeout 30 bindu-health -t 1s http://no-such-host.invalid
	[[ $output == *"no-such-host.invalid: check how it is spelled"* ]]
	run -2 timeout 30 bindu-health -t 1s ftp://127.0.0.1/
	run -2 timeout 30 bindu-health
	run -2 timeout 30 bindu-health -t soon "$U"
}

@test "health: a wait shows life every second" {
	run --separate-stderr -1 timeout 30 bindu-health -t 4500ms --status-fd 1 \
		http://127.0.0.1:9
	[[ $output == *'"phase":"health","done":2,'*'"code":1'* ]]
}

@test "health: SIGINT ends the wait at once" {
	env --default-signal=INT timeout --foreground 100 \
		bindu-health -t 90s http://127.0.0.1:9 &
	client=$!
	# When it catches the signal it is in its wait, or all but.
	catches() {
		grep -q '^SigCgt:.*[2367abef]$' "/proc/$(pgrep -x bindu-health \
			-P $client)/status"
	}
	eventually 30 catches
	pkill -INT -P $client
	code=0
	wait $client || code=$?
	[ $code = 130 ]
}

@test "health: what is neither a box nor a URL is a usage error" {
	for word in 127.0.0.1:1 host/health ftp://x http:///health http://; do
		run -2 timeout 30 bindu-health "$word"
	done
	for url in http://127.0.0.1:99999 http://h:x/ http://h:1:2 "http://a b/" \
		'http://[::1'; do
		run -2 timeout 30 bindu-health "$url"
		[[ $output == "bindu-health: $url: "*"; try "* ]]
	done
	run -2 timeout 30 bindu-health 127.0.0.1:1
	[[ $output == *"is http://127.0.0.1:1 meant?"* ]]
}

@test "health: user part and query of a URL are not shown" {
	run -1 timeout 30 bindu-health -t 300ms \
		"http://me:c4n4ry@127.0.0.1:9/?key=c4n4ry"
	[[ $output != *c4n4ry* && $output == *"http://127.0.0.1:9/ is not"* ]]
}

# bindu-deploy: the chain from a source tree to an agent that answers.
load helper
load deploying

@test "deploy: --dry-run says what would happen and touches nothing" {
	agent 1
	echo KEY=1 >"$TREE/.env"
	export BINDU_STATE_DIR=$BATS_TEST_TMPDIR/untouched
	run --separate-stderr -0 timeout 30 bindu-deploy -C "$TREE" --name "$NAME" \
		--dry-run -e B=2 -e A=1 --memory 1G agent.py
	[ "${lines[0]}" = "DRY RUN — nothing will be deployed." ]
	[[ "$output" == *"  agent name:    $NAME"* ]]
	[[ "$output" == *"  source root:   $TREE"* ]]
	[[ "$output" == *"  entry script:  agent.py"* ]]
	[[ "$output" == *"  provider:      local"* ]]
	[[ "$output" == *"  vcpu / memory: 2 / 1.0 GB"* ]]
	[[ "$output" == *"  disk:          20G"* ]]
	[[ "$output" == *"  auto_suspend:  0s"* ]]
	[[ "$output" == *"  env keys:      ['A', 'B']  (values hidden)"* ]]
	[[ "$output" == *"  tarball:       1 file, "*" KB compressed"* ]]
	[[ "$output" == *"    - .env  (name/"* ]]
	[ ! -e "$BINDU_STATE_DIR" ]
}

@test "deploy: --dry-run tells what it chose, what is not set and what has no effect" {
	agent 1
	mkdir "$TREE/sub"
	for f in "$TREE/main.py" "$TREE/sub/more.py"; do
		printf 'from bindu.penguin.bindufy import bindufy\nbindufy({"name": "x"}, None)\n' >"$f"
	done
	notes=$TREE/$'no\e[2Jtes.txt'
	openssl genpkey -algorithm ed25519 >"$notes" 2>/dev/null
	run --separate-stderr -1 timeout 30 bindu-deploy -C "$TREE" -n
	[[ $stderr == *"main.py"*"sub/more.py"*"taking main.py"* ]]
	[[ $stderr == *'no\x1b[2Jtes.txt:1'* && $stderr != *$'\e'* ]]
	rm "$notes"
	unset NO_SUCH_KEY
	run --separate-stderr -0 timeout 30 bindu-deploy -C "$TREE" -n \
		-e NO_SUCH_KEY --image x --bindu-version 1.2 --memory 1G
	[[ $stderr == *"NO_SUCH_KEY is not set here"* ]]
	[[ $stderr == *"--bindu-version changes nothing"* ]]
	[[ $output == *"  image (A1):    x"* && $output == *"2 / 1.0 GB"* ]]
	[[ $output != *NO_SUCH_KEY* ]]
}

@test "deploy: each wrong flag is exit 2 and starts nothing" {
	agent 1
	export BINDU_STATE_DIR=$BATS_TEST_TMPDIR/untouched
	for flag in --vcpu=0 --vcpu=x --memory=4X --memory=0 --disk=big \
		--auto-suspend=-1 --on-exit=stop --env==x '--env=1A=b' --port=0 \
		--port=70000 --runtime=cloud --health-timeout=0 \
		'--bindu-version=1; rm' --max-size=none --name= --image= \
		--env-fd=99 --nonsense; do
		run -2 timeout 30 bindu-deploy -C "$TREE" agent.py "$flag"
		[[ "$output" == "bindu-deploy: "*"try 'bindu-deploy --help'" ]]
	done
	[[ "$(timeout 30 bindu-deploy -C "$TREE" --port 99999 2>&1)" == \
		*'--port: "99999" is no port number (1 to 65535)'* ]]
	run -66 timeout 30 bindu-deploy -C "$TREE" agent.py --env-file none
	run -66 timeout 30 bindu-deploy -C "$TREE" missing.py
	[ ! -e "$BINDU_STATE_DIR" ]
}

@test "deploy: boxd without a credential is said in one line, before any network" {
	agent 1
	run --separate-stderr timeout 30 bindu-deploy -C "$TREE" --name "$NAME" \
		--runtime boxd agent.py
	[ "$status" = 78 ] || [ "$status" = 77 ]
	[[ "$stderr" == *"BOXD_API_KEY or BOXD_TOKEN must be set"* ]]
}

@test "deploy: what is too large or holds a key never leaves" {
	agent 1
	export BINDU_STATE_DIR=$BATS_TEST_TMPDIR/untouched
	head -c 200000 /dev/urandom >"$TREE/model"
	run -65 timeout 20 bindu-deploy -C "$TREE" --name "$NAME" \
		--max-size 100K agent.py
	[[ "$output" == *model* ]]
	rm "$TREE/model"
	openssl genpkey -algorithm ed25519 >"$TREE/notes.txt" 2>/dev/null
	run -1 timeout 20 bindu-deploy -C "$TREE" --name "$NAME" agent.py
	[[ "$output" == *"notes.txt:1"* ]]
	[[ "$output" == *"nothing was sent"* ]]
	[ ! -e "$BINDU_STATE_DIR" ]
}

@test "deploy: what no box could take is refused before there is one" {
	agent 1
	export BINDU_STATE_DIR=$BATS_TEST_TMPDIR/untouched
	touch "$TREE/new"$'\n'line
	run -65 timeout 20 bindu-deploy -C "$TREE" --name "$NAME" agent.py
	[[ "$output" == *"new line: a file name with a newline cannot be shipped" ]]
	bindu-pack -C "$TREE" >"$BATS_TEST_TMPDIR/tar"
	run -65 timeout 20 bindu-scrub <"$BATS_TEST_TMPDIR/tar"
	[[ "$output" == *"new line: a file name with a newline cannot be shipped" ]]
	rm "$TREE/new"*
	{ echo A=1; printf 'BIG=%0140000d\n' 1; } >"$BATS_TEST_TMPDIR/env"
	run -65 timeout 20 bindu-deploy -C "$TREE" --name "$NAME" \
		--env-file "$BATS_TEST_TMPDIR/env" agent.py
	[[ "$output" == *"env:2: BIG: longer than the 131071 bytes"* ]]
	run -66 timeout 20 bindu-deploy -C "$TREE" --name "$NAME" \
		--env-file "$TREE" agent.py
	[[ "$output" == *"$TREE: cannot read: Is a directory"* ]]
	[ ! -e "$BINDU_STATE_DIR" ]
}

@test "deploy: ships, starts and prints the address alone on stdout" {
	agent 1
	run --separate-stderr -0 deploy
	[[ "$output" =~ ^http://$NAME\.localhost:[0-9]+$ ]]
	[[ "$stderr" == *"upload 1 file "* ]]
	[[ "$stderr" == *"health 200"* ]]
	[[ "$(ask)" == *'"v": "1"'* ]]
}

@test "deploy: an address that cannot be written is exit 74 with its cause" {
	agent 1
	run --separate-stderr -0 deploy
	code=0
	stderr=$(deploy 2>&1 >/dev/full) || code=$?
	[ $code = 74 ]
	[[ "$stderr" == *"cannot write to standard output: No space left"* ]]
}

@test "deploy: unchanged is untouched, a changed line is all that goes" {
	agent 1
	deploy
	before=$(ask)
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"upload unchanged"* ]]
	[[ "$stderr" != *"start pid"* ]]
	[[ "$(ask)" == *'"visits": 1}' ]]
	agent 2
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"upload 1 file "* ]]
	[[ "$(ask)" == *'"v": "2"'* ]]
	# What the agent wrote is there still.
	[[ "$(ask)" == *'"visits": 2}' ]]
}

@test "deploy: the environment reaches the agent and no command line" {
	agent 1
	printf '\xef\xbb\xbfSECRET=s3cr%%t '"'"'quoted'"'"' $HOME\n' >"$TREE/../envfile"
	run -0 deploy --env-file "$TREE/../envfile"
	[[ "$output" != *s3cr* ]]
	[[ "$(ask)" == *'"secret": "s3cr%t '"'"'quoted'"'"' $HOME"'* ]]
	run -1 timeout 30 bindu-exec "$NAME" -- sh -c \
		'grep -qa "[s]3cr" /proc/[0-9]*/cmdline'
	# Another value is another start.
	export SECRET=other
	run --separate-stderr -0 deploy -e SECRET
	[[ "$stderr" == *"upload unchanged"* ]]
	[[ "$stderr" == *"start pid"* ]]
	[[ "$(ask)" == *'"secret": "other"'* ]]
	exec 5<<<"SECRET=fifth"
	run --separate-stderr -0 deploy --env-fd 5
	[[ "$(ask)" == *'"secret": "fifth"'* ]]
}

@test "deploy: a crash at import ends at once with its traceback; on-exit holds" {
	echo 'import no_such_module' >"$TREE/agent.py"
	start=$(date +%s%N)
	run --separate-stderr -1 deploy --on-exit destroy
	[ $((($(date +%s%N) - start) / 1000000)) -lt 15000 ]
	[[ "$stderr" == *"| ModuleNotFoundError: No module named 'no_such_module'"* ]]
	[[ "$stderr" == *"exited with code 1"* ]]
	[ -z "$output" ]
	run -66 timeout 30 bindu-box get -q "$NAME"
}

@test "deploy: a release that does not work is taken back" {
	agent 1
	deploy
	{ echo 'import no_such_module'; cat "$TREE/agent.py"; } >"$TREE/a" &&
		mv "$TREE/a" "$TREE/agent.py"
	run --separate-stderr -1 deploy --on-exit destroy
	[[ "$stderr" == *"still serves"* ]]
	[[ "$(ask)" == *'"v": "1"'* ]]
	# And the next good one goes.
	agent 3
	deploy
	[[ "$(ask)" == *'"v": "3"'* ]]
}

@test "deploy: dependencies that cannot be had leave the old agent serving" {
	agent 1
	deploy
	echo 'no-such-package-of-ours==99' >"$TREE/requirements.txt"
	agent 2
	run --separate-stderr deploy --on-exit destroy
	[ "$status" = 1 ]
	[[ "$stderr" == *"dependencies"* ]]
	[[ "$(ask)" == *'"v": "1"'* ]]
}

@test "deploy: Ctrl-C applies on-exit, whatever it was doing" {
	echo 'import time; time.sleep(100)' >"$TREE/agent.py"
	hows="destroy suspend detach"
	can_suspend || hows="destroy detach"
	for how in $hows; do
		rm -f "$TREE/../log" # of the one before
		# A background job of a script ignores SIGINT.
		env --default-signal=INT bindu-deploy -C "$TREE" \
			--name "$NAME" agent.py --on-exit $how \
			2>"$TREE/../log" &
		pid=$!
		eventually 30 grep -q 'start pid' "$TREE/../log"
		kill -INT $pid
		start=$SECONDS
		rc=0
		wait $pid || rc=$?
		[ $rc = 130 ]
		[ $((SECONDS - start)) -le 20 ]
		case $how in
		destroy) run -66 timeout 30 bindu-box get -q "$NAME" ;;
		suspend) [ "$(box_field status)" = suspended ] ;;
		detach) [ "$(box_field status)" = running ] ;;
		esac
	done
	# And the next run goes through, whatever state it finds.
	agent 2
	! can_suspend || timeout 30 bindu-box suspend -q "$NAME"
	deploy
	[[ "$(ask)" == *'"v": "2"'* ]]
}

@test "deploy: a port that something else has is passed over" {
	agent 1
	deploy
	timeout 20 bindu-agent stop -q "$NAME"
	timeout 100 bindu-exec "$NAME" -- sh -c \
		'setsid python3 -m http.server 3773 >/dev/null 2>&1 &'
	agent 2
	deploy
	[[ "$(ask)" == *'"v": "2"'* ]]
	timeout 30 bindu-agent status -q "$NAME" | grep -qx port=3774
}

@test "deploy: two at once do not mix; the second is told who is at work" {
	agent 1
	deploy
	agent 2
	{ echo 'import time; time.sleep(3)'; cat "$TREE/agent.py"; } >"$TREE/a" &&
		mv "$TREE/a" "$TREE/agent.py"
	deploy 2>"$TREE/../log" &
	pid=$!
	eventually 30 grep -q 'start pid' "$TREE/../log"
	run --separate-stderr -73 deploy
	[[ "$stderr" == *"another deploy is at work in $NAME: process "*"$(id -un)@"*"; run this again when it has ended" ]]
	wait $pid
	[[ "$(ask)" == *'"v": "2"'* ]]
}

@test "deploy: two first ones at once make one box" {
	agent 1
	deploy >"$TREE/../log" 2>&1 &
	pid=$!
	run deploy
	[[ "$status" = 0 || "$output" == *"another deploy is at work in"* ]]
	wait $pid || grep -q "another deploy is at work in" "$TREE/../log" ||
		{ cat "$TREE/../log"; false; }
	[[ "$(ask)" == *'"v": "1"'* ]]
}

@test "deploy: a wait for the agent shows life every second" {
	agent 1
	sed -i 's/^T = /time.sleep(2.5)\nT = /' "$TREE/agent.py"
	run --separate-stderr -0 deploy --status-fd 1
	[[ "$output" == *'"phase":"health","done":2,'*'"phase":"health","ms":'* ]]
}

@test "deploy: --status-fd tells phases and the result, --json the result" {
	agent 1
	deploy --json --status-fd 4 4>"$TREE/../status" >"$TREE/../out"
	python3 - "$TREE/../status" "$TREE/../out" "$NAME" <<-'P'
	import json, sys
	lines = [json.loads(l) for l in open(sys.argv[1])]
	phases = [l["phase"] for l in lines if "ms" in l]
	assert phases == ["discover", "scrub", "pack", "box", "upload", "deps",
	                  "start", "health"], phases
	out = json.load(open(sys.argv[2]))
	assert lines[-1] == {"result": out, "code": 0}, lines[-1]
	assert out["name"] == sys.argv[3] and out["created"] is True
	assert len(out["release"]) == 64
	P
}

@test "deploy: a box full to the brim is said, and frees itself of the attempt" {
	[ "$(id -u)" = 0 ] || skip "not possible here: a disk of its own needs root"
	agent 1
	deploy
	timeout 60 bindu-exec "$NAME" -- sh -c 'head -c 100000 /dev/urandom >data'
	head -c 30000000 /dev/urandom >"$TREE/model"
	timeout 60 bindu-exec "$NAME" -- sh -c \
		'set -- $(df -Pk . | tail -n 1); fallocate -l $(($4 - 4000))K full || true'
	run --separate-stderr deploy
	[ "$status" = 74 ]
	echo "$stderr"
	[[ "$stderr" == *"space"* ]]
	[[ "$(ask)" == *'"v": "1"'* ]]
	timeout 20 bindu-exec "$NAME" -- rm full
	agent 2
	deploy
	[[ "$(ask)" == *'"v": "2"'* ]]
}

@test "deploy: killed at some moment, the next run ends right" {
	agent 1
	deploy
	for i in 1 2 3 4 5; do
		agent "k$i"
		timeout -s KILL "0.$((i * 2))" bindu-deploy -C "$TREE" \
			--name "$NAME" agent.py 2>/dev/null || true
	done
	again() { deploy; }
	eventually 20 again
	[[ "$(ask)" == *'"v": "k5"'* ]]
	one() {
		[ "$(timeout 30 bindu-exec "$NAME" -- sh -c \
			'pgrep -fc "[p]ython.* agent.py"')" = 1 ]
	}
	eventually 10 one
}

@test "deploy: the daemon killed in the middle; the second run succeeds" {
	agent 1
	{ echo 'import time; time.sleep(2)'; cat "$TREE/agent.py"; } >"$TREE/a" &&
		mv "$TREE/a" "$TREE/agent.py"
	deploy 2>"$TREE/../log" &
	pid=$!
	eventually 30 grep -q 'start pid' "$TREE/../log"
	kill_hard "$(timeout 30 bindu-boxd status --json | sed -n \
		's/.*"pid": *\([0-9]*\).*/\1/p')"
	rc=0
	wait $pid || rc=$?
	[ $rc != 0 ] || [[ "$(ask)" == *'"v": "1"'* ]]
	deploy
	[[ "$(ask)" == *'"v": "1"'* ]]
}

# bindu-upload and bindu-agent: the pipe, into a real box.
load helper

setup_file() {
	own_runtime
	timeout 280 bindu-box create -q --image debian:trixie up >/dev/null
}
teardown_file() {
	own_runtime
	end_runtime
}
setup() {
	own_home
	own_runtime
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE"
	echo 'print("one")' >"$TREE/agent.py"
}
in_box() {
	timeout 20 bindu-exec up -- sh -c "$1"
}
pipe() {
	timeout 60 bindu-pack -C "$TREE" | timeout 60 bindu-scrub |
		timeout 100 bindu-upload "$@"
}

@test "upload: a packed tree becomes the live one; its id is the manifest's digest" {
	want=$(timeout 30 bindu-pack -C "$TREE" --manifest - | sha256sum | cut -c 1-64)
	run --separate-stderr -0 pipe up
	[ "$output" = "$want" ]
	[ "$(in_box 'cat app/agent.py')" = 'print("one")' ]
}

@test "upload: the same again sends nothing, a change only itself" {
	pipe up
	run --separate-stderr -0 pipe --json up
	[[ "$output" == *'"unchanged":true'* ]]
	[[ "$output" == *'"sent_bytes":0'* ]]
	head -c 300000 /dev/urandom >"$TREE/data"
	pipe up
	echo 'print("two")' >"$TREE/agent.py"
	run --separate-stderr -0 pipe --json up
	sent=$(printf %s "$output" | sed 's/.*"sent_bytes":\([0-9]*\).*/\1/')
	[ "$sent" -lt 2000 ]
	[ "$(in_box 'cat app/agent.py')" = 'print("two")' ]
}

@test "upload: a pipe whose first program failed changes nothing, wherever it broke" {
	head -c 30000 /dev/zero >"$TREE/zz"
	pipe up
	timeout 30 bindu-pack -C "$TREE" >"$BATS_TEST_TMPDIR/whole.tar"
	# One member, two, no end mark, nothing at all.
	for n in 1024 1536 $(($(stat -c %s "$BATS_TEST_TMPDIR/whole.tar") - 1024)) 0; do
		head -c "$n" "$BATS_TEST_TMPDIR/whole.tar" >"$BATS_TEST_TMPDIR/cut.tar"
		run -65 timeout 20 bindu-upload up <"$BATS_TEST_TMPDIR/cut.tar"
		[[ "$output" == *"archive"* ]]
		run --separate-stderr -65 timeout 20 bindu-scrub <"$BATS_TEST_TMPDIR/cut.tar"
		[[ "$stderr" == *"archive"* ]]
	done
	[ "$(in_box 'cd app; ls agent.py zz')" = $'agent.py\nzz' ]
}

@test "upload: what the agent made stays, what is not shipped any more goes" {
	echo x >"$TREE/old"
	pipe up
	in_box 'mkdir -p app/.bindu; echo key >app/.bindu/private.pem; echo s >app/state.db'
	rm "$TREE/old"
	pipe up
	[ "$(in_box 'cat app/.bindu/private.pem app/state.db; ls app/old 2>&1 | grep -c No')" = "key
s
1" ]
}

@test "upload: another directory is another tree" {
	pipe up:site
	[ "$(in_box 'cat site/agent.py')" = 'print("one")' ]
	# One directory, however it is written.
	run pipe up:./site/
	[[ $output == *"upload unchanged"* ]]
}

@test "upload: a signal is answered while the archive is waited for" {
	mkfifo "$BATS_TEST_TMPDIR/slow"
	for sig in INT TERM; do
		(exec sleep 100 >"$BATS_TEST_TMPDIR/slow") 3>&- &
		writer=$!
		env --default-signal=INT,TERM timeout -s $sig 2 bindu-upload up \
			<"$BATS_TEST_TMPDIR/slow" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
		ended() { ! kill -0 $! 2>/dev/null; }
		eventually 30 ended
		grep -q interrupted "$BATS_TEST_TMPDIR/out"
		kill $writer
	done
}

@test "upload: no tar, no box, a name that leaves the tree: each said, nothing done" {
	before=$(in_box 'cat .bindu/trees/app/current')
	run -65 timeout 20 bindu-upload up <<<"this is no tar but some bytes of text"
	run -65 timeout 20 bindu-upload up </dev/null
	mkdir "$BATS_TEST_TMPDIR/empty"
	tar -cf "$BATS_TEST_TMPDIR/empty.tar" -C "$BATS_TEST_TMPDIR/empty" ./
	run -65 timeout 20 bindu-upload up <"$BATS_TEST_TMPDIR/empty.tar"
	[[ "$output" == *"no files"* ]]
	(cd "$TREE" && tar -Pcf "$BATS_TEST_TMPDIR/evil.tar" --transform \
		's,^agent,../../evil,' agent.py)
	run -65 timeout 20 bindu-upload up <"$BATS_TEST_TMPDIR/evil.tar"
	[[ "$output" == *"not a name inside"* ]]
	run -66 sh -c "timeout 60 bindu-pack -C '$TREE' | timeout 20 bindu-upload nobox"
	run -2 timeout 20 bindu-upload up: </dev/null
	for dir in ../x a/../../x . /tmp/x; do
		run -2 timeout 20 bindu-upload "up:$dir" <"$BATS_TEST_TMPDIR/evil.tar"
		[[ $output == *"does not lie below the home"* ]]
	done
	run -2 timeout 20 bindu-upload </dev/null
	[ "$(in_box 'cat .bindu/trees/app/current')" = "$before" ]
}

@test "upload: no place to hold the archive is said, with what names another" {
	tar -C "$REPO/examples/plain-agent" -cf "$BATS_TEST_TMPDIR/a.tar" .
	TMPDIR=$BATS_TEST_TMPDIR/none run --separate-stderr -66 timeout 20 \
		bindu-upload -q up <"$BATS_TEST_TMPDIR/a.tar"
	[[ $stderr == *"make a file in $BATS_TEST_TMPDIR/none (TMPDIR names another place): No such"* ]]
	needs_root ": a full file system"
	head -c 3000000 /dev/zero >"$BATS_TEST_TMPDIR/zero"
	tar -C "$BATS_TEST_TMPDIR" -cf "$BATS_TEST_TMPDIR/a.tar" zero
	mkdir "$BATS_TEST_TMPDIR/tiny"
	export TMPDIR=$BATS_TEST_TMPDIR/tiny
	run --separate-stderr -74 unshare -m sh -c 'mount -t tmpfs -o size=1m none "$TMPDIR" &&
		exec timeout 20 bindu-upload -q up <"$TMPDIR/../a.tar"'
	[[ $stderr == *"hold the archive's files in $TMPDIR (TMPDIR names another place): No space"* ]]
}

@test "upload: a link out of the archive is never written through" {
	mkdir "$BATS_TEST_TMPDIR/t"
	ln -s "$BATS_TEST_TMPDIR/victim" "$BATS_TEST_TMPDIR/t/d"
	mkdir "$BATS_TEST_TMPDIR/victim"
	tar -C "$BATS_TEST_TMPDIR/t" -cf "$BATS_TEST_TMPDIR/a.tar" d
	rm "$BATS_TEST_TMPDIR/t/d"
	mkdir "$BATS_TEST_TMPDIR/t/d"
	echo gotcha >"$BATS_TEST_TMPDIR/t/d/f"
	tar -C "$BATS_TEST_TMPDIR/t" -rf "$BATS_TEST_TMPDIR/a.tar" d/f
	run -65 timeout 20 bindu-upload up <"$BATS_TEST_TMPDIR/a.tar"
	[ -z "$(ls "$BATS_TEST_TMPDIR/victim")" ]
}

@test "upload: a suspended box is resumed, or refused with --no-resume" {
	can_suspend || skip "not possible here: suspend needs root"
	timeout 20 bindu-box suspend -q up
	run ! pipe --no-resume -w 2s up
	pipe up
}

@test "upload: ten thousand files, one changed: less than 2 KB go" {
	python3 - "$TREE" <<-'P'
	import os, random, sys
	r = random.Random(1)
	for i in range(100):
	    d = f"{sys.argv[1]}/d{i}"
	    os.makedirs(d)
	    for j in range(100):
	        open(f"{d}/f{j}.py", "w").write(f"x = {r.random()}\n" * 10)
	P
	pipe up
	python3 -c 'print("y = 12345\n" * 400)' >"$TREE/d7/f7.py"
	run --separate-stderr -0 pipe --json up
	sent=$(printf %s "$output" | sed 's/.*"sent_bytes":\([0-9]*\).*/\1/')
	echo "# sent $sent bytes" >&3
	[ "$sent" -lt 2048 ]
}

@test "agent: the pipe's other half: deps, start, health, restart, stop" {
	cat >"$TREE/agent.py" <<-'P'
	import os
	from http.server import HTTPServer, BaseHTTPRequestHandler
	class H(BaseHTTPRequestHandler):
	    def do_GET(self):
	        self.send_response(200)
	        self.end_headers()
	        self.wfile.write(os.environ["WORD"].encode())
	HTTPServer(("0.0.0.0", int(os.environ["BINDU_PORT"])), H).serve_forever()
	P
	pipe up
	run -0 --separate-stderr timeout 60 bindu-agent deps up agent.py
	[ "${lines[0]}" = skipped=1 ]
	run -0 --separate-stderr timeout 60 bindu-agent deps --json up agent.py
	[ "$(jq -c '[.skipped, .tool, (.python | startswith("/"))]' <<<"$output")" = '[true,"none",true]' ]
	run -0 --separate-stderr timeout 60 bindu-agent start -p 4001 -e WORD=hello up agent.py
	[ "${lines[0]}" = state=running ]
	timeout 60 bindu-health -q up
	url=$(timeout 30 bindu-box get -q --json up | sed -n 's/.*"local_url":"\([^"]*\)".*/\1/p')
	[ "$(timeout 30 curl -s "$url/")" = hello ]
	old=$(timeout 30 bindu-agent status up | sed -n 's/^pid=//p')
	run -0 --separate-stderr timeout 30 bindu-agent restart --json up
	[[ "$output" == *'"state":"running"'* ]]
	[ "$(timeout 30 bindu-agent status up | sed -n 's/^pid=//p')" != "$old" ]
	timeout 60 bindu-health -q up
	[ "$(timeout 30 curl -s "$url/")" = hello ]
	timeout 30 bindu-agent stop up
	run -1 timeout 30 bindu-agent status up
	[[ "$output" == *state=stopped* ]]
	timeout 30 bindu-agent restart -q up
	[ "$(timeout 30 curl -s "$url/")" = hello ]
	run -66 timeout 30 bindu-agent start up missing.py
	run -66 timeout 30 bindu-agent status nobox
}

@test "upload: odd archives of others: holes, ./, doubles, files below files, git's own" {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p o/.git o/a/empty
	echo x >o/.git/config
	echo 'print("odd")' >o/agent.py
	chmod +x o/agent.py
	truncate -s 300000 o/a/hole
	printf end >>o/a/hole
	truncate -s 400000 o/a/hole
	want=$(sha256sum <o/a/hole)
	tar -C o -Scf odd.tar .
	timeout 100 bindu-upload up:odd <odd.tar
	[ "$(in_box 'cd odd && find . ! -path "./.bindu*" ! -name . | sort && test -x agent.py && sha256sum <a/hole')" = "./a
./a/empty
./a/hole
./agent.py
$want" ]
	tar -C o -cf double.tar agent.py
	tar -C o -rf double.tar agent.py
	run -65 timeout 20 bindu-upload up <double.tar
	[[ "$output" == *"agent.py comes twice"* ]]
	tar -C o -cf below.tar --transform 's,^a/hole,agent.py/x,' agent.py a/hole
	run -65 timeout 20 bindu-upload up <below.tar
	[[ "$output" == *"agent.py/x goes through what is no directory"* ]]
	ln o/agent.py o/hard
	tar -C o -cf hard.tar agent.py hard
	run -65 timeout 20 bindu-upload up <hard.tar
	[[ "$output" == *"hard is a hard link"* ]]
}

# bindu-watch: ends when, and only when, what ships has changed.
load helper

setup() {
	own_home
	T=$BATS_TEST_TMPDIR/tree
	mkdir -p "$T/sub/deep"
	cd "$T" || return 1
	echo 1 >a.py
	echo 1 >sub/b.py
	echo 1 >sub/deep/c.py
	printf '%s\n' '*.log' 'build/' >.gitignore
	git init -q .
}

# watching COMMAND [OPTION...]: 0 when bindu-watch is ended by the command.
watching() {
	begin -t 30s "${@:2}"
	eval "$1"
	wait "$PID"
}
begin() { # begin OPTION...: it watches; PID
	rm -f "$BATS_TEST_TMPDIR/said"
	bindu-watch -v "$@" 2>"$BATS_TEST_TMPDIR/said" 3>&- &
	PID=$!
	eventually 30 grep -qs 'watching ' "$BATS_TEST_TMPDIR/said"
}

@test "watch: a changed, new, removed, renamed or executable file ends it" {
	watching 'echo 2 >a.py'
	watching 'echo 1 >new.py'
	watching 'rm new.py'
	watching 'mv sub/deep/c.py sub/deep/d.py'
	watching 'chmod +x a.py'
	watching 'echo 2 >.x; mv .x sub/b.py'
}

@test "watch: files in directories made after it began count" {
	watching 'mkdir -p n/m; sleep 0.3; echo 1 >n/m/x.py'
	watching 'mkdir -p o/p/q && echo 1 >o/p/q/x.py'
}

@test "watch: what does not ship, and equal content, does not count" {
	run -1 watching 'echo 1 >x.log; mkdir build; echo 1 >build/y; touch a.py; echo 1 >sub/b.py' -t 3s
	# An empty directory would, if it were seen.
	run -1 watching 'python3 -c "import os; os.mkdir(\"e\"); os.rmdir(\"e\")"' \
		-s 1s -t 5s
}

@test "watch: a change of the ignore rules counts by what it changes" {
	echo 1 >x.log
	watching 'echo >.gitignore'
}

@test "watch: a change before it began is told by the manifest" {
	timeout 60 bindu-pack -m - >"$BATS_TEST_TMPDIR/m"
	run -1 timeout 60 bindu-watch -m "$BATS_TEST_TMPDIR/m" -t 0.3s
	echo 2 >a.py
	run -0 timeout 60 bindu-watch -m "$BATS_TEST_TMPDIR/m" -t 30s
	# Links and pipes are files, too.
	timeout 60 bindu-pack -m - >"$BATS_TEST_TMPDIR/m"
	ln -s m "$BATS_TEST_TMPDIR/link"
	run -1 timeout 60 bindu-watch -m "$BATS_TEST_TMPDIR/link" -t 0.3s
	run -1 timeout 60 bindu-watch -m <(cat "$BATS_TEST_TMPDIR/m") -t 0.3s
}

@test "watch: a signal ends it with its number" {
	local rc=0
	begin
	kill -TERM "$PID"
	wait "$PID" || rc=$?
	[ "$rc" = 143 ]
}

@test "watch: a file that is written without end hides no change and no limit" {
	noise() { while :; do echo x >noise.log; done; }
	noise 3>&- &
	local noise=$!
	run -1 timeout 60 bindu-watch -t 1s
	run -0 watching 'echo 2 >a.py'
	kill $noise
}

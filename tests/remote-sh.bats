# receive.sh and deps.sh, as they run in a box: the same under dash, bash and busybox ash,
# here, with a directory as the box.
load helper
load remote-sh

setup() {
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE"
}

client() {
	timeout 60 "$REPO/tests/receive-client" "$SH" "$BOX" "$@"
}

same_tree() {
	diff -r --no-dereference "$TREE" "$BOX/app" "$@"
}

fill_tree() {
	rm -rf "$TREE"
	mkdir -p "$TREE/pkg/sub" "$TREE/emp ty"
	echo one >"$TREE/a.py"
	echo x >"$TREE/pkg/sp ace"
	echo y >"$TREE/pkg/it's"
	printf bs >"$TREE/pkg/back\\slash"
	echo d >"$TREE/-dash"
	echo u >"$TREE/été"
	echo z >"$TREE/pkg/sub/z"
	ln -s a.py "$TREE/link"
}

@test "scripts are clean by shellcheck" {
	timeout 60 shellcheck -s sh "$REPO"/share/remote/*.sh
}

whole_tree() {
	SH=$1
	fill_tree
	[[ "$(client put "$TREE")" == OK* ]]
	same_tree
	[ -d "$BOX/app/emp ty" ]
	echo half >"$BOX/.bindu/trees/app/in/note"
	[ "$(client put "$TREE")" = SAME ]
	[ ! -e "$BOX/.bindu/trees/app/in/note" ]
}
@test "receive: a tree with every kind of name arrives whole" {
	each_shell whole_tree
}

changes() {
	SH=$1
	fill_tree
	client put "$TREE"
	echo two >"$TREE/a.py"
	rm -r "$TREE/pkg/sub"
	mv "$TREE/pkg/it's" "$TREE/renamed"
	chmod +x "$TREE/-dash"
	rm "$TREE/link"
	mkdir "$TREE/link"
	echo in >"$TREE/link/x"
	[[ "$(client put "$TREE")" == OK* ]]
	same_tree
	[ -x "$BOX/app/-dash" ]
	rm -r "$TREE/link"
	echo f >"$TREE/link"
	[[ "$(client put "$TREE")" == OK* ]]
	same_tree
}
@test "receive: content, mode, name and type of files change" {
	each_shell changes
}

bytecode() {
	SH=$1
	rm -rf "$TREE"
	mkdir "$TREE"
	for n in 1 2 3; do
		echo "N = $n" >"$TREE/number.py"
		[[ "$(client put "$TREE")" == OK* ]]
		(cd "$BOX/app" && env -u PYTHONDONTWRITEBYTECODE python3 -c \
			'import number; print(number.N)') | grep -qx $n
	done
	[ -e "$BOX"/app/__pycache__/number.*.pyc ]
}
@test "receive: a module of the same size is new to Python, however soon it comes" {
	each_shell bytecode
}

agent_files() {
	SH=$1
	fill_tree
	client put "$TREE"
	mkdir -p "$BOX/app/.bindu" "$BOX/app/pkg/sub"
	echo key >"$BOX/app/.bindu/private.pem"
	echo db >"$BOX/app/pkg/sub/state.sqlite"
	rm -r "$TREE/pkg"
	echo two >"$TREE/a.py"
	[[ "$(client put "$TREE")" == OK* ]]
	grep key "$BOX/app/.bindu/private.pem"
	grep db "$BOX/app/pkg/sub/state.sqlite"
	[ ! -e "$BOX/app/pkg/sub/z" ]
}
@test "receive: files the agent made stay, wherever they are" {
	each_shell agent_files
}

in_the_way() {
	SH=$1
	fill_tree
	client put "$TREE"
	echo mine >"$BOX/app/new"
	echo theirs >"$TREE/new"
	run client put "$TREE"
	[[ "${lines[0]}" =~ ^OK\ [0-9a-f]{64}\ 1$ ]]
	grep theirs "$BOX/app/new"
	grep mine "$BOX"/.bindu/trees/app/displaced/*/new
	mkdir "$BOX/app/dir"
	echo mine >"$BOX/app/dir/file"
	echo file >"$TREE/dir"
	run client put "$TREE"
	[[ "${lines[0]}" == FAIL*"directory with files of the agent"* ]]
	grep mine "$BOX/app/dir/file"
	rm "$TREE/dir"
	echo later >"$TREE/a.py"
	[[ "$(client put "$TREE")" == OK* ]]
	rm -r "$BOX/app/dir"
	# A file where a directory goes, and a link to nowhere.
	echo mine >"$BOX/app/it's"
	ln -s nowhere "$BOX/app/two"
	mkdir -p "$TREE/it's/deep" "$TREE/two"
	echo 1 >"$TREE/it's/deep/f"
	echo 2 >"$TREE/two/f"
	run client put "$TREE"
	[[ "${lines[0]}" =~ ^OK\ [0-9a-f]{64}\ 2$ ]]
	same_tree
	grep mine "$BOX"/.bindu/trees/app/displaced/*/"it's"
	# What only the agent's empty directory makes not ours.
	mkdir "$BOX/app/two/empty"
	rm -r "$TREE/two"
	echo file >"$TREE/two"
	run client put "$TREE"
	[[ "${lines[0]}" == FAIL*"directory with files of the agent"* ]]
	rmdir "$BOX/app/two/empty"
	[[ "$(client put "$TREE")" == OK* ]]
	same_tree
}
@test "receive: a file of the agent in the way is moved aside, a directory stops it" {
	each_shell in_the_way
}

breaks() {
	SH=$1
	fill_tree
	client put "$TREE"
	head -c 100000 /dev/urandom >"$TREE/big"
	client put "$TREE" --cut 50000 || true
	[ ! -e "$BOX/app/big" ]
	run client put "$TREE"
	[ "${lines[0]}" = "RESUME 50000" ]
	[[ "${lines[1]}" == OK* ]]
	same_tree
	head -c 100000 /dev/urandom >"$TREE/big"
	run client put "$TREE" --flip 50000
	[[ "${lines[0]}" == "FAIL payload"* ]]
	run client put "$TREE"
	[[ "${lines[0]}" == OK* ]]
	same_tree
}
@test "receive: a cut upload goes on where it ended, a damaged one is refused" {
	each_shell breaks
}

# The journal exists from the moment the switch is decided: a run that dies
# between any two of its lines is finished by the next.
journal() {
	SH=$1
	local n lines new
	fill_tree
	client put "$TREE"
	echo two >"$TREE/a.py"
	rm -r "$TREE/pkg/sub"
	mkdir "$TREE/d1" "$TREE/d2"
	echo 1 >"$TREE/d1/f"
	echo 2 >"$TREE/d2/f"
	cp -a "$BOX" "$BOX.before"
	# A directory that cannot be written stops the switch in the middle.
	client put "$TREE"
	new=$(cat "$BOX/.bindu/trees/app/current")
	cp -a "$BOX" "$BOX.after"
	for n in 3 5 6 7 8 9; do
		rm -rf "$BOX"
		cp -a "$BOX.before" "$BOX"
		# Replay: the release is stored, its journal written, n lines run.
		S=$BOX/.bindu/trees/app
		cp -a "$BOX.after/.bindu/trees/app/releases/$new" "$S/releases/"
		mkdir "$S/stage"
		(cd "$TREE" && cp --parents -a a.py d1/f d2/f "$S/stage")
		{
			echo "# $new"
			echo 'bad=0'
			echo 'gone() { rm -f -- "$@"; }'
			echo "mkdir -p -- '$BOX/app'"
			echo "gone '$BOX/app/pkg/sub/z'"
			echo "rmdir -- '$BOX/app/pkg/sub' 2>/dev/null"
			echo "mkdir -p -- '$BOX/app/d1' '$BOX/app/d2'"
			echo "mv -f -- '$S/stage/a.py' '$BOX/app/'"
			echo "mv -f -- '$S/stage/d1/f' '$BOX/app/d1/'"
			echo "mv -f -- '$S/stage/d2/f' '$BOX/app/d2/'"
			echo 'exit $bad'
		} >"$S/apply"
		head -n "$n" "$S/apply" | sh
		script receive.sh app finish
		same_tree
		[ "$(cat "$S/current")" = "$new" ]
		[ ! -e "$S/apply" ]
	done
	rm -rf "$BOX.before" "$BOX.after"
}
@test "receive: a switch that was killed is finished by the next run" {
	each_shell journal
}

killed() {
	SH=$1
	local i rc
	fill_tree
	client put "$TREE"
	for i in 1 2 3 4 5 6 7 8; do
		head -c 20000 /dev/urandom >"$TREE/big"
		mkdir -p "$TREE/k$i"
		echo "$i" >"$TREE/k$i/f"
		(
			exec setsid timeout -s KILL "0.0$((i * 2))" \
				"$REPO/tests/receive-client" "$SH" "$BOX" put "$TREE"
		) >/dev/null 2>&1 || true
		eventually 10 client hello >/dev/null
		run client put "$TREE"
		[[ "$output" == *OK* || "$output" == SAME* ]]
		same_tree
	done
}
@test "receive: kill -9 at some moment, and the next run ends right" {
	each_shell killed
}

locking() {
	SH=$1
	fill_tree
	client put "$TREE"
	exec 7> >("$REPO/tests/receive-client" "$SH" "$BOX" hold \
		>"$BATS_TEST_TMPDIR/held")
	eventually 10 grep -q held "$BATS_TEST_TMPDIR/held"
	run client put "$TREE"
	[[ "${lines[0]}" == "BUSY process "*"a test"* ]]
	exec 7>&-
	eventually 10 client hello >/dev/null
	rm "$BATS_TEST_TMPDIR/held"
}
@test "receive: a second dialogue is told who is at work" {
	each_shell locking
}

releases() {
	SH=$1
	local i first
	fill_tree
	client put "$TREE"
	first=$(client hello | cut -d' ' -f3)
	echo two >"$TREE/a.py"
	client put "$TREE"
	[[ "$(client use "$first")" == "OK $first"* ]]
	grep one "$BOX/app/a.py"
	run client use 0000000000000000000000000000000000000000000000000000000000000000
	[[ "$output" == "FAIL no such release"* ]]
	for i in 1 2 3 4 5 6 7; do
		echo "v$i" >"$TREE/a.py"
		KEEP=3 client put "$TREE"
	done
	[ "$(ls "$BOX/.bindu/trees/app/releases" | wc -l)" = 3 ]
	# Of the packs what these three are made of: what the first one
	# brought, less its a.py, and that of each of them.
	swept() {
		[ "$(cd "$BOX/.bindu/trees/app/packs" && find . -name a.py | wc -l)" = 3 ] &&
			[ "$(ls "$BOX/.bindu/trees/app/packs" | wc -l)" = 4 ]
	}
	eventually 10 swept
	[[ "$(KEEP=3 client use "$first")" == "FAIL no such release"* ]]
	same_tree
}
@test "receive: releases are kept, gone back to, and pruned" {
	each_shell releases
}

served() {
	SH=$1
	local agent=$BOX/.bindu/agent first
	fill_tree
	KEEP=1 client put "$TREE"
	first=$(client hello | cut -d' ' -f3)
	mkdir -p "$agent/runs/7"
	echo 7 >"$agent/live"
	echo "$first" >"$agent/runs/7/release"
	echo two >"$TREE/a.py"
	KEEP=1 client put "$TREE"
	echo three >"$TREE/a.py"
	KEEP=1 client put "$TREE"
	[ "$(ls "$BOX/.bindu/trees/app/releases" | wc -l)" = 2 ]
	[[ "$(KEEP=1 client back "$first")" == "OK $first"* ]]
	[ "$(ls "$BOX/.bindu/trees/app/releases")" = "$first" ]
}
@test "receive: what the agent runs from is kept beside the newest" {
	each_shell served
}

modified() {
	SH=$1
	fill_tree
	client put "$TREE"
	first=$(client hello | cut -d' ' -f3)
	echo scribble >"$BOX/app/a.py"
	echo other >"$TREE/pkg/sub/z"
	client put "$TREE"
	client use "$first"
	[ "$(cat "$BOX/app/a.py")" = one ]
	script receive.sh app tree "$BOX/tree"
	diff -r --no-dereference "$BOX/tree" "$BOX/app"
}
@test "receive: an agent that writes into a shipped file leaves the release alone" {
	each_shell modified
}

edited() {
	SH=$1
	fill_tree
	mkdir -p "$TREE/d"
	echo run >"$TREE/d/run.sh"
	echo was >"$TREE/leaves"
	client put "$TREE"
	first=$(client hello | cut -d' ' -f3)
	[ "$(client hello | cut -d' ' -f6)" = 0 ]
	# The same size and second; a mode; a link; a name with all it may hold.
	printf two >"$BOX/app/a.py"
	chmod 755 "$BOX/app/d/run.sh"
	ln -sf b.py "$BOX/app/link"
	echo mine >"$BOX/app/leaves"
	rm "$BOX/app/pkg/it's"
	printf XX >"$BOX/app/pkg/back\\slash"
	# A touch alone changes nothing.
	touch "$BOX/app/pkg/sub/z"
	[ "$(client hello | cut -d' ' -f6)" = 6 ]
	rm "$TREE/leaves"
	run client put "$TREE"
	[ "$(grep -c '^EDITED' <<<"$output")" = 6 ]
	[[ "$output" == *"EDITED pkg/back\\slash"* ]]
	[[ "$output" == *"OK "* ]]
	same_tree
	S=$BOX/.bindu/trees/app
	[ "$(cat "$S/displaced/$first/a.py")" = two ]
	[ "$(cat "$S/displaced/$first/leaves")" = mine ]
	[ "$(client hello | cut -d' ' -f6)" = 0 ]
	# And with nothing new to bring.
	echo mine >"$BOX/app/a.py"
	id=$(client hello | cut -d' ' -f3)
	[[ "$(client use "$id")" == "EDITED a.py"*"OK $id"* ]]
	same_tree
}
@test "receive: files changed in the box are named, put right and kept aside" {
	each_shell edited
}

listing() {
	SH=$1
	local ids=() v
	for v in a b c; do
		rm -rf "$TREE" && mkdir "$TREE" && echo $v >"$TREE/f"
		client put "$TREE"
		ids+=("$(client hello | cut -d' ' -f3)")
	done
	way() { client hello | cut -d' ' -f7-; }
	A="${ids[0]}" B="${ids[1]}" C="${ids[2]}"
	[ "$(way)" = "$C? $B? $A? ." ]
	client note "commit=abc"
	# What was gone back from is not on the way back any more ...
	client back "$B"
	: >"$BOX/.bindu/trees/app/releases/$B/healthy"
	[ "$(way)" = "$B $A? . $C" ]
	# ... and is again when it was deployed again.
	client use "$A"
	[ "$(way)" = "$A? $B . $C" ]
	run script receive.sh app releases
	[ "$status" = 0 ]
	[ "$(grep ^release= <<<"$output")" = "release=$A
release=$B
release=$C" ]
	[ "${lines[3]}" = live=1 ]
	[ "${lines[2]}" = "by=a test" ]
	[[ "$output" == *"by=a test
commit=abc"* ]]
	# It waits for nobody.
	exec 7> >("$REPO/tests/receive-client" "$SH" "$BOX" hold \
		>"$BATS_TEST_TMPDIR/held")
	eventually 10 grep -q held "$BATS_TEST_TMPDIR/held"
	script receive.sh app releases
	exec 7>&-
	eventually 10 client hello >/dev/null
	rm "$BATS_TEST_TMPDIR/held"
}
@test "receive: the releases are listed with who, when and what was noted" {
	each_shell listing
}

plain() {
	SH=$1
	rm -rf "$TREE"
	mkdir -p "$TREE"
	echo 'print("hi")' >"$TREE/agent.py"
	printf '# nothing\n\n' >"$TREE/requirements.txt"
	client put "$TREE"
	run script deps.sh agent.py - '>=3.8,!=3.9.99' </dev/null
	[ "$status" = 0 ]
	[ "${lines[0]}" = skipped=1 ]
	[ "${lines[1]}" = tool=none ]
	run script deps.sh agent.py - '>=3.99' </dev/null
	[ "$status" = 69 ]
	[[ "$output" == *"wants Python >=3.99, the box has Python 3."* ]]
	[ ! -e "$BOX/.bindu/envs" ] || [ -z "$(ls "$BOX/.bindu/envs")" ]
}
@test "deps: nothing asked for, nothing installed; a Python too old is said so" {
	each_shell plain
}

# bindu-agent releases and rollback: what a box keeps, and the way back.
load helper
load deploying

ids() {
	timeout 20 bindu-agent releases --json "$NAME" |
		python3 -c 'import json,sys
for r in json.load(sys.stdin): print(r["release"], *(["*"] if r["live"] else []))'
}
commit() {
	git -C "$TREE" add -A
	git -C "$TREE" -c user.name=t -c user.email=t@t commit -qm "$1"
}

# The files of a release that is kept are spoiled in the box.
spoil() {
	timeout 30 bindu-exec "$NAME" -- sh -c \
		"cd .bindu/trees/app && n=\$(grep -n ' agent.py\$' releases/$1/manifest) &&
		p=\$(sed -n \${n%%:*}p releases/$1/packs) &&
		echo 'import no_such_module' >packs/\$p/agent.py"
}

@test "release: the list tells who, when, from which commit and how long it took" {
	git init -q "$TREE"
	agent 1
	commit one
	git -C "$TREE" tag v1
	deploy
	agent 2
	USER=ann deploy
	run --separate-stderr -0 timeout 20 bindu-agent releases "$NAME"
	[[ "${lines[0]}" == "  RELEASE"*"LIVE SINCE"*"BY"*"COMMIT"*"TOOK" ]]
	[[ "${lines[1]}" =~ ^"* "[0-9a-f]{12}"  "[0-9-]{10}" "[0-9:]{8}"  ann@".*" v1-dirty ".*" s: box".*upload.*deps.*start.*health ]]
	[[ "${lines[2]}" =~ ^"  "[0-9a-f]{12}.*" v1  " ]]
	timeout 20 bindu-agent releases --json "$NAME" >"$BATS_TEST_TMPDIR/out"
	python3 - "$BATS_TEST_TMPDIR/out" <<-'P'
	import json, sys, time
	new, old = json.load(open(sys.argv[1]))
	assert new["live"] and not old["live"]
	assert new["healthy"] and old["healthy"]
	assert new["script"] == "agent.py" and len(new["release"]) == 64
	assert old["commit"] == "v1" and new["by"].startswith("ann@")
	assert abs(new["time"] - time.time()) < 100
	assert set(new["ms"]) == {"box", "upload", "deps", "start", "health"}
	P
	run -66 timeout 20 bindu-agent releases nobox
}

@test "release: a tree that brings a git hook or monitor runs neither" {
	git init -q "$TREE"
	agent 1
	commit one
	printf '#!/bin/sh\ntouch %s\n' "$BATS_TEST_TMPDIR/ran" >"$BATS_TEST_TMPDIR/evil"
	chmod +x "$BATS_TEST_TMPDIR/evil"
	git -C "$TREE" config core.fsmonitor "$BATS_TEST_TMPDIR/evil"
	for h in post-index-change fsmonitor-watchman reference-transaction; do
		cp "$BATS_TEST_TMPDIR/evil" "$TREE/.git/hooks/$h"
	done
	deploy
	[[ "$(timeout 20 bindu-agent releases "$NAME")" =~ [0-9a-f]{12}.*[0-9a-f]{12} ]]
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "release: rollback goes to the one before, again further, by name anywhere" {
	for v in 1 2 3; do
		agent $v
		deploy -e SECRET=kept
	done
	set -- $(ids | cut -d' ' -f1)
	c=$1 b=$2 a=$3
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME"
	[ "$output" = "$b" ]
	[[ "$(ask)" == *'"v": "2"'*'"secret": "kept"'* ]]
	[ "$(ids | grep -F '*')" = "$b *" ]
	run --separate-stderr -0 timeout 60 bindu-agent rollback --json "$NAME"
	[ "$output" = "{\"release\":\"$a\",\"before\":\"$b\"}" ]
	[[ "$(ask)" == *'"v": "1"'* ]]
	run --separate-stderr -66 timeout 60 bindu-agent rollback "$NAME"
	[[ "$stderr" == *"no release from before the live one"* ]]
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME" "${c:0:7}"
	[[ "$(ask)" == *'"v": "3"'* ]]
	run -2 timeout 60 bindu-agent rollback "$NAME" "$c"
	[[ "$output" == *"is the live release"* ]]
	run -2 timeout 60 bindu-agent rollback "$NAME" ""
	run -66 timeout 60 bindu-agent rollback "$NAME" 0123456789
	agent 4
	deploy
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME"
	[[ "$(ask)" == *'"v": "3"'* ]]
	# What the agent wrote is there still.
	[ "$(timeout 30 bindu-exec "$NAME" -- cat app/visits)" = xxxxxxxx ]
}

@test "release: a rollback to what does not work ends where it began" {
	agent 1
	deploy
	first=$(ids | cut -d' ' -f1)
	agent 2
	deploy
	second=$(ids | head -n 1 | cut -d' ' -f1)
	spoil "$first"
	run --separate-stderr -1 timeout 60 bindu-agent rollback "$NAME"
	[[ "$stderr" == *"No module named 'no_such_module'"* ]]
	[[ "$stderr" == *"release ${second:0:12} still serves"* ]]
	[ "$(ids | grep -F '*')" = "$second *" ]
	[[ "$(ask)" == *'"v": "2"'* ]]
	# The release that failed is no way back for the next.
	agent 3
	deploy
	timeout 60 bindu-agent rollback -q "$NAME"
	[[ "$(ask)" == *'"v": "2"'* ]]
}

@test "release: where neither serves both are told, and a third can be named" {
	for v in 1 2 3; do
		agent $v
		# It cannot run beside itself.
		sed -i 's/int(os.environ\["BINDU_PORT"\])/3773/' "$TREE/agent.py"
		deploy
	done
	set -- $(ids | cut -d' ' -f1)
	spoil "$1"
	spoil "$2"
	run --separate-stderr -1 timeout 60 bindu-agent rollback "$NAME"
	echo "$stderr"
	[ -z "$output" ]
	[[ "$stderr" == *"release ${1:0:12} does not serve either: agent $NAME exited"* ]]
	[[ "$stderr" == *"agent $NAME exited with code 1"* ]]
	# What never was healthy is no way back.
	run --separate-stderr -0 timeout 60 bindu-agent rollback "$NAME" "$3"
	[[ "$(ask)" == *'"v": "1"'* ]]
	[ "$(ids | grep -F '*')" = "$3 *" ]
}

@test "release: a box that sleeps or is stopped is woken for it, one without an agent is told" {
	agent 1
	deploy
	agent 2
	deploy
	if can_suspend; then
		timeout 30 bindu-box suspend -q "$NAME"
		timeout 60 bindu-agent rollback -q "$NAME"
		[[ "$(ask)" == *'"v": "1"'* ]]
	fi
	other=$(ids | grep -vF '*')
	timeout 60 bindu-box stop -q "$NAME"
	timeout 60 bindu-agent rollback -q "$NAME" "$other"
	[ "$(ids | grep -F '*')" = "$other *" ]
	timeout 30 bindu-box create -q empty >/dev/null
	run --separate-stderr -0 timeout 20 bindu-agent releases empty
	[ "$output" = "  RELEASE  LIVE SINCE  BY  COMMIT  TOOK" ]
	run --separate-stderr -66 timeout 20 bindu-agent rollback empty
	[[ "$stderr" == *"empty keeps no release from before the live one"* ]]
	run --separate-stderr -66 timeout 20 bindu-agent rollback empty 0123
	timeout 30 bindu-box destroy -q --yes empty
}

@test "release: a red release is passed over by rollback" {
	agent 1
	deploy
	agent 2
	deploy
	echo 'import no_such_module' >"$TREE/agent.py"
	run -1 deploy
	[[ "$(ask)" == *'"v": "2"'* ]]
	timeout 60 bindu-agent rollback -q "$NAME"
	[[ "$(ask)" == *'"v": "1"'* ]]
}

@test "release: with --keep 1 a red release still leaves the one that served" {
	agent 1
	deploy --keep 1
	echo 'import no_such_module' >"$TREE/agent.py"
	run -1 deploy --keep 1
	[[ "$(ask)" == *'"v": "1"'* ]]
	[ "$(ids | wc -l)" = 1 ]
	# One that has to be stopped first, too.
	agent 2
	sed -i 's/os.environ\["BINDU_PORT"\]/3773/' "$TREE/agent.py"
	deploy --keep 1
	[ "$(ids | wc -l)" = 1 ]
	echo 'import no_such_module' >"$TREE/agent.py"
	run -1 deploy --keep 1
	[[ "$(ask)" == *'"v": "2"'* ]]
}

@test "release: --keep says how many stay" {
	for v in 1 2 3 4; do
		agent $v
		deploy --keep 2
	done
	[ "$(ids | wc -l)" = 2 ]
	run -2 deploy --keep 0
	run -2 deploy --keep 101
	agent 5
	timeout 20 bindu-pack -C "$TREE" | timeout 60 bindu-upload --keep 3 \
		--source "$TREE" "$NAME"
	[ "$(ids | wc -l)" = 3 ]
}

@test "release: a file changed in the box is named and put right, also when nothing else changed" {
	agent 1
	deploy
	timeout 30 bindu-exec "$NAME" -- sed -i 's/"v": "1"/"v": "x"/' app/agent.py
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"agent.py was changed in the box"* ]]
	[[ "$stderr" == *"start pid"* ]]
	[[ "$(ask)" == *'"v": "1"'* ]]
	timeout 30 bindu-exec "$NAME" -- sh -c \
		'grep -q "\"v\": \"x\"" .bindu/trees/app/displaced/*/agent.py'
	run --separate-stderr -0 deploy
	[[ "$stderr" == *"upload unchanged"* ]]
	[[ "$stderr" != *"changed in the box"* ]]
}

@test "release: keys, databases and logs survive redeploys, rollback, suspend and reboot" {
	agent 0
	deploy
	timeout 30 bindu-exec "$NAME" -- sh -c 'mkdir -p app/.bindu
		head -c 32 /dev/urandom >app/.bindu/private.pem
		python3 -c "import sqlite3
c = sqlite3.connect(\"app/state.sqlite\")
c.execute(\"create table t(x)\"); c.execute(\"insert into t values(7)\"); c.commit()"'
	kept() {
		timeout 20 bindu-exec "$NAME" -- sh -c 'cd app &&
			sha256sum .bindu/private.pem state.sqlite'
	}
	own=$(kept)
	for v in $(seq "${REDEPLOYS:-4}"); do
		agent "$v"
		BINDU_GRACE=0 deploy
		[ "$(kept)" = "$own" ]
	done
	timeout 60 bindu-agent rollback -q "$NAME"
	[ "$(kept)" = "$own" ]
	if can_suspend; then
		timeout 30 bindu-box suspend -q "$NAME"
		timeout 30 bindu-box resume -q "$NAME"
	fi
	[ "$(kept)" = "$own" ]
	timeout 60 bindu-box reboot -q "$NAME"
	timeout 60 bindu-box wait --up -q "$NAME"
	[ "$(kept)" = "$own" ]
	timeout 20 bindu-exec "$NAME" -- sh -c 'ls .bindu/agent/logs/agent.log*'
	deploy
	[ "$(kept)" = "$own" ]
}

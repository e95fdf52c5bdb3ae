# bindu.mk: composes the tools, does what changed and no more.
load helper
load making

@test "make: deploy runs the whole chain in order" {
	agent && project
	run_make deploy
	[ "$status" = 0 ]
	[ "$output" = "echo serving at http://echo.localhost:7373" ]
	[ "$(steps)" = "box get,box create,upload,agent deps,agent start,health," ]
	tar tf "$F/echo.tar" | grep -qx agent.py
	grep -qx result=ok .bindu/deploy/agent/status
}

@test "make: a second deploy with nothing changed asks and probes, no more" {
	agent && project
	timeout 60 make -s deploy
	calls >/dev/null
	run_make deploy
	[ "$output" = "echo serving at http://echo.localhost:7373, unchanged" ]
	[ "$(calls)" = "$(printf '%s\n' 'box get echo' 'agent status echo' 'health echo')" ]
}

@test "make: a changed file is shipped and started; the box is not made again" {
	agent && project
	timeout 60 make -s deploy
	calls >/dev/null
	echo 'x = 1' >>agent.py
	timeout 60 make -s deploy
	[ "$(steps)" = "box get,agent status,upload,agent deps,agent start,health," ]
	tar xOf "$F/echo.tar" agent.py | grep -q 'x = 1'
}

@test "make: touching files without changing them ships nothing" {
	agent && project
	timeout 60 make -s deploy
	calls >/dev/null
	touch agent.py requirements.txt
	timeout 60 make -s deploy
	! calls | grep -q upload || false
}

@test "make: a box that was destroyed, rolled back or whose agent died is found out" {
	agent && project
	timeout 60 make -s deploy
	rm "$F"/echo.*
	timeout 60 make -s deploy
	[ "$(cat .bindu/deploy/agent/box)" = "$(cat "$F/echo.id")" ]
	calls >/dev/null
	echo other >"$F/echo.running"
	timeout 60 make -s deploy
	calls | grep -q '^upload'
	[ "$(cut -d ' ' -f 1 .bindu/deploy/agent/uploaded)" = "$(cat "$F/echo.release")" ]
	rm "$F/echo.running"
	timeout 60 make -s deploy
	calls | grep -q '^agent start'
	[ -e "$F/echo.running" ]
}

@test "make: a suspended box is brought up" {
	agent && project
	timeout 60 make -s deploy
	timeout 60 make -s suspend
	[ "$(cat "$F/echo.status")" = suspended ]
	calls >/dev/null
	timeout 60 make -s deploy
	calls | grep -q '^box wait'
}

@test "make: a failing step stops, is named and noted, and the next run repeats it" {
	agent && project
	echo 75 >"$F/fail-upload"
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"bindu.mk: echo: upload failed with status 75"* ]]
	[ "$(head -n 3 .bindu/deploy/agent/status)" = "$(printf 'result=failed\nphase=upload\ncode=75')" ]
	! grep -q '^agent' "$F/calls" || false
	rm "$F/fail-upload"
	timeout 60 make -s deploy
	[ -z "$(ls .bindu/deploy/agent | grep -E '\.[0-9]+$')" ]
}

@test "make: the process may be as old as its start took" {
	agent && project
	sed -i 's/^start) /&sleep 3; /' "$F/part-agent"
	timeout 60 make -s deploy
	age=$(sed -n 's/^health .*--newer-than \([0-9]*\)s.*/\1/p' "$F/calls")
	[ "$age" -ge 5 ]
}

@test "make: an unhealthy agent is started again by the next run" {
	agent && project
	echo 1 >"$F/fail-health"
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"health failed with status 1"* ]]
	rm "$F/fail-health"
	calls >/dev/null
	timeout 60 make -s deploy
	[ "$(calls | grep -c '^agent start')" = 1 ]
}

@test "make: a release that is not healthy gives way to the one before" {
	agent && project
	timeout 60 make -s deploy
	good=$(cat "$F/echo.release")
	echo 'x = 1' >>agent.py
	timeout 60 make -s bindu-check
	sha256sum <.bindu/deploy/agent/src.tar | cut -c 1-64 >"$F/bad"
	calls >/dev/null
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"the release before serves"*"health failed with status 1"* ]]
	[ "$(cat "$F/echo.release")" = "$good" ]
	[ "$(steps)" = "box get,agent status,upload,agent deps,agent start,health,agent rollback," ]
	# Also when it does not start.
	mv "$F/bad" "$F/red"
	run_make deploy
	[[ $stderr == *"the release before serves"*"start failed with status 1"* ]]
	[ "$(steps)" = "box get,upload,agent deps,agent start,agent rollback," ]
	# Or what it needs is not to be had: the box's files are the old ones too.
	: >"$F/fail-deps"
	run_make deploy
	[[ $stderr == *"the release before serves"*"deps failed with status 1"* ]]
	[ "$(steps)" = "box get,upload,agent deps,agent rollback," ]
	[ "$(cat "$F/echo.release")" = "$good" ]
	rm "$F/fail-deps"
	mv "$F/red" "$F/bad"
	run_make deploy
	[ "$status" = 2 ]
	[ "$(cat "$F/echo.release")" = "$good" ]
	rm "$F/bad"
	run_make deploy
	[ "$status" = 0 ] && [ "$(cat "$F/echo.release")" != "$good" ]
}

@test "make: a secret stops the deploy before any box hears of it" {
	agent && project
	openssl genrsa -out notes.txt 1024 2>/dev/null
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *notes.txt*"scrub failed with status 1"* ]]
	[ ! -e .bindu/deploy/agent/src.tar ]
	! grep -q upload "$F/calls" || false
}

@test "make: a secret file that is left out is named once, in each deploy" {
	agent && project
	touch .env
	for goal in plan deploy deploy; do
		run_make $goal
		[ "$status" = 0 ]
		[ "$(grep -c '\.env is left out by name/' <<<"$stderr")" = 1 ]
	done
}

@test "make: no agent, no deploy" {
	project
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"discover failed with status 66"* ]]
	[ ! -s "$F/calls" ]
}

@test "make: the project's own rules of these names stay its own" {
	agent && project
	printf 'deploy:\n\t@echo mine\nstatus: ; @echo too\n' >>Makefile
	run_make deploy
	[ "$output" = mine ]
	[ -z "$stderr" ]
	run_make status
	[ "$output" = too ]
	project 'logs: ; @echo before'
	run_make logs
	[ "$output" = before ]
	[ -z "$stderr" ]
	project 'BINDU_ALIASES = no'
	run_make deploy
	[ "$status" = 2 ]
	run_make bindu-deploy
	[ "$status" = 0 ]
}

@test "make: a file or directory named deploy is not in the way" {
	agent && project
	mkdir deploy
	touch logs
	run_make deploy
	[ "$status" = 0 ]
	[[ $output == *serving* ]]
	timeout 10 make -s logs
	grep -q '^logs' "$F/calls"
}

@test "make: the default goal stays the project's, and including twice is once" {
	agent && project 'all: ; @echo all' 'include $(MK)'
	run_make
	[ "$output" = all ]
	[ -z "$stderr" ]
	{ echo 'include $(MK)'; echo 'mine: ; @echo mine'; } >Makefile
	run_make
	[ "$output" = mine ]
}

@test "make: including runs nothing and makes nothing" {
	agent && project 'all: ; @:'
	PATH=$F/none:/usr/bin:/bin run_make all
	[ "$status" = 0 ]
	[ ! -e .bindu ] && [ ! -e "$F/calls" ]
}

@test "make: -n tells the commands and does nothing" {
	agent && project
	run_make -n deploy
	[ "$status" = 0 ]
	[[ $output == *bindu-upload* ]]
	[ ! -e "$F/calls" ] && [ ! -e .bindu ]
}

@test "make: secrets pass by file or by name, never through make's variables" {
	agent && project 'BINDU_ENV_FILE = keys.env' 'BINDU_PASS = API_KEY'
	echo KEY=s3cret >keys.env
	API_KEY=alsosecret run_make V=1 deploy
	[ "$status" = 0 ]
	grep -q 'agent start .*--env-file keys.env .*--env API_KEY' "$F/calls"
	! printf '%s' "$output$stderr" | grep -q secret || false
	! grep -rq secret "$F/calls" .bindu || false
	calls >/dev/null
	sleep 0.02
	echo KEY=new >keys.env
	timeout 60 make -s deploy
	[ "$(calls | grep -cE '^(upload|agent start)')" = 1 ]
}

@test "make: settings reach the tools that take them" {
	agent && project 'BINDU_RUNTIME = local' 'BINDU_VCPU = 1' 'BINDU_VERSION = 2026.1' "BINDU_NAME = it's me" \
		'BINDU_HEALTH_TIMEOUT = 9s' 'BINDU_AUTO_SUSPEND = 60'
	run_make deploy
	[ "$status" = 0 ]
	grep -q '^box create --json --runtime local --vcpu 1 --auto-suspend 60 --port 3773 it-s-me$' "$F/calls"
	grep -q '^agent deps --runtime local --bindu-version 2026.1 -- it-s-me agent.py$' "$F/calls"
	grep -q '^health --runtime local --timeout 9s .*it-s-me$' "$F/calls"
}

@test "make: a missing file of secrets is found before anything is made or sent" {
	agent && project 'BINDU_ENV_FILE = secrets'
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"echo: cannot read secrets, which BINDU_ENV_FILE names: no such file; write it"* ]]
	[[ $stderr != *"No rule"* ]]
	grep -qx code=66 .bindu/deploy/agent/status
	run_make -j4 deploy
	[ "$status" = 2 ]
	[[ $stderr == *"env failed with status 66"* ]]
	[ ! -e "$F/calls" ]
	echo KEY=1 >secrets
	timeout 60 make -s deploy
	rm secrets
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"cannot read secrets"* ]]
	timeout 60 make -s destroy BINDU_YES=1
}

@test "make: a rule of the project makes the file of secrets, wherever it stands" {
	agent && project 'BINDU_ENV_FILE = secrets.env' '%.env: %.in ; cp $< $@'
	echo KEY=1 >secrets.in
	timeout 60 make -s deploy
	cmp secrets.in secrets.env
	calls >/dev/null
	sleep 0.02
	echo KEY=2 >secrets.in
	timeout 60 make -s deploy
	cmp secrets.in secrets.env
	[ "$(calls | grep -c '^agent start')" = 1 ]
	rm secrets.env
	project 'BINDU_ENV_FILE = secrets.env'
	echo 'secrets.env: ; echo KEY=3 >$@' >>Makefile
	run_make deploy
	[ "$status" = 0 ] && [ "$(cat secrets.env)" = KEY=3 ]
}

@test "make: a script whose name begins with a dash is no option" {
	agent -- && mv -- -- -a.py && project 'BINDU_SCRIPT = -a.py'
	run_make deploy
	[ "$status" = 0 ]
	grep -q 'agent deps .*-- echo -a.py$' "$F/calls"
	grep -q 'agent start .*-- echo -a.py$' "$F/calls"
}

@test "make: where nothing can be written it is said what helps" {
	agent && project
	: >no-dir
	run_make deploy BINDU_DIR=no-dir/deploy
	[ "$status" = 2 ]
	[[ $stderr == *"BINDU_DIR=DIR names another place"* ]]
	run_make deploy BINDU_DIR="$F/deploy"
	[ "$status" = 0 ]
	[ ! -e .bindu ]
	# Also where a deploy has written before.
	timeout 60 make -s deploy
	calls >/dev/null
	run --separate-stderr in_read_only make --no-print-directory deploy
	[ "$status" = 2 ]
	[[ $stderr == *"BINDU_DIR=DIR names another place"* ]]
	[ ! -e "$F/calls" ] || [ ! -s "$F/calls" ]
	run --separate-stderr in_read_only make deploy BINDU_DIR="$F/other"
	[ "$status" = 0 ]
}
# in_read_only COMMAND...: root writes whatever the modes say.
in_read_only() {
	if [ "$(id -u)" = 0 ]; then
		timeout 60 unshare --mount sh -c 'mount --bind . . &&
			mount -o remount,bind,ro . && cd "$PWD" && exec "$@"' sh "$@"
		return
	fi
	chmod -R a-w .
	timeout 60 "$@" && code=0 || code=$?
	chmod -R u+w .
	return $code
}

@test "make: a filter that ends early is what failed, not the packer before it" {
	agent && project
	head -c 3000000 /dev/zero >model
	TMPDIR=$F/none run_make deploy
	[[ $stderr == *"cannot make a file in $F/none"*"scrub failed with status 66"* ]]
}

@test "make: hooks run around a deploy that changes something, and only then" {
	agent && project 'BINDU_PRE_DEPLOY = echo pre $$BINDU_BOX >>$(F)/hooks' \
		'BINDU_POST_DEPLOY = echo post $$BINDU_URL >>$(F)/hooks'
	timeout 60 make -s deploy
	timeout 60 make -s deploy
	[ "$(cat "$F/hooks")" = "$(printf 'pre echo\npost http://echo.localhost:7373')" ]
	sed -i 's/^BINDU_PRE.*/BINDU_PRE_DEPLOY = exit 3/' Makefile
	echo 'x = 1' >>agent.py
	calls >/dev/null
	run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"pre-deploy failed with status 3"* ]]
	! calls | grep -q upload || false
}

@test "make: dev deploys again on each save, and lives through a bad one" {
	agent && project
	# A background job of a script ignores SIGINT.
	env --default-signal=INT timeout 100 make -s dev >"$F/out" 2>&1 3>&- &
	local pid=$!
	served() {	# served N: wait for the Nth deploy
		for _ in $(seq 300); do
			[ "$(grep -c serving "$F/out")" -lt "$1" ] || return 0
			sleep 0.1
		done
		cat "$F/out"
		return 1
	}
	served 1
	echo 'x = 1' >>agent.py
	served 2
	echo 'no agent' >agent.py
	eventually 30 grep -q 'discover failed' "$F/out"
	sleep 0.3
	[ "$(grep -c 'discover failed' "$F/out")" = 1 ]
	agent
	served 3
	kill -INT -- "-$pid" # as a terminal does
	wait "$pid" || true
	[ "$(grep -c '^upload' "$F/calls")" = 3 ]
}

@test "make: status of a box that is suspended, or whose agent is down, is no failure" {
	agent && project
	timeout 60 make -s deploy
	for code in 1 69; do
		echo "exit $code" >"$F/part-agent"
		run_make status
		[ "$status" = 0 ]
	done
	echo "exit 75" >"$F/part-agent"
	run_make status
	[ "$status" = 2 ]
}

@test "make: a shell without a terminal says what to do" {
	agent && project
	run_make shell </dev/null
	[ "$status" = 2 ] && [[ $stderr == *"run make without -j"* ]]
}

@test "make: how the last command of a shell ended is no failure of make's" {
	agent && project
	for row in 0:0 7:0 130:0 125:2 255:2; do
		echo "exit ${row%:*}" >"$F/part-shell"
		code=0
		timeout 20 script -qec "make -s shell" /dev/null </dev/null || code=$?
		[ $code = "${row#*:}" ]
	done
}

@test "make: destroy forgets the stamps, so that a deploy begins anew" {
	agent && project
	timeout 60 make -s deploy
	echo 2 >"$F/fail-box"
	run_make destroy
	[ "$status" = 2 ]
	[[ $stderr == *"without being asked: BINDU_YES=1"* ]]
	[ -e .bindu/deploy/agent/uploaded ]
	rm "$F/fail-box"
	timeout 60 make -s destroy BINDU_YES=1
	grep -q 'box destroy --yes' "$F/calls"
	[ ! -e .bindu/deploy/agent ]
	calls >/dev/null
	timeout 60 make -s deploy
	calls | grep -q '^box create'
}

@test "make: plan shows and changes nothing" {
	agent && project
	touch .env
	run_make plan
	[ "$status" = 0 ]
	[[ $output == *"name=echo"*"agent.py"*"a box echo would be made"* ]]
	[ "$(calls)" = "box get echo" ]
}

@test "make: stamps are ignored by git and never shipped" {
	agent && project
	git init -q .
	timeout 60 make -s deploy
	! git status --porcelain | grep -q bindu || false
	! tar tf "$F/echo.tar" | grep -q bindu/ || false
}

@test "make: a tree whose path has spaces and quotes" {
	mkdir "it's a tree" && cd "it's a tree"
	agent "my agent.py" && project "BINDU_SCRIPT = my agent.py"
	run_make deploy
	[ "$status" = 0 ]
	grep -q 'agent start .*echo my agent.py$' "$F/calls"
}

@test "make: the snippet without the tools says what to install" {
	cp "$REPO/examples/echo-agent/Makefile" .
	PATH=/usr/bin:/bin run_make deploy
	[ "$status" = 2 ]
	[[ $stderr == *"bindu.mk not found: install the bindu tools"* ]]
}

@test "make: the examples' Makefiles work in this repository" {
	for e in echo-agent plain-agent; do
		cp -r "$REPO/examples/$e" .
		rm -rf "$e/.bindu"
		run timeout 60 make -s -C "$e" BINDU_MK="$MK" deploy
		[ "$status" = 0 ]
		[[ $output == *"$e serving at"* ]]
		timeout 10 make -n -C "$REPO/examples/$e" deploy >/dev/null
	done
}

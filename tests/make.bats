# bindu.mk: composes the tools, does what changed and no more.
#
# discover, pack and scrub are the real ones; what would talk to a box is
# played by scripts that note each call and keep a box's state in a directory.
load helper

setup() {
	own_home
	T=$BATS_TEST_TMPDIR/project
	export F=$BATS_TEST_TMPDIR/fake	# the fake runtime's state and calls
	mkdir -p "$T" "$F/bin"
	fakes
	export PATH=$F/bin:$PATH BINDU_BINDIR=
	export MK=$REPO/mk/bindu.mk
	unset MAKEFLAGS MAKELEVEL
	cd "$T" || return 1
}

# Each tool: its words to $F/calls, then its part.
fakes() {
	local t
	for t in box upload agent health logs shell; do
		cat >"$F/bin/bindu-$t" <<-END
		#!/bin/sh
		echo "$t \$*" >>"$F/calls"
		[ ! -e "$F/fail-$t" ] || { echo "bindu-$t: told to" >&2; exit "\$(cat "$F/fail-$t")"; }
		for box; do :; done
		. "$F/part-$t"
		END
		chmod +x "$F/bin/bindu-$t"
	done
	cat >"$F/part-box" <<-'END'
	verb=$1
	case $verb in
	get) [ -e "$F/$box.id" ] || exit 66 ;;
	create) [ ! -e "$F/$box.id" ] || exit 73
		echo "vm-$box-$$" >"$F/$box.id"; echo running >"$F/$box.status" ;;
	wait|resume) echo running >"$F/$box.status" ;;
	suspend) echo suspended >"$F/$box.status" ;;
	destroy) rm -f "$F/$box".*; exit ;;
	esac
	printf '{"vm_id":"%s","name":"%s","status":"%s","url":"http://%s.localhost:7373","local_url":"http://127.0.0.1:1"}\n' \
		"$(cat "$F/$box.id")" "$box" "$(cat "$F/$box.status")" "$box"
	END
	cat >"$F/part-upload" <<-'END'
	cat >"$F/$box.tar"
	sha256sum <"$F/$box.tar" | cut -c 1-64 | tee "$F/$box.release"
	END
	# .release: its files; .running: of what its agent runs.
	cat >"$F/part-agent" <<-'END'
	verb=$1
	case $verb in
	start) box=$(for a; do echo "$a"; done | tail -n 2 | head -n 1)
		! cmp -s "$F/$box.release" "$F/red" || exit 1
		cp "$F/$box.release" "$F/$box.running" ;;
	rollback) box=$(for a; do echo "$a"; done | tail -n 2 | head -n 1)
		for id; do :; done
		echo "$id" | tee "$F/$box.release" >"$F/$box.running" ;;
	deps) exit 0 ;;
	esac
	printf '{"state":"running","release":"%s"}\n' \
		"$(cat "$F/$box.running" 2>/dev/null)"
	[ -e "$F/$box.running" ]
	END
	cat >"$F/part-health" <<-'END'
	[ "$(cat "$F/$box.running")" != "$(cat "$F/bad" 2>/dev/null)" ] || exit 1
	END
	: >"$F/part-logs"; : >"$F/part-shell"
}

# project [LINE...]: a Makefile with the lines and the include.
project() {
	{ printf '%s\n' "$@"; echo 'include $(MK)'; } >Makefile
	touch requirements.txt
}

agent() {
	write "${1:-agent.py}" <<-END
	from bindu.penguin.bindufy import bindufy
	bindufy({"name": "${2:-echo}"}, print)
	END
}

calls() {	# the calls since last asked, without options' values
	touch "$F/calls"
	sed 's/ --[^ ]*//g' "$F/calls"
	: >"$F/calls"
}

steps() {	# the same, tool and verb only, in a line
	calls | sed -E 's/^(box|agent) ([a-z]+).*/\1 \2/; s/^(upload|health) .*/\1/' | tr '\n' ,
}

run_make() { run --separate-stderr timeout 60 make --no-print-directory "$@"; }

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
	! calls | grep -q upload
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
	! grep -q '^agent' "$F/calls"
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
	mv "$F/red" "$F/bad"
	run_make deploy
	[ "$status" = 2 ] && [ "$(cat "$F/echo.release")" = "$good" ]
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
	! grep -q upload "$F/calls"
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
	[ "$output" = mine ] && [ -z "$stderr" ]
	run_make status
	[ "$output" = too ]
	project 'logs: ; @echo before'
	run_make logs
	[ "$output" = before ] && [ -z "$stderr" ]
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
	[ "$status" = 0 ] && [[ $output == *serving* ]]
	timeout 10 make -s logs
	grep -q '^logs' "$F/calls"
}

@test "make: the default goal stays the project's, and including twice is once" {
	agent && project 'all: ; @echo all' 'include $(MK)'
	run_make
	[ "$output" = all ] && [ -z "$stderr" ]
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

@test "make: two agents in one Makefile, in their own directories, with -j" {
	agent web/agent.py web-agent && touch web/requirements.txt
	agent job/agent.py job-agent && touch job/requirements.txt
	project 'BINDU_AGENTS = web job' 'BINDU_MEMORY_web = 1G'
	run_make -j4 deploy
	[ "$status" = 0 ]
	[ "$(printf '%s\n' "${lines[@]}" | sort | cut -d ' ' -f 1 | tr '\n' ' ')" = "job-agent web-agent " ]
	grep -q 'box create .*--memory 1G .*web-agent' "$F/calls"
	! grep 'box create .*job-agent' "$F/calls" | grep -q memory
	[ -e "$F/web-agent.running" ] && [ -e "$F/job-agent.running" ]
	timeout 20 make -s status-web | grep -q web-agent
	run_make logs
	[ "$status" = 2 ] && [[ $stderr == *"make logs-web logs-job"* || $stderr == *"make bindu-logs-web bindu-logs-job"* ]]
}

# in_order WORDS...: make WORDS deploys two agents, each by its whole chain,
# each step once; a second time only asks and probes.
in_order() {
	local a
	rm -rf .bindu "$F"/*-agent.* "$F/calls"
	run_make "$@"
	[ "$status" = 0 ] || { echo "make $*: $output $stderr"; return 1; }
	cp "$F/calls" "$F/all"
	for a in web-agent job-agent; do
		grep -w "$a" "$F/all" >"$F/calls"
		[ "$(steps)" = "box get,box create,upload,agent deps,agent start,health," ] ||
			{ echo "make $*: $a:"; cat "$F/all"; return 1; }
	done
	run_make "$@"
	[ "$status" = 0 ]
	[ "$(steps | tr , '\n' | sort | uniq -c | tr -s ' \n' ' ')" = " 2 agent status 2 box get 2 health " ]
}

@test "make: the chain holds in whatever order goals and prerequisites are taken" {
	agent web/agent.py web-agent && touch web/requirements.txt
	agent job/agent.py job-agent && touch job/requirements.txt
	project 'BINDU_AGENTS = web job'
	local deploys='bindu-deploy-web bindu-deploy-job' steps= s a
	for s in started deps uploaded box src.tar manifest agent; do
		for a in web job; do steps="$steps .bindu/deploy/$a/$s"; done
	done
	for s in -j1 -j4; do
		in_order $s $steps $deploys
		in_order $s $(echo $steps | tac -s ' ') $deploys
		in_order $s $deploys $steps
		in_order $s $(echo $deploys | tac -s ' ')
	done
	# Each rule's prerequisites the other way round, as --shuffle=reverse.
	MK=$F/reversed.mk
	awk '/^\$\(_bindu_dirs:.*: %/ && NF > 2 && !/[|]/ {
		head = $0; sub(/: %\/[a-z.]*: .*/, "", head)
		rest = substr($0, length(head) + 3); n = split(rest, w, " ")
		line = head ": " w[1]
		for (; n > 1; n--) line = line " " w[n]
		print line; next } {print}' "$REPO/mk/bindu.mk" >"$MK"
	[ "$(diff "$REPO/mk/bindu.mk" "$MK" | grep -c '^>.*: %/')" -ge 5 ]
	for s in -j1 -j4; do in_order $s deploy; done
	MK=$REPO/mk/bindu.mk
	# GNU make 4.4 can do it itself.
	! make --help | grep -q -e --shuffle ||
		for s in reverse 1 2 3 4 5; do in_order -j4 --shuffle=$s deploy; done
}

@test "make: two scripts of one tree" {
	agent a.py one
	agent b.py two
	project 'BINDU_AGENTS = a b' 'BINDU_SCRIPT_a = a.py' 'BINDU_SCRIPT_b = b.py'
	run_make -j2 deploy
	[ "$status" = 0 ]
	grep -q 'agent start .*one a.py' "$F/calls"
	grep -q 'agent start .*two b.py' "$F/calls"
}

@test "make: one agent that fails does not keep the other from its deploy" {
	agent web/agent.py web-agent && touch web/requirements.txt
	mkdir -p job && touch job/requirements.txt
	project 'BINDU_AGENTS = job web'
	run_make deploy
	[ "$status" = 2 ]
	[[ $output == *"web-agent serving"* ]]
	[[ $stderr == *"job: discover failed"* ]]
	# The last lines say how each did, with -j too.
	for j in -j1 -j4; do
		run_make $j deploy
		[ "$status" = 2 ]
		sums=$(grep -E '^bindu.mk: (job: FAILED, discover, status [0-9]+|web: ok, http.*)$' <<<"$stderr")
		[ "$(wc -l <<<"$sums")" = 2 ]
	done
}

@test "make: secrets pass by file or by name, never through make's variables" {
	agent && project 'BINDU_ENV_FILE = keys.env' 'BINDU_PASS = API_KEY'
	echo KEY=s3cret >keys.env
	API_KEY=alsosecret run_make V=1 deploy
	[ "$status" = 0 ]
	grep -q 'agent start .*--env-file keys.env .*--env API_KEY' "$F/calls"
	! printf '%s' "$output$stderr" | grep -q secret
	! grep -rq secret "$F/calls" .bindu
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
	grep -q '^agent deps --runtime local --bindu-version 2026.1 it-s-me agent.py$' "$F/calls"
	grep -q '^health --runtime local --timeout 9s .*it-s-me$' "$F/calls"
}

@test "make: an environment has a box and stamps of its own" {
	agent && project
	timeout 60 make -s deploy
	timeout 60 make -s deploy BINDU_ENV=staging
	[ -e "$F/echo.running" ] && [ -e "$F/echo-staging.running" ]
	[ -e .bindu/deploy/agent@staging/uploaded ]
}

@test "make: a preview is made and destroyed by its number" {
	agent && project
	run_make preview PR=12
	[ "$status" = 0 ] && [ "$output" = "echo-pr-12 serving at http://echo-pr-12.localhost:7373" ]
	[ ! -e "$F/echo.id" ]
	timeout 60 make -s preview-destroy PR=12
	[ ! -e "$F/echo-pr-12.id" ]
	run_make preview
	[ "$status" = 2 ] && [[ $stderr == *"PR=12"* ]]
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
	[ "$status" = 2 ] && [[ $stderr == *"pre-deploy failed with status 3"* ]]
	! calls | grep -q upload
}

@test "make: dev deploys again on each save, and lives through a bad one" {
	agent && project
	timeout 60 make -s dev >"$F/out" 2>&1 &
	local pid=$!
	served() {	# served N: wait for the Nth deploy
		for _ in $(seq 100); do
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
	for _ in $(seq 50); do ! grep -q 'discover failed' "$F/out" || break; sleep 0.1; done
	sleep 0.3
	[ "$(grep -c 'discover failed' "$F/out")" = 1 ]
	agent
	served 3
	kill -INT "$(pgrep -x make -P "$pid")"
	wait "$pid" || true
	[ "$(grep -c '^upload' "$F/calls")" = 3 ]
}

@test "make: a shell without a terminal says what to do" {
	agent && project
	run_make shell </dev/null
	[ "$status" = 2 ] && [[ $stderr == *"run make without -j"* ]]
}

@test "make: destroy forgets the stamps, so that a deploy begins anew" {
	agent && project
	timeout 60 make -s deploy
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
	! git status --porcelain | grep -q bindu
	! tar tf "$F/echo.tar" | grep -q bindu/
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
		[ "$status" = 0 ] && [[ $output == *"$e serving at"* ]]
		timeout 10 make -n -C "$REPO/examples/$e" deploy >/dev/null
	done
}

# bindu.mk: several agents, several environments, each with a state of its own.
load helper
load making

@test "make: two agents in one Makefile, in their own directories, with -j" {
	agent web/agent.py web-agent && touch web/requirements.txt
	agent job/agent.py job-agent && touch job/requirements.txt
	project 'BINDU_AGENTS = web job' 'BINDU_MEMORY_web = 1G'
	run_make -j4 deploy
	[ "$status" = 0 ]
	[ "$(printf '%s\n' "${lines[@]}" | sort | cut -d ' ' -f 1 | tr '\n' ' ')" = "job-agent web-agent " ]
	grep -q 'box create .*--memory 1G .*web-agent' "$F/calls"
	! grep 'box create .*job-agent' "$F/calls" | grep -q memory || false
	[ -e "$F/web-agent.running" ]
	[ -e "$F/job-agent.running" ]
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

@test "make: an environment has a box and stamps of its own" {
	agent && project
	timeout 60 make -s deploy
	timeout 60 make -s deploy BINDU_ENV=staging
	[ -e "$F/echo.running" ]
	[ -e "$F/echo-staging.running" ]
	[ -e .bindu/deploy/agent@staging/uploaded ]
}

@test "make: an environment whose name is no part of a box's is refused" {
	agent && project
	for name in 'a b' 'x;y' 'x/y' "x'y" 'x#y' 'x$$(id)' 'x\y'; do
		run_make deploy BINDU_ENV="$name"
		[ "$status" = 2 ]
		[[ $stderr == *"take letters, digits and - only"* ]]
	done
	[ ! -e "$F/calls" ]
}

@test "make: a preview is made and destroyed by its number" {
	agent && project
	run_make preview PR=12
	[ "$status" = 0 ]
	[ "$output" = "echo-pr-12 serving at http://echo-pr-12.localhost:7373" ]
	[ ! -e "$F/echo.id" ]
	timeout 60 make -s preview-destroy PR=12
	[ ! -e "$F/echo-pr-12.id" ]
	# Gone already, by whatever hand: that is what was asked for.
	echo 66 >"$F/fail-box"
	timeout 60 make -s preview-destroy PR=12
	rm "$F/fail-box"
	[ ! -e .bindu/deploy/agent@pr-12 ]
	run_make preview
	[ "$status" = 2 ] && [[ $stderr == *"PR=12"* ]]
}

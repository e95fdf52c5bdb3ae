# bindu.mk with the real tools against the local runtime.
load helper

setup_file() {
	own_runtime
}

teardown_file() {
	timeout 60 bindu-boxd stop || true
}

setup() {
	own_home
	own_runtime
	T=$BATS_FILE_TMPDIR/plain-agent
	[ -d "$T" ] || cp -r "$REPO/examples/plain-agent" "$T"
	rm -rf "$T/.bindu.none"
	export BINDU_MK=$REPO/mk/bindu.mk BINDU_BINDIR=
	unset MAKEFLAGS MAKELEVEL
	cd "$T" || return 1
}

deploy() { run --separate-stderr timeout 280 make --no-print-directory deploy "$@"; }
value() { sed -n "s/^$1=//p" .bindu/deploy/agent/status; }
health() { timeout 20 curl -fsS --max-time 10 "$(timeout 20 bindu-box get --json plain-agent |
	sed -n 's/.*"local_url":"\([^"]*\)".*/\1/p')/health"; }

@test "make local: deploys an agent and proves it healthy" {
	deploy
	echo "$stderr"
	[ "$status" = 0 ]
	[[ $output == "plain-agent serving at http://plain-agent.localhost:"* ]]
	health | grep -q '"version": "1"'
}

@test "make local: a second deploy leaves the running process alone" {
	before=$(timeout 20 bindu-agent status --json plain-agent | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')
	deploy
	[ "$status" = 0 ]
	[[ $output == *", unchanged" ]]
	[[ $stderr != *upload* ]]
	[ "$(timeout 20 bindu-agent status --json plain-agent | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')" = "$before" ]
}

@test "make local: bindu-deploy after it leaves the running process alone, too" {
	pid() { timeout 20 bindu-agent status --json plain-agent | sed -n 's/.*"pid":\([0-9]*\).*/\1/p'; }
	before=$(pid)
	run --separate-stderr -0 timeout 120 bindu-deploy --name plain-agent server.py
	[[ $stderr == *"upload unchanged"* && $stderr != *" start pid"* ]]
	[ "$(pid)" = "$before" ]
	# Other variables are another wish, and the same ones again are not.
	printf 'A=1\n' >../env
	run --separate-stderr -0 timeout 120 bindu-deploy --name plain-agent --env-file ../env server.py
	[[ $stderr == *" start pid"* ]]
	deploy BINDU_ENV_FILE=../env
	[ "$status" = 0 ]
	before=$(pid)
	run --separate-stderr -0 timeout 120 bindu-deploy --name plain-agent --env-file ../env server.py
	[ "$(pid)" = "$before" ]
	deploy
	[ "$status" = 0 ]
}

@test "make local: a changed line is served, and what the agent wrote stays" {
	timeout 20 bindu-exec plain-agent -- sh -c 'echo keep >/home/boxd/app/own.db'
	sed -i 's/^VERSION = .*/VERSION = "2"/' server.py
	deploy
	[ "$status" = 0 ]
	health | grep -q '"version": "2"'
	[ "$(timeout 20 bindu-exec plain-agent -- cat /home/boxd/app/own.db)" = keep ]
}

@test "make local: an agent killed in its box is started again by a deploy" {
	timeout 20 bindu-agent stop plain-agent
	deploy
	[ "$status" = 0 ]
	health | grep -q '"version": "2"'
}

@test "make local: a box destroyed behind make's back is made anew" {
	timeout 60 bindu-box destroy --yes plain-agent
	deploy
	[ "$status" = 0 ]
	health | grep -q '"version": "2"'
}

@test "make local: an agent that crashes fails the deploy soon, the cause is shown" {
	cp server.py good.txt
	echo 'raise SystemExit("no such luck")' >server.py
	start=$(date +%s)
	pid() { timeout 20 bindu-agent status --json plain-agent | sed -n 's/.*"pid":\([0-9]*\).*/\1/p'; }
	before=$(pid)
	deploy
	echo "$stderr"
	[ "$status" = 2 ]
	[ $(($(date +%s) - start)) -lt 30 ]
	[[ $stderr == *"no such luck"* ]]
	# Which of the two sees it first depends on how fast Python starts.
	[ "$(value result)" = failed ]
	[[ $(value phase) == @(start|health) ]]
	# It never ended, and its files are the live ones again.
	[[ $stderr == *" still serves"*"the release before serves"* ]]
	[ "$(pid)" = "$before" ]
	timeout 20 bindu-exec plain-agent -- grep -q '^VERSION = "2"' app/server.py
	health | grep -q '"version": "2"'
	cp good.txt server.py
	deploy
	[ "$status" = 0 ]
}

@test "make local: destroy leaves nothing" {
	timeout 60 make --no-print-directory destroy BINDU_YES=1
	run timeout 20 bindu-box get plain-agent
	[ "$status" = 66 ]
	[ ! -e .bindu/deploy/agent ]
}

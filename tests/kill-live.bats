# agent.sh killed at each step of the way from one run to the next, here, with a
# directory as the box: the agent serves on, and the next run ends right.  Some
# of the steps at a time; all with KILL_ALL=1, as make fuzz-kill does.
load helper
load remote-sh

setup() {
	BOX=$BATS_TEST_TMPDIR/box
	LIB=$BATS_TEST_TMPDIR/lib
	mkdir -p "$BOX/app"
	cp -r "$REPO/share/remote" "$LIB"
	# No other process has this name.
	NAME=ok$BATS_TEST_NUMBER$$.py
	base=$((20000 + RANDOM % 10000))
}
teardown() {
	agent stop 0
}
answering() { # answering PORT
	serving "$1" >"$BOX/app/$NAME"
}
agent() {
	HOME=$BOX timeout 60 sh "${AGENT:-$REPO/share/remote/agent.sh}" "$@" 3>&-
}
last() {
	cat "$BOX/.bindu/agent/last"
}
deploy() {
	agent start "$NAME" $base http://x - </dev/null >/dev/null
	[[ "$(agent ready "$(last)" 20000)" == ready=1* ]]
	agent live "$(last)" 0
}
one() {
	[ "$(ls "$BOX/.bindu/agent/runs")" = "$(last)" ] &&
		[ "$(pgrep -fc "^[^ ]*python[^ ]* $NAME")" = 1 ]
}
# right: the next run is the agent, healthy, and alone.
right() {
	deploy
	[ "$(field state)$(field healthy)$(field run)" = "running1$(last)" ]
	eventually 10 one || { ls "$BOX/.bindu/agent/runs"; pgrep -fa "$NAME"; false; }
	[ ! -e "$BOX/.bindu/agent/before" ]
}
# steps FUNCTION...: the lines before which each of them can be cut off.
steps() {
	local f
	for f; do
		awk -v f="$f() {" '$0 == f { on = 1; last = ""; next }
			on && $0 == "}" { exit }
			on { if (/^\t[^\t}]/ && !/^\t(fi|done|then|else|elif|esac)/ &&
				last !~ /(\\|\||&&|\(|{)$/) print NR
				last = $0 }' "$REPO/share/remote/agent.sh"
	done | if [ -n "${KILL_ALL:-}" ]; then cat; else shuf -n 2; fi
}
# cut_at LINE: $LIB/agent.sh, which ends before that line as if killed.
cut_at() {
	sed "$1i kill -9 \$\$" "$REPO/share/remote/agent.sh" >"$LIB/agent.sh"
	sh -n "$LIB/agent.sh"
	echo "# cut before line $1: $(sed -n "$1p" "$REPO/share/remote/agent.sh")"
}

@test "kill: on the way from ready to live, at each step of it" {
	answering 'int(os.environ["BINDU_PORT"])'
	deploy
	for line in $(steps live let_others_go let_go show_log); do
		cut_at "$line"
		agent start "$NAME" $base http://x - </dev/null >/dev/null
		agent ready "$(last)" 20000 >/dev/null
		AGENT=$LIB/agent.sh run agent live "$(last)" 0
		[ "$(field state)" = running ]
		right
	done
}

@test "kill: on the way from stopped to started, of an agent with a fixed port" {
	answering $((base + 500))
	deploy
	for line in $(steps take_over end_run); do
		cut_at "$line"
		AGENT=$LIB/agent.sh run agent start "$NAME" $base http://x - \
			</dev/null
		right
	done
}

@test "kill: the supervisor or the agent of either run, between ready and live" {
	answering 'int(os.environ["BINDU_PORT"])'
	deploy
	for who in old new; do
		for what in supervisor pid; do
			echo "# $what of the $who run"
			was=$(last)
			agent start "$NAME" $base http://x - </dev/null >/dev/null
			agent ready "$(last)" 20000 >/dev/null
			[ $who = old ] || was=$(last)
			kill -9 "$(cut -d ' ' -f 1 "$BOX/.bindu/agent/runs/$was/$what")"
			agent live "$(last)" 0
			right
		done
	done
}

@test "kill: a supervisor at each step of its beginning" {
	answering 'int(os.environ["BINDU_PORT"])'
	deploy
	for line in $(steps supervise run_once); do
		cut_at "$line"
		AGENT=$LIB/agent.sh agent start "$NAME" $base http://x - \
			</dev/null >/dev/null
		# The client sees that it does not get there, or not that.
		[[ "$(agent ready "$(last)" 1000)" == ready=1* ]] || agent drop "$(last)"
		[ "$(field state)" = running ]
		# What ends is that supervisor, also cut off; the next one sees.
		deploy
		right
	done
}

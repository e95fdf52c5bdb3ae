# receive.sh killed before each line of it, of store.sh, of switch.sh and of the
# journal: the tree is the old release or is made the new one by the next run,
# what the agent made is as it was, nothing is left.  Some of the lines at a
# time; all with KILL_ALL=1, as make fuzz-kill does.
load helper
load remote-sh

setup() {
	BOX=$BATS_TEST_TMPDIR/box
	LIB=$BATS_TEST_TMPDIR/lib
	TREE=$BATS_TEST_TMPDIR/tree
	S=$BOX/.bindu/trees/app
	cp -r "$REPO/share/remote" "$LIB"
	mkdir -p "$TREE/d/gone" "$TREE/leaves" "$BOX/app/d/gone"
	echo same >"$TREE/same"
	echo old >"$TREE/changes"
	echo old >"$TREE/edited"
	echo moved >"$TREE/d/from"
	echo x >"$TREE/mode"
	echo f >"$TREE/d/gone/f"
	echo d >"$TREE/leaves/d"
	echo file >"$TREE/type"
	ln -s same "$TREE/link"
	put "$TREE"
	OLD=$(cat "$S/current")
	cp -a "$TREE" "$TREE.old"
	echo new >"$TREE/changes"
	mv "$TREE/d/from" "$TREE/to"
	chmod +x "$TREE/mode"
	rm -r "$TREE/d/gone" "$TREE/leaves" "$TREE/type"
	mkdir "$TREE/type"
	echo in >"$TREE/type/f"
	ln -sf changes "$TREE/link"
	echo theirs >"$TREE/stands"
	NEW=$("$REPO/tests/receive-client" id "$TREE")
	echo key >"$BOX/app/key"
	echo db >"$BOX/app/d/gone/db"
	echo mine >"$BOX/app/stands"
	echo mine >"$BOX/app/edited"
	cp -a "$BOX" "$BOX.before"
}

put() {
	KEEP=1 timeout 60 "$REPO/tests/receive-client" dash "$BOX" put "$@"
}
same_tree() { # same_tree TREE: with the agent's files, it is the live one
	diff -r --no-dereference -x key -x db -x gone "$1" "$BOX/app" &&
		[ "$(cat "$BOX/app/key" "$BOX/app/d/gone/db")" = "key
db" ]
}
# killed FILE [SED-SCRIPT]: put by $LIB, with FILE of it edited to kill all of
# the run at one place; then as it should.
killed() {
	rm -rf "$BOX"
	cp -a "$BOX.before" "$BOX"
	sed "$2" "$REPO/share/remote/$1" >"$LIB/$1"
	sh -n "$LIB/$1"
	RECEIVE=$LIB/receive.sh setsid -w "$REPO/tests/receive-client" dash "$BOX" \
		put "$TREE" >/dev/null 2>&1 3>&- || :
	cp "$REPO/share/remote/$1" "$LIB/$1"
	right
}
right() {
	local n
	case $(cat "$S/current") in
	"$NEW") ;;
	"$OLD") [ -e "$S/apply" ] || unchanged ;;
	*) false ;;
	esac
	run put "$TREE"
	echo "$output"
	[[ "$output" == *OK* || "$output" == *SAME* ]]
	same_tree "$TREE"
	[ "$(cat "$S/current")" = "$NEW" ]
	[ "$(cat "$S/displaced/$NEW/stands" "$S"/displaced/*/edited)" = "mine
mine" ]
	# The one after that, and nothing is there twice.
	echo last >"$TREE/changes"
	put "$TREE"
	echo new >"$TREE/changes"
	[ "$(ls "$S/releases")" = "$(cat "$S/current")" ]
	swept() {
		n=$(grep -c ' [fl] ' "$S/releases/$(cat "$S/current")/manifest")
		[ "$(find "$S/packs" ! -type d | wc -l)" = "$n" ]
	}
	eventually 10 swept
	[ -z "$(ls -A "$S/in")$(ls -d "$S"/stage "$S"/moves "$S"/apply* \
		"$S"/owner "$S"/releases/.t.* 2>/dev/null)" ]
}
# The live tree before anything was decided.
unchanged() {
	[ "$(cat "$BOX/app/changes" "$BOX/app/type" "$BOX/app/d/from" \
		"$BOX/app/stands")" = "old
file
moved
mine" ]
}
# lines FILE: those before which it can be cut off: commands of its functions
# that are no awk.
lines() {
	awk '/^\t*#/ { next }
		/^[a-z_]+\(\) \{/ { on = 1; last = ""; next }
		/^}/ { on = 0 }
		on && !quoted && /^\t+[a-z:\[{(.]/ &&
			!/^\t+(fi|done|then|else|elif|esac|[a-zA-Z0-9*| -]+\))/ &&
			last !~ /(\\|\||&&)$/ { print NR }
		(quoted || /awk/) && gsub("\047", "&") % 2 { quoted = !quoted }
		{ last = $0 }' "$REPO/share/remote/$1" | some
}
some() {
	if [ -n "${KILL_ALL:-}" ]; then cat; else shuf -n 4; fi
}
each_line() {
	local n
	for n in $(lines "$1"); do
		echo "# $1:$n $(sed -n "${n}p" "$REPO/share/remote/$1")"
		killed "$1" "${n}i kill -9 0"
	done
}

@test "kill: the receiver, before any line of its dialogue" {
	each_line receive.sh
}
@test "kill: the receiver, while it keeps a release" {
	each_line store.sh
}
@test "kill: the receiver, while it makes a release the live one" {
	each_line switch.sh
}
@test "kill: the journal, between any two lines of it" {
	local n
	for n in $(seq 20 | some); do
		echo "# line $n"
		killed switch.sh "s|(\. \./apply)|(sed '${n}i kill -9 0' apply >in/x; . ./in/x)|"
	done
}

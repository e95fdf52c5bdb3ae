# making.bash - for files that run make with bindu.mk.
#
# discover, pack and scrub are the real ones; what would talk to a box is
# played by scripts that note each call and keep a box's state in a directory.

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
	deps) [ ! -e "$F/fail-deps" ]; exit ;;
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

# make install and uninstall: what they lay down works where it lies, and goes.
load helper

setup_file() {
	# -o all: what is built is what is installed, whatever flags built it.
	lay() {
		make -C "$REPO" --no-print-directory -o all PREFIX=/usr/local \
			VARIANT="$(basename "$BINDU_BUILD")" "$@"
	}
	export -f lay
	export ROOT=$BATS_FILE_TMPDIR/root
	(umask 077 && timeout 60 bash -c 'lay DESTDIR="$ROOT" install')
	# The tree it came from is not looked at again.
	export THERE=$BATS_FILE_TMPDIR/there
	cp -r "$ROOT/usr/local" "$THERE"
}

@test "install: everybody may read and run it, whatever the umask" {
	[ -z "$(find "$ROOT/usr" -type f ! -perm -444)" ]
	[ -z "$(find "$ROOT/usr/local"/{bin,libexec} -type f ! -perm -555)" ]
}

# Also where nothing is installed: in a checkout of a root whose umask is 077.
@test "build: the root of a box, another user, may run boxd-init" {
	local out=$BATS_TEST_TMPDIR/build
	(umask 077 && timeout 120 make -C "$REPO" --no-print-directory \
		BUILD="$out" "$out/libexec/boxd-init")
	[ -z "$(find "$out/libexec/boxd-init" ! -perm -555)" ]
}

@test "install: each program of the build runs from there" {
	for p in "$BINDU_BUILD"/bin/*; do
		run -0 timeout 10 "$THERE/bin/$(basename "$p")" -V
		[[ $output == bindu-*" "[0-9]* ]]
	done
}

@test "install: the tools find their own share and libexec there" {
	[ "$(realpath "$("$THERE/bin/bindu-discover" --mk)")" = "$THERE/share/bindu/bindu.mk" ]
	own_runtime "$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")"
	PATH=$THERE/bin:$PATH run timeout 60 bindu-boxd doctor
	[[ $output == *"boxes "* && $output != *"$BINDU_BUILD"* ]]
}

@test "install: the AppArmor profile is for the boxd-monitor there, in any path" {
	local odd=$BATS_TEST_TMPDIR/'a b*[c]"{^}'
	cp -r "$THERE" "$odd"
	run -0 timeout 10 "$odd/bin/bindu-boxd" apparmor
	[[ $output == *'profile bindu-boxd "/'*'/a b\*\[c\]\"\{\^\}/libexec/bindu/boxd-monitor" flags=(unconfined) {'*$'\n  userns,\n'* ]]
	# Debian 13's parser knows such rules.
	if [ -e /etc/apparmor.d/abi/4.0 ]; then
		PATH=$PATH:/usr/sbin apparmor_parser -QKT <<<"$output"
	fi
}

@test "install: an agent's three-line Makefile works with what is there" {
	cp "$REPO"/examples/plain-agent/* "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	echo '$(info from $(BINDU_MK))' >>Makefile
	PATH=$THERE/bin:/usr/bin:/bin run -0 timeout 60 make -n plan
	[[ $output == *"from $THERE/"*/bindu.mk* ]]
}

@test "install: it may lie in a directory whose name has blanks" {
	at=$BATS_TEST_TMPDIR/"my own  tools"
	cp -r "$THERE" "$at"
	cp -r "$REPO/examples/plain-agent" "$BATS_TEST_TMPDIR/agent"
	cd "$BATS_TEST_TMPDIR/agent"
	PATH=$at/bin:/usr/bin:/bin run -0 timeout 60 make bindu-check
	[ -s .bindu/deploy/agent/src.tar ]
	own_runtime "$(mktemp -d "$BATS_TEST_TMPDIR/XXXXXX")"
	PATH=$at/bin:$PATH run timeout 60 bindu-boxd doctor
	[[ $output == *"boxes "* ]]
}

@test "install: pkg-config's file names the installed bindu.mk and version" {
	pc=$ROOT/usr/local/share/pkgconfig/bindu.pc
	version=$("$THERE/bin/bindu-discover" -V)
	grep -qx "Version: ${version##* }" "$pc"
	mk=$(sed -n 's/^mk=//p' "$pc")
	prefix=$(sed -n 's/^prefix=//p' "$pc")
	[ -f "$ROOT${mk/'${prefix}'/$prefix}" ]
}

@test "install: there is a man page for each program" {
	for p in "$THERE"/bin/*; do
		ls "$THERE"/share/man/man?/"$(basename "$p")".?
	done
}

@test "uninstall: nothing that install made is left, nothing else goes" {
	echo kept >"$ROOT/usr/local/share/another"
	timeout 60 bash -c 'lay DESTDIR="$ROOT" uninstall'
	[ "$(find "$ROOT" | LC_ALL=C sort)" = "$(printf "$ROOT%s\n" "" /usr \
		/usr/local /usr/local/share /usr/local/share/another)" ]
}

@test "uninstall: an empty directory that was there stays, also after two installs" {
	export AT="$BATS_TEST_TMPDIR/a place"
	mkdir -p "$AT/share/man" "$AT/bin"
	for _ in 1 2; do timeout 60 bash -c 'lay PREFIX="$AT" install'; done
	"$AT/bin/bindu-discover" -V
	timeout 60 bash -c 'lay PREFIX="$AT" uninstall'
	[ "$(cd "$AT" && find . | LC_ALL=C sort | tr '\n' ' ')" = ". ./bin ./share ./share/man " ]
}

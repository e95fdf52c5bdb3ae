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

@test "install: an agent's three-line Makefile works with what is there" {
	cp "$REPO"/examples/plain-agent/* "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	echo '$(info from $(BINDU_MK))' >>Makefile
	PATH=$THERE/bin:/usr/bin:/bin run -0 timeout 60 make -n plan
	[[ $output == *"from $THERE/"*/bindu.mk* ]]
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

@test "uninstall: no file is left" {
	echo kept >"$ROOT/usr/local/share/another"
	timeout 60 bash -c 'lay DESTDIR="$ROOT" uninstall'
	[ "$(find "$ROOT" ! -type d)" = "$ROOT/usr/local/share/another" ]
	[ ! -e "$ROOT/usr/local/share/bindu" ]
	[ ! -e "$ROOT/usr/local/libexec/bindu" ]
}

# A box that is told to run a script whose interpreter is /proc/self/exe gets
# hold of the monitor's own program.  It must not be a file that a box could
# write: on kernels that let running programs be written (6.11, 6.12) the
# user's boxes would own the monitor.
load boxd-hub

teardown() {
	end_hub
	end_user
}

# Wait for the next process that runs the monitor's program and keep that
# open; then try to write to it.  One line: what it is, and how that went.
thief='
while [ ! -e /tmp/stop ]; do
	n=$(sh -c "echo \$\$")
	i=0
	while [ $i -lt 400 ]; do
		i=$((i + 1)); k=$n
		while [ $k -lt $((n + 6)) ]; do
			k=$((k + 1))
			command exec 3</proc/$k/exe || continue
			l=$(readlink /proc/$$/fd/3)
			case $l in *boxd-monitor*)
				sleep 0.3
				command exec 4>>/proc/self/fd/3 && echo evil >&4 &&
					echo "$l: written" && exit
				echo "$l: refused"
				exit ;;
			esac
			break
		done
	done
done 2>/dev/null'

# steal USER: the thief on one side, scripts for the monitor on the other
steal() {
	local end thief_pid
	in_box one 'rm -f /tmp/stop; printf "#!/proc/self/exe\n" >/tmp/x; chmod 755 /tmp/x'
	# Not what the one before has stolen.
	: >"$BATS_TEST_TMPDIR/stolen"
	in_box one "$thief" "$1" >"$BATS_TEST_TMPDIR/stolen" 3>&- &
	thief_pid=$!
	# One try in forty is met; fewer where others use the machine.
	end=$((SECONDS + 120))
	while [ ! -s "$BATS_TEST_TMPDIR/stolen" ] && [ $SECONDS -lt $end ]; do
		wire "$STATE/boxes/one/monitor.sock" --exec \
			"{\"argv\":[\"/tmp/x\"],\"user\":\"$1\",\"cwd\":\"/\"}" \
			</dev/null >/dev/null 2>&1 || true
	done
	in_box one 'touch /tmp/stop'
	wait $thief_pid
	cat "$BATS_TEST_TMPDIR/stolen"
}

check() {
	local program=${HUB_PROGRAMS:-$BINDU_BUILD}/libexec/boxd-monitor sum
	sum=$(sha256sum <"$program")
	busybox_image
	start_hub
	start_box one 2
	for user in boxd root; do
		run -0 steal $user
		[ "$output" = "/memfd:boxd-monitor (deleted): refused" ]
	done
	[ "$(sha256sum <"$program")" = "$sum" ]
	# Not only because it runs: nobody may write it, ever.
	python3 - "$HUB" <<-'P'
	import fcntl, os, sys
	fd = os.open("/proc/%s/exe" % sys.argv[1], os.O_RDONLY)
	want = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK
	assert fcntl.fcntl(fd, fcntl.F_GET_SEALS) & want == want
	P
}

@test "own program: a box of root cannot write the monitor it is made to run" {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root"
	new_state
	check
}

@test "own program: a box of an ordinary user cannot either" {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root to make a user"
	as_user
	chown -R "$HUB_USER:" "$HUB_PROGRAMS"
	new_state
	check
}

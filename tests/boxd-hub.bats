# boxd-monitor hub: starts once, says what it can do, outlives and is outlived.
load boxd-hub

setup() {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root"
}
teardown() {
	local state=${STATE:-/nowhere}
	end_servers
	end_hub
	! mountpoint -q "$state" || umount -l "$state"
	end_user
}

@test "hub: it answers a ping with abilities, and each no has reason and cure" {
	start_hub
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field rootful <<<"$output")" = true ]
	for name in boxes limits suspend network disk host_image debian_image; do
		[ "$(field abilities $name <<<"$output")" = true ] || {
			why=$(field abilities why $name <<<"$output")
			[ ${#why} -gt 20 ]
		}
	done
	[[ $(field default_image <<<"$output") =~ ^(host|debian:[a-z]+)$ ]]
}

@test "hub: a second one for the same state is exit 73 and disturbs nothing" {
	start_hub
	run -73 timeout 10 "$BINDU_BUILD/libexec/boxd-monitor" hub "$STATE"
	[[ $output == *"another hub serves $STATE"* ]]
	wire "$STATE/hub.sock" '{"op":"ping"}'
}

@test "hub: only its owner may open the socket" {
	start_hub
	[ "$(stat -c %a "$STATE/hub.sock")" = 600 ]
}

@test "hub: stop leaves no process, mount or cgroup" {
	start_hub
	[ -n "$(pgrep -f "slirp4netns.* $HUB ")" ]
	stop_hub
	eventually 5 eval "! pgrep -f 'slirp4netns.* $HUB ' >/dev/null"
	[ -z "$(leftovers)" ]
	! [ -e "$STATE/hub.sock" ] || false
}

@test "hub: a request it does not know, or none, is a clear no" {
	start_hub
	run wire "$STATE/hub.sock" '{"op":"dance"}'
	[[ $output == *"the hub has no request dance"* ]]
	run wire "$STATE/hub.sock" '{}'
	[[ $output == *'"ok": false'* ]]
	wire "$STATE/hub.sock" '{"op":"ping"}'
}

@test "hub: ids and directories that are not a box's own are refused" {
	start_hub
	for id in .. a/b -x '' .hidden; do
		run wire "$STATE/hub.sock" "{\"op\":\"remove\",\"id\":\"$id\",
			\"dir\":\"$STATE/boxes/$id\"}"
		[[ $output == *"not a box's id"* ]]
	done
	run wire "$STATE/hub.sock" '{"op":"remove","id":"a","dir":"/etc"}'
	[[ $output == *"must be $STATE/boxes/a"* ]]
}

@test "hub: fifty silent connections do not keep it from answering" {
	start_hub
	python3 - "$STATE/hub.sock" <<'P'
import json, socket, sys
def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(60)
    s.connect(sys.argv[1])
    return s
silent = [connect() for _ in range(50)]
s = connect()
s.send(b'{"op":"ping"}')
assert json.loads(s.recv(1 << 16))["ok"]
P
}

@test "hub: killed with a box running, the box keeps its network; the next hub joins it" {
	start_hub
	start_box one 2
	kill_hard "$HUB"
	[ "$(in_box one 'echo alive')" = alive ]
	old=$HUB
	sleep 0.3
	pgrep -f "slirp4netns.* $old " >/dev/null
	start_hub
	[ "$HUB" != "$old" ]
	start_box two 3
	[ "$(in_box two 'echo alive')" = alive ]
	# One bridge for both.
	[ "$(in_hub ip -o link show master br0 | wc -l)" = 2 ]
	stop_box one
	stop_box two
	stop_hub
	eventually 5 eval "! pgrep -f 'slirp4netns.* $old ' >/dev/null"
	[ -z "$(leftovers)" ]
}

relays() { # of this hub, not the one named
	pgrep -f "slirp4netns.* $HUB tap0" | grep -vx "${1:-none}"
}
online() { # has the box a way out again?
	in_hub ip -o addr show dev tap0 | grep -q 'inet 10\.0\.2' &&
		[ "$(in_box one "python3 -c '$reach' 198.51.100.2 18431")" = peer ]
}

@test "hub: a relay that is killed comes back, and lives as long as the boxes" {
	local before
	start_peer
	serve 198.51.100.2 18431 peer nsenter --target "$PEER" --net
	start_hub
	start_box one 2
	eventually 10 online
	for _ in 1 2; do
		before=$(relays)
		kill -9 "$before"
		eventually 10 relays "$before"
		eventually 10 online
	done
	[ "$(relays | wc -l)" = 1 ]
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field abilities network <<<"$output")" = true ]
	before=$(relays)
	# As it was with the first: it outlives the hub, but not the box.
	kill_hard "$HUB"
	sleep 0.3
	kill -0 "$before"
	# The next hub notices too, though it is no relay of its own.
	start_hub
	kill -9 "$before"
	eventually 10 relays "$before"
	eventually 10 online
	before=$(relays)
	kill_hard "$HUB"
	stop_box one
	eventually 10 eval "! kill -0 $before 2>/dev/null"
	end_peer
	rm -rf --one-file-system "$STATE"
	unset STATE
}

@test "hub: a relay that never lives is given up, and that is said" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\n[ -e %s ] && exit 1\nexec %s "$@"\n' "$BATS_TEST_TMPDIR/broken" \
		"$(command -v slirp4netns)" >"$BATS_TEST_TMPDIR/bin/slirp4netns"
	chmod +x "$BATS_TEST_TMPDIR/bin/slirp4netns"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH start_hub
	touch "$BATS_TEST_TMPDIR/broken"
	kill -9 "$(relays)"
	given_up() {
		[[ $(wire "$STATE/hub.sock" '{"op":"ping"}' |
			field abilities why network) == *"again and again"* ]]
	}
	eventually 30 given_up
}

# A host full of other things; the log of the hub is elsewhere.
@test "hub: what a disk lost on a full host is never taken for whole" {
	local img
	new_state
	img=$STATE/boxes/poor/disk.img
	mount -t tmpfs -o size=40m,mode=700 small "$STATE"
	ln -s "$BATS_TEST_TMPDIR/hub.log" "$STATE/hub.log"
	start_hub
	start_box poor 2 '"disk_bytes":1073741824'
	in_box poor 'cd /root; mkdir d; for i in $(seq 200); do echo $i >d/$i; done
		head -c 100000000 /dev/zero >big; mkdir e
		for i in $(seq 300); do echo $i >e/$i; done; sync' || true
	stop_box poor
	[ "$(stat -c %a "$img")" = 400 ]
	grep -qF "disk $img: what was written last is lost" "$STATE/hub.log"
	mount -o remount,size=200m "$STATE"
	# Repaired, or else the cure is said, and cures it.
	run start_box poor 2 '"disk_bytes":1073741824'
	if [ "$status" != 0 ]; then
		[[ $output == *"is damaged, and some of it may be lost; repair what is left with e2fsck -f -y $img"* ]]
		e2fsck -f -y "$img" || [ $? = 1 ]
		start_box poor 2 '"disk_bytes":1073741824'
	fi
	stop_box poor
	[ "$(stat -c %a "$img")" = 600 ]
	e2fsck -f -n "$img"
	stop_hub
	eventually 20 umount "$STATE"
	rmdir "$STATE"
	unset STATE
}

@test "hub: the relay ends with the last box when no hub is left" {
	start_hub
	start_box one 2
	kill_hard "$HUB"
	stop_box one
	eventually 5 eval "! pgrep -f 'slirp4netns.* $HUB ' >/dev/null"
	HUB=$BASHPID
	rm -rf --one-file-system "$STATE"
	unset STATE
}

@test "hub: the host's new addresses are refused as soon as they are there" {
	start_hub
	ip addr add 198.51.100.77/32 dev lo
	run eventually 3 eval "in_hub nft list set ip boxd own | grep -qF 198.51.100.77"
	ip addr del 198.51.100.77/32 dev lo
	[ "$status" = 0 ]
	eventually 3 eval "! in_hub nft list set ip boxd own | grep -qF 198.51.100.77"
}

@test "hub: without slirp4netns boxes start with lo only, and why is said" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	# A relay that fails is found by name before the real one.
	printf '#!/bin/sh\necho broken >&2\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/slirp4netns"
	chmod +x "$BATS_TEST_TMPDIR/bin/slirp4netns"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH start_hub
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field abilities network <<<"$output")" = false ]
	[[ $(field abilities why network <<<"$output") == *slirp4netns* ]]
	start_box one 2
	[ "$(in_box one 'ls /sys/class/net')" = lo ]
	[ "$(in_box one 'cat /proc/net/route | wc -l')" = 1 ]
}

@test "hub: bindu-boxd doctor says all of it, and nothing else" {
	new_state
	run --separate-stderr timeout 60 bindu-boxd doctor --state "$STATE"
	[ "$status" -le 1 ] # 1: something is missing here
	for name in boxes limits suspend network disk host_image debian_image; do
		[[ $output =~ (^|$'\n')"$name "+(yes|no: ..) ]]
	done
	[ "${#lines[@]}" = 7 ]
	[[ $stderr != *slirp* && $stderr != *MTU* ]]
}

@test "hub: limits are there when one can be set, not when it looks so" {
	# As in a container: the groups can be made, but obey nothing.
	deaf_pids() {
		unshare --mount sh -c 'mount -t tmpfs t /sys/fs/cgroup/pids &&
			mount -t tmpfs t /sys/fs/cgroup/freezer && exec "$@"' sh "$@"
	}
	deaf_v2() { # the controllers are listed only
		unshare --mount --propagation private sh -c '
			umount -R /sys/fs/cgroup && mount -t cgroup2 c /sys/fs/cgroup &&
			mount --bind "$0" /sys/fs/cgroup/cgroup.controllers && exec "$@"' \
			"$BATS_TEST_TMPDIR/all" "$@"
	}
	echo cpu memory pids >"$BATS_TEST_TMPDIR/all"
	[ -d /sys/fs/cgroup/pids ] || skip "not possible here: no cgroup v1"
	for how in deaf_pids deaf_v2; do
		start_hub $how
		run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
		[[ $(field abilities why limits <<<"$output") == "no limits: cannot set "*" of a new cgroup: "*"; "* ]]
		[ $how != deaf_pids ] ||
			[[ $(field abilities why suspend <<<"$output") == "no suspend: cannot set "* ]]
		[ -z "$(find /sys/fs/cgroup -maxdepth 3 -name "boxd-$(tag)*")" ]
		end_hub
	done
}

@test "hub: without crun or mmdebstrap it says what to install" {
	# Programs are looked for in the system's directories too: hide those.
	hidden() {
		unshare --mount sh -c 'for f in /usr/bin/crun /usr/bin/mmdebstrap; do
			mount --bind /dev/null $f; done; exec "$@"' sh "$@"
	}
	start_hub hidden
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[[ $(field abilities why boxes <<<"$output") == *"apt-get install crun"* ]]
	[[ $(field abilities why debian_image <<<"$output") == *"apt-get install mmdebstrap"* ]]
}

@test "hub: a boxd-init that a box's root may not run is told, with the cure" {
	HUB_PROGRAMS=$BATS_TEST_TMPDIR/p
	mkdir "$HUB_PROGRAMS"
	cp -r "$BINDU_BUILD/libexec" "$HUB_PROGRAMS"
	chmod 700 "$HUB_PROGRAMS/libexec/boxd-init"
	start_hub
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[[ $(field abilities why boxes <<<"$output") == "no boxes: "*"chmod a+x $HUB_PROGRAMS/libexec/boxd-init" ]]
	run start_box one 2
	[[ $output == *"may be run by its owner only"* ]]
	chmod 711 "$HUB_PROGRAMS/libexec/boxd-init"
	start_box one 2
	[ "$(in_box one 'echo alive')" = alive ]
	stop_box one
}

@test "hub: an ordinary user's says what is missing, with the cure" {
	as_user
	start_hub
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field rootful <<<"$output")" = false ]
	for name in limits suspend disk host_image; do
		[ "$(field abilities $name <<<"$output")" = false ]
		[[ $(field abilities why $name <<<"$output") == *"root"* ]]
	done
	[[ $(field default_image <<<"$output") == debian:* ]]
}

# disarmed COMMAND...: by the user, as on Ubuntu 24.04: a namespace can be made,
# but nobody is root there.
disarmed() {
	timeout 60 unshare --mount python3 - \
		setpriv --reuid "$HUB_USER" --regid "$HUB_USER" --clear-groups \
		env HOME=/nonexistent "$@" <<-'E'
	import ctypes, os, platform, struct, subprocess, sys
	sys.argv[0] = "apparmor"
	knobs = "/proc/sys/kernel"
	subprocess.run(["mount", "-t", "tmpfs", "tmpfs", knobs], check=True)
	with open(knobs + "/apparmor_restrict_unprivileged_userns", "w") as f:
	    f.write("1\n")
	# seccomp: setresgid(0, ...) is refused.
	nr = {"x86_64": 119, "aarch64": 149}[platform.machine()]
	code = b"".join(struct.pack("HBBI", *row) for row in [
	    (0x20, 0, 0, 0), (0x15, 0, 3, nr), (0x20, 0, 0, 16),
	    (0x15, 0, 1, 0), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)])
	text = ctypes.create_string_buffer(code)
	prog = ctypes.create_string_buffer(
	    struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(text)))
	if ctypes.CDLL(None).prctl(22, 2, prog, 0, 0):
	    sys.exit("no seccomp")
	os.execvp(sys.argv[1], sys.argv[1:])
	E
}
told_of_apparmor() {
	[[ $output == *"AppArmor keeps user namespaces from ordinary users here"* ]]
	[[ $output == *"bindu-boxd apparmor | sudo tee /etc/apparmor.d/bindu-boxd && sudo apparmor_parser -r /etc/apparmor.d/bindu-boxd"* ]]
}

@test "hub: a user whose namespaces AppArmor disarms is told the cure" {
	as_user
	new_state
	run ! disarmed "$HUB_PROGRAMS/libexec/boxd-monitor" hub "$STATE"
	told_of_apparmor
	# By the tools as well.
	mkdir "$HUB_PROGRAMS/bin"
	cp "$BINDU_BUILD"/bin/bindu-box "$BINDU_BUILD"/bin/bindu-boxd "$HUB_PROGRAMS/bin"
	chmod -R a+rX "$HUB_PROGRAMS/bin"
	run -69 disarmed BINDU_STATE_DIR="$STATE" "$HUB_PROGRAMS/bin/bindu-boxd" doctor
	told_of_apparmor
	run -69 disarmed BINDU_STATE_DIR="$STATE" \
		"$HUB_PROGRAMS/bin/bindu-box" --runtime local create new
	told_of_apparmor
	run_user env BINDU_STATE_DIR="$STATE" "$HUB_PROGRAMS/bin/bindu-boxd" stop
}

@test "hub: a user without sub-ids is told how to get them" {
	as_user
	new_state
	sed -i "/^$HUB_USER:/d" /etc/subuid /etc/subgid
	run -78 run_user timeout 10 "$HUB_PROGRAMS/libexec/boxd-monitor" hub "$STATE"
	[[ $output == *"add 65536 sub-ids for $HUB_USER to /etc/subuid"* ]]
	rm -r "$STATE"
	unset STATE
}

# A crun that kills its monitor ($PPID) at the moment that STATE/moment names,
# and the hub too when that says so.
deadly_crun() {
	mkdir -p "$STATE/bin"
	cat >"$STATE/bin/crun" <<-'END'
	#!/bin/sh
	state=${0%/bin/crun}
	read -r moment hub <"$state/moment"
	for word; do case $word in create|start) verb=$word && break ;; esac; done
	[ "$moment" != "before-$verb" ] || kill -9 $hub "$PPID"
	[ "$moment-$verb" != before-start-start ] || kill -STOP $$
	PATH=${PATH#*:} crun "$@" || exit
	[ "$moment" != "after-$verb" ] || kill -9 $hub "$PPID"
	END
	chmod -R a+rX "$STATE/bin"
	chmod a+x "$STATE/bin/crun"
	echo none >"$STATE/moment"
	[ -z "${HUB_USER:-}" ] || chown -R "$HUB_USER:" "$STATE"
}
no_crun() {
	! pgrep -f -- "--root $STATE/boxes/" || false
}
no_crun_stays() {
	for moment in before-create after-create before-start; do
		echo $moment >"$STATE/moment"
		run start_box one 2
		eventually 10 no_crun
	done
	echo after-create "$HUB" >"$STATE/moment"
	run start_box one 2
	echo none >"$STATE/moment"
	# With no one there it waits; the next hub ends it.
	! no_crun || false
	start_hub env PATH="$STATE/bin:$PATH"
	eventually 10 no_crun
	start_box one 2
	[ "$(in_box one 'echo alive')" = alive ]
	stop_box one
	stop_hub
}

@test "hub: a monitor killed while its box is made leaves nothing that waits" {
	new_state
	deadly_crun
	start_hub env PATH="$STATE/bin:$PATH"
	no_crun_stays
	[ -z "$(leftovers)" ]
}

@test "hub: the same for an ordinary user, who has no cgroups" {
	as_user
	new_state
	busybox_image
	deadly_crun
	start_hub env PATH="$STATE/bin:$PATH"
	no_crun_stays
	eventually 5 eval "! pgrep -u $HUB_USER >/dev/null"
	[ -z "$(leftovers)" ]
}

attend() { # as the daemon does, until killed; ATTENDANT is its pid
	timeout 120 python3 -c 'import json, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(b"{\"op\":\"ping\",\"attend\":true}")
assert json.loads(s.recv(1 << 16))["ok"]
print("there", flush=True)
time.sleep(99)' "$STATE/hub.sock" >"$STATE/attends" 3>&- &
	ATTENDANT=$!
	eventually 10 grep -q there "$STATE/attends"
}
hub_ended() {
	! [ -e "/proc/$HUB/ns/net" ] && ! [ -e "$STATE/hub.sock" ] || false
}

@test "hub: when its daemon is gone it ends with the last box" {
	start_hub
	attend
	kill $ATTENDANT
	eventually 10 hub_ended
	# With a box, also one that the hub before it made; another daemon counts.
	start_hub
	start_box one 2
	kill_hard "$HUB"
	start_hub
	attend
	start_box two 3
	kill $ATTENDANT
	attend
	stop_box one
	sleep 1
	! hub_ended || false
	kill $ATTENDANT
	sleep 1
	! hub_ended || false
	[ "$(in_box two 'echo alive')" = alive ]
	stop_box two
	eventually 20 hub_ended
	[ -z "$(leftovers)" ]
	rm -rf --one-file-system "$STATE"
	unset STATE
}

@test "hub: when its daemon is gone before the first ping it ends too" {
	# The daemon's end is bash's own, closed by exec.
	mkfifo "$BATS_TEST_TMPDIR/leash"
	exec 7<>"$BATS_TEST_TMPDIR/leash"
	start_hub sh -c 'exec "$@" --attend-fd 6 6<"$0" 7>&-' \
		"$BATS_TEST_TMPDIR/leash"
	start_box one 2
	exec 7>&-
	sleep 1
	! hub_ended || false
	stop_box one
	eventually 20 hub_ended
	[ -z "$(leftovers)" ]
	rm -rf --one-file-system "$STATE"
	unset STATE
}

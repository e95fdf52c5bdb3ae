# boxd-monitor hub: starts once, says what it can do, outlives and is outlived.
load boxd-hub

setup() {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root"
}
teardown() {
	end_servers
	end_hub
	end_user
}

@test "hub: it answers a ping with abilities, and each no has reason and cure" {
	start_hub
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field rootful <<<"$output")" = true ]
	for name in boxes limits pause network disk host_image debian_image; do
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
	! [ -e "$STATE/hub.sock" ]
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
    s.settimeout(5)
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
	kill -9 "$HUB"
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
	kill -9 "$HUB"
	sleep 0.3
	kill -0 "$before"
	# The next hub notices too, though it is no relay of its own.
	start_hub
	kill -9 "$before"
	eventually 10 relays "$before"
	eventually 10 online
	before=$(relays)
	kill -9 "$HUB"
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

@test "hub: the relay ends with the last box when no hub is left" {
	start_hub
	start_box one 2
	kill -9 "$HUB"
	stop_box one
	eventually 5 eval "! pgrep -f 'slirp4netns.* $HUB ' >/dev/null"
	HUB=$BASHPID
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
	for name in boxes limits pause network disk host_image debian_image; do
		[[ $output =~ (^|$'\n')"$name "+(yes|no: ..) ]]
	done
	[ "${#lines[@]}" = 7 ]
	[[ $stderr != *slirp* && $stderr != *MTU* ]]
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

@test "hub: an ordinary user's says what is missing, with the cure" {
	as_user
	start_hub
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field rootful <<<"$output")" = false ]
	for name in limits pause disk host_image; do
		[ "$(field abilities $name <<<"$output")" = false ]
		[[ $(field abilities why $name <<<"$output") == *"root"* ]]
	done
	[[ $(field default_image <<<"$output") == debian:* ]]
}

# As Ubuntu 24.04 has it: a namespace can be made, but nobody is root there.
@test "hub: a user whose namespaces AppArmor disarms is told the cure" {
	as_user
	new_state
	run ! timeout 60 unshare --mount python3 - \
		setpriv --reuid "$HUB_USER" --regid "$HUB_USER" --clear-groups \
		"$HUB_PROGRAMS/libexec/boxd-monitor" hub "$STATE" <<-'E'
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
	[[ $output == *"AppArmor keeps user namespaces from ordinary users here"* ]]
	[[ $output == *"sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"* ]]
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

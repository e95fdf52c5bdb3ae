# boxd-monitor where cgroup v2 is all there is and mounts are shared, as on
# every machine under systemd; here in a mount namespace that sees nothing else.
load boxd-monitor

with_v2() {
	unshare --mount --propagation private sh -c '
		umount -R /sys/fs/cgroup 2>/dev/null
		mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
			mount --make-rshared / && exec "$@"' sh "$@"
}
setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	start_hub with_v2
	start_box one
}
setup() {
	needs_root
}
teardown_file() {
	end_hub
}
groups() { # of boxes, as the hub's namespace shows them
	local hub
	hub=$(wire "$STATE/hub.sock" '{"op":"ping"}' | python3 -c 'import json,sys
print(json.load(sys.stdin)["pid"])')
	nsenter --target "$hub" --mount find /sys/fs/cgroup -type d \
		-path '*/boxd-*/*'
}

@test "v2: an exec is born in a group of its own below the box's" {
	pid=$(init_of one)
	grep -q '^0::/boxd-[0-9a-f]*/one$' "/proc/$pid/cgroup"
	run -0 in_box one 'grep ^0:: /proc/self/cgroup; sleep 0.1' </dev/null
	[[ $output == 0::/exec-* ]]
	run -0 groups
	[[ $output != *exec-* ]]
}

@test "v2: closing an exec's connection ends setsid children too" {
	wire "$STATE/boxes/one/monitor.sock" --drop "(setsid sh -c 'trap \"\" TERM
		sleep 601 & sleep 602' &); echo up; sleep 604"
	gone() { in_box one '! pgrep -f "[s]leep 60"' </dev/null; }
	eventually 6 gone
}

@test "v2: what a command left behind lives on, in the box's group" {
	in_box one 'setsid sleep 702 >/dev/null 2>&1 &' </dev/null
	run -0 in_box one 'sleep 0.2; grep ^0:: /proc/$(pgrep -f "[s]leep 702")/cgroup' \
		</dev/null
	[ "$output" = 0::/ ]
}

@test "v2: suspend and resume, and stop from suspended leaves no group" {
	run -0 ask one '{"op":"suspend"}'
	run -125 in_box one true </dev/null
	run -0 ask one '{"op":"resume"}'
	run -0 in_box one 'echo fine' </dev/null
	[ "$output" = fine ]
	ask one '{"op":"suspend"}'
	run -0 ask one '{"op":"stop","grace_ms":300}'
	run -0 groups
	[[ $output != */one* ]]
}

# boxd-monitor.bash - a hub and its boxes for the boxd-monitor-*.bats files.
load helper
load wire

# start_hub [COMMAND...]: one of this file's own, run by COMMAND; STATE is its
# state directory.
start_hub() {
	# Short: a socket's path must fit into 108 bytes on the way.
	STATE=$(mktemp -d /var/tmp/bindu-box.XXXXXX)
	chmod 700 "$STATE"
	export STATE
	"$@" "$BINDU_BUILD/libexec/boxd-monitor" hub "$STATE" \
		>"$STATE/hub.log" 2>&1 3>&- &
	echo $! >"$STATE/hub.pid"
	eventually 20 test -S "$STATE/hub.sock"
}
end_hub() {
	[ -n "${STATE:-}" ] || return 0
	end_boxes
	timeout 30 python3 "$REPO/tests/wire.py" "$STATE/hub.sock" \
		'{"op":"stop"}' || kill "$(cat "$STATE/hub.pid")"
	eventually 5 eval "! kill -0 $(cat "$STATE/hub.pid") 2>/dev/null"
	rm -rf --one-file-system "$STATE"
}

# start_box ID [MEMBER...]: members of the request after the usual ones
start_box() {
	local id=$1 n=2 extra=
	shift
	mkdir -p "$STATE/boxes/$id"
	# Each box its own address: a hash of its id will do here.
	n=$(($(printf %s "$id" | cksum | cut -d' ' -f1) % 60000 + 2))
	for member; do extra="$extra,$member"; done
	wire "$STATE/hub.sock" "{\"op\":\"start\",\"id\":\"$id\",
		\"dir\":\"$STATE/boxes/$id\",\"name\":\"$id\",\"hostname\":\"$id\",
		\"image\":{\"kind\":\"host\"},\"vcpu\":2,\"memory_bytes\":536870912,
		\"ip\":\"10.88.$((n / 256)).$((n % 256))\"$extra}"
}
# ask ID JSON: one request of the box's monitor
ask() {
	wire "$STATE/boxes/$1/monitor.sock" "$2"
}
# in_box ID COMMAND [MEMBER...]: run by sh in the box, streams and status ours
in_box() {
	local id=$1 extra='' command
	command=$(printf %s "$2" | python3 -c 'import json,sys
print(json.dumps(sys.stdin.read()))')
	shift 2
	for member; do extra="$extra,$member"; done
	wire "$STATE/boxes/$id/monitor.sock" --exec "{\"command\":$command$extra}"
}
# pids_in ID: how many processes the box has, its init included
pids_in() {
	in_box "$1" 'ls -d /proc/[0-9]* | wc -l' '"user":"root"' </dev/null
}
# leftovers TAG: all that boxes of this state have on the host; TAG names
# their cgroups, group_of ID tells it while a box runs
leftovers() {
	grep -F "$STATE" /proc/mounts
	find /sys/fs/cgroup -maxdepth 3 -name "$1"
	losetup -a 2>/dev/null | grep -F "$STATE"
	true
}
group_of() {
	grep -o 'boxd-[0-9a-f]*' "/proc/$(init_of "$1")/cgroup" | head -1
}
# init_of ID: the host's pid of its process 1
init_of() {
	ask "$1" '{"op":"stat"}' | python3 -c 'import json,sys
print(json.load(sys.stdin)["init_pid"])'
}

# boxd-hub.bash - hubs as root and as a throwaway user, boxes in them, a peer
# machine and services of the host, for boxd-hub.bats and boxd-isolation-*.
load helper
load wire

field() { # field NAME...: of the JSON on stdin
	python3 -c 'import json,sys
v = json.load(sys.stdin)
for k in sys.argv[1:]: v = v[k]
print(v if not isinstance(v, bool) else str(v).lower())' "$@"
}

# as_user: an ordinary user with sub-ids, whose hub start_hub then starts.
# Its programs are copies, because a checkout may be in a private directory.
as_user() {
	HUB_USER=bindutest$$
	export HUB_USER
	useradd --no-create-home --shell /bin/sh "$HUB_USER"
	grep -q "^$HUB_USER:" /etc/subuid || usermod \
		--add-subuids 2000000000-2000065535 \
		--add-subgids 2000000000-2000065535 "$HUB_USER"
	HUB_PROGRAMS=$(mktemp -d /var/tmp/bindu-prog.XXXXXX)
	export HUB_PROGRAMS
	cp -r "$BINDU_BUILD/libexec" "$HUB_PROGRAMS"
	chmod -R a+rX "$HUB_PROGRAMS"
}
end_user() {
	[ -n "${HUB_USER:-}" ] || return 0
	rm -rf "$HUB_PROGRAMS"
	eventually 5 eval "! pgrep -u $HUB_USER >/dev/null" || pkill -9 -u "$HUB_USER"
	userdel "$HUB_USER"
}
run_user() {
	setpriv --reuid "$HUB_USER" --regid "$HUB_USER" --clear-groups \
		env HOME=/nonexistent USER="$HUB_USER" "$@"
}

# start_hub [COMMAND...]: of this file's own, STATE; COMMAND runs the hub.
start_hub() {
	[ -n "${STATE:-}" ] || new_state
	local run=
	[ -z "${HUB_USER:-}" ] || run="setpriv --reuid $HUB_USER \
		--regid $HUB_USER --clear-groups env HOME=/nonexistent"
	mkfifo "$STATE/ready.$$"
	# Open here as well: a hub that was ready before anyone reads is heard.
	exec 8<>"$STATE/ready.$$"
	# shellcheck disable=SC2086
	"$@" $run "${HUB_PROGRAMS:-$BINDU_BUILD}/libexec/boxd-monitor" hub "$STATE" \
		--ready-fd 9 9>"$STATE/ready.$$" >>"$STATE/hub.log" 2>&1 3>&- 8>&- &
	timeout 60 head -c 1 <&8 >/dev/null
	exec 8>&-
	rm "$STATE/ready.$$"
	HUB=$(wire "$STATE/hub.sock" '{"op":"ping"}' | field pid)
	export HUB
}
new_state() {
	# Short: a socket's path must fit into 108 bytes on the way.
	STATE=$(mktemp -d /var/tmp/bindu-hub.XXXXXX)
	chmod 700 "$STATE"
	[ -z "${HUB_USER:-}" ] || chown "$HUB_USER:" "$STATE"
	export STATE
}
stop_hub() {
	wire "$STATE/hub.sock" '{"op":"stop"}' >/dev/null
	eventually 5 eval "! [ -e /proc/$HUB/ns/net ]"
}
end_hub() {
	[ -n "${STATE:-}" ] || return 0
	end_boxes
	stop_hub || kill -9 "$HUB" || true
	rm -rf --one-file-system "$STATE"
	unset STATE
}

# start_box ID N [MEMBER...]: address 10.88.7.N; IMAGE is the request's image
start_box() {
	local id=$1 n=$2 extra=
	shift 2
	for member; do extra="$extra,$member"; done
	[ -z "${HUB_USER:-}" ] || install -d -m 700 -o "$HUB_USER" "$STATE/boxes/$id"
	mkdir -p "$STATE/boxes/$id"
	wire "$STATE/hub.sock" "{\"op\":\"start\",\"id\":\"$id\",
		\"dir\":\"$STATE/boxes/$id\",\"name\":\"$id\",\"hostname\":\"$id\",
		\"image\":${IMAGE:-{\"kind\":\"host\"\}},\"ip\":\"10.88.7.$n\"$extra}"
}
stop_box() {
	wire "$STATE/boxes/$1/monitor.sock" '{"op":"stop","grace_ms":1000}'
}
remove_box() {
	wire "$STATE/hub.sock" \
		"{\"op\":\"remove\",\"id\":\"$1\",\"dir\":\"$STATE/boxes/$1\"}"
}
# in_box ID COMMAND [USER]: run by sh in the box, by root unless told
in_box() {
	local request
	request=$(python3 -c 'import json,sys
print(json.dumps({"command": sys.argv[1], "user": sys.argv[2], "cwd": "/"}))' \
		"$2" "${3:-root}")
	wire "$STATE/boxes/$1/monitor.sock" --exec "$request" </dev/null
}
# in_hub COMMAND...: in the hub's network namespace
in_hub() {
	nsenter --target "$HUB" --net timeout 20 "$@"
}

# serve ADDRESS PORT TEXT [COMMAND...]: TEXT to everyone who connects; COMMAND
# runs the server.  Ended by end_servers.
serve() {
	local address=$1 port=$2 text=$3
	shift 3
	"$@" python3 -c '
import socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(sys.argv[3].encode() + b"\n")
    c.close()' "$address" "$port" "$text" >"$BATS_FILE_TMPDIR/serve.$port" 3>&- &
	echo $! >>"$BATS_FILE_TMPDIR/servers"
	eventually 10 grep -q ready "$BATS_FILE_TMPDIR/serve.$port"
}
end_servers() {
	[ ! -e "$BATS_FILE_TMPDIR/servers" ] || while read -r pid; do
		kill "$pid" 2>/dev/null || true
	done <"$BATS_FILE_TMPDIR/servers"
}
# A program for boxes and hosts: what the server there says, or why not.
reach='import socket, sys
try:
    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
    print(s.makefile().readline().strip())
except OSError as e:
    print("no:", e)'
export reach
reach() { # reach ADDRESS PORT, from here
	timeout 30 python3 -c "$reach" "$@"
}

# A machine next door: 198.51.100.2 in a network namespace of its own; the
# host's address on that wire is 198.51.100.1.
start_peer() {
	unshare --net sleep 3600 3>&- &
	PEER=$!
	export PEER
	eventually 5 eval "[ \$(readlink /proc/$PEER/ns/net) != $(readlink /proc/self/ns/net) ]"
	# Another run of these tests may have the wire: one at a time.
	eventually 300 eval "ip link add bindupeer0 type veth peer name eth0 \
		netns $PEER 2>/dev/null"
	export PEER_WIRE=1
	ip addr add 198.51.100.1/24 dev bindupeer0
	ip link set bindupeer0 up
	nsenter --target "$PEER" --net sh -c 'ip link set lo up
		ip addr add 198.51.100.2/24 dev eth0; ip link set eth0 up'
}
end_peer() {
	# In this order: the wire goes with the namespace, and its name is free.
	[ -z "${PEER_WIRE:-}" ] || ip link del bindupeer0
	[ -z "${PEER:-}" ] || kill "$PEER" || true
}

# A small image made by hand: busybox and what it needs, user boxd.
busybox_image() {
	local to=$STATE/image file
	mkdir -p "$to"/{bin,dev,etc,home/boxd,proc,root,run,sys,tmp,usr,var}
	cp "$(command -v busybox)" "$to/bin/busybox"
	for file in $(ldd "$to/bin/busybox" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$to$(dirname "$file")"
		cp -L "$file" "$to$file"
	done
	busybox --list | python3 -c 'import os, sys
for name in sys.stdin.read().split(): os.symlink("busybox", sys.argv[1] + name)' \
		"$to/bin/"
	printf '%s\n' root:x:0:0:root:/root:/bin/sh \
		boxd:x:1000:1000:boxd:/home/boxd:/bin/sh >"$to/etc/passwd"
	printf '%s\n' root:x:0: boxd:x:1000: >"$to/etc/group"
	[ -z "${HUB_USER:-}" ] || chown -R "$HUB_USER:" "$to"
	export IMAGE="{\"kind\":\"layers\",\"lower\":[\"$to\"]}"
}

# leftovers: all that this hub and its boxes have on the host
leftovers() {
	grep -F "$STATE" /proc/mounts
	find /sys/fs/cgroup -maxdepth 3 -name "boxd-$(tag)*"
	losetup -a 2>/dev/null | grep -F "$STATE"
	pgrep -f "$STATE" | while read -r pid; do
		[ "$pid" = "$BASHPID" ] || ps -o pid=,args= -p "$pid"
	done | grep -vE 'bats|pgrep'
	true
}

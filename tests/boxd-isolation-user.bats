# The same as boxd-isolation.bats for the boxes of an ordinary user: what a
# user's kernel can keep apart is kept apart, the rest is said by the hub.
load boxd-hub

# The relay needs /dev/net/tun, which not every machine opens to users: here
# the hub, and nobody else, finds one that is open.
with_tun() { # and with few processes, see the fork bomb
	unshare --mount sh -c 'mount -t tmpfs t /mnt && mknod -m 666 /mnt/tun c 10 200 &&
		mount --bind /mnt/tun /dev/net/tun && exec prlimit --nproc=400 "$@"' sh "$@"
}
setup_file() {
	[ "$(id -u)" = 0 ] || return 0
	as_user
	new_state
	busybox_image
	start_peer
	start_hub with_tun
	start_box one 2
	start_box two 3
	serve 127.0.0.1 18421 loopback
	serve 0.0.0.0 18422 everywhere
	serve 198.51.100.2 18423 peer nsenter --target "$PEER" --net
}
setup() {
	needs_root " to make a user"
}
teardown_file() {
	end_servers
	end_hub
	end_peer
	end_user
}
count_user() { # processes of the user and the user's sub-ids
	local first
	first=$(sed -n "s/^$HUB_USER:\([0-9]*\):.*/\1/p" /etc/subuid)
	ps -eo uid= | awk -v own="$(id -u "$HUB_USER")" -v first="$first" \
		'$1 == own || ($1 >= first && $1 < first + 65536)' | wc -l
}
# What the server says, or "no:"
from_box() { # from_box ID ADDRESS PORT
	in_box "$1" "timeout 4 nc $2 $3 </dev/null | head -n 1 | grep . || echo no:"
}

@test "user: the hub has a network here, and no right it should not have" {
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[ "$(field rootful <<<"$output")" = false ]
	[ "$(field abilities network <<<"$output")" = true ]
	[ "$(stat -c %u "/proc/$HUB")" = "$(id -u "$HUB_USER")" ]
}

@test "user: root in the box has the user's ids and the box's capabilities" {
	run -0 in_box one 'id -u; grep CapBnd /proc/self/status'
	[ "${lines[0]}" = 0 ]
	[[ ${lines[1]} == *00000000a80425fb ]]
	run -0 in_box one 'id -u' boxd
	[ "$output" = 1000 ]
}

@test "user: nothing of the host's files is in a box" {
	run in_box one "ls / | tr '\n' ' '"
	for name in etc home root; do
		[[ $output == *"$name"* ]]
	done
	for path in "$STATE" /work /lib/systemd /etc/shadow /usr/bin/sudo; do
		[ "$path" = /etc/shadow ] || run in_box one "ls $path"
		[ "$status" != 0 ] || [ -z "$output" ] || [ "$path" = /etc/shadow ]
	done
	for try in 'mount -t tmpfs t /root' 'mknod /tmp/d b 8 0' \
		'chroot /proc/1/root/../.. ls /boot' 'echo b >/proc/sysrq-trigger' \
		'nsenter -t 1 -m true' 'unshare -r true'; do
		run in_box one "$try"
		[ "$status" != 0 ] || { echo "allowed: $try"; false; }
	done
}

@test "user: what helps a command into the box cannot be looked into there" {
	run -0 in_box one 'p=$(sed -n "s/^PPid:.//p" /proc/$$/status)
		cat /proc/$p/comm; tr "\0" " " </proc/$p/cmdline
		for f in environ maps mem auxv stack fd/0 fd/3 root/etc/passwd exe cwd/x; do
			head -c 99 /proc/$p/$f 2>&1
		done; for f in fd ns map_files; do ls /proc/$p/$f 2>&1; done; true'
	[ "${lines[0]}" = boxd-monitor ]
	[[ $output != *"$STATE"* && $output != *"$HUB_PROGRAMS"* ]]
	[ "$(grep -c 'ermission denied' <<<"$output")" = 13 ]
	for ns in net ipc uts pid mnt; do
		[ "$(in_box one "readlink /proc/self/ns/$ns")" != \
			"$(readlink /proc/self/ns/$ns)" ]
		[ "$(in_box one "readlink /proc/self/ns/$ns")" != \
			"$(in_box two "readlink /proc/self/ns/$ns")" ]
	done
}

@test "user: other users of the machine get at no file, program or socket of a box" {
	in_box one 'echo secret >/root/open && chmod 666 /root/open &&
		mkdir /root/suid && cp /bin/busybox /root/suid/id &&
		chmod 4755 /root/suid/id && chmod 777 /root'
	root=$STATE/boxes/one/disk/upper/root
	# On the host it is a program that makes the user of whoever runs it.
	[ "$(stat -c '%U %a' "$root/suid/id")" = "$HUB_USER 4755" ]
	run_user "$root/suid/id" -u
	other() { # by a user who is neither root nor the daemon's; the shell,
		# because setpriv still looks its program up with root's rights
		setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '"$@"' sh "$@"
	}
	for try in "cat $root/open" "$root/suid/id -u" "ls $STATE" \
		"ls /proc/$HUB/root/" "ls /proc/$HUB/fd" "cat /proc/$HUB/environ" \
		"nsenter -t $HUB -U true"; do
		# shellcheck disable=SC2086
		run other $try
		[ "$status" != 0 ]
		[[ $output == *denied* || $output == *"not permitted"* ]]
	done
	for sock in hub.sock boxes/one/monitor.sock; do
		[ -S "$STATE/$sock" ]
		run other python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])' \
			"$STATE/$sock"
		[[ $output == *PermissionError* ]]
	done
}

@test "user: services of the host are out of reach, the world is not" {
	[ "$(reach 127.0.0.1 18421)" = loopback ]
	[ "$(reach 127.0.0.1 18422)" = everywhere ]
	own=$(ip -4 -o addr | sed -n 's/.*inet \([0-9.]*\).*/\1/p')
	for address in $own 10.0.2.2 10.0.2.3 10.88.0.1 127.0.0.1; do
		for port in 18421 18422; do
			[ "$(from_box one "$address" "$port")" = no: ]
		done
	done
	[ "$(from_box one 198.51.100.2 18423)" = peer ]
}

@test "user: a box does not reach another box" {
	in_box two 'while :; do echo two | nc -l -p 8080; done >/dev/null 2>&1 &'
	eventually 10 eval '[ "$(from_box two 10.88.7.3 8080)" = two ]'
	[ "$(from_box one 10.88.7.3 8080)" = no: ]
	eventually 10 eval '[ "$(from_box two 10.88.7.3 8080)" = two ]'
}

@test "user: limits, suspend and disk sizes are refused or said, not ignored in silence" {
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	for name in limits suspend disk host_image; do
		[ "$(field abilities $name <<<"$output")" = false ]
	done
	run wire "$STATE/boxes/one/monitor.sock" '{"op":"suspend"}'
	[[ $output == *'"ok": false'* ]]
	[[ $output == *root* ]]
	IMAGE='{"kind":"host"}' run start_box three 4
	[[ $output == *"image host needs root"* ]]
}

@test "user: fork bombs of several users of a box together have a bound" {
	before=$(count_user)
	# What has split stays: a bomb whose forks fail would soon be over.
	bomb='bomb() { bomb & bomb & exec sleep 60; }; bomb'
	for user in boxd root; do
		(in_box one "$bomb" $user >/dev/null 2>&1 || true) 3>&- &
	done
	many() { [ "$(count_user)" -gt $((before + 50)) ]; }
	eventually 30 many
	most=0
	for _ in $(seq 20); do
		now=$(count_user)
		[ "$now" -le $most ] || most=$now
		sleep 0.1
	done
	[ $most -le 400 ]
	[[ $(stop_box one) == *'"ok": true'* ]]
	wait
	[ "$(count_user)" -le "$before" ]
	start_box one 2
	[ "$(in_box one 'ulimit -u')" = 400 ]
}

@test "user: a relay that is killed is started again" {
	local old
	old=$(pgrep -u "$HUB_USER" slirp4netns)
	kill -9 "$old"
	eventually 10 eval '[ "$(from_box one 198.51.100.2 18423)" = peer ]'
	[ "$(pgrep -u "$HUB_USER" slirp4netns)" != "$old" ]
}

@test "user: killed hub, next hub, and after stop nothing is left" {
	kill_hard "$HUB"
	[ "$(in_box one 'echo alive')" = alive ]
	start_hub with_tun
	start_box three 4
	[ "$(in_box three 'echo alive')" = alive ]
	[ "$(from_box three 198.51.100.2 18423)" = peer ]
	in_box three 'setsid sleep 999 >/dev/null 2>&1 &' boxd
	for id in one two three; do
		stop_box $id
		remove_box $id
		! [ -e "$STATE/boxes/$id" ] || false
	done
	stop_hub
	eventually 5 eval "! pgrep -u $HUB_USER >/dev/null"
	[ -z "$(leftovers)" ]
}

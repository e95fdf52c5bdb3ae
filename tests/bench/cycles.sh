#!/bin/sh
# cycles.sh N [KILLS [AT_ONCE]]: make, use and destroy N boxes, AT_ONCE (default
# 1) at a time, and print what the daemon, the hub and the kernel hold before and
# after; then kill the daemon KILLS times (default 0) while boxes are made, used
# and filled, and print what is left once it runs again and the rest is
# destroyed.  Needs root.
set -eu
# shellcheck source=/dev/null
. "$(dirname "$0")/lib.sh"
n=$1 kills=${2:-0} at_once=${3:-1}
own_runtime
PATH=${BINDU_BUILD:?}/bin:$PATH
pid() { bindu-boxd status --json | grep -oE '"pid":[0-9]+' | cut -d: -f2; }
hub() { pgrep -f "boxd-monitor hub $BINDU_STATE_DIR" | head -n 1; }
tag=$(python3 -c 'import sys
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
print("%08x" % h)' "$BINDU_STATE_DIR")
cgroups() { find /sys/fs/cgroup -mindepth 3 -path "*boxd-$tag/*" -type d; }
ports() { nsenter --target "$(hub)" --net ip -o link show master br0; }
holds() {
	for p in "$(pid)" "$(hub)"; do
		echo "$(find "/proc/$p/fd" -mindepth 1 | wc -l) fds $(awk '/VmRSS/ { print $2 }' "/proc/$p/status") kB"
	done
	echo "$(pgrep -fc "$BINDU_STATE_DIR") processes" \
		"$(cgroups | wc -l) cgroups $(ports | wc -l) ports" \
		"$(nsenter --target "$(hub)" --mount grep -cF "$BINDU_STATE_DIR" /proc/mounts) mounts"
}
# shellcheck disable=SC2016 # expanded by the shell that runs it
cycle='timeout 60 bindu-box create -q --image host "c$1" >/dev/null &&
	timeout 60 bindu-exec -q "c$1" -- true &&
	timeout 60 bindu-box destroy -q --yes "c$1"'
cycles() { seq "$1" | xargs -P "$at_once" -I N sh -c "$cycle" cycle N; }
cycles $((3 * at_once))
row "held before" "$(holds | paste -sd ' ')" ''
cycles "$n"
row "held after $n boxes, $at_once at once" "$(holds | paste -sd ' ')" ''
for i in $(seq "$kills"); do
	(timeout 60 bindu-box create -q --image host "k$i" >/dev/null 2>&1 &&
		head -c 50000000 /dev/zero | timeout 60 bindu-exec -q "k$i" -- \
			sh -c 'cat >x') >/dev/null 2>&1 &
	client=$!
	sleep "0.$(shuf -i 0-99 -n 1)"
	kill -9 "$(pid)"
	wait $client || true
	timeout 60 bindu-boxd start
done
[ "$kills" = 0 ] && exit
row "boxes after $kills kills" "$(bindu-box list --json | grep -o vm_id | wc -l)" ''
bindu-box list --json | grep -oE '"vm_id":"[^"]*"' | cut -d'"' -f4 |
	xargs -r -n 1 timeout 60 bindu-box destroy -q --yes
sleep 2
row "directories left of boxes" "$(find "$BINDU_STATE_DIR/boxes" -mindepth 1 -maxdepth 1 | wc -l)" ''
row "cgroups, mounts, ports, monitors left" "$(
	{
		cgroups
		grep -F "$BINDU_STATE_DIR" /proc/mounts || true
		ports
		nsenter --target "$(hub)" --mount grep -F "$BINDU_STATE_DIR/boxes" /proc/mounts || true
		# The hub and its part outside (boxd/monitor/outside.h) stay.
		pgrep -lf "boxd-monitor hub $BINDU_STATE_DIR" | sed 1,2d
	} | tee -a /dev/stderr | wc -l)" ''

#!/bin/sh
# Install the packages of packages.txt that are missing (root, or sudo).
# usage: deps.sh build run test
set -eu
dir=$(dirname "$0")
want=
for kind; do
	want="$want $(sed -n "s/^$kind //p" "$dir/packages.txt")"
done
missing=
for p in $want; do
	s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || s=
	[ "$s" = installed ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || {
	echo "deps: no apt-get here; install the counterparts of:$missing" >&2
	exit 69
}
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
[ -z "$sudo" ] || command -v sudo >/dev/null || {
	echo "deps: not root and no sudo; as root run: apt-get install -y$missing" >&2
	exit 77
}
echo "deps: installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for step in update "install -y --no-install-recommends$missing"; do
	# shellcheck disable=SC2086 # words on purpose
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq $step >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		echo "deps: apt-get $step failed" >&2
		exit 69
	}
done

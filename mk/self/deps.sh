#!/bin/sh
# Install the packages of packages.txt that are missing (root, or sudo).
# Of "a|b" one is enough: the first that this system has.
# usage: deps.sh build run test
set -eu
dir=$(dirname "$0")
want=
for kind; do
	want="$want $(sed -n "s/^$kind //p" "$dir/packages.txt")"
done
installed() {
	for p in $(echo "$1" | tr '|' ' '); do
		s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) || s=
		[ "$s" != installed ] || return 0
	done
	return 1
}
missing=
for w in $want; do
	installed "$w" || missing="$missing $w"
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
apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		echo "deps: apt-get $* failed" >&2
		exit 69
	}
}
apt update
# The choice waits for the lists, which a bare system has only now.
choice=
for w in $missing; do
	for p in $(echo "$w" | tr '|' ' '); do
		apt-cache show "$p" >/dev/null 2>&1 && break
		p=${w%%|*}
	done
	choice="$choice $p"
done
# shellcheck disable=SC2086 # words on purpose
apt install -y --no-install-recommends $choice

# helper.bash - loaded by every bats file.
#
# PATH begins with the build's programs; HOME and the XDG directories are the
# test's own; no runtime or credential of the caller leaks in.
bats_require_minimum_version 1.5.0

REPO=$(cd "$BATS_TEST_DIRNAME" && while [ ! -e Makefile ]; do cd ..; done && pwd)
export REPO
export BINDU_BUILD=${BINDU_BUILD:-$REPO/build/default}
export PATH=$BINDU_BUILD/bin:$PATH
export LC_ALL=C.UTF-8
unset BINDU_RUNTIME BOXD_TOKEN BOXD_API_KEY BOXD_API_URL BOXD_BASE_URL \
	BINDU_STATE_DIR SOURCE_DATE_EPOCH
# This file is loaded anew for each test: what own_runtime chose stays.
if [ -n "${BINDU_TEST_STATE_DIR:-}" ]; then
	export BINDU_STATE_DIR=$BINDU_TEST_STATE_DIR BINDU_RUNTIME=local
fi

# Sanitized programs are slow and reserve address space by the terabyte.
SLOW=1
[ -z "${BINDU_TEST_SAN:-}" ] || SLOW=20
limit_memory() { # limit_memory KIB
	[ -n "${BINDU_TEST_SAN:-}" ] || ulimit -v "$1"
}

# A home of the test's own, or in setup_file of the file's, removed with it.
own_home() {
	export HOME=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/home
	export XDG_CACHE_HOME=$HOME/.cache XDG_CONFIG_HOME=$HOME/.config \
		XDG_STATE_HOME=$HOME/.local/state XDG_RUNTIME_DIR=$HOME/run
	mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
	chmod 700 "$XDG_RUNTIME_DIR"
	export GIT_CONFIG_NOSYSTEM=1
}

# write PATH <<EOF: a file with its parent directories.
write() {
	mkdir -p "$(dirname "$1")"
	cat >"$1"
}

# The local runtime for a whole file: call from setup_file / teardown_file.
# Starts nothing itself (the tools do); one image cache for all files.
own_runtime() {
	export BINDU_RUNTIME=local
	export BINDU_STATE_DIR=${1:-$BATS_FILE_TMPDIR/state}
	export BINDU_TEST_STATE_DIR=$BINDU_STATE_DIR
	mkdir -p "$BINDU_STATE_DIR"
	chmod 700 "$BINDU_STATE_DIR"
	BINDU_IMAGE_DIR=${BINDU_IMAGE_DIR:-/var/tmp/bindu-test-images-$(id -u)}
	export BINDU_IMAGE_DIR
}
# For setup, where setup_file returned: bats 1.8 fails where that one skips.
needs_root() {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root$*"
}
# What an ordinary user's boxes lack: the image that is there at once, suspend.
image() {
	[ "$(id -u)" = 0 ] && echo host || echo debian:trixie
}
can_suspend() {
	[ "$(id -u)" = 0 ]
}
end_runtime() {
	[ -n "${BINDU_STATE_DIR:-}" ] || return 0
	local b
	for b in $(timeout 20 bindu-box list --json 2>/dev/null |
		python3 -c 'import json,sys
for b in json.load(sys.stdin): print(b["vm_id"])' 2>/dev/null); do
		timeout 30 bindu-box destroy --yes "$b" >/dev/null 2>&1 || true
	done
	timeout 20 bindu-boxd stop >/dev/null 2>&1 || true
	# It may still be putting an image away.
	eventually 10 hub_gone || true
}
hub_gone() {
	! pgrep -f "[b]oxd-monitor hub $BINDU_STATE_DIR" >/dev/null || false
}

# Retry CMD until it succeeds, at most SECONDS: eventually 10 CMD...  At least
# 30: the time is a limit on a loaded machine, never a measurement.
eventually() {
	local end=$((SECONDS + ($1 < 30 ? 30 : $1)))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}
# kill_hard PID: until it is gone.  One that is killed may hold its locks, and
# take connections, for a moment.
kill_hard() {
	kill -9 "$1"
	eventually 30 eval "! [ -e /proc/$1/ns/net ]"
}

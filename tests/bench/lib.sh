# lib.sh - sourced by the *.bench scripts: BINDU_BUILD and PATH are set.
# shellcheck shell=sh disable=SC2034
top=$(cd "$(dirname "$0")/../.." && pwd)
timeit=$BINDU_BUILD/bench/timeit
# row NAME VALUE UNIT [against]
row() { printf '%-44s %10s %-5s %s\n' "$1" "$2" "$3" "${4:-}"; }
minus() { awk "BEGIN { printf \"%.2f\", $1 - $2 }"; }
# The local runtime in a directory of its own, ended at exit.
own_runtime() {
	BINDU_STATE_DIR=$(mktemp -d /var/tmp/bindu-bench.XXXXXX)
	BINDU_RUNTIME=local
	BINDU_IMAGE_DIR=${BINDU_IMAGE_DIR:-/var/tmp/bindu-test-images-$(id -u)}
	export BINDU_STATE_DIR BINDU_RUNTIME BINDU_IMAGE_DIR
	unset BOXD_TOKEN BOXD_API_KEY
	trap end_runtime EXIT
	trap 'exit 130' INT TERM
}
end_runtime() {
	for b in $(bindu-box list --json 2>/dev/null | python3 -c 'import json,sys
for b in json.load(sys.stdin): print(b["vm_id"])' 2>/dev/null); do
		bindu-box destroy --yes "$b" >/dev/null 2>&1
	done
	bindu-boxd stop >/dev/null 2>&1
	rm -rf "$BINDU_STATE_DIR"
}

# deploying.bash - for files whose tests each deploy TREE to the box NAME of
# the file's own runtime.  A file may define setup or teardown anew.

setup_file() {
	own_runtime
	# A first image is built here once, with all the time it takes.
	timeout 280 bindu-box create -q --image debian:trixie warm >/dev/null
	timeout 30 bindu-box destroy -q --yes warm
}
teardown_file() {
	own_runtime
	end_runtime
}
setup() {
	own_home
	own_runtime
	TREE=$BATS_TEST_TMPDIR/tree
	NAME=t$BATS_TEST_NUMBER
	mkdir -p "$TREE"
}
teardown() {
	own_runtime
	timeout 30 bindu-box destroy -q --yes "$NAME" 2>/dev/null || true
}

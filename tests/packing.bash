# packing.bash - for files that pack trees of their own: T, in a home of its own.

setup() {
	own_home
	unset GIT_DIR GIT_WORK_TREE
	git config --global user.email t@example.org
	git config --global user.name t
	git config --global init.defaultBranch main
	T=$BATS_TEST_TMPDIR/tree
	mkdir "$T"
	cd "$T"
}

pack() { timeout 60 bindu-pack "$@"; }
# What ships, one path a line.
ships() { pack -q --list -0 "$@" 2>/dev/null | tr '\0' '\n'; }
# All paths of the tree that ship equal the arguments.
expect() {
	local got
	got=$(ships)
	[ "$got" = "$(printf '%s\n' "$@")" ] || {
		echo "got:"; echo "$got"; return 1; }
}

# deps.sh: what a project's files ask for is what its environment holds, by pip
# and by uv.  The wheels are made here; no index is asked for them.
load helper

setup_file() {
	export WHEELS=$BATS_FILE_TMPDIR/wheels UV=$BATS_FILE_TMPDIR/uv
	mkdir -p "$WHEELS"
	# wheel NAME VERSION [REQUIREMENT]; spam 2.0 is broken by what it needs.
	python3 - "$WHEELS" <<-'P'
	import base64, hashlib, sys, zipfile
	def wheel(name, version, *needs):
	    info = f"{name}-{version}.dist-info/"
	    files = {f"{name}.py": f"VERSION = '{version}'\n",
	        info + "METADATA": f"Metadata-Version: 2.1\nName: {name}\n"
	            f"Version: {version}\nProvides-Extra: hot\n" +
	            "".join(f"Requires-Dist: {n}\n" for n in needs),
	        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: t\n"
	            "Root-Is-Purelib: true\nTag: py3-none-any\n"}
	    files[info + "RECORD"] = "".join(
	        f"{f},,\n" for f in files) + info + "RECORD,,\n"
	    with zipfile.ZipFile(f"{sys.argv[1]}/{name}-{version}-py3-none-any.whl",
	            "w") as z:
	        for f, text in files.items():
	            z.writestr(zipfile.ZipInfo(f), text)
	for v in "1.0", "1.1", "2.0":
	    wheel("spam", v, 'pepper; extra == "hot"', *["nothing>9"][:v == "2.0"])
	wheel("egg", "1.0", "spam<2")
	wheel("egg", "1.5", "spam<2")
	wheel("pepper", "3.0")
	wheel("bindu", "1.0", "spam<2")
	wheel("bindu", "1.1", "spam<2")
	P
	timeout 100 python3 -m venv "$UV"
	timeout 100 "$UV/bin/pip" install -q uv
}

setup() {
	TREE=$BATS_TEST_TMPDIR/tree
	mkdir -p "$TREE"
	echo 'print("hi")' >"$TREE/agent.py"
}

# by_uv FUNCTION, in_both FUNCTION: with uv, and with the slower pip where that
# goes another way; each in a box of its own.
by_uv() {
	in_both "$1" uv
}
in_both() {
	local BY
	for BY in ${2:-pip uv}; do
		BOX=$BATS_TEST_TMPDIR/$BY
		mkdir -p "$BOX/bin"
		[ $BY = pip ] || ln -sf "$UV/bin/uv" "$BOX/bin/uv"
		echo "# by $BY"
		"$1"
	done
}

# deps [BINDU-VERSION]: after a put of the tree.  PY is the interpreter.
deps() {
	timeout 60 "$REPO/tests/receive-client" sh "$BOX" put "$TREE" >/dev/null
	run --separate-stderr env HOME="$BOX" PATH="$BOX/bin:$PATH" timeout 100 ${ALONE:-} sh \
		"$REPO/share/remote/deps.sh" agent.py "${1:--}" '>=3.8' <<-END
		BINDU_INSTALLER=pip
		PIP_NO_INDEX=1
		PIP_FIND_LINKS='$WHEELS'
		END
	echo "$output"
	echo "$stderr"
	PY=$(sed -n 's/^python=//p' <<<"$output")
}
# holds NAME VERSION...: the environment, and no other of ours.
holds() {
	[ "$status" = 0 ]
	[[ "$output" == skipped=[01]*"tool=$BY"* ]]
	local got
	got=$(cd "$BOX/app" && "$PY" -c 'import importlib.metadata as m
print(*sorted(f"{d.name} {d.version}" for d in m.distributions()
    if d.name in ("spam", "egg", "pepper", "bindu")))')
	[ "$got" = "$*" ] || { echo "holds $got"; false; }
}
put() {
	write "$TREE/$1"
}

plain() {
	rm -rf "$TREE"/req*
	echo '-r requirements/base.txt' | put requirements.txt
	printf 'egg==1.0\n-c ../pins.txt\n' | put requirements/base.txt
	echo 'spam==1.0' | put pins.txt
	deps
	holds egg 1.0 spam 1.0
	# Unchanged, also where only a file further down is looked at.
	deps
	[ "${lines[0]}" = skipped=1 ]
	echo 'spam==1.1' | put pins.txt
	deps
	[ "${lines[0]}" = skipped=0 ]
	holds egg 1.0 spam 1.1
}
@test "deps: requirements.txt with -r and -c" {
	by_uv plain
}

hashed() {
	echo 'import bindu' >"$TREE/agent.py"
	for w in egg-1.0 spam-1.0; do
		echo "${w/-/==} --hash=sha256:$(sha256sum <"$WHEELS/$w-py3-none-any.whl" |
			cut -d ' ' -f 1)"
	done | put requirements.txt
	deps
	holds bindu 1.1 egg 1.0 spam 1.0
	sed -i 's/sha256:..../sha256:0000/' "$TREE/requirements.txt"
	deps
	[ "$status" = 1 ]
	[[ "${stderr,,}" == *hash*"could not be installed"* ]]
}
@test "deps: hashes are checked, and bindu needs none of its own" {
	in_both hashed
}

own_path() {
	printf -- '-e ./lib/mine\nspam==1.0\n' | put requirements.txt
	put lib/mine/pyproject.toml <<-'T'
		[build-system]
		requires = []
		build-backend = "backend"
		backend-path = ["."]
		[project]
		name = "egg"
		version = "7"
	T
	cp "$REPO/tests/stub/backend.py" "$TREE/lib/mine"
	echo 'ONE = 1' | put lib/mine/egg.py
	deps
	holds egg 7 spam 1.0
	[ "$("$PY" -c 'import egg; print(egg.ONE)')" = 1 ]
	echo 'ONE = 2' | put lib/mine/egg.py
	deps
	[ "$("$PY" -c 'import egg; print(egg.ONE)')" = 2 ]
	[ -z "$(cd "$BOX/app" && find . -name '*.bak' -o -name '*.egg-info')" ]
}
@test "deps: a directory of the tree, which changes" {
	by_uv own_path
}

project() {
	put pyproject.toml <<-'T'
		[project]
		name = "x"
		version = "1"
		dependencies = ["egg==1.0", "spam[hot]==1.1"]
		[project.optional-dependencies]
		more = ["nothing"]
	T
	echo 'ok = 1' | put src/inside.py
	deps
	holds egg 1.0 pepper 3.0 spam 1.1
	"$PY" -c 'import inside'
	rm "$TREE/pyproject.toml"
}
@test "deps: pyproject.toml's dependencies, with an extra" {
	by_uv project
}

built() {
	put pyproject.toml <<-'T'
		[build-system]
		requires = []
		build-backend = "backend"
		backend-path = ["."]
		[project]
		name = "x"
		version = "1"
		dynamic = ["dependencies"]
	T
	cp "$REPO/tests/stub/backend.py" "$TREE"
	echo 'egg==1.0' | put needs.in
	echo 'ONE = 1' | put src/egg_user.py
	deps
	[ "$status" = 0 ]
	[ "$("$PY" -c 'import egg, egg_user; print(egg_user.ONE)')" = 1 ]
	# What runs is the code of now, though nothing is installed anew.
	echo 'ONE = 2' | put src/egg_user.py
	deps
	[ "${lines[0]}" = skipped=1 ]
	[ "$("$PY" -c 'import egg_user; print(egg_user.ONE)')" = 2 ]
}
@test "deps: a project that only building tells of runs the code of now" {
	by_uv built
}

poetic() {
	put pyproject.toml <<-'T'
		[tool.poetry]
		name = "x"
		package-mode = false
		[tool.poetry.dependencies]
		python = "^3.8"
		egg = "^1.0"
		spam = { version = "~1.0", extras = ["hot"] }
		nothing = { version = "*", optional = true }
		[tool.poetry.group.dev.dependencies]
		nothing = "*"
		[build-system]
		requires = ["poetry-core"]
		build-backend = "poetry.core.masonry.api"
	T
	rm -f "$TREE/poetry.lock"
	deps
	holds egg 1.5 pepper 3.0 spam 1.0
	put poetry.lock <<-'T'
		[[package]]
		name = "egg"
		version = "1.0"
		groups = ["main"]
		[[package]]
		name = "elsewhere"
		version = "1"
		source = { type = "git", url = "https://example.com/x" }
	T
	deps
	[ "${lines[0]}" = skipped=0 ]
	holds egg 1.0 pepper 3.0 spam 1.0
}
@test "deps: a project of Poetry, pinned by its lock" {
	by_uv poetic
}

locked() {
	echo 'import bindu' >"$TREE/agent.py"
	put pyproject.toml <<-'T'
		[project]
		name = "x"
		version = "1"
		requires-python = ">=3.8"
		dependencies = ["egg", "bindu"]
		[dependency-groups]
		dev = ["pepper"]
	T
	timeout 60 "$UV/bin/uv" lock -q --directory "$TREE" --python python3 \
		--no-index --find-links "$WHEELS"
	sed -i '/name = "egg"/,/version/s/1\.5/1.0/; s/egg-1\.5/egg-1.0/
		/name = "bindu"/,/version/s/1\.1/1.0/; s/bindu-1\.1/bindu-1.0/
		/name = "spam"/,/version/s/1\.1/1.0/; s/spam-1\.1/spam-1.0/' \
		"$TREE/uv.lock"
	deps
	holds bindu 1.0 egg 1.0 spam 1.0
	# The one that is asked for counts.
	deps 1.1
	holds bindu 1.1 egg 1.0 spam 1.0
}
@test "deps: uv.lock pins, without uv too; --bindu-version goes before it" {
	in_both locked
}

script_header() {
	echo 'nothing' | put requirements.txt
	printf '%s\r\n' '# /// script' '# requires-python = ">=3.8"' \
		'# dependencies = ["egg<2",' '#   "spam",' '# ]' '# ///' \
		'print("hi")' | put agent.py
	put agent.py.lock <<-'T'
		[[package]]
		name = "spam"
		version = "1.0"
		source = { registry = "https://index.example/simple" }
	T
	deps
	holds egg 1.5 spam 1.0
}
@test "deps: a script's own header is all that counts, pinned by its lock" {
	by_uv script_header
}

only_setup() {
	# The other file says nothing of dependencies.
	printf '[tool.black]\nline-length = 80\n' | put pyproject.toml
	echo 'from setuptools import setup
setup(name="x", version="1", py_modules=[], install_requires=["egg==1.0"])' |
		put setup.py
	deps
	# No index, so what builds it is not to be had: but it was asked for.
	[ "$status" = 1 ]
	[[ "$stderr" == *setuptools* ]]
}
@test "deps: setup.py counts beside a pyproject.toml that has other things" {
	by_uv only_setup
}

failing() {
	echo 'egg' | put requirements.txt
	deps
	holds egg 1.5 spam 1.1
	kept=$PY
	echo 'spam==2.0' | put requirements.txt
	deps
	[ "$status" = 1 ]
	[[ "$stderr" == *nothing*"the dependencies could not be installed"* ]]
	# The one that is used stays, the half of the other does not.
	[ -x "$kept" ]
	[ "$(ls "$BOX/.bindu/envs" | wc -l)" = 1 ]
	[ "$(ls "$BOX/.bindu" | grep -c deps)" = 0 ]
}
@test "deps: what cannot be resolved is told in the installer's words" {
	by_uv failing
}

alone() {
	echo 'spam==9' | put requirements.txt
	deps
	[ "$status" = 1 ]
	[[ "$stderr" != *"no network"* ]]
	ALONE="unshare -rn"
	$ALONE true || skip "not possible here: no namespaces"
	deps
	[ "$status" = 1 ]
	[[ "$stderr" == *"this box has no network: "*"boxd doctor"* ]]
}
@test "deps: a box without a network is told of, and what says why" {
	by_uv alone
}

of_bindu() {
	echo 'from bindu.penguin.bindufy import bindufy' >"$TREE/agent.py"
	deps
	holds bindu 1.1 spam 1.1
	deps 1.0
	holds bindu 1.0 spam 1.1
	deps 9.9
	[ "$status" = 1 ]
	[[ "$stderr" == *bindu*9.9* ]]
}
@test "deps: bindu is added where it is imported, in the version asked for" {
	by_uv of_bindu
}

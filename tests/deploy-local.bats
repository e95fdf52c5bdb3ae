# bindu-deploy --bindu-version=local: the source of this machine's bindu goes
# along and is what the agent imports.
load helper
load deploying

NAME=mine
setup() {
	own_home
	own_runtime
	TREE=$BATS_TEST_TMPDIR/tree
	SOURCE=$BATS_TEST_TMPDIR/checkout
	mkdir -p "$TREE" "$SOURCE/bindu/part"
	cp "$REPO/examples/plain-agent/server.py" "$TREE/agent.py"
	sed -i 's/^VERSION = .*/import bindu.part\nVERSION = bindu.VERSION/' \
		"$TREE/agent.py"
	echo 'VERSION = "one"' >"$SOURCE/bindu/__init__.py"
	touch "$SOURCE/bindu/part/__init__.py"
	# A build of its own, so that no index is needed.
	write "$SOURCE/pyproject.toml" <<-'P'
	[project]
	name = "bindu"
	version = "1"
	[build-system]
	requires = []
	build-backend = "make"
	backend-path = ["bindu"]
	P
	write "$SOURCE/bindu/make.py" <<-'P'
	import os, zipfile
	def build_wheel(directory, settings=None, metadata=None):
	    name = "bindu-1-py3-none-any.whl"
	    info = "bindu-1.dist-info/"
	    with zipfile.ZipFile(os.path.join(directory, name), "w") as z:
	        for at, _, files in os.walk("bindu"):
	            for f in files:
	                z.write(os.path.join(at, f))
	        z.writestr(info + "METADATA",
	            "Metadata-Version: 2.1\nName: bindu\nVersion: 1\n")
	        z.writestr(info + "WHEEL", "Wheel-Version: 1.0\nGenerator: t\n"
	            "Root-Is-Purelib: true\nTag: py3-none-any\n")
	        z.writestr(info + "RECORD", "")
	    return name
	P
	export PYTHONPATH=$SOURCE
}
deploy() {
	timeout 100 bindu-deploy -C "$TREE" --name $NAME \
		--bindu-version=local agent.py "$@"
}
serves() {
	local url
	url=$(timeout 30 bindu-box get -q --json $NAME | sed -n \
		's/.*"local_url":"\([^"]*\)".*/\1/p')
	timeout 30 curl -sf "$url/health" | grep -qF "\"version\": \"$1\""
}

@test "local: the checkout's package is what the agent imports, changes too" {
	mkdir "$SOURCE/tests"
	echo x >"$SOURCE/tests/big"
	ln -s /etc/passwd "$SOURCE/tests/link"
	run --separate-stderr -0 deploy
	[[ $stderr == *"bindu comes from $SOURCE (4 files)"* ]]
	serves one
	run -0 timeout 20 bindu-exec -q $NAME -- sh -c \
		'cd .bindu/src/bindu && find * -name "*.py" -o -name tests -o -name big | sort'
	[ "$output" = "bindu/__init__.py
bindu/make.py
bindu/part/__init__.py" ]
	echo 'VERSION = "two"' >"$SOURCE/bindu/__init__.py"
	deploy
	serves two
}

@test "local: what holds a secret or leads out stays here, and is named" {
	openssl genpkey -algorithm ED25519 >"$SOURCE/bindu/part/a.py" 2>/dev/null
	echo A=1 >"$SOURCE/bindu/.env"
	echo A=1 >"$SOURCE/.env"
	ln -s /etc/passwd "$SOURCE/bindu/link"
	ln "$SOURCE/bindu/part/__init__.py" "$SOURCE/other"
	run --separate-stderr -0 deploy
	echo "$stderr"
	[[ $stderr == *"bindu's bindu/part/a.py does not ship (private-key/"* ]]
	[[ $stderr == *"bindu's bindu/.env does not ship (name/"* ]]
	[[ $stderr == *"bindu's bindu/link does not ship ("* ]]
	[[ $stderr != *"bindu's .env"* && $stderr != *other* ]]
	serves one
	run -0 timeout 20 bindu-exec -q $NAME -- find .bindu/src/bindu/ -name .env \
		-o -name link -o -name a.py
	[ -z "$output" ]
}

@test "local: a file that cannot be checked for secrets stops it" {
	head -c 300 /dev/urandom >"$SOURCE/bindu/part/data"
	gzip <"$SOURCE/bindu/part/data" | head -c 200 >"$SOURCE/bindu/part/b.gz"
	run --separate-stderr -74 deploy
	echo "$stderr"
	[[ $stderr == *"$SOURCE: bindu/part/b.gz could not be checked for secrets"* ]]
	run -66 timeout 30 bindu-box get $NAME
}

@test "local: a python without bindu, or without its source, is exit 66" {
	rm "$SOURCE/pyproject.toml"
	run --separate-stderr -66 deploy
	[[ $stderr == *"has no bindu that comes from a source tree"* ]]
	PYTHONPATH='' run --separate-stderr -66 deploy
	[[ $stderr == *"has no bindu that comes from a source tree"* ]]
	echo 'raise SystemExit("spoiled")' >"$SOURCE/sitecustomize.py"
	run --separate-stderr deploy
	echo "$status $stderr"
	[[ $stderr == *"looking for bindu: python3 ended with status 1: "*spoiled* ]]
	run -66 timeout 30 bindu-box get $NAME
}

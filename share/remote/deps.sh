#!/bin/sh
# deps.sh - the Python environment of the live release.
#
#	deps.sh SCRIPT BINDU-VERSION|-|local PYTHON-SPECIFIER|-
#
# Settings of the installer come on stdin as NAME='VALUE' lines for sh.  What
# is wanted is read from uv.lock, pyproject.toml, requirements.txt, setup.py
# or the script's own header (PEP 723); bindu is added when the program
# imports it.  One environment for each digest of all that, in
# HOME/.bindu/envs; it is built once and shared by the releases that agree.
# The interpreter's path is kept with the release (releases/ID/python).
# The installer talks on stderr; stdout gets key=value: skipped, tool, python.
#
# SPDX-License-Identifier: Apache-2.0
set -u
umask 022
LC_ALL=C
export LC_ALL
script=$1 want_bindu=$2 spec=$3
[ "$want_bindu" != - ] || want_bindu=
[ "$spec" != - ] || spec=
cd || exit 71
home=$PWD
B=$home/.bindu
T=$B/trees/app
A=$home/app
cur=
read -r cur 2>/dev/null <"$T/current"
if [ -z "$cur" ]; then
	echo "nothing has been uploaded to app" >&2
	exit 66
fi
rel=$T/releases/$cur
tree=$rel/tree

set -a
eval "$(cat)"
set +a
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# What pip was told is meant for uv too.
: "${UV_INDEX_URL:=${PIP_INDEX_URL:-}}"
: "${UV_EXTRA_INDEX_URL:=${PIP_EXTRA_INDEX_URL:-}}"
UV_CACHE_DIR=$B/cache/uv UV_SYSTEM_CERTS=1
[ -n "$UV_INDEX_URL" ] || unset UV_INDEX_URL
[ -n "$UV_EXTRA_INDEX_URL" ] || unset UV_EXTRA_INDEX_URL
[ -z "${UV_INDEX_URL:-}" ] || export UV_INDEX_URL
[ -z "${UV_EXTRA_INDEX_URL:-}" ] || export UV_EXTRA_INDEX_URL
export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT UV_CACHE_DIR \
	UV_SYSTEM_CERTS

W=$B/deps.$$
trap 'rm -rf "$W"' EXIT
trap 'exit 129' HUP INT TERM PIPE
mkdir -p "$W" "$B/envs" || exit 74
chmod 700 "$B"

say() {
	printf '%s\n' "$*" >&2
}

# The Python files a release ships.
sources() {
	sed -n 's/^[^ ]* f [^ ]* [^ ]* //p' "$rel/manifest" | grep '\.py$'
}

imports_bindu() {
	sources | tr '\n' '\0' | (cd "$tree" && xargs -0 grep -lE \
		'^[[:space:]]*(from|import)[[:space:]]+bindu([.,[:space:]]|$)' \
		-- 2>/dev/null) | grep -q .
}

# The lines of the script's "# /// script" header, without "# ".
script_header() {
	sed -n '/^# \/\/\/ script$/,/^# \/\/\/$/p' "$tree/$script" |
		sed -e '1d;$d' -e 's/^# \{0,1\}//'
}

# The first interpreter here that satisfies the specifier.
pick_python() {
	for c in python3 python3.14 python3.13 python3.12 python3.11 python3.10 \
		python; do
		c=$(command -v "$c") || continue
		"$c" - "$spec" <<'P' 2>/dev/null && echo "$c" && return 0
import re, sys
have = sys.version_info[:3]
def key(v):
    return tuple(int(x) for x in v.split('.') if x.isdigit())
def holds(op, v):
    k = key(v)
    cut = have[:len(k)]
    if op == '~=':
        return cut >= k and have[:len(k) - 1] == k[:-1]
    if op in ('==', '==='):
        return cut == k
    if op == '!=':
        return cut != k
    if op in ('<', '>='):
        return have < k if op == '<' else have >= k
    return cut <= k if op == '<=' else cut > k
ok = all(holds(*m) for m in re.findall(
    r'(~=|===?|!=|<=|>=|<|>)\s*([0-9.]+)', sys.argv[1]))
sys.exit(not (ok and sys.version_info[0] == 3))
P
	done
	return 1
}

# What pyproject.toml (or a PEP 723 header) on stdin asks for: a line each;
# "." when only building the project can tell; exit 3 without tomllib.
read_toml() {
	"$py" -c '
import sys
try: import tomllib
except ImportError: sys.exit(3)
t = tomllib.load(sys.stdin.buffer)
p = t.get("project")
if p is None:
    deps = t.get("dependencies", ["."] if "build-system" in t else [])
elif "dependencies" in p.get("dynamic", []):
    deps = ["."]
else:
    deps = p.get("dependencies", [])
print("\n".join(deps))'
}

# Fill $W/reqs, the requirements as lines, and set project=1 when the project
# itself has to be built to know them.
collect() {
	: >"$W/reqs"
	project=
	if [ -s "$W/header" ]; then
		read_toml <"$W/header" >"$W/reqs" && return
		say "the header of $script needs Python 3.11 to be read"
		exit 65
	fi
	if [ -f "$tree/requirements.txt" ]; then
		echo "-r $tree/requirements.txt" >>"$W/reqs"
	fi
	if [ -f "$tree/pyproject.toml" ]; then
		if ! lock_to_reqs; then
			read_toml <"$tree/pyproject.toml" >"$W/toml" || {
				[ $? = 3 ] || exit 65
				echo . >"$W/toml"
			}
			if grep -qx '\.' "$W/toml"; then
				project=1
			else
				cat "$W/toml" >>"$W/reqs"
			fi
		fi
	elif [ -f "$tree/setup.py" ]; then
		project=1
	fi
}

# uv.lock pins everything; only uv reads it.
lock_to_reqs() {
	[ -f "$tree/uv.lock" ] && [ -n "$uv" ] || return 1
	(cd "$tree" && "$uv" export -q --frozen --no-emit-project --no-hashes \
		--no-dev -o "$W/lock" >/dev/null 2>"$W/err") || {
		say "uv.lock is not used: $(tail -n 1 "$W/err")"
		return 1
	}
	cat "$W/lock" >>"$W/reqs"
}

# All that decides what the environment holds.
digest() {
	{
		echo "1 $(uname -m) $want_bindu $bindu"
		"$py" -V
		cat "$W/header"
		cd "$tree" && for f in requirements*.txt requirements/*.txt \
			constraints*.txt pyproject.toml setup.py setup.cfg \
			uv.lock; do
			[ ! -f "$f" ] || { echo "$f"; cat "$f"; }
		done
		# Files that these name may lie anywhere.
		! grep -qsE '^[[:space:]]*(-[rc]|--(requirement|constraint))' \
			./*.txt || grep '\.txt$' "$rel/manifest"
		[ "$want_bindu" != local ] ||
			cat "$B/trees/.bindu=src=bindu/current"
	} | sha256sum | cut -c 1-64
}

# uv installs ten times faster than pip: use it, or get it once.
find_uv() {
	for uv in "$(command -v uv)" "$home/.local/bin/uv" "$B/tools/bin/uv"; do
		[ -x "$uv" ] && return 0
	done
	uv=
	[ "${BINDU_INSTALLER:-}" != pip ] || return 1
	if make_venv "$B/tools" >/dev/null 2>&1; then
		"$B/tools/bin/python" -m pip install -q uv >&2 &&
			uv=$B/tools/bin/uv && return 0
		uv=
	fi
	rm -rf "$B/tools"
	return 1
}

# Debian and Ubuntu keep ensurepip in a package of its own.
make_venv() {
	"$py" -m venv "$1" >&2 && return 0
	rm -rf "$1"
	command -v apt-get >/dev/null 2>&1 || return 1
	say "installing python3-venv in the box"
	# shellcheck disable=SC2024 # W is ours
	sudo -n apt-get install -y -q python3-venv >"$W/apt" 2>&1 ||
		{ sudo -n apt-get update -q && sudo -n apt-get install -y -q \
			python3-venv; } >"$W/apt" 2>&1 ||
		{ tail -n 5 "$W/apt" >&2; return 1; }
	"$py" -m venv "$1" >&2
}

# Install into $E what $W/reqs and the rest name.
install() {
	set -- -r "$W/reqs"
	[ -z "$bindu" ] || set -- "$@" "$bindu"
	if [ -n "$project" ]; then
		# A copy: building leaves traces, the live tree is no place.
		cp -R "$tree" "$W/project"
		set -- "$@" "$W/project"
	fi
	if [ -n "$uv" ]; then
		"$uv" venv -q --python "$py" "$E" >&2 &&
			VIRTUAL_ENV=$E "$uv" pip install "$@" >&2
	else
		make_venv "$E" && "$E/bin/python" -m pip install "$@" >&2
	fi
}

# Environments no kept release uses go.
prune() {
	cat "$T"/releases/*/python >"$W/used" 2>/dev/null
	for e in "$B"/envs/*; do
		[ -d "$e" ] || continue
		grep -qxF "$e/bin/python" "$W/used" || rm -rf "$e"
	done
}

keep_python() {
	echo "$python" >"$rel/python.new" && mv -f "$rel/python.new" \
		"$rel/python" || exit 74
	printf 'skipped=%s\ntool=%s\npython=%s\n' "$1" "$2" "$python"
}

finish() {
	keep_python "$@"
	[ -n "$asked" ] && printf '%s\n' "$asked" "${bindu:--}" "$2" "$python" \
		>"$T/asked.new" && mv -f "$T/asked.new" "$T/asked"
	prune
	exit 0
}

# What was asked for the last time, by the files that say it: when it is that
# again, so is the answer.  Only where bindu was not needed a source may need
# it now.
answer_again() {
	asked=
	[ "$want_bindu" != local ] || return 0
	asked=$({ echo "$script $want_bindu $spec"
		cat "$W/header"
		grep -E '\.txt$| (pyproject\.toml|setup\.(py|cfg)|uv\.lock)$' \
			"$rel/manifest"; } | sha256sum)
	{ read -r before && read -r bindu && read -r tool &&
		read -r python; } 2>/dev/null <"$T/asked" || return 0
	[ "$before" = "$asked" ] && [ -x "$python" ] || return 0
	if [ "$bindu" = - ] && imports_bindu; then
		return 0
	fi
	keep_python 1 "$tool"
	exit 0
}

script_header >"$W/header" 2>/dev/null
answer_again
bindu=
if imports_bindu; then
	bindu=bindu
	[ -n "$spec" ] || spec='>=3.12'
fi
case $want_bindu in
'') ;;
local)
	bindu=$B/src/bindu
	# Its version comes from git, which is not in the box.
	export SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0+local ;;
*) bindu=bindu==$want_bindu ;;
esac
if ! py=$(pick_python); then
	have=$(python3 -V 2>/dev/null) || have='no python3'
	say "the agent wants Python $spec, the box has $have"
	exit 69
fi
python=$py
uv=
key=$(digest)
E=$B/envs/$key
if [ -e "$E/.ok" ]; then
	python=$E/bin/python
	finish 1 "$(cat "$E/.ok")"
fi
# Nothing is asked for: the interpreter as it is.
if [ -z "$bindu" ] && [ ! -s "$W/header" ]; then
	plain=1
	for f in requirements.txt pyproject.toml setup.py; do
		[ ! -f "$tree/$f" ] || plain=
	done
	if [ -n "$plain" ]; then
		finish 1 none
	fi
	uv=
	collect
	if [ -z "$project" ] &&
		! grep -qvE '^[[:space:]]*(#|$)|^-r ' "$W/reqs" &&
		! grep -qsvE '^[[:space:]]*(#|$)' "$tree/requirements.txt"; then
		finish 1 none
	fi
fi
find_uv
collect
rm -rf "$E"
if ! install; then
	rm -rf "$E"
	say "the dependencies could not be installed"
	exit 1
fi
# A project with its packages in src/ finds them without being installed.
if [ -d "$tree/src" ]; then
	site=$("$E/bin/python" -c \
		'import sysconfig; print(sysconfig.get_paths()["purelib"])')
	echo "$A/src" >"$site/bindu-app-src.pth"
fi
tool=pip
[ -z "$uv" ] || tool=uv
echo "$tool" >"$E/.ok"
python=$E/bin/python
finish 0 "$tool"

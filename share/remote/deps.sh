#!/bin/sh
# deps.sh - the Python environment of the live release.
#
#	deps.sh SCRIPT BINDU-VERSION|-|local PYTHON-SPECIFIER|-
#
# Settings of the installer come on stdin as NAME='VALUE' lines for sh.  What
# is wanted is read from uv.lock, pyproject.toml (poetry.lock pins it),
# requirements.txt, setup.py or the script's own header (PEP 723, pinned by
# SCRIPT.lock); bindu is added when the program imports it.  One environment for
# each digest of all that, in HOME/.bindu/envs; it is built once and shared by
# the releases that agree.  The interpreter's path is kept with the release
# (releases/ID/python), below it the bindu that was asked for.
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
self=$0
case $self in /*) ;; *) self=$PWD/$self ;; esac
cd || exit 71
home=$PWD
B=$home/.bindu
T=$B/trees/app
A=$home/app
W=$B/deps.$$
cur=
read -r cur 2>/dev/null <"$T/current"
if [ -z "$cur" ]; then
	echo "nothing has been uploaded to app" >&2
	exit 66
fi
rel=$T/releases/$cur
# The release's files; until they are laid out (below), those that are live.
tree=$A

set -a
settings=$(cat)
[ -z "$settings" ] || eval "$settings"
set +a
unset PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
# What pip was told is meant for uv too.
: "${UV_INDEX_URL:=${PIP_INDEX_URL:-}}"
: "${UV_EXTRA_INDEX_URL:=${PIP_EXTRA_INDEX_URL:-}}"
[ -z "${PIP_FIND_LINKS:-}" ] ||
	: "${UV_FIND_LINKS:=$(echo "$PIP_FIND_LINKS" | tr -s ' ' ,)}"
UV_CACHE_DIR=$B/cache/uv UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never
[ -n "$UV_INDEX_URL" ] || unset UV_INDEX_URL
[ -n "$UV_EXTRA_INDEX_URL" ] || unset UV_EXTRA_INDEX_URL
[ -z "${UV_INDEX_URL:-}" ] || export UV_INDEX_URL
[ -z "${UV_EXTRA_INDEX_URL:-}" ] || export UV_EXTRA_INDEX_URL
[ -z "${UV_FIND_LINKS:-}" ] || export UV_FIND_LINKS
export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT UV_CACHE_DIR \
	UV_SYSTEM_CERTS UV_PYTHON_DOWNLOADS

say() {
	printf '%s\n' "$*" >&2
}

# Do the Python files import bindu that the release ships, and $1, another
# release's manifest, had not?
imports_bindu() {
	[ -n "$(awk 'FILENAME != ARGV[2] { had[$0] = 1; next }
		$2 == "f" && /\.py$/ && !($0 in had) {
			for (i = 0; i < 4; i++) $0 = substr($0, index($0, " ") + 1)
			print }' "$1" "$rel/manifest" | tr '\n' '\0' |
		(cd "$tree" && exec xargs -0 grep -lE \
		'^[[:space:]]*(from|import)[[:space:]]+bindu([.,[:space:]]|$)' \
		-- 2>/dev/null))" ]
}

# The lines of the script's "# /// script" header, without "# ".
script_header() {
	tr -d '\r' <"$tree/$script" |
		sed -n '/^# \/\/\/ script$/,/^# \/\/\/$/p' |
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

needs() {
	"$py" "${self%/*}/needs.py" "$@"
}

# Fill $W/reqs, the requirements as lines, and $W/pins, what a lock says of
# them; set file to the one that holds more, and project=1 when the project
# itself has to be built to know them.
collect() {
	: >"$W/reqs"
	: >"$W/pins"
	project='' file=''
	if [ -s "$W/header" ]; then
		needs project "$W/header" >"$W/reqs" || {
			[ $? != 3 ] || say "Python 3.11 can read it"
			say "the header of $script cannot be read"
			exit 65
		}
		pin "$script.lock"
		return
	fi
	[ ! -f "$tree/requirements.txt" ] || file=requirements.txt
	if [ -f "$tree/pyproject.toml" ]; then
		! export_lock || return 0
		needs project "$tree/pyproject.toml" >"$W/toml" || {
			[ $? = 3 ] || exit 65
			echo . >"$W/toml"
		}
		if grep -qx '\.' "$W/toml"; then
			project=1
		else
			cat "$W/toml" >>"$W/reqs"
		fi
		pin uv.lock
		pin poetry.lock
	elif [ -f "$tree/setup.py" ]; then
		project=1
	fi
}

# uv reads all of its lock.
export_lock() {
	[ -f "$tree/uv.lock" ] && [ -n "$uv" ] || return 1
	(cd "$tree" && "$uv" export -q --frozen --no-emit-project --no-hashes \
		--no-dev --python "$py" -o "$W/lock" >/dev/null 2>"$W/err") || {
		say "uv does not take uv.lock: $(tail -n 1 "$W/err")"
		return 1
	}
	unless_wanted <"$W/lock" >>"$W/reqs"
}

# Lock $1 holds versions, whoever installs.
pin() {
	[ -f "$tree/$1" ] || return 0
	needs lock "$tree/$1" >"$W/lock" || {
		say "$1 pins nothing: Python cannot read it"
		return 0
	}
	unless_wanted <"$W/lock" >>"$W/pins"
}

# A bindu that was asked for is not the one of the lock.
unless_wanted() {
	if [ -n "$want_bindu" ]; then grep -v '^bindu[= ]'; else cat; fi
}

# Whether the project names directories or files of its own tree.
names_paths() {
	grep -qsE "^[[:space:]]*($path)" "$tree"/*.txt "$tree"/requirements/*.txt ||
		grep -qsE '(path|directory|editable) *= *"(\./)?[A-Za-z0-9_]' \
			"$tree/pyproject.toml" "$tree/uv.lock"
}
path='-e|--editable|\.|/|file:|[A-Za-z0-9_.-]+/'

# All that decides what the environment holds.
digest() {
	{
		echo "2 $(uname -m) $want_bindu $bindu"
		"$py" -V
		cat "$W/header"
		cd "$tree" && for f in requirements*.txt requirements/*.txt \
			requirements*.in constraints*.txt pyproject.toml \
			setup.py setup.cfg uv.lock poetry.lock "$script.lock"; do
			[ ! -f "$f" ] || { echo "$f"; cat "$f"; }
		done
		# Files that these name may lie anywhere.
		! grep -qsE '^[[:space:]]*(-[rc]|--(requirement|constraint))' \
			./*.txt || grep '\.txt$' "$rel/manifest"
		[ -z "$paths" ] || cat "$rel/manifest"
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
	if [ -n "$uv" ]; then
		"$uv" venv -q --python "$py" "$E" >&2 || return 1
		installer() {
			VIRTUAL_ENV=$E "$uv" pip install \
				${PIP_NO_INDEX:+--no-index} "$@" >&2
		}
	else
		make_venv "$E" || return 1
		installer() { "$E/bin/python" -m pip install "$@" >&2; }
	fi
	# What these files name is relative to where the installer stands.
	cd "$tree" || return 1
	if [ -n "$project$paths" ]; then
		# A copy: building leaves traces, the live tree is no place.
		cp -R "$tree" "$W/project" && cd "$W/project" || return 1
		# It goes, so nothing can be edited there.
		for f in ./*.txt requirements/*.txt "$W/reqs"; do
			[ ! -f "$f" ] || sed -E -i.bak \
				's/^([[:space:]]*)(-e|--editable)[= ]+/\1/' "$f"
		done
	fi
	# Where one line has a hash pip wants it of all: these files alone first.
	if [ -z "$uv" ] && [ -n "$file" ] &&
		grep -qs -e --hash= ./*.txt requirements/*.txt; then
		installer -r "$file" || return 1
		file=
	fi
	set --
	[ -z "$file" ] || set -- -r "$file"
	[ ! -s "$W/reqs" ] || set -- "$@" -r "$W/reqs"
	[ -z "$bindu" ] || set -- "$@" "$bindu"
	[ -z "$project" ] || set -- "$@" .
	[ $# != 0 ] || return 0
	[ ! -s "$W/pins" ] || set -- "$@" -c "$W/pins"
	installer "$@" && { [ -z "$project" ] || leave_tree_alone; }
}

# The project's own modules are those of the live tree, which changes when
# nothing it depends on does.  What was compiled of it stays.
leave_tree_alone() {
	"$E/bin/python" - "$W/project" "$A" <<'P'
import importlib.metadata as m, json, os, sys
copy, app = sys.argv[1:]
for d in m.distributions():
    url = json.loads(d.read_text("direct_url.json") or "{}").get("url", "")
    mine = [f for f in d.files or [] if ".dist-info" not in str(f.parent)]
    if url != "file://" + copy or any(f.suffix == ".so" for f in mine):
        continue
    for f in mine:
        if any(os.path.exists(os.path.join(copy, top, f)) for top in ("", "src")):
            os.unlink(d.locate_file(f))
P
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
	printf '%s\n' "$python" "$want_bindu" >"$rel/python.new" && mv -f "$rel/python.new" \
		"$rel/python" || exit 74
	printf 'skipped=%s\ntool=%s\npython=%s\n' "$1" "$2" "$python"
}

finish() {
	keep_python "$@"
	# By paths that it names, more than these files decide.
	if [ -z "$paths" ] && [ -e "$W/asked" ]; then
		rm -f "$T/asked"
		printf '%s\n' "${bindu:--}" "$2" "$python" "$cur" >"$T/answer" &&
			mv -f "$W/asked" "$T/asked"
	fi
	prune
	exit 0
}

# What decides, as a file: the script's header, the lines of those files in
# the manifest.
ask() {
	[ -f "$A/$script" ] && awk -v head="$script $want_bindu $spec" 'BEGIN { print head }
	FILENAME != ARGV[2] {
		if (/^# \/\/\/ script\r?$/) on = 1
		if (on) print
		if (/^# \/\/\/\r?$/) on = 0
		next }
	/\.(txt|in|lock)$/ || / (pyproject\.toml|setup\.(py|cfg))$/
	' "$A/$script" "$rel/manifest" 2>/dev/null
}

# When it is what was asked the last time, so is the answer.  Only where bindu
# was not needed a source that is new may need it now.
answer_again() {
	[ "$want_bindu" != local ] && [ -e "$T/asked" ] || return 0
	{ read -r bindu && read -r tool && read -r python && read -r for; } \
		<"$T/answer" || return 0
	[ -x "$python" ] && ask | cmp -s - "$T/asked" || return 0
	for=$T/releases/$for/manifest
	[ -e "$for" ] || for=/dev/null
	if [ "$bindu" = - ] && imports_bindu "$for"; then
		return 0
	fi
	keep_python 1 "$tool"
	exit 0
}

answer_again
trap 'rm -rf "$W"' EXIT
trap 'exit 129' HUP INT TERM PIPE
mkdir -p "$W" "$B/envs" || exit 74
chmod 700 "$B"
if [ "$want_bindu" = local ] || ! ask >"$W/asked"; then
	rm -f "$W/asked"
fi
sh "${self%/*}/receive.sh" app tree "$W/tree" || exit 74
tree=$W/tree
paths=
! names_paths || paths=1
script_header >"$W/header" 2>/dev/null
bindu=
if imports_bindu /dev/null; then
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
		! grep -qvE '^[[:space:]]*(#|$)' "$W/reqs" &&
		! grep -qsvE '^[[:space:]]*(#|$)' "$tree/requirements.txt"; then
		finish 1 none
	fi
fi
find_uv
collect
rm -rf "$E"
if ! install; then
	rm -rf "$E"
	# An installer says it many times over, and not what to do.
	sed 1d /proc/net/route | cat - /proc/net/ipv6_route 2>/dev/null |
		grep -qv ' lo$' ||
		say "this box has no network: on the runtime local," \
			"bindu-boxd doctor says why"
	say "the dependencies could not be installed"
	exit 1
fi
# The project's modules are found as if it were installed.
site=$("$E/bin/python" -c \
	'import sysconfig; print(sysconfig.get_paths()["purelib"])')
printf '%s\n' "$A/src" "$A" >"$site/bindu-app.pth"
tool=pip
[ -z "$uv" ] || tool=uv
echo "$tool" >"$E/.ok"
python=$E/bin/python
finish 0 "$tool"

#!/bin/sh
# Walls, layers, style, headers alone, man pages against options.
# usage: lint.sh BUILD.  Prints what is wrong as file:line: text.
set -u
build=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 71
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT
all() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do
	[ ! -e "$f" ] || echo "$f"; done; }

# wall REGEX ALLOWED: includes matching REGEX only in files matching ALLOWED.
wall() {
	all '*.c' '*.h' | grep -vE "$2" | xargs -r grep -nE "#[ ]*include[ ]*[<\"]$1" |
		sed 's/$/  (wall: only in '"$(printf %s "$2" | sed 's/[\/&]/\\&/g')"')/' >>"$bad"
}
wall 'archive' '^lib/source/(pack|unpack)[a-z_]*\.[ch]$|^tests/'
wall 'zlib\.h' '^lib/source/scrub_(check|pdf)\.c$'
wall 'openssl/' '^lib/source/(digest|scrub_x509)\.c$|^lib/remote/(tls|rpc)[a-z_]*\.c$|^boxd/daemon/(token|tls)\.c$|^tests/'
wall 'curl/' '^lib/remote/http[a-z_]*\.c$|^tests/'
wall 'grpc/' '^lib/remote/rpc[a-z_]*\.[ch]$|^boxd/daemon/rpc_[a-z_]*\.[ch]$|^tests/'
wall 'jansson\.h' '^lib/base/json\.h$'
wall 'boxd/v1/' '^lib/remote/(boxd_client|api)[a-z_]*\.[ch]$|^boxd/daemon/service[a-z_]*\.[ch]$|^tests/'
# Arrows point down.
layer() {
	all "$1/*.[ch]" | xargs -r grep -nE "#[ ]*include[ ]*\"($2)" |
		sed 's/$/  (layers: arrows point down)/' >>"$bad"
}
layer lib/base 'lib/(source|remote)/|boxd/|tools/'
layer lib/source 'lib/remote/|boxd/|tools/'
layer lib/remote 'boxd/|tools/'
layer boxd 'tools/'
# The library never prints, exits or changes process state.
all 'lib/*.c' | grep -vE '^lib/base/(tool|log|progress|opt|mem)\.c$' | xargs -r grep -nE \
	'(^|[^_a-zA-Z])(printf|puts|exit|abort|setlocale|umask|chdir|setenv|putenv)[ ]*\(' |
	sed 's/$/  (the library does not print, exit or change the process)/' >>"$bad"
# Banned calls.
all '*.c' '*.h' | xargs -r grep -nE '(^|[^_a-zA-Z])(strcpy|strcat|sprintf|vsprintf|gets|strtok|tmpnam|mktemp|system|popen|alloca)[ ]*\(' |
	sed 's/$/  (banned function)/' >>"$bad"
# Style.
src=$(all '*.c' '*.h')
for f in $src; do
	expand -t8 "$f" | awk -v f="$f" 'length($0) > 100 {print f ":" NR ": " length($0) " columns"}' >>"$bad"
	grep -q 'SPDX-License-Identifier' "$f" || echo "$f:1: no SPDX line" >>"$bad"
	n=$(wc -l <"$f")
	[ "$n" -le 600 ] || grep -q 'over 600 lines:' "$f" || echo "$f:1: $n lines; split by subject or say 'over 600 lines: reason'" >>"$bad"
done
all '*.c' '*.h' '*.sh' '*.mk' '*.bats' '*.md' | xargs -r grep -nE '[ 	]+$' | sed 's/$/  (trailing blank)/' >>"$bad"
case $(clang-format --version 2>/dev/null) in
*' 14.'*)
	printf '%s\n' "$src" | xargs -P2 -n16 clang-format --dry-run 2>&1 | sed -n 's/^\([^:]*:[0-9]*\):.*clang-format-violations.*/\1: not formatted; run clang-format -i on it/p' >>"$bad" ;;
esac
# Each header compiles alone.
# shellcheck disable=SC2016 # the inner shell expands
all 'lib/*.h' 'boxd/*.h' | xargs -P2 -I{} sh -c 'gcc -std=gnu11 -D_GNU_SOURCE -I. -I"$1/gen" -fsyntax-only -x c "{}" 2>&1 || echo "{}:1: does not compile alone"' - "$build" >>"$bad"
# Scripts.
scripts=$(all '*.sh' tests/run tests/fresh/inside .ci/run tests/bench/run tests/peers/run mk/self/*.sh | sort -u)
# shellcheck disable=SC2086
[ -z "$scripts" ] || shellcheck -x $scripts >>"$bad" 2>&1
# What asserts nothing: bash goes on after a "! CMD", and after the first half of
# "A && B", unless it is the last command.
# shellcheck disable=SC2016 # awk expands
all '*.bats' '*.bash' | xargs -r awk '
	FNR == 1 { text = "" }
	text == "" { at = FNR }
	{ text = text $0 " " }
	/(\\|\||&&)$/ { next }
	text ~ /^[ \t]*! [^-]/ && text !~ /\|\|/ {
		print FILENAME ":" at ": add || false: a failure here goes unseen" }
	last != "" { if (!/^[ \t]*[})]/) print last; last = "" }
	text ~ /^[ \t]*\[.*\] && / && text !~ /\|\|/ && !/\}$/ {
		last = FILENAME ":" at ": split at &&: a failure of its first half goes unseen" }
	{ text = "" }' >>"$bad"
# Man pages: clean, and the same options as --help, both ways.
for m in $(all 'man/*'); do
	# Ours are not installed, and a machine may have no list of manuals.
	mandoc -Tlint "$m" 2>&1 |
		grep -v 'referenced manual not found\|outdated mandoc.db' >>"$bad"
	# mdoc(7): a lone delimiter moves to the word before it, and quotes go
	# around all of a line; neither is what was meant.
	grep -HnE '^\.(D[l1] .* [.,:;?!]( |$)|(Ql|Qq|Dq|Sq) .* [,;] .)' "$m" |
		sed 's/$/  (delimiters)/' >>"$bad"
done
for prog in "$build"/bin/bindu-*; do
	name=$(basename "$prog")
	for man in man/"$name".[0-9]; do break; done
	[ -e "$man" ] || { echo "man/$name.1:1: no man page" >>"$bad"; continue; }
	help=$("$prog" --help 2>/dev/null </dev/null)
	verbs=$(printf '%s\n' "$help" | sed -n '/^[Vv]erbs:/,/^$/s/^  *\([a-z][a-z-]*\).*/\1/p')
	for v in $verbs; do help="$help
$("$prog" "$v" --help 2>/dev/null </dev/null)"; done
	printf '%s\n' "$help" | grep -oE '(^|[ ,\[])--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z].*' | sort -u >"$bad.h"
	sed 's/\\-/-/g' "$man" | grep -oE 'Fl -[a-z][a-z0-9-]*' | sed 's/^Fl /-/' | sort -u >"$bad.m"
	comm -23 "$bad.h" "$bad.m" | sed "s|^|$man:1: does not describe |" >>"$bad"
	comm -13 "$bad.h" "$bad.m" | sed "s|^|$man:1: describes an option that $name --help lacks: |" >>"$bad"
done
rm -f "$bad.h" "$bad.m"
# binduignore(5) lists the built-in ignore rules.
sed -n '/^static const char defaults/,/;$/s/^ *"\(.*\)".*/\1/p' lib/source/ignore.c | sed 's/\\n/\n/g' | grep . >"$bad.h"
[ -s "$bad.h" ] || echo "lib/source/ignore.c:1: no built-in rules found" >>"$bad"
sed -n 's/^\.Li \([^ ]*\).*/\1/p' man/binduignore.5 >"$bad.m"
grep -vxFf "$bad.m" "$bad.h" | sed 's/^/man\/binduignore.5:1: does not list the built-in rule /' >>"$bad"
rm -f "$bad.h" "$bad.m"
# No registry or mirror host, no path of a build machine.
all | grep -vE '^(LICENSE|tests/fixtures/)' | xargs -r grep -nIE 'deb\.debian\.org|archive\.ubuntu\.com|pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|/work/(main|wt)' |
	grep -v '^mk/self/lint.sh' | sed 's/$/  (names a registry, mirror or machine)/' >>"$bad"
if [ -s "$bad" ]; then
	cat "$bad"
	echo "lint: $(wc -l <"$bad") complaints"
	exit 1
fi
echo "lint: clean"

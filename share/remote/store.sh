# store.sh - the releases of a tree; see receive.sh, which reads this in.
#
# An upload brings a pack: a directory of the files no release had, by their
# paths.  A release is its manifest and packs: a line for each line of the
# manifest, the pack in which that path has that content.  So a release costs
# two files, however many its tree has, and a pack is never written again: its
# files go when no release names them any more.
#
# shellcheck shell=sh disable=SC2034,SC2154 # receive.sh's
# SPDX-License-Identifier: Apache-2.0

# For every awk program: a manifest line's path; a name as sh reads it; what
# is above a path; a command with many names as lines of some of them.
awk_lib='
function path_of(s,  i) {
	for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
	return s
}
function quote(s,  a, n, i, r) {
	n = split(s, a, "\047"); r = "\047" a[1]
	for (i = 2; i <= n; i++) r = r "\047\\\047\047" a[i]
	return r "\047"
}
function parents(p, set) {
	while (match(p, "/[^/]*$")) {
		p = substr(p, 1, RSTART - 1)
		if (p in set) return
		set[p] = 1
	}
}
function begin(command, file, end) {
	b_head = command; b_file = file; b_tail = end; b_n = 0; b_names = ""
}
function name(s) {
	b_names = b_names " " s
	if (++b_n >= 200) over()
}
function over() {
	if (b_n && b_file == "") print b_head b_names b_tail
	else if (b_n) print b_head b_names b_tail >b_file
	b_n = 0; b_names = ""
}'

# ids are those of the releases that are here.
list_ids() {
	ids=
	for r in releases/*; do
		[ ! -d "$r" ] || ids="$ids ${r#*/}"
	done
}

# kept is the way back: a deploy puts its release on top, going back takes off
# what is above.  What was not seen healthy is told by a "?".
way_back() {
	list_ids
	kept=
	for id in $([ ! -e history ] || awk '{
		for (i = n; i > 0 && s[i] != $2; i--);
		if ($3 == "back" && i) { n = i; next }
		if (i) { for (; i < n; i++) s[i] = s[i + 1]; n-- }
		s[++n] = $2 }
	END { while (n) print s[n--] }' history); do
		[ -d "releases/$id" ] || continue
		[ -e "releases/$id/healthy" ] || id="$id?"
		kept="$kept$id "
	done
	kept=$kept.
}

# The last line of the history for each release, newest first.
by_use() {
	[ ! -e history ] || awk '{ line[NR] = $0 }
	END { for (i = NR; i > 0; i--) {
		split(line[i], f, " ")
		if (!seen[f[2]]++) print line[i] } }' history
}

# What is kept, a paragraph of key=value lines for each, newest first.  Takes
# no lock: everything read here is complete when its name appears.
list() {
	by_use | while read -r time id _ by; do
		[ -d "releases/$id" ] || continue
		printf 'release=%s\ntime=%s\nby=%s\n' "$id" "$time" "$by"
		[ "$id" != "$cur" ] || echo live=1
		[ ! -e "releases/$id/healthy" ] || echo healthy=1
		cat "releases/$id/meta" 2>/dev/null
		echo
	done
}

# The manifest of release $2 from that of $1 and in/lines, into $3; the new
# files are in pack $4.  in/do does the rest, in that pack: files of a content
# that $1 has, renamed, copied or changed in mode alone, are not sent but
# copied; all new ones are summed up, and the manifest as stdin.  in/sums are
# the digests that must come out.
merge() {
	awk "$awk_lib"'
	function add(i) {
		print line[i] >(to "/manifest")
		split(line[i], f, " ")
		print (f[2] == "d" ? "-" : pack) >(to "/packs")
	}
	function copy(i, from, mode,  d) {
		d = path[i]
		if (sub("/[^/]*$", "", d) && !(d in made)) {
			made[d] = 1
			print "mkdir -p -- " quote(d) " || exit 1" >"in/do"
		}
		print "cp -- ../" from " " quote(path[i]) " || exit 1" >"in/do"
		if (mode != substr(line[i], 1, 4)) print "chmod", \
			substr(line[i], 1, 4), quote("./" path[i]) >"in/do"
	}
	BEGIN {
		base = ARGV[1]; id = ARGV[2]; to = ARGV[3]; pack = ARGV[4]
		printf "" >(to "/manifest"); printf "" >(to "/packs")
		printf "" >"in/do"; print id >"in/sums"
		while ((getline l <"in/lines") > 0) {
			p = substr(l, 2)
			if (substr(l, 1, 1) == "+") {
				line[++n] = p; split(p, f, " ")
				p = path[n] = path_of(p)
				if (f[2] == "f") { sum[n] = f[4]; want[f[4]] = 1 }
			}
			gone[p] = 1
		}
		i = 1
		while (base != "-" &&
			(getline l <("releases/" base "/manifest")) > 0) {
			getline k <("releases/" base "/packs")
			split(l, f, " "); p = path_of(l)
			if (f[2] == "f" && f[4] in want && !(f[4] in have)) {
				have[f[4]] = quote(k "/" p)
				mode[f[4]] = f[1]
			}
			while (i <= n && path[i] < p) add(i++)
			if (p in gone) continue
			print l >(to "/manifest"); print k >(to "/packs")
		}
		while (i <= n) add(i++)
		for (i = 1; i <= n; i++) if (i in sum && sum[i] in have)
			copy(i, have[sum[i]], mode[sum[i]])
		# The manifest goes with the first of them.
		begin("sha256sum", "in/do", " || exit 1")
		name("-")
		for (i = 1; i <= n; i++) if (i in sum) {
			print sum[i] >"in/sums"; name(quote("./" path[i]))
		}
		over()
	}' "$@"
}

# Do the digests on stdin come as in/sums has them?  Only they are compared,
# in order: names may hold anything but newline and NUL.  GNU puts a backslash
# before a line whose name it escaped.
same_sums() {
	awk '{ getline want <"in/sums"; got = $1; sub(/^\\/, "", got) }
	got != want { bad = 1; exit }
	END { exit bad || (getline want <"in/sums") > 0 }'
}

unpack() {
	mkdir -p "$4" "packs/$5" 2>err || return 1
	head -c "$3" "$P" | gzip -dc >in/lines 2>err || return 1
	tail -c +$(($3 + 1)) "$P" | gzip -dc 2>err |
		tar -xmpof - -C "packs/$5" 2>>err || return 1
	merge "$1" "$2" "$4" "$5" 2>err || return 1
	# shellcheck disable=SC1091 # written by merge
	tr '\n' '\0' <"$4/manifest" |
		(cd "packs/$5" && . ../../in/do) 2>err | same_sums && return
	[ -s err ] || echo "the manifest or a file does not have its digest" >err
	return 1
}

# Keep release $2: what $P, with $3 bytes of changes to release $1 and the
# digest $4, makes of it.
store() {
	# Contents name a release: one that is here already is the same.
	[ ! -d "releases/$2" ] || return 0
	pack=${4%"${4#????????????????}"}
	while [ -e "packs/$pack" ]; do pack=${pack}x; done
	if unpack "$1" "$2" "$3" "releases/.t.$2" "$pack"; then
		mv "releases/.t.$2" "releases/$2" 2>err && return 0
		fail "cannot store"
	else
		fail "cannot unpack"
	fi
	rm -rf "releases/.t.$2" "packs/$pack"
	return 1
}

# Links to the files of the live release, in $1.
copy_tree() {
	[ "$cur" != - ] && mkdir -p "$1" || return 66
	# shellcheck disable=SC2016 # expanded by that sh
	awk "$awk_lib"'
	{ getline k <packs }
	$2 == "d" { print "mkdir -p \"$to\"/" quote(path_of($0)); next }
	k != at { over(); at = k
		begin("cd packs/" k " && cp -lP --parents --", "",
			" \"$to\" && cd ../.. || exit 1") }
	{ name(quote(path_of($0))) }
	END { over() }' packs="releases/$cur/packs" "releases/$cur/manifest" |
		to=$1 sh
}

# The releases that the agent's live run and the one stopped for it run from.
served() {
	for f in live before; do
		n=
		read -r n 2>/dev/null <"../../agent/$f" || continue
		read -r n 2>/dev/null <"../../agent/runs/$n/release" &&
			echo "$n"
	done
}

# The newest KEEP releases by last use stay, and always the live one and what
# the agent runs from.
prune() {
	stay="$cur $(by_use | awk -v n="$keep" 'NR <= n { print $2 }'
		[ "$dir" != app ] || served)"
	list_ids
	for id in $ids; do
		case $stay in *"$id"*) continue ;; esac
		# Half a release must not pass for one.
		mv "releases/$id" "releases/.t.old.$id"
	done
	# Nobody need wait for the end of it; the lock is held until then.
	if [ -n "$flock" ]; then
		sweep </dev/null >/dev/null 2>&1 &
	else
		sweep 2>/dev/null || :
	fi
}

# What no release names.
sweep() {
	rm -rf releases/.t.*
	find packs ! -type d | awk "$awk_lib"'
	BEGIN {
		for (i = 1; i < ARGC; i++) {
			while ((getline l <(ARGV[i] "/manifest")) > 0) {
				getline k <(ARGV[i] "/packs")
				used["packs/" k "/" path_of(l)] = 1
			}
			close(ARGV[i] "/manifest"); close(ARGV[i] "/packs")
		}
		ARGC = 1
	}
	!($0 in used)' releases/* | tr '\n' '\0' | xargs -0 rm -f --
	find packs/* -depth -type d -exec rmdir {} +
	# What was moved aside is there for a month, whatever is kept.
	for d in displaced/*; do
		[ -d "releases/${d#*/}" ] ||
			[ -z "$(find "$d" -prune -mtime +30)" ] || rm -rf "$d"
	done
	if [ -n "$(find history -size +400)" ]; then
		tail -n 500 history >history.new && mv -f history.new history
	fi
}

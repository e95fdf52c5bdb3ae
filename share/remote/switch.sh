# switch.sh - make a kept release the live one; see receive.sh, which reads
# this in.
#
# shellcheck shell=sh disable=SC2034,SC2154 # receive.sh's
# SPDX-License-Identifier: Apache-2.0

list_names() {
	sed -n 's/^[^ ]* [^d] [^ ]* [^ ]* //p' "releases/$cur/manifest" |
		tr '\n' '\0' >names
}

# What stat tells of the live release's files.
stat_live() {
	(exec <names && cd "$A" && exec xargs -0 stat -c '%s %f %y %n' --) \
		2>/dev/null
}

# How we left them.  Until this is done stat is empty.
record() {
	list_names
	stat_live >stat.now
	mv -f stat.now stat
}

# Files of the live release that were changed or removed in the box: the names
# in edited.  Only a file of which stat tells something new is read.
find_edited() {
	: >edited
	[ "$cur" != - ] || return 0
	[ -s stat ] || list_names
	stat_live >stat.now
	[ ! -s stat ] || ! cmp -s stat stat.now || return 0
	awk "$awk_lib"'
	function hex(type, oct,  i, v) {
		for (i = 1; i <= length(oct); i++)
			v = v * 8 + substr(oct, i, 1)
		return sprintf("%x", (type == "l" ? 40960 : 32768) + v)
	}
	BEGIN { printf "" >"in/files"; printf "" >"in/links"
		printf "" >"in/sums" }
	FILENAME == "stat" { was[$0] = 1; next }
	FILENAME == "stat.now" { p = path_of($0); p = substr(p, index(p, " ") + 1)
		if ($0 in was) same[p] = 1
		mode[p] = $2
		next }
	{ p = path_of($0) }
	$2 == "d" || p in same { next }
	mode[p] != hex($2, $1) { print p >"edited"; next }
	$2 == "l" { print $4 " " p >"in/links"; next }
	{ print p >"in/files"; print $4 >"in/sums" }
	' stat stat.now "releases/$cur/manifest"
	while IFS= read -r p; do
		set -- "${p%% *}" "${p#* }"
		[ "$(readlink -n "$A/$2" | sha256sum)" = "$1  -" ] ||
			printf '%s\n' "$2" >>edited
	done <in/links
	[ ! -s in/files ] || tr '\n' '\0' <in/files |
		(cd "$A" && exec xargs -0 sha256sum --) 2>/dev/null |
		awk '{ getline want <"in/sums"; getline p <"in/files"
			got = $1; sub(/^\\/, "", got)
			if (got != want) print p }' >>edited
	rm -f in/files in/links in/sums
	[ -s edited ] || mv -f stat.now stat
}

# They are put right by the switch; what they hold stays aside.
save_edited() {
	while IFS= read -r p; do
		say "EDITED $p"
		[ -L "$A/$p" ] || [ -f "$A/$p" ] || continue
		case $p in */*) d=/${p%/*} ;; *) d='' ;; esac
		mkdir -p "displaced/$cur$d" 2>err &&
			cp -pP -- "$A/$p" "displaced/$cur/$p" 2>err || return 1
	done <edited
}

# From release $1 or "-" to $2: the journal is apply.new, of which $3 is the
# first line.  Beside it, for sh: in/look asks of each path what stands there,
# in/fill copies what differs into the stage (with the time of now, which
# Python knows bytecode by), in/flush writes it to the disk.  A file that
# was changed in the box is of neither release.
plan() {
	awk "$awk_lib"'
	function live(p) { return "\"$A\"/" quote(p) }
	function write_removals(  p, l, longest, bylen) {
		begin("gone", out, "")
		for (p in otype) if (!(p in ntype) || ntype[p] != otype[p]) {
			if (otype[p] == "d") old[p] = 1
			else name(live(p))
			parents(p, old)
		}
		over()
		# Deeper directories are longer names: longest first.
		for (p in old) if (!(p in need)) {
			l = length(p); if (l > longest) longest = l
			bylen[l] = bylen[l] " " live(p)
		}
		for (l = longest; l > 0; l--)
			if (l in bylen) print "rmdir --" bylen[l] \
				" 2>/dev/null" >out
	}
	function write_directories(  i, p, made) {
		for (i = 1; i <= m; i++) {
			if (ntype[path[i]] == "d") made[path[i]] = 1
			parents(path[i], made)
		}
		begin("dirs", out, "")
		for (p in made) {
			name(live(p))
			if (!(p in otype)) print "way " quote(p), \
				quote(quote(p)) " || return 1" >"in/look"
		}
		over()
	}
	function write_moves(  i, p, d, at) {
		for (i = 1; i <= m; i++) {
			p = path[i]
			if (ntype[p] == "d") continue
			print "place " (p in otype && otype[p] != "d" ? \
				"replaced " : "added ") quote(p), \
				quote(quote(p)) " || return 1" >"in/look"
			d = ""
			if (match(p, "/[^/]*$")) d = substr(p, 1, RSTART - 1)
			if (i == 1 || d != at) {
				over()
				begin("mv -f --", out, " " live(d) "/ || left=2")
				at = d
			}
			name("stage/" quote(p))
		}
		over()
	}
	function write_copies(  i, k, of) {
		for (i = 1; i <= m; i++) if (ntype[path[i]] != "d")
			of[pack[i]] = of[pack[i]] " " i
		for (k in of) {
			begin("cp -P --parents --", "in/fill", " ../../stage || exit 1")
			print "cd packs/" k " || exit 1" >"in/fill"
			n = split(of[k], f, " ")
			for (i = 1; i <= n; i++) name(quote(path[f[i]]))
			over()
			print "cd ../.. || exit 1" >"in/fill"
		}
	}
	# After a power cut the old release is there or all that makes the new
	# one.  Many files go faster all at once.
	function write_flush(  i) {
		if (m > 50) {
			print "sync -f apply.new || sync" >"in/flush"
			return
		}
		begin("sync --", "in/flush", "")
		name("apply.new"); name("current.new")
		name(new "/manifest"); name(new "/packs")
		for (i = 1; i <= m; i++) if (ntype[path[i]] != "d") {
			name("stage/" quote(path[i]))
			name("packs/" pack[i] "/" quote(path[i]))
		}
		over()
	}
	BEGIN {
		new = "releases/" ARGV[2]; out = "apply.new"
		printf "" >"in/look"; printf "" >"in/fill"
		while ((getline l <"edited") > 0) edited[l] = 1
		while (ARGV[1] != "-" &&
			(getline l <("releases/" ARGV[1] "/manifest")) > 0) {
			split(l, f, " "); p = path_of(l); otype[p] = f[2]
			if (!(p in edited)) same[l] = 1
		}
		# It may be the same one.
		close("releases/" ARGV[1] "/manifest")
		while ((getline l <(new "/manifest")) > 0) {
			getline k <(new "/packs")
			split(l, f, " "); p = path_of(l); ntype[p] = f[2]
			parents(p, need)
			if (f[2] == "d") need[p] = 1
			if (!(l in same)) { path[++m] = p; pack[m] = k }
		}
		print "# " ARGV[3] "\nA=" quote(ENVIRON["A"]) >out
		print "bad=0 left=0" >out
		print "gone() { rm -f -- \"$@\" || for f; do" >out
		print "	[ ! -f \"$f\" ] || bad=1; done; }" >out
		print "dirs() { for f; do [ -d \"$f\" ] || {" >out
		print "	mkdir -p -- \"$@\" || exit 1; return; }; done; }" >out
		print "dirs \"$A\"" >out
		write_removals()
		print "[ ! -e moves ] || . ./moves" >out
		write_directories()
		write_moves()
		print "[ $bad = 0 ] || exit 1\nexit $left" >out
		write_copies()
		write_flush()
	}' "$@"
}

# Is all below the live directory $1 what the current release put there?
is_ours() {
	[ -z "$(find "$A/$1" | awk "$awk_lib"'
		BEGIN { skip = length(ENVIRON["A"]) + 2 }
		FILENAME == ARGV[1] { p = path_of($0); ours[p] = 1
			parents(p, ours); next }
		!(substr($0, skip) in ours)' "releases/$cur/manifest" -)" ]
}

# What stands where a directory $1 goes, which no release brought: a file of
# the agent is moved aside.  $2 is $1 as sh reads it.
way() {
	[ ! -d "$A/$1" ] || return 0
	[ -e "$A/$1" ] || [ -L "$A/$1" ] || return 0
	aside "$1" "[ ! -d \"\$A\"/$2 ]" "$2"
}

# What stands in the way of $2, a path the release brings: a directory that
# holds files of the agent stops us.  Where no release brought a file before
# ($1 is "added"), an equal file is fine, another is the agent's and is moved
# aside.
place() {
	if [ -d "$A/$2" ] && [ ! -L "$A/$2" ]; then
		is_ours "$2" && return 0
		echo "$A/$2 is a directory with files of the agent" >err
		return 1
	fi
	[ "$1" = added ] || return 0
	[ -e "$A/$2" ] || [ -L "$A/$2" ] || return 0
	[ -f "$A/$2" ] && cmp -s "$A/$2" "stage/$2" && return 0
	aside "$2" "[ -e stage/$3 ] || [ -L stage/$3 ]" "$3"
}

# The journal moves $1, $3 for sh, aside while $2 holds: not twice.
aside() {
	case $1 in */*) d=/${1%/*} ;; *) d='' ;; esac
	mkdir -p "displaced/$new$d" 2>err || return 1
	moved=$((moved + 1))
	# shellcheck disable=SC2016 # expanded by the journal
	printf 'if %s; then mv -f -- "$A"/%s displaced/%s/%s; fi\n' "$2" "$3" \
		"$new" "$3" >>moves
}

# Python takes bytecode for current that has the size of its source and the
# time of it in seconds.  Is $1 a second in which live files may have been
# written?  A clock that was far ahead says nothing.
is_taken() {
	last=0
	read -r last 2>/dev/null <switched
	[ "$1" -le "$last" ] && [ "$last" -le $(($1 + 60)) ]
}

# What was staged from the second $1 on gets one that is not.
set_times() {
	is_taken "$1" || return 0
	last=$((last + 1))
	find stage -type f -exec touch -d "@$last" -- {} + &&
		echo "$last" >switched
}

# Run the journal.  Every step may have been done before: where one says so,
# what counts is that nothing is left in the stage.
finish() {
	[ -e apply ] || return 0
	read -r _ new how by <apply
	# shellcheck disable=SC1091 # written by plan
	(. ./apply) 2>err
	case $? in
	0) ;;
	2) [ -z "$(find stage ! -type d 2>/dev/null)" ] || return 1 ;;
	*) return 1 ;;
	esac
	: >stat
	mv -f current.new current 2>/dev/null || {
		echo "$new" >current.new && sync current.new &&
			mv -f current.new current || return 1
	}
	cur=$new
	t=$(date +%s)
	echo "$t $new $how $by" >>history
	is_taken "$t" || echo "$t" >switched
	# What it was made of goes, too; junk says which of it.
	# shellcheck disable=SC2086 # a pattern
	rm -rf apply stage moves in/$junk
}

# Make release $1, which is kept, the live one; $2: on or back.
switch_to() {
	new=$1 moved=0
	save_edited || return 1
	if [ -e stage ] || [ -e moves ] || [ -e apply.new ]; then
		rm -rf stage moves apply.new
	fi
	began=$(date +%s)
	mkdir stage 2>err && plan "$cur" "$new" "$new $2 $who" 2>err || return 1
	# shellcheck disable=SC1091 # written by plan
	(. ./in/fill) 2>err && set_times "$began" 2>err && look || return 1
	[ "$(tail -n 1 apply.new)" = "exit \$left" ] || return 1
	[ ! -e moves ] || sync moves 2>/dev/null
	# shellcheck disable=SC1091 # written by plan
	echo "$new" >current.new && (. ./in/flush) 2>/dev/null
	mv -f apply.new apply && finish && : >edited
}

look() {
	# shellcheck disable=SC1091 # written by plan
	. ./in/look
}

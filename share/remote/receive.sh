#!/bin/sh
# receive.sh - make a directory of this box hold exactly one release.
#
#	receive.sh DIR [KEEP [WHO]]	a dialogue on stdin and stdout (below)
#	receive.sh DIR finish		complete what a killed run began
#	receive.sh DIR releases		list what is kept, taking no lock
#
# DIR is the live tree, below HOME or absolute.  What we know of it is in
# HOME/.bindu/trees/NAME:
#	current		the id of the release that is live
#	releases/ID/	manifest (a line a file), tree/, meta
#	history		"TIME ID on|back WHO" for every switch
#	stat		size, mode, time and name of the live files as we left them
#	in/SHA.part	a payload that has not arrived whole
#	stage/, apply	the journal: files to move into place, and the script
#			that does it.  Once apply exists the switch happens,
#			in this run or in the next.
#	displaced/ID/	files of the agent that stood where a release put its own,
#			and files of a release that were changed in the box
#	lock, owner	one dialogue at a time
#
# A release's id is the sha256 of its manifest with NUL for newline.  Only
# files some release brought are ever replaced or removed: all others belong
# to the agent.  Live files are copies: an agent that writes into one does not
# change the release it came from.
#
# Dialogue (> box, < client):
#	> HELLO 2 CURRENT|- PART|- BYTES EDITED KEPT...	or > BUSY who
#		EDITED files were changed in the box.  KEPT: the way back, the live
#		one first, "?" behind one not seen healthy, then "." and the rest
#	< GET ID	> MANIFEST N, N bytes		or > NONE
#	< PUT BASE NEW ML N SHA OFF, N-OFF bytes: gzip of "-PATH" and "+LINE"
#		(ML bytes), then gzip of a tar of the contents BASE lacks
#			> OK NEW MOVED-ASIDE, > STALE CURRENT, > FAIL why
#	< USE ID	> OK ID: go on to a release that is kept, or repair it
#	< BACK ID	> OK ID: go back to it
#		Before OK: > EDITED PATH for each file put right
#	< NOTE N, N bytes of KEY=VALUE lines	> OK ID: kept with the release
#	< BYE
#
# SPDX-License-Identifier: Apache-2.0
set -u
umask 022
LC_ALL=C
export LC_ALL

dir=$1
keep=${2:-5}
who=${3:-}
case $who in
*[!A-Za-z0-9@._+\ -]*) who=$(printf %s "$who" | tr -c 'A-Za-z0-9@._+ -' '?') ;;
esac
cd || exit 71
case $dir in /*) A=$dir ;; *) A=$PWD/$dir ;; esac
case $dir in */*) S=$(printf %s "$dir" | tr / =) ;; *) S=$dir ;; esac
S=$PWD/.bindu/trees/$S
sq="'"

say() {
	printf '%s\n' "$*"
}

# One line for the client, from the file of errors.
why() {
	# A full disk has no room for the words that say so.
	if [ ! -s "$S/err" ] &&
		[ "$(df -Pk "$S" | awk 'NR == 2 { print $4 }')" -lt 100 ]; then
		echo "no space left on the box's disk"
		return
	fi
	tr -s '\n' ' ' <"$S/err" 2>/dev/null | cut -c 1-400
}

# Seconds a file has not been touched.
age() {
	now=$(date +%s)
	then=$(stat -c %Y "$1" 2>/dev/null) || then=$now
	echo $((now - then))
}

# The start time of process $1: together with the number it names a process
# for good, also when numbers are used again.
born() {
	stat=
	read -r stat 2>/dev/null <"/proc/$1/stat"
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	echo "${20:-}"
}

boot=-
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id

# Is the process the owner file names still that process?
owner_lives() {
	read -r o_boot o_pid o_born o_who 2>/dev/null <"$S/owner" || return 1
	[ "$o_boot" = "$boot" ] && [ -n "$o_pid" ] &&
		[ "$(born "$o_pid")" = "$o_born" ]
}

# flock(1) is let go by the kernel whatever happens to us.  Without it a
# directory is the lock, and its owner is asked whether it lives.
try_lock() {
	if command -v flock >/dev/null 2>&1; then
		exec 9>"$S/lock" && flock -n 9 && return 0
		return 1
	fi
	mkdir "$S/lock.d" 2>/dev/null && return 0
	owner_lives && return 1
	mv "$S/lock.d" "$S/lock.d.$$" 2>/dev/null && rm -rf "$S/lock.d.$$"
	mkdir "$S/lock.d" 2>/dev/null
}

unlock() {
	rm -rf "$S/lock.d" "$S/owner"
}

# A client that lost its line keeps us waiting for bytes; who has not moved
# for 15 minutes is put out.
lock() {
	n=20
	# One that has said BYE ends in a moment.
	until try_lock || [ $n = 0 ]; do
		sleep 0.05 2>/dev/null || n=1
		n=$((n - 1))
	done
	if [ $n = 0 ]; then
		if owner_lives && [ "$(age "$S/owner")" -gt 900 ]; then
			kill -9 "$o_pid" 2>/dev/null
			sleep 1
		fi
		if ! try_lock; then
			o_pid=unknown o_who=''
			owner_lives
			say "BUSY process $o_pid${o_who:+ ($o_who)}"
			exit 75
		fi
	fi
	echo "$boot $$ $(born $$) $who" >"$S/owner"
	trap 'rc=$?; unlock; exit $rc' EXIT
	trap 'exit 129' HUP INT TERM PIPE
}

current() {
	cur=-
	read -r cur 2>/dev/null <"$S/current"
	[ -n "$cur" ] || cur=-
}

# The manifest of a release as lines; nothing for "-".
lines_of() {
	[ "$1" = - ] || cat "$S/releases/$1/manifest"
}

is_id() {
	case $1 in *[!0-9a-f]* | '') return 1 ;; esac
	[ ${#1} = 64 ]
}

# Names of the files of the live release, NUL after each; what stat tells of
# them.
stat_live() {
	[ "$cur" = - ] ||
		sed -n 's/^[^ ]* [^d] [^ ]* [^ ]* //p' \
			"$S/releases/$cur/manifest" | tr '\n' '\0' |
		(cd "$A" && exec xargs -0 stat -c '%s %f %y %n' --) 2>/dev/null
}

# Files of the live release that were changed or removed in the box: the names
# in $S/edited.  Only a file of which stat tells something new is read.
find_edited() {
	: >"$S/edited"
	[ -e "$S/stat" ] || return 0
	stat_live >"$S/stat.now"
	cmp -s "$S/stat" "$S/stat.now" && return 0
	: >"$S/in/names"
	lines_of "$cur" | awk -v edited="$S/edited" -v names="$S/in/names" \
		-v sums="$S/in/sums" '
	function after(s, n) {
		while (n--) s = substr(s, index(s, " ") + 1)
		return s
	}
	function hex(type, oct,  i, v) {
		for (i = 1; i <= length(oct); i++)
			v = v * 8 + substr(oct, i, 1)
		return sprintf("%x", (type == "l" ? 40960 : 32768) + v)
	}
	FILENAME == ARGV[1] { was[$0] = 1; next }
	FILENAME == ARGV[2] { p = after($0, 5)
		if ($0 in was) same[p] = 1
		mode[p] = $2
		next }
	{ p = after($0, 4) }
	$2 == "d" || p in same { next }
	mode[p] != hex($2, $1) { print p >edited; next }
	{ print $2 $4 >sums; print p >names }' "$S/stat" "$S/stat.now" -
	while IFS= read -r p; do
		if [ -L "$A/$p" ]; then
			readlink -n "$A/$p" | sha256sum | sed 's/^/l/'
		else
			sha256sum <"$A/$p" | sed 's/^/f/'
		fi
	done <"$S/in/names" | cut -c 1-65 >"$S/in/got"
	[ ! -s "$S/in/names" ] || paste -d ' ' "$S/in/sums" "$S/in/got" \
		"$S/in/names" | awk '$1 != $2 { print substr($0, 133) }' \
		>>"$S/edited"
	rm -f "$S/in/names" "$S/in/sums" "$S/in/got"
	[ -s "$S/edited" ] || mv -f "$S/stat.now" "$S/stat"
}

# They are put right by the switch; what they hold stays aside.
save_edited() {
	while IFS= read -r p; do
		say "EDITED $p"
		[ -L "$A/$p" ] || [ -f "$A/$p" ] || continue
		case $p in */*) d=/${p%/*} ;; *) d='' ;; esac
		mkdir -p "$S/displaced/$cur$d" 2>"$S/err" &&
			cp -pP -- "$A/$p" "$S/displaced/$cur/$p" 2>"$S/err" ||
			return 1
	done <"$S/edited"
}

# To the disk, before the switch is decided: after a power cut the old release
# is there or all that makes the new one.  Many files go faster all at once.
flush() {
	if [ -n "$(sed -n '50{p;q;}' "$S/changed")" ]; then
		sync -f "$S/apply.new" 2>/dev/null || sync
		return
	fi
	awk -v rel="releases/$new" '
	BEGIN { print "apply.new\ncurrent.new\n" rel "/manifest" }
	{ print "stage/" $0 "\n" rel "/tree/" $0 }' "$S/changed" |
		tr '\n' '\0' | (cd "$S" && exec xargs -0 sync --) 2>/dev/null
}

# Run the journal.  Every step may have been done before: what counts is that
# nothing is left in the stage.
finish() {
	[ -e "$S/apply" ] || return 0
	read -r _ new how by <"$S/apply"
	sh "$S/apply" 2>"$S/err"
	rc=$?
	if [ $rc != 0 ] ||
		[ -n "$(find "$S/stage" ! -type d 2>/dev/null)" ]; then
		return 1
	fi
	mv -f "$S/current.new" "$S/current" 2>/dev/null || {
		echo "$new" >"$S/current.new" && sync "$S/current.new" &&
			mv -f "$S/current.new" "$S/current" || return 1
	}
	cur=$new
	stat_live >"$S/stat"
	echo "$(date +%s) $new $how $by" >>"$S/history"
	rm -rf "$S/apply" "$S/stage"
}

# The journal from the manifests on stdin ("< LINE" of now, "> LINE" of then).
# Names are quoted here; none holds a newline.
write_journal() {
	awk -v q="$sq" -v app="$A" -v stage="$S/stage" -v id="$1" '
	function quote(s,  a, n, i, r) {
		n = split(s, a, q); r = a[1]
		for (i = 2; i <= n; i++) r = r q "\\" q q a[i]
		return q r q
	}
	function path_of(s,  i) {
		for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
		return s
	}
	function parents(p, set,  i) {
		while (match(p, "/[^/]*$")) {
			p = substr(p, 1, RSTART - 1)
			if (p in set) return
			set[p] = 1
		}
	}
	function remove(name) {
		if (name != "") { rms = rms " " name; nrm++ }
		if (nrm >= 200 || (nrm && name == "")) {
			print "gone" rms; rms = ""; nrm = 0
		}
	}
	function flush_move() {
		if (n) print "mv -f --" names " " quote(app "/" at) "/"
		n = 0; names = ""
	}
	BEGIN { print "# " id; print "bad=0"
		print "gone() { rm -f -- \"$@\" || for f; do"
		print "	[ ! -f \"$f\" ] || bad=1; done; }"
		print "mkdir -p -- " quote(app) " || exit 1" }
	{ side = substr($0, 1, 1); line = substr($0, 3); $0 = line
	  p = path_of(line) }
	side == "<" { old[line] = 1; otype[p] = $2; next }
	{ ntype[p] = $2; parents(p, need); if ($2 == "d") need[p] = 1
	  if (!(line in old)) { order[++m] = p } }
	END {
		for (p in otype) if (!(p in ntype) || ntype[p] != otype[p]) {
			if (otype[p] != "d")
				remove(quote(app "/" p))
			else gone[p] = 1
			parents(p, gone)
		}
		remove("")
		# Deeper directories are longer names: longest first.
		for (p in gone) if (!(p in need)) {
			l = length(p); if (l > longest) longest = l
			bylen[l] = bylen[l] "\nrmdir -- " quote(app "/" p) \
				" 2>/dev/null"
		}
		for (l = longest; l > 0; l--)
			if (l in bylen) print substr(bylen[l], 2)
		for (i = 1; i <= m; i++) {
			p = order[i]
			if (ntype[p] == "d") made[p] = 1
			parents(p, made)
		}
		for (p in made)
			print "mkdir -p -- " quote(app "/" p) " || exit 1"
		print "displace"
		for (i = 1; i <= m; i++) {
			p = order[i]
			if (ntype[p] == "d") continue
			d = ""
			if (match(p, "/[^/]*$")) d = substr(p, 1, RSTART - 1)
			if (d != at || n >= 200) { flush_move(); at = d }
			names = names " " quote(stage "/" p); n++
		}
		flush_move()
		print "exit $bad"
	}'
}

# Does the live directory $1 hold nothing but what the current release put
# there?
is_ours() {
	all=$(find "$A/$1" ! -type d | wc -l)
	ours=$(sed -n 's/^< [^ ]* [^d] [^ ]* [^ ]* //p' "$S/both" |
		awk -v d="$1/" 'index($0, d) == 1' | wc -l)
	[ "$((all))" = "$((ours))" ]
}

# What stands in the way of $2, a path the release brings: a directory that
# holds files of the agent stops us.  Where no release brought a file before
# ($1 is "added"), an equal file is fine, another is the agent's and is moved
# aside.
displace() {
	if [ -d "$A/$2" ] && [ ! -L "$A/$2" ]; then
		is_ours "$2" && return 0
		echo "$A/$2 is a directory with files of the agent" >"$S/err"
		return 1
	fi
	[ "$1" = added ] || return 0
	[ -e "$A/$2" ] || [ -L "$A/$2" ] || return 0
	cmp -s "$A/$2" "$S/stage/$2" && return 0
	case $2 in */*) d=/${2%/*} ;; *) d='' ;; esac
	mkdir -p "$S/displaced/$3$d"
	printf '%s\n' "$2" >>"$S/moved"
}

# Lines that move aside what displace() listed, quoted.
displacements() {
	[ -s "$S/moved" ] || return 0
	awk -v q="$sq" -v app="$A" -v s="$S" -v id="$1" '
	function quote(s,  a, n, i, r) {
		n = split(s, a, q); r = a[1]
		for (i = 2; i <= n; i++) r = r q "\\" q q a[i]
		return q r q
	}
	{ st = quote(s "/stage/" $0)
	  print "if [ -e " st " ] || [ -L " st " ]; then mv -f -- " \
		quote(app "/" $0) " " quote(s "/displaced/" id "/" $0) "; fi" }
	' "$S/moved"
}

# Copies of the changed files of release $1 in the stage.  -m: a fresh time,
# or Python would take stale bytecode for current.  A tar for each batch of
# names: lists (-T) are not in every tar, and in GNU's they are no plain names.
fill_stage() {
	# shellcheck disable=SC2016 # expanded by the inner sh
	(cd "$S/releases/$1/tree" && tr '\n' '\0' <"$S/changed" |
		xargs -0 sh -c 'stage=$0
		tar -cf - -- "$@" | tar -xmpof - -C "$stage"' "$S/stage") \
		2>"$S/err"
	copied=$(find "$S/stage" ! -type d | wc -l)
	[ "$((copied))" = "$(($(wc -l <"$S/changed")))" ]
}

# Make release $1, which is complete in releases/, the live one; $2: on or
# back.
switch_to() {
	new=$1
	save_edited || return 1
	rm -rf "$S/stage" "$S/moved" "$S/apply.new" "$S/how" "$S/changed"
	mkdir -p "$S/stage" || return 1
	# A file that was changed is of neither release.
	{ lines_of "$cur" | awk '
		function path_of(s,  i) {
			for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
			return s
		}
		FILENAME == ARGV[1] { edited[$0] = 1; next }
		{ p = path_of($0) }
		p in edited { print "<", $1, $2, "- -", p; next }
		{ print "< " $0 }' "$S/edited" -
		lines_of "$new" | sed 's/^/> /'; } >"$S/both"
	# The paths that differ, as names for tar and for displace.
	awk '
	function path_of(s,  i) {
		for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
		return s
	}
	{ side = substr($0, 1, 1); line = substr($0, 3)
	  split(line, f, " "); p = path_of(line) }
	side == "<" { old[line] = 1; was[p] = f[2]; next }
	!(line in old) && f[2] != "d" {
		print p >changed
		print (p in was && was[p] != "d" ? "replaced " : "added ") p >how
	}' changed="$S/changed" how="$S/how" "$S/both"
	[ -e "$S/changed" ] || : >"$S/changed"
	[ -e "$S/how" ] || : >"$S/how"
	if [ -s "$S/changed" ]; then
		fill_stage "$new" || return 1
	fi
	if [ -d "$A" ] && [ -n "$(ls -A "$A")" ]; then
		while read -r how p; do
			displace "$how" "$p" "$new" || return 1
		done <"$S/how"
	fi
	write_journal "$new $2 $who" <"$S/both" >"$S/apply.raw" || return 1
	displacements "$new" >"$S/apply.moves"
	awk -v moves="$S/apply.moves" '
	$0 != "displace" { print; next }
	{ while ((getline l <moves) > 0) print l }
	' "$S/apply.raw" >"$S/apply.new" &&
		[ "$(tail -n 1 "$S/apply.new")" = "exit \$bad" ] || return 1
	[ ! -e "$S/moved" ] || moved=$(wc -l <"$S/moved")
	echo "$new" >"$S/current.new" && flush
	rm -f "$S/apply.raw" "$S/apply.moves" "$S/both" "$S/how" "$S/changed"
	mv -f "$S/apply.new" "$S/apply" && finish && : >"$S/edited"
}

# The last line of the history for each release, newest first.
by_use() {
	awk '{ line[NR] = $0 }
	END { for (i = NR; i > 0; i--) {
		split(line[i], f, " ")
		if (!seen[f[2]]++) print line[i] } }' "$S/history" 2>/dev/null
}

# The way back: a deploy puts its release on top, going back takes off what is
# above.  What was not seen healthy is told by a "?".
way_back() {
	# shellcheck disable=SC2013 # ids
	for id in $(awk '{ for (i = n; i > 0 && s[i] != $2; i--);
	  if ($3 == "back" && i) { n = i; next }
	  if (i) { for (; i < n; i++) s[i] = s[i + 1]; n-- }
	  s[++n] = $2 }
	END { while (n) print s[n--] }' "$S/history" 2>/dev/null); do
		[ ! -d "$S/releases/$id/tree" ] || {
			[ -e "$S/releases/$id/healthy" ] || id="$id?"
			printf '%s ' "$id"
		}
	done
}

# The newest KEEP releases by last use stay, the live one always.
prune() {
	kept="$cur $(by_use | awk -v n="$keep" 'NR <= n { print $2 }')"
	for r in "$S"/releases/*; do
		id=${r##*/}
		case $kept in
		*"$id"*) ;;
		*)
			# Half a release must not pass for one, and nobody
			# need wait for its end.
			mv "$r" "$S/releases/.t.old.$id" || continue
			[ ! -e "$S/displaced/$id" ] || mv "$S/displaced/$id" \
				"$S/releases/.t.old.$id/displaced"
			rm -rf "$S/releases/.t.old.$id" >/dev/null 2>&1 9>&- & ;;
		esac
	done
	if [ -n "$(find "$S/history" -size +400)" ]; then
		tail -n 500 "$S/history" >"$S/history.new" &&
			mv -f "$S/history.new" "$S/history"
	fi
}

fail() {
	say "FAIL $1: $(why)"
}

# The new manifest from the base's and the payload's first part; its digest
# must be the id.
make_manifest() {
	gzip -dc <"$S/in/delta" >"$S/in/lines" || return 1
	awk '
	function path_of(s,  i) {
		for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
		return s
	}
	FNR == NR { c = substr($0, 1, 1); t = substr($0, 2)
		if (c == "-") drop[t] = 1
		else { drop[path_of(t)] = 1; print t }
		next }
	!(path_of($0) in drop)' "$S/in/lines" "$1" |
		sort -t ' ' -k 5 >"$2" || return 1
	[ "$(tr '\n' '\0' <"$2" | sha256sum)" = "$new  -" ] || {
		echo "the manifest does not have the digest $new" >"$S/err"
		return 1
	}
}

# Paths whose content must go from the staged copy of the base: what left, and
# what is brought anew.  Its files are shared with the base by links.
# "have SOURCE TARGET" pairs name contents the base has under another path.
build_tree() {
	t=$1 base=$2
	: >"$S/in/none"
	old=$S/in/none
	[ "$base" = - ] || old=$S/releases/$base/manifest
	make_manifest "$old" "$t/manifest" 2>>"$S/err" || return 1
	if [ "$base" != - ]; then
		awk '
		function path_of(s,  i) {
			for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
			return s
		}
		{ print substr($0, 1, 1) == "-" ? substr($0, 2) : path_of($0) }
		' "$S/in/lines" | tr '\n' '\0' | (cd "$t/tree" &&
			exec xargs -0 rm -rf --) 2>"$S/err" || return 1
	fi
	tail -c +$((ml + 1)) "$P" | gzip -dc 2>"$S/err" | {
		tar -xmpof - -C "$t/tree" 2>>"$S/err"
		rc=$?
		cat >/dev/null
		exit $rc
	} || return 1
	awk -v from="$S/in/from" -v to="$S/in/to" -v sums="$S/in/sums" \
		-v names="$S/in/names" '
	function path_of(s,  i) {
		for (i = 0; i < 4; i++) s = substr(s, index(s, " ") + 1)
		return s
	}
	BEGIN { printf "" >from; printf "" >to; printf "" >sums
		printf "" >names }
	FILENAME != ARGV[2] { if ($2 == "f" && !($4 in have))
		have[$4] = path_of($0)
		next }
	substr($0, 1, 1) == "+" { $0 = substr($0, 2); p = path_of($0)
		if ($2 != "f") next
		if ($4 in have) { print have[$4] >from
			print substr($1, length($1) - 2) " " p >to }
		print $4 >sums; print p >names }' "$old" "$S/in/lines" || return 1
	copy_known "$t" "$base" || return 1
	# Names may hold anything but newline and NUL: only digests are compared,
	# in order.  GNU puts a backslash before a line whose name it escaped.
	(cd "$t/tree" && tr '\n' '\0' <"$S/in/names" |
		xargs -0 sha256sum -- 2>"$S/err" | sed 's/^\\//' |
		cut -c 1-64) >"$S/in/got"
	[ -s "$S/in/names" ] || : >"$S/in/got"
	cmp -s "$S/in/sums" "$S/in/got" || {
		echo "a file does not have its digest" >>"$S/err"
		return 1
	}
}

# Renamed, copied, or changed in mode alone: not sent, taken from the base.
copy_known() {
	exec 3<"$S/in/from" 4<"$S/in/to"
	while IFS= read -r src <&3 && read -r mode dst <&4; do
		case $dst in */*) mkdir -p "$1/tree/${dst%/*}" ;; esac
		cp -- "$S/releases/$2/tree/$src" "$1/tree/$dst" 2>"$S/err" &&
			chmod "$mode" "$1/tree/$dst" || return 1
	done
	exec 3<&- 4<&-
}

# The base's files again, by links; the payload's first part beside them.
stage_tree() {
	mkdir -p "$1" 2>"$S/err" || return 1
	head -c "$ml" "$P" >"$S/in/delta" 2>"$S/err" || return 1
	if [ "$2" = - ]; then
		mkdir "$1/tree" 2>"$S/err"
	else
		cp -al "$S/releases/$2/tree" "$1/tree" 2>"$S/err"
	fi
}

# Switch and answer; files of the agent that were moved aside are counted.
go() {
	moved=0
	if switch_to "$1" "$2"; then
		prune
		say "OK $cur $((moved))"
	else
		fail "cannot switch"
		[ -e "$S/apply" ] || rm -rf "$S/stage"
	fi
}

no_parts() {
	for p in "$S"/in/*.part; do
		[ ! -e "$p" ] || rm -f "$p"
	done
}

put() {
	base=$1 new=$2 ml=$3 n=$4 sum=$5 off=$6
	P=$S/in/$sum.part t=$S/releases/.t.$new
	if ! is_id "$new" || ! is_id "$sum"; then
		say "FAIL request: bad id"
		exit 76
	fi
	if [ "$base" != - ] && [ ! -d "$S/releases/$base/tree" ]; then
		say "STALE $cur"
		exit 3
	fi
	[ "$off" -gt 0 ] || no_parts
	if ! head -c $((n - off)) >>"$P" 2>"$S/err"; then
		fail "cannot store"
		rm -f "$P"
		# What is still on its way must not be taken for a command.
		exit 74
	fi
	if [ "$(sha256sum <"$P")" != "$sum  -" ]; then
		have=$(($(wc -c <"$P")))
		[ "$have" -lt "$n" ] || rm -f "$P"
		say "FAIL payload: $have of $((n)) bytes, digest differs"
		return
	fi
	[ ! -e "$t" ] || rm -rf "$t"
	if ! stage_tree "$t" "$base"; then
		rm -rf "$t"
		fail "cannot stage"
		return
	fi
	if ! build_tree "$t" "$base"; then
		rm -rf "$t"
		fail "cannot unpack"
		return
	fi
	# Contents name a release: one that is here already is the same.
	if [ -d "$S/releases/$new/tree" ]; then
		rm -rf "$t"
	elif ! mv "$t" "$S/releases/$new" 2>"$S/err"; then
		fail "cannot store"
		return
	fi
	rm -rf "$S"/in/*
	go "$new" on
}

hello() {
	part=- n=0
	for p in "$S"/in/*.part; do
		[ -f "$p" ] || continue
		part=${p##*/} part=${part%.part} n=$(($(wc -c <"$p")))
	done
	kept=$(way_back).
	for r in "$S"/releases/*; do
		[ ! -d "$r/tree" ] || case $kept in
		*"${r##*/}"*) ;;
		*) kept="$kept ${r##*/}" ;;
		esac
	done
	edited=0
	[ ! -s "$S/edited" ] || edited=$(($(wc -l <"$S/edited")))
	say "HELLO 2 $cur $part $n $edited $kept"
}

# What is kept, a paragraph of key=value lines for each, newest first.  Takes
# no lock: everything read here is complete when its name appears.
list() {
	by_use | while read -r time id _ by; do
		[ -d "$S/releases/$id/tree" ] || continue
		printf 'release=%s\ntime=%s\nby=%s\n' "$id" "$time" "$by"
		[ "$id" != "$cur" ] || echo live=1
		[ ! -e "$S/releases/$id/healthy" ] || echo healthy=1
		cat "$S/releases/$id/meta" 2>/dev/null
		echo
	done
}

dialogue() {
	hello
	while read -r op a b c d e f; do
		touch "$S/owner"
		case $op in
		GET)
			if is_id "$a" && [ -f "$S/releases/$a/manifest" ]; then
				m=$S/releases/$a/manifest
				say "MANIFEST $(($(wc -c <"$m")))"
				tr '\n' '\0' <"$m"
			else
				say NONE
			fi ;;
		PUT) put "$a" "$b" "$c" "$d" "$e" "$f" ;;
		USE | BACK)
			if ! is_id "$a" || [ ! -d "$S/releases/$a/tree" ]; then
				say "FAIL no such release: $a"
			elif [ "$op" = USE ]; then
				go "$a" on
			else
				go "$a" back
			fi ;;
		NOTE)
			head -c "$a" >"$S/in/note"
			if [ "$cur" != - ]; then
				mv -f "$S/in/note" "$S/releases/$cur/meta"
			fi
			say "OK $cur" ;;
		BYE) exit 0 ;;
		*)
			say "FAIL request: unknown"
			exit 76 ;;
		esac
	done
}

current
if [ "$keep" = releases ]; then
	list
	exit 0
fi
[ -d "$S/releases" ] && [ -d "$S/in" ] ||
	{ mkdir -p "$S/releases" "$S/in" && chmod 700 .bindu; } || exit 74
lock
current
set -- "$S"/releases/.t.*
[ ! -e "$1" ] || rm -rf "$@"
finish || {
	fail "cannot finish the switch that was interrupted"
	exit 74
}
[ "$keep" != finish ] || exit 0
find_edited
dialogue

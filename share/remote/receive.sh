#!/bin/sh
# receive.sh - make a directory of this box hold exactly one release.
#
#	receive.sh DIR [KEEP [WHO]]	a dialogue on stdin and stdout (below)
#	receive.sh DIR finish		complete what a killed run began
#	receive.sh DIR releases		list what is kept, taking no lock
#	receive.sh DIR tree TO		links to the live release's files, in TO
#
# DIR is the live tree, below HOME or absolute.  What we know of it is in
# HOME/.bindu/trees/NAME, where all three of our files work (store.sh keeps
# the releases, switch.sh makes one the live one):
#	current		the id of the release that is live
#	releases/ID/	manifest (a line a file), packs, meta
#	packs/N/	files as an upload brought them, shared by releases
#	history		"TIME ID on|back WHO" for every switch
#	switched	no live file is younger than this second
#	names, stat	the live files; size, mode, time and name of each as we
#			left them, or empty when they have to be read
#	in/SHA.part	a payload that has not arrived whole
#	stage/, moves, apply	the journal: files to move into place, and the
#			scripts that do it.  Once apply exists the switch
#			happens, in this run or in the next.
#	displaced/ID/	files of the agent that stood where a release put its own,
#			and files of a release that were changed in the box
#	lock, owner	one dialogue at a time
#
# A release's id is the sha256 of its manifest with NUL for newline.  Only
# files some release brought are ever replaced or removed: all others belong
# to the agent.  Live files are copies: an agent that writes into one does not
# change the release it came from.
#
# A deploy waits for this: each program that is run costs a millisecond, so
# awk decides once and writes what to do as lines for sh.
#
# Dialogue (> box, < client):
#	> HELLO 2 CURRENT|- PART|- BYTES EDITED KEPT...	or > BUSY who
#		EDITED files were changed in the box.  KEPT: the way back, the live
#		one first, "?" behind one not seen healthy, then "." and the rest
#	< GET ID	> MANIFEST N, N bytes		or > NONE
#	< PUT BASE NEW ML N SHA OFF, N-OFF bytes: gzip of "-PATH" and "+LINE"
#		(ML bytes), then gzip of a tar of the contents BASE lacks; LINEs
#		in the manifest's order
#			> OK NEW MOVED-ASIDE, > STALE CURRENT, > FAIL why
#	< USE ID	> OK ID: go on to a release that is kept, or repair it
#	< BACK ID	> OK ID: go back to it
#		Before OK: > EDITED PATH for each file put right
#	< NOTE N, N bytes of KEY=VALUE lines	> OK ID: kept with the release
#	< BYE
# What is more than KEEP goes at the end of it, when the client knows whether
# the new release works; never what the agent runs from.
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
self=$0
case $self in /*) ;; *) self=$PWD/$self ;; esac
cd || exit 71
case $dir in /*) A=$dir ;; *) A=$PWD/$dir ;; esac
case $dir in */*) S=$(printf %s "$dir" | tr / =) ;; *) S=$dir ;; esac
S=$PWD/.bindu/trees/$S
export A
# shellcheck source=share/remote/store.sh
. "${self%/*}/store.sh"
# shellcheck source=share/remote/switch.sh
. "${self%/*}/switch.sh"

say() {
	printf '%s\n' "$*"
}

# "WHAT: why", for the client, from the file of errors.
fail() {
	# A full disk has no room for the words that say so.
	if [ ! -s err ] &&
		[ "$(df -Pk . | awk 'NR == 2 { print $4 }')" -lt 100 ]; then
		say "FAIL $1: no space left on the box's disk"
	else
		say "FAIL $1: $(tr -s '\n' ' ' <err 2>/dev/null | cut -c 1-400)"
	fi
}

is_id() {
	case $1 in *[!0-9a-f]* | '') return 1 ;; esac
	[ ${#1} = 64 ]
}

current() {
	cur=-
	read -r cur 2>/dev/null <current
	[ -n "$cur" ] || cur=-
}

# b is the start time of process $1: together with the number it names a
# process for good, also when numbers are used again.
born() {
	stat=
	read -r stat 2>/dev/null <"/proc/$1/stat"
	# shellcheck disable=SC2086 # fields
	set -- ${stat##*) }
	b=${20:-}
}

boot=-
read -r boot 2>/dev/null </proc/sys/kernel/random/boot_id

# Is the process the owner file names still that process?
owner_lives() {
	o_pid=unknown o_who=
	{ read -r o_boot o_pid o_born o_who <owner; } 2>/dev/null || return 1
	born "$o_pid"
	[ "$o_boot" = "$boot" ] && [ -n "$b" ] && [ "$b" = "$o_born" ]
}

# flock(1) is let go by the kernel whatever happens to us.  Without it a
# directory is the lock, and its owner is asked whether it lives.
try_lock() {
	if [ -n "$flock" ]; then
		exec 9>lock && flock -n 9
		return
	fi
	mkdir lock.d 2>/dev/null && return 0
	owner_lives && return 1
	mv lock.d "lock.d.$$" 2>/dev/null && rm -rf "lock.d.$$"
	mkdir lock.d 2>/dev/null
}

# A client that leaves ends its command by a signal to all of it, rm too.
unlock() {
	trap '' HUP INT TERM PIPE
	rm -rf lock.d owner
}

# A client that lost its line keeps us waiting for bytes; who has not moved
# for 15 minutes is put out.
put_out() {
	owner_lives && [ -n "$(find owner -mmin +15)" ] || return 1
	kill -9 "$o_pid" 2>/dev/null
	sleep 1
	try_lock
}

# One that has said BYE ends in a moment, and what it left to do in a few.
lock() {
	flock=
	! command -v flock >/dev/null 2>&1 || flock=1
	n=100
	until try_lock; do
		if [ "$n" -le 0 ]; then
			put_out && break
			owner_lives
			say "BUSY process $o_pid${o_who:+ ($o_who)}"
			exit 75
		fi
		sleep 0.05 2>/dev/null || n=1
		n=$((n - 1))
		! owner_lives || n=$((n - 4))
	done
	born $$
	echo "$boot $$ $b $who" >owner
	trap unlock EXIT
	trap 'exit 129' HUP INT TERM PIPE
}

hello() {
	part=- n=0
	for p in in/*.part; do
		[ -f "$p" ] || continue
		part=${p##*/} part=${part%.part} n=$(($(wc -c <"$p")))
	done
	way_back
	for id in $ids; do
		case $kept in *"$id"*) ;; *) kept="$kept $id" ;; esac
	done
	edited=0
	[ ! -s edited ] || edited=$(($(wc -l <edited)))
	say "HELLO 2 $cur $part $n $edited $kept"
}

# Switch and answer; files of the agent that were moved aside are counted.
go() {
	changed=1
	if switch_to "$1" "$2"; then
		say "OK $cur $moved"
		record
	else
		fail "cannot switch"
		# shellcheck disable=SC2086 # a pattern
		[ -e apply ] || rm -rf stage moves in/$junk
	fi
}

receive_payload() {
	if ! head -c $(($2 - $4)) >>"$P" 2>err; then
		fail "cannot store"
		rm -f "$P"
		# What is still on its way must not be taken for a command.
		exit 74
	fi
	[ "$(sha256sum <"$P")" != "$3  -" ] || return 0
	have=$(($(wc -c <"$P")))
	[ "$have" -lt "$2" ] || rm -f "$P"
	say "FAIL payload: $have of $(($2)) bytes, digest differs"
	return 1
}

# PUT BASE NEW ML N SHA OFF
put() {
	P=in/$5.part
	if ! is_id "$2" || ! is_id "$5"; then
		say "FAIL request: bad id"
		exit 76
	fi
	if [ "$1" != - ] && [ ! -d "releases/$1" ]; then
		say "STALE $cur"
		exit 3
	fi
	[ "$6" -gt 0 ] || rm -f in/*.part
	receive_payload "$3" "$4" "$5" "$6" || return
	if store "$1" "$2" "$3" "$5"; then
		junk='*'
		go "$2" on
		junk='[fl]*'
	fi
}

note() {
	head -c "$1" >in/note
	if [ "$cur" != - ]; then
		mv -f in/note "releases/$cur/meta"
	fi
	say "OK $cur"
}

get() {
	if is_id "$1" && [ -f "releases/$1/manifest" ]; then
		say "MANIFEST $(($(wc -c <"releases/$1/manifest")))"
		tr '\n' '\0' <"releases/$1/manifest"
	else
		say NONE
	fi
}

dialogue() {
	while read -r op a b c d e f; do
		# It moves.
		echo >>owner
		case $op in
		GET) get "$a" ;;
		PUT) put "$a" "$b" "$c" "$d" "$e" "$f" ;;
		USE | BACK)
			if ! is_id "$a" || [ ! -d "releases/$a" ]; then
				say "FAIL no such release: $a"
			elif [ "$op" = USE ]; then
				go "$a" on
			else
				go "$a" back
			fi ;;
		NOTE) note "$a" ;;
		BYE) return ;;
		*)
			say "FAIL request: unknown"
			exit 76 ;;
		esac
	done
}

if ! cd "$S" 2>/dev/null || [ ! -d packs ]; then
	case $keep in releases) exit 0 ;; tree) exit 66 ;; esac
	mkdir -p "$S/releases" "$S/in" "$S/packs" && chmod 700 .bindu &&
		cd "$S" || exit 74
fi
current
case $keep in
releases)
	list
	exit 0 ;;
tree)
	copy_tree "$3"
	exit ;;
esac
lock
current
changed='' junk='[fl]*'
for p in releases/.t.*; do
	[ ! -e "$p" ] || { rm -rf "$p"; changed=1; }
done
[ ! -e in/note ] || rm -f in/note # of a run that was cut off
finish || {
	fail "cannot finish the switch that was interrupted"
	exit 74
}
[ "$keep" != finish ] || exit 0
find_edited
hello
dialogue
[ -z "$changed" ] || [ -e apply ] || prune

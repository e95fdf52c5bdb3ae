# bindu-pack: lists, archives and manifests, always the same.
load helper
load packing

@test "--list gives sizes, links and totals; --json the same" {
	write a/b <<<hello; write top <<<x; ln -s b a/l; mkdir empty
	run -0 --separate-stderr pack --list
	[ "$output" = $'6\ta/b\n1\ta/l -> b\n0\tempty/\n2\ttop' ]
	[[ $stderr == *"2 files  a/"*"in all"* ]]
	run -0 --separate-stderr pack --list --json
	[ "$(jq -r '.files[].path' <<<"$output" | tr '\n' ' ')" = \
		"a/b a/l empty top " ]
	[ "$(jq .bytes <<<"$output")" = 8 ]
	rm -r a empty
	run -0 --separate-stderr pack --list
	[[ $stderr == *"1 file   ."*"1 file   in all"* ]]
}

@test "GNU tar, gzip, zstd and Python read every form" {
	write 'a b/é' <<<hello; write run.sh <<<x; chmod 711 run.sh
	ln -s run.sh l; mkdir e
	long=$(printf 'd%.0s' {1..120})
	write "$long/$long/$long" <<<deep
	for z in "" --gzip --gzip=1 --gzip=12 --zstd --zstd=19 --zstd=-3; do
		pack $z -o ../a.tar
		rm -rf ../out; mkdir ../out
		case $z in
		--gzip*) gzip -t ../a.tar; tar -xzf ../a.tar -C ../out ;;
		--zstd*) zstd -qt ../a.tar; zstd -dcq ../a.tar |
			tar -xf - -C ../out ;;
		*) tar -xf ../a.tar -C ../out ;;
		esac
		diff -r --no-dereference . ../out
		[ -x ../out/run.sh ]
		[ ! -x "../out/a b/é" ]
		[ "$(readlink ../out/l)" = run.sh ]
		[ -d ../out/e ]
	done
	pack --gzip | python3 -c 'import tarfile, sys
print(len(tarfile.open(fileobj=sys.stdin.buffer, mode="r|gz").getmembers()))' \
		| grep -qx 5
}

@test "the archive carries nothing of the machine" {
	write a <<<1; write b <<<2; chmod 600 a; chmod 4775 b
	pack -o ../a.tar
	run -0 tar --numeric-owner -tvf ../a.tar
	[[ ${lines[0]} == "-rw-r--r-- 0/0 "*1985-10-26*" a" ]]
	[[ ${lines[1]} == "-rwxr-xr-x 0/0 "*1985-10-26*" b" ]]
	SOURCE_DATE_EPOCH=1700000000 pack | tar -tvf - | grep -q 2023-11-14
	SOURCE_DATE_EPOCH=x run -78 pack
	pack --gzip | od -An -tx1 -N10 | grep -q '1f 8b 08 00 00 00 00 00 .. ff'
}

@test "same bytes: clones, times, umask, locale, threads, order, file system" {
	git init -q .
	for i in $(seq 60); do
		write "d$((i % 7))/f$i" < <(seq $((i * 400)))
	done
	chmod +x d1/f1; ln -s f1 d1/l
	touch $'caf\xc3\xa9' $'caf\xe9' $'\xff\xfe'
	head -c 3000000 /dev/urandom >big
	git add . && git commit -qm a
	# One where bytes are no UTF-8 and sort otherwise, where it can be made.
	locales="C.UTF-8 POSIX tr_TR"
	mkdir ../locales
	if localedef -i tr_TR -f ISO-8859-9 ../locales/tr_TR; then
		[ "$(env LOCPATH="$PWD/../locales" LC_ALL=tr_TR locale charmap)" \
			= ISO-8859-9 ]
	else
		locales="C.UTF-8 POSIX C"
	fi
	# tmpfs and a file system on disk, whichever this is.
	other=/dev/shm
	[ "$(stat -f -c %T .)" != tmpfs ] || other=/var/tmp
	for z in "" --gzip --zstd; do
		want=$(pack $z | sha256sum)
		for j in 1 2 4; do
			[ "$(pack $z -j $j | sha256sum)" = "$want" ]
		done
		for l in $locales; do
			[ "$(env LOCPATH="$PWD/../locales" LC_ALL=$l timeout 60 \
				bindu-pack $z | sha256sum)" = "$want" ]
		done
		rm -rf ../c
		(umask 077 && git clone -q . ../c)
		[ "$(pack $z -C ../c | sha256sum)" = "$want" ]
		shm=$(mktemp -d -p $other)
		# The other way round, so that directories list otherwise.
		git ls-files -z | sort -rz | tar -cf - --null -T - | tar -xmf - -C "$shm"
		[ "$(pack $z -C "$shm" | sha256sum)" = "$want" ]
		rm -rf "$shm"
	done
	m=$(pack -m - | sha256sum)
	[ "$(pack -m - -C ../c -j 1 --no-cache | sha256sum)" = "$m" ]
	if [ "$(id -u)" = 0 ]; then
		chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" .. 2>/dev/null
		cp -r . /dev/shm/bindu-user.$$
		chmod -R a+rX /dev/shm/bindu-user.$$
		# A copy of the program: a checkout may be in a private directory.
		bin=$(mktemp -d -p /var/tmp)
		chmod 755 "$bin"
		cp "$(command -v bindu-pack)" "$bin"
		got=$(setpriv --reuid=65534 --regid=65534 --clear-groups \
			env HOME=/dev/null/none XDG_CACHE_HOME=/dev/null/none \
			"$bin/bindu-pack" -C /dev/shm/bindu-user.$$ \
			| sha256sum) || true
		rm -rf /dev/shm/bindu-user.$$ "$bin"
		[ "$got" = "$(pack | sha256sum)" ]
	fi
}

@test "the manifest is mode, type, size, digest, path; its digest the id" {
	write b/x <<<hello; chmod +x b/x; ln -s x b/l; mkdir e; touch a
	pack -m - | tr '\0' '\n' >../m
	h=$(printf 'hello\n' | sha256sum | cut -d' ' -f1)
	l=$(printf x | sha256sum | cut -d' ' -f1)
	n=$(sha256sum </dev/null | cut -d' ' -f1)
	[ "$(cat ../m)" = "$(printf '%s\n' "0644 f 0 $n a" "0777 l 1 $l b/l" \
		"0755 f 6 $h b/x" "0755 d 0 $n e")" ]
	pack -m ../m2 -o ../a.tar
	cmp <(tr '\0' '\n' <../m2) ../m
}

@test "an archive and its manifest on stdout" {
	write a.py <<<1; write d/b <<<2
	pack -q -o ../a.tar -m - >../m
	pack -q -m - | cmp - ../m
	[ "$(tar tf ../a.tar)" = $'a.py\nd/b' ]
	# A name like any other in the tree, stdout as a FILE.
	echo 1 >-
	pack -q -o - -m ../m | tar tf - >../names
	[ "$(<../names)" = $'-\na.py\nd/b' ]
	pack -q -m - | cmp - ../m
}

@test "a cached digest is used only while nothing about the file changed" {
	write a <<<one; write b <<<two; sleep 0.1
	pack -m - >../m1
	ls "$XDG_CACHE_HOME"/bindu/stat/* >/dev/null
	# Same size, same mtime: only the change time tells.
	touch -r a ../ref; write a <<<eno; touch -r ../ref a
	pack -m - >../m2
	! cmp -s ../m1 ../m2 || false
	cmp <(pack -m - --no-cache) ../m2
	# A cache that was tampered with is not believed.
	for f in "$XDG_CACHE_HOME"/bindu/stat/*; do
		printf '\377' | dd of="$f" bs=1 seek=90 conv=notrunc 2>/dev/null
	done
	cmp <(pack -m -) ../m2
	# Written in the same tick as hashed: not remembered.
	for i in 1 2 3 4 5 6 7 8; do
		echo $i >a; pack -m - >../m3
		echo $((i + 1)) >a
		cmp <(pack -m -) <(pack -m - --no-cache)
	done
}

@test "the cache of roots that are gone does not pile up" {
	write a <<<1; sleep 0.1
	pack -q -m /dev/null --list >/dev/null
	cache=$XDG_CACHE_HOME/bindu/stat
	own=$(ls "$cache")
	for i in $(seq 80); do
		head -c 100 /dev/zero >"$cache/$(printf %032d $i)"
		touch -d "$i hours ago" "$cache/$(printf %032d $i)"
	done
	touch -d "31 days ago" "$cache/$(printf %032d 7)"
	touch -d "29 days ago" "$cache/$own"
	# Used, though nothing had to be written: young again, none leaves.
	pack -q -m /dev/null --list >/dev/null
	[ "$(ls "$cache" | wc -l)" = 81 ]
	[ -n "$(find "$cache" -name "$own" -mmin -5)" ]
	write b <<<2
	pack -q -m /dev/null --list >/dev/null
	[ "$(ls "$cache" | wc -l)" = 64 ]
	[ -e "$cache/$own" ]
	[ -e "$cache/$(printf %032d 60)" ]
	[ ! -e "$cache/$(printf %032d 7)" ]
	[ ! -e "$cache/$(printf %032d 70)" ]
	truncate -s 200M "$cache/$(printf %032d 1)" "$cache/$(printf %032d 2)"
	touch "$cache/$(printf %032d 1)" "$cache/$(printf %032d 2)"
	write c <<<3; sleep 0.1
	pack -q -m /dev/null --list >/dev/null
	[ "$(ls "$cache" | wc -l)" -le 2 ]
	[ -e "$cache/$own" ]
}

@test "never packs its output, its manifest or what stdout is" {
	write a <<<1
	pack -o out.tar -m man; pack -o out.tar -m man
	[ "$(tar tf out.tar)" = a ]
	[ "$(tr '\0' '\n' <man | wc -l)" = 1 ]
	rm out.tar man
	pack >here.tar
	[ "$(tar tf here.tar)" = a ]
	rm here.tar
	XDG_CACHE_HOME=$T/cache pack -m - >../m
	[ "$(XDG_CACHE_HOME=$T/cache ships)" = a ]
}

@test "a device or pipe named as output is written to, never replaced" {
	write a <<<1
	mkfifo ../p
	pack -o ../p & timeout 10 cat ../p | tar -tf - | grep -qx a
	wait
	[ -p ../p ]
	pack -o /dev/null -m /dev/null
	[ -c /dev/null ]
	ln -s /dev/null ../n
	pack -o ../n
	[ -L ../n ] && [ -c /dev/null ]
}

@test "over the size limit: exit 65, the largest named, nothing written" {
	write m/big < <(head -c 3000000 /dev/urandom); write s <<<x
	write 'm/[b]ig2' < <(head -c 2000000 /dev/urandom)
	run -65 --separate-stderr pack --gzip --max-size 1M -o ../a.tgz
	[[ $stderr == *"limit is 1.0 MB"*"largest file is m/big (2.9 MB)"* ]]
	[[ $stderr == *"/m/"*"/m/big"*'/m/\[b]ig2'* ]]
	[ ! -e ../a.tgz ]
	! ls ../a.tgz.* 2>/dev/null || false
	# Near the limit the estimate lets it try; the cap is exact.
	size=$(pack --gzip | wc -c)
	pack --gzip --max-size "$size" | wc -c | grep -qx "$size"
	run -65 --separate-stderr bash -c "bindu-pack --gzip --max-size \
		$((size - 1)) | cat; exit \${PIPESTATUS[0]}"
	# The lines it printed do help.
	printf '%s\n' '/m/big' '/m/\[b]ig2' >.binduignore
	pack --gzip --max-size 1M -o ../a.tgz
}

@test "a hopeless pack stops before it reads the tree" {
	for i in 1 2 3 4; do truncate -s 2G big$i; done
	truncate -s 1T huge
	start=$(date +%s%N)
	run -65 --separate-stderr timeout 20 bindu-pack --max-size 50M
	[ $((($(date +%s%N) - start) / 1000000)) -lt 2000 ]
	[[ $stderr == *"largest file is huge"* ]]
}

@test "usage errors exit 2" {
	run -2 pack --gzip --zstd
	run -2 pack --gzip=99
	for level in x 0 +3 ' 3' 4294967297 -0 --1; do
		run -2 pack --zstd="$level"
	done
	pack -q --zstd=-7 | zstd -qt
	for o in -o -m -C -x; do
		run -2 pack $o ''
		[[ $output == *"option $o: "*" must not be empty"* ]]
	done
	run -2 pack -l -o ../x.tar
	run -2 pack -l -m -
	run -2 pack --json -o ../x.tar -m -
	[ ! -e ../x.tar ]
	run -2 pack -0
	run -66 pack -C nowhere
}

@test "a tree of thousands lists what find finds, its output left out" {
	for d in $(seq 30); do
		mkdir -p "d$d"
		for f in $(seq 100); do echo "$f" >"d$d/f$f"; done
	done
	chmod +x d9/f9; ln -s f1 d3/l
	pack -o d7/out.tar
	find . \( -type f -o -type l \) ! -name out.tar | sed 's|^\./||' |
		LC_ALL=C sort >../want
	ships | diff - <((cat ../want; echo d7/out.tar) | LC_ALL=C sort)
	tar tf d7/out.tar | diff - ../want
	pack -o d7/out.tar
	tar tf d7/out.tar | diff - ../want
	[ "$(tar tvf d7/out.tar | grep -c -- '^-rwxr-xr-x')" = 1 ]
}

@test "pack: --json -o FILE says what was written; an output that cannot be made is named" {
	write a.py <<<'print(1)'
	run --separate-stderr -0 timeout 30 bindu-pack --json -o "$BATS_TEST_TMPDIR/x.tar"
	size=$(wc -c <"$BATS_TEST_TMPDIR/x.tar")
	[ "$output" = "{\"file\":\"$BATS_TEST_TMPDIR/x.tar\",\"files\":1,\"content_bytes\":9,\"archive_bytes\":$size}" ]
	run -2 timeout 30 bindu-pack --json
	[[ $output == *"-o FILE"* ]]
	run -66 timeout 30 bindu-pack -o ../none/x
	[[ $output == *"cannot make ../none/x: No such file"* ]]
	[[ $output != *tmp* ]]
}

@test "pack: a closed standard output is 74 as a full one, whatever is printed" {
	write a.py <<<'print(1)'
	for o in "" --gzip -l "-l --json" "-m -" "-x a.py" --help; do
		# shellcheck disable=SC2086 # two words
		run -74 bash -c "timeout 10 bindu-pack $o >&-"
		[[ $output == "bindu-pack: cannot write "* ]]
	done
}

@test "pack: a home that is not there is not made" {
	write a.py <<<'print(1)'
	run -0 env -u XDG_CACHE_HOME HOME="$BATS_TEST_TMPDIR/none" timeout 10 bindu-pack -m -
	[ ! -e "$BATS_TEST_TMPDIR/none" ]
	mkdir "$BATS_TEST_TMPDIR/none"
	run -0 env -u XDG_CACHE_HOME HOME="$BATS_TEST_TMPDIR/none" timeout 10 bindu-pack -m -
	[ -d "$BATS_TEST_TMPDIR/none/.cache/bindu/stat" ]
}

@test "pack: an output or manifest of the longest name there can be" {
	write t/a.py <<<'print(1)'
	long=$(printf 'ä%.0s' $(seq 127))
	run -0 timeout 10 bindu-pack -C t -o "${long}o" -m "${long}m"
	[ "$(ls -A | tr '\n' ' ')" = "t ${long}m ${long}o " ]
	tar tf "${long}o"
	run -71 timeout 10 bindu-pack -C t -o "${long}oo"
	[[ $output == *"File name too long" ]]
}

@test "pack: killed while it writes into its own tree, nothing is left that ships" {
	write a.py <<<'print(1)'
	truncate -s 100G big
	for sig in TERM KILL; do
		run timeout -s $sig 1 bindu-pack -q --gzip=12 -o out.tar
		[ "$status" = 124 ] || [ "$status" = 137 ]
		[ "$(ls -A)" = $'a.py\nbig' ]
	done
	# What is left where a file cannot be without a name.
	: >.out.tar.12345~
	[ "$(ships | tr '\n' ' ')" = "a.py big " ]
}

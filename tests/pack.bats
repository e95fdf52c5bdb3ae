# bindu-pack: what ships is what git would keep, less secrets, always the same.
load helper

setup() {
	own_home
	unset GIT_DIR GIT_WORK_TREE
	git config --global user.email t@example.org
	git config --global user.name t
	git config --global init.defaultBranch main
	T=$BATS_TEST_TMPDIR/tree
	mkdir "$T"
	cd "$T"
}

pack() { timeout 60 bindu-pack "$@"; }
# What ships, one path a line.
ships() { pack -q --list -0 "$@" 2>/dev/null | tr '\0' '\n'; }
# All paths of the tree that ship equal the arguments.
expect() {
	local got
	got=$(ships)
	[ "$got" = "$(printf '%s\n' "$@")" ] || {
		echo "got:"; echo "$got"; return 1; }
}

@test "rules of nested .gitignore files, the deepest first" {
	write .gitignore <<<'*.x'
	write a/.gitignore <<<'!k.x'
	write a/k.x </dev/null; write a/j.x </dev/null; write b.x </dev/null
	expect .gitignore a/.gitignore a/k.x
	write a/.gitignore <<<'*.x'
	write .gitignore <<<'!k.x'
	expect .gitignore a/.gitignore b.x
}

@test "anchored rules hold for the directory of their file" {
	write a/.gitignore <<'EOT'
/k
b/j
a/x
EOT
	write a/k </dev/null; write a/b/k </dev/null; write a/b/j </dev/null
	write b/j </dev/null; write a/x/b/j </dev/null; write a/a/x </dev/null
	write z/a/x </dev/null
	expect a/.gitignore a/b/k a/x/b/j b/j z/a/x
}

@test "an ignored directory's own rules are never read" {
	write .gitignore <<<'a/'
	write a/.gitignore <<<'!keep'
	write a/keep </dev/null
	expect .gitignore
	write .gitignore <<<'a/*'
	expect .gitignore a/keep
	write a/.gitignore <<<'!*'
	expect .gitignore a/.gitignore a/keep
}

@test "three levels: the deepest rule wins" {
	write .gitignore <<<'/a/b/x'
	write a/.gitignore <<<'!b/x'
	write a/b/.gitignore <<<'x'
	write a/b/x </dev/null
	expect .gitignore a/.gitignore a/b/.gitignore
}

@test "info/exclude and core.excludesFile stand below .gitignore" {
	git init -q .
	printf 'k\ne\n!g\n' >.git/info/exclude
	printf 'g\nh\n/top\n!k\n' >"$HOME/ex"
	git config --global core.excludesFile '~/ex'
	write .gitignore <<<'!k'
	for f in k e g h top sub/top sub/h; do write $f </dev/null; done
	expect .gitignore g k sub/top
}

@test "the default excludes file of git is read" {
	git init -q .
	write "$XDG_CONFIG_HOME/git/ignore" <<<'*.tmp'
	write a.tmp </dev/null; write a.c </dev/null
	expect a.c
	unset XDG_CONFIG_HOME
	rm -r "$HOME/.config"
	write "$HOME/.config/git/ignore" <<<'*.c'
	expect a.tmp
}

@test "excludes set through an include are found" {
	git init -q .
	write "$HOME/ex" <<<'*.tmp'
	write "$HOME/more" <<<$'[core]\n\texcludesFile = ~/ex'
	git config --global include.path '~/more'
	write a.tmp </dev/null; write a.c </dev/null
	expect a.c
}

@test "settings are read as git writes them" {
	git init -q .
	write "$HOME/e x;1" <<<'*.tmp'
	git config core.excludesFile "$HOME/e x;1"
	git config core.ignoreCase true
	write .gitignore <<<'Foo'
	write foo </dev/null; write a.tmp </dev/null; write a.TMP </dev/null
	write b </dev/null
	expect .gitignore b
	[ "$(git config core.excludesFile)" = "$HOME/e x;1" ]
}

@test "rules above the project root count up to the repository's top" {
	git init -q .
	write .gitignore <<<$'*.x\n/p/top'
	write p/.gitignore <<<'q/a'
	write p/q/a </dev/null; write p/q/b </dev/null; write p/q/c.x </dev/null
	write p/top </dev/null
	cd p/q
	expect b
	cd ..
	expect .gitignore q/b
}

@test "a project root that is ignored itself is packed, with a word" {
	git init -q .
	write .gitignore <<<'build/'
	write build/a </dev/null
	cd build
	run -0 --separate-stderr pack --list -0
	[[ $stderr == *"is ignored itself by"*".gitignore:1:build/"* ]]
	[ "$output" = a ]
}

@test "a work tree with a .git file finds the shared exclude file" {
	git init -q main
	(cd main && write .gitignore <<<'*.x' && git add . &&
		git commit -qm a && git worktree add -q ../wt)
	echo '*.y' >main/.git/info/exclude
	cd wt
	touch a.x a.y a.z
	expect .gitignore a.z
}

@test "a submodule brings its own rules and never its .git" {
	git init -q sub
	(cd sub && write f.x </dev/null && git add -f f.x && git commit -qm a)
	git init -q top
	cd top
	write .gitignore <<<'*.x'
	git -c protocol.file.allow=always submodule add -q ../sub sub 2>&1
	echo '*.y' >.git/modules/sub/info/exclude
	touch sub/a.y sub/a.z
	expect .gitignore .gitmodules sub/a.z sub/f.x
}

@test "a nested repository is walked, its .git is not" {
	git init -q .
	git init -q inner
	write inner/a </dev/null; write inner/.gitignore <<<'b'
	write inner/b </dev/null
	echo c >inner/.git/info/exclude
	write inner/c </dev/null; write c </dev/null
	expect c inner/.gitignore inner/a
}

@test "a .gitignore that is a link or a directory has no rules" {
	write rules <<<'*'
	mkdir a b
	ln -s ../rules a/.gitignore
	mkdir b/.gitignore
	touch a/f b/f
	run -0 --separate-stderr pack --list -0
	[[ $stderr == *"a/.gitignore is a symbolic link"* ]]
	expect a/.gitignore a/f b/.gitignore b/f rules
}

@test ".binduignore stands above every .gitignore" {
	write .gitignore <<<$'dist/\n*.bin'
	write .binduignore <<<$'!dist/\n/notes\n!a.bin'
	write sub/.gitignore <<<'!notes2'
	write sub/.binduignore <<<'notes2'
	touch notes a.bin b.bin sub/notes2 sub/x
	write dist/app.js </dev/null
	expect .binduignore .gitignore a.bin dist/app.js sub/.binduignore \
		sub/.gitignore sub/x
}

@test "built-in defaults are lowest: any rule takes them back" {
	touch a.log; write venv/x </dev/null; write __pycache__/m.pyc </dev/null
	write node_modules/y </dev/null; touch k.db a.py
	expect a.py
	write .binduignore <<<$'!k.db\n!venv/'
	expect .binduignore a.py k.db venv/x
	[ "$(ships --no-defaults)" = "$(printf '%s\n' .binduignore \
		__pycache__/m.pyc a.log a.py k.db node_modules/y venv/x)" ]
}

@test "secret names never ship, whatever the rules say" {
	write .gitignore <<<$'!.env\n!*.pem'
	write .binduignore <<<$'!.env\n!id_rsa'
	for f in .env .ENV sub/Server.PFX sub/id_rsa .aws/credentials \
		p/.env/production a.py; do
		write $f <<<x
	done
	run -0 --separate-stderr pack --list -0
	[ "$(ships)" = "$(printf '%s\n' .binduignore .gitignore a.py)" ]
	for f in .env .ENV .aws sub/Server.PFX sub/id_rsa; do
		[[ $stderr == *"$f is left out by name/"* ]]
	done
	ships --no-deny | grep -qx sub/id_rsa
}

@test "a tracked file ships although a rule ignores it, unless it is a secret" {
	git init -q .
	write .gitignore <<<$'*.db\nbuild/\n.env\nlinks/'
	write k.db <<<1; write build/keep.txt <<<1; write build/other <<<1
	write build/deep/er/f <<<1; write build/deep/no <<<1; write .env <<<1
	write build/__pycache__/a.pyc <<<1
	mkdir links; ln -s ../k.db links/l
	git add -f k.db build/keep.txt build/deep/er/f .env links/l \
		build/__pycache__/a.pyc
	touch new.db
	expect .gitignore build/deep/er/f build/keep.txt k.db links/l
	for v in 2 3 4; do
		git update-index --index-version $v
		expect .gitignore build/deep/er/f build/keep.txt k.db links/l
	done
	git update-index --split-index
	expect .gitignore build/deep/er/f build/keep.txt k.db links/l
}

@test "a damaged index counts as empty, with a word" {
	git init -q .
	write .gitignore <<<'*.db'
	touch k.db; git add -f k.db .gitignore
	head -c 60 .git/index >i; mv i .git/index
	run -0 --separate-stderr pack --list -0
	[[ $stderr == *"index is damaged"* ]]
	[ "$output" = .gitignore ]
}

@test "--explain names source, line and pattern, or says what else decides" {
	git init -q .
	write .gitignore <<<$'*.x\n!keep.x\nb/'
	touch a.x keep.x b.py .env sub; write b/c/d </dev/null
	mkfifo pipe; git add -f a.x
	run -1 pack --explain a.x --explain keep.x -x b.py -x .env -x b/c/d \
		-x .git/config -x gone -x pipe
	[ "${lines[0]}" = $'ships\ttracked by git, although .gitignore:1:*.x\ta.x' ]
	[ "${lines[1]}" = $'ships\t.gitignore:2:!keep.x\tkeep.x' ]
	[ "${lines[2]}" = $'ships\t\tb.py' ]
	[ "${lines[3]}" = $'denied\tname/dotenv\t.env' ]
	[ "${lines[4]}" = $'ignored\t.gitignore:3:b/\tb/c/d' ]
	[[ ${lines[5]} == git$'\t'* ]]
	[[ ${lines[6]} == missing$'\t'*gone ]]
	[[ ${lines[7]} == special$'\t'*pipe ]]
	run -0 pack -x keep.x
	run -2 pack -x ../b.py
}

@test "--list gives sizes, links and totals; --json the same" {
	write a/b <<<hello; write top <<<x; ln -s b a/l; mkdir empty
	run -0 --separate-stderr pack --list
	[ "$output" = $'6\ta/b\n1\ta/l -> b\n0\tempty/\n2\ttop' ]
	[[ $stderr == *"2 files  a/"*"in all"* ]]
	run -0 --separate-stderr pack --list --json
	[ "$(jq -r '.files[].path' <<<"$output" | tr '\n' ' ')" = \
		"a/b a/l empty top " ]
	[ "$(jq .bytes <<<"$output")" = 8 ]
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
		[ -x ../out/run.sh ] && [ ! -x "../out/a b/é" ]
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
			env HOME=/nonexistent XDG_CACHE_HOME=/nonexistent \
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

@test "a cached digest is used only while nothing about the file changed" {
	write a <<<one; write b <<<two; sleep 0.1
	pack -m - >../m1
	ls "$XDG_CACHE_HOME"/bindu/stat/* >/dev/null
	# Same size, same mtime: only the change time tells.
	touch -r a ../ref; write a <<<eno; touch -r ../ref a
	pack -m - >../m2
	! cmp -s ../m1 ../m2
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
	[ ! -e ../a.tgz ] && ! ls ../a.tgz.* 2>/dev/null
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
	run -2 pack --zstd=x
	run -2 pack -0
	run -66 pack -C nowhere
}

@test "random trees and rules: every answer as git's (5,000 cases)" {
	run timeout 200 python3 "$REPO/tests/fuzz/ignore.py" --cases 5000 \
		${BINDU_FUZZ_SEED:+--seed "$BINDU_FUZZ_SEED"}
	echo "$output"
	[ "$status" = 0 ]
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
	run --separate-stderr -0 timeout 10 bindu-pack --json -o "$BATS_TEST_TMPDIR/x.tar"
	size=$(wc -c <"$BATS_TEST_TMPDIR/x.tar")
	[ "$output" = "{\"file\":\"$BATS_TEST_TMPDIR/x.tar\",\"files\":1,\"content_bytes\":9,\"archive_bytes\":$size}" ]
	run -2 timeout 10 bindu-pack --json
	[[ $output == *"-o FILE"* ]]
	run -66 timeout 10 bindu-pack -o /nonexistent/x
	[[ $output == *"cannot make /nonexistent/x: No such file"* ]]
	[[ $output != *tmp* ]]
}

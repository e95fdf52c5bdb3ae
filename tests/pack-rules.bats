# bindu-pack: what ships is what git would keep, less secrets.
load helper
load packing

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

@test "an ignored directory stays ignored, whatever its own file takes back" {
	write .gitignore <<<'*'
	write a/.gitignore <<<'!*'
	write a/keep </dev/null
	expect
	rm .gitignore
	write a/.gitignore <<<$'*\n!.gitignore'
	write a/b/x </dev/null
	expect a/.gitignore
	write a/.gitignore <<<'dir1/dir2/'
	write a/dir1/dir2/f </dev/null; write dir1/dir2/f </dev/null
	expect a/.gitignore a/b/x a/keep dir1/dir2/f
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
	for v in yes on 1 0x1 -1 2k; do
		git config core.ignoreCase "$v"
		expect .gitignore b
	done
	for v in no off 0 ''; do
		git config core.ignoreCase "$v"
		expect .gitignore a.TMP b foo
	done
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

@test "a nested repository of the other hash brings its own index" {
	for kind in sha1 sha256; do
		git init -q --object-format="$kind" "$kind"
		cd "$kind"
		for inner in sha1 sha256; do
			git init -q --object-format="$inner" "$inner"
			write "$inner/.gitignore" <<<$'kept\ngone'
			touch "$inner/kept" "$inner/gone"
			git -C "$inner" add -f kept
		done
		run -0 --separate-stderr pack --list
		[[ $stderr != *damaged* ]]
		expect sha1/.gitignore sha1/kept sha256/.gitignore sha256/kept
		cd ..
	done
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
	run -0 --separate-stderr pack --list --no-names
	[[ $stderr != *"left out by name"* && $stderr == *" as secrets"* ]]
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
	# As a hook of another repository would run it.
	GIT_DIR=nowhere GIT_INDEX_FILE=nothing expect .gitignore \
		build/deep/er/f build/keep.txt k.db links/l
	run -1 pack -x build/__pycache__/a.pyc
	[[ $output == $'ignored\t.gitignore:2:build/\t'* ]]
}

@test "a tracked file does not ship when .binduignore says so" {
	git init -q .
	write .gitignore <<<$'build/'
	write .binduignore <<<$'/key.txt\nbuild/b*\n/docs\n/d2/*\n!/d2/keep'
	for f in key.txt sub/key.txt build/a build/b build/c/d docs/x d2/keep d2/go; do
		write $f <<<1
		git add -f $f
	done
	expect .binduignore .gitignore build/a build/c/d d2/keep sub/key.txt
	run -1 pack -x key.txt -x build/b -x build/a -x docs/x -x d2/go
	[ "${lines[0]}" = $'ignored\t.binduignore:1:/key.txt\tkey.txt' ]
	[ "${lines[1]}" = $'ignored\t.binduignore:2:build/b*\tbuild/b' ]
	[ "${lines[2]}" = $'ships\ttracked by git, although .gitignore:1:build/\tbuild/a' ]
	[ "${lines[3]}" = $'ignored\t.binduignore:3:/docs\tdocs/x' ]
	[ "${lines[4]}" = $'ignored\t.binduignore:4:/d2/*\td2/go' ]
}

@test "a tracked file in conflict ships once" {
	git init -q .
	write .gitignore <<<'d/'
	write d/f <<<1; git add -f d/f; git commit -qm 1
	git checkout -qb other; write d/f <<<2; git commit -qam 2
	git checkout -q -; write d/f <<<3; git commit -qam 3
	! git merge -q other || false
	[ "$(git ls-files -s d/f | wc -l)" = 3 ]
	expect .gitignore d/f
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

@test "random trees and rules: every answer as git's (5,000 cases)" {
	run timeout 200 python3 "$REPO/tests/fuzz/ignore.py" --cases 5000 \
		${BINDU_FUZZ_SEED:+--seed "$BINDU_FUZZ_SEED"}
	echo "$output"
	[ "$status" = 0 ]
}

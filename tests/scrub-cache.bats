# bindu-scrub: a tree that did not change is not read again, and nothing is missed.
load helper
load scrubbing

# The bytes that a check of the tree reads.  Its own /proc/PID/io is root's; at
# its end they are added to ours.
bytes_read() {
	python3 - "$@" <<-'PY'
	import subprocess, sys
	def read():
	    return int(open("/proc/self/io").read().split()[1])
	before = read()
	rc = subprocess.call(["bindu-scrub", "-q", *sys.argv[1:], "tree"])
	print(read() - before)
	sys.exit(rc)
	PY
}

@test "scrub: a clean file is not read again until it, its name or the rules change" {
	python3 -c 'for i in range(200000): print("x%d = %d" % (i, i))' >tree/big.py
	sleep 0.1
	[ "$(bytes_read)" -gt 2000000 ]
	[ "$(bytes_read)" -lt 1000000 ]
	[ "$(bytes_read --no-cache)" -gt 2000000 ]
	mv tree/big.py tree/.env
	run -0 check
	[ "$(names dropped path)" = .env ]
	mv tree/.env tree/big.py
	# Of the same size and time.
	touch -r tree/big.py stamp
	printf 't = "%s"\n' "$TOKEN" | dd of=tree/big.py conv=notrunc status=none
	touch -r stamp tree/big.py
	run -1 check
	[ "$(names findings rule)" = provider/github-pat ]
}

@test "scrub: a file with a finding is read each time, allowed or not; its secret is in no cache" {
	printf 't = "%s"\n' "$TOKEN" | write tree/agent.py
	sleep 0.1
	run -1 check
	names findings allow | sed 's/# .*/# a test/' >tree/.binduscrub
	sleep 0.1
	run -0 check
	run -0 check
	: >tree/.binduscrub
	run -1 check
	run -1 grep -raF "$TOKEN" "$HOME" "${XDG_CACHE_HOME:-$HOME/.cache}"
}

@test "scrub: a torn, foreign or odd cache is as none" {
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/bindu/stat
	echo 'print("hello")' | write tree/agent.py
	sleep 0.1
	run -0 check
	name=$(ls "$cache")
	printf 't = "%s"\n' "$TOKEN" | write tree/agent.py
	for bad in 'head -c 50 old' 'head -c 1000 /dev/urandom' 'cat old old' 'sed s/agent/other/ old' 'true'; do
		cp "$cache/$name" old
		$bad >new
		cp new "$cache/$name"
		run -1 check
	done
	rm "$cache/$name"
	mkfifo "$cache/$name"
	run -1 check
}

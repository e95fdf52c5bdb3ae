# scrubbing.bash - secrets made for one test, and a tree to put them into.

setup() {
	own_home
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir tree
	# Every secret is made here and now: none stands in this file.
	python3 - <<-'PY'
	import random, string, zlib, subprocess
	R = random.SystemRandom()
	W = string.ascii_letters + string.digits
	def pick(a, n): return ''.join(R.choice(a) for _ in range(n))
	def checked(prefix):
	    d = string.digits + string.ascii_uppercase + string.ascii_lowercase
	    body = pick(W, 30)
	    crc, out = zlib.crc32(body.encode()), ''
	    for _ in range(6):
	        out = d[crc % 62] + out
	        crc //= 62
	    return prefix + body + out
	def hard(n): return pick('bcdfghjkmnpqrstvwxz', 3) + pick(W, n - 6) + pick('23456789', 3)
	put = {'token': checked('gh' + 'p_'), 'other': checked('gh' + 'p_'), 'random': hard(40), 'password': hard(16),
	       'keyid': 'AK' + 'IA' + pick(string.ascii_uppercase + '234567', 16), 'aws': pick(W + '+/', 40)}
	put['failed'] = put['token'][:-1] + R.choice([c for c in W if c != put['token'][-1]])
	for name, value in put.items():
	    open(name, 'w').write(value)
	open('key', 'wb').write(subprocess.run(['openssl', 'genrsa', '2048'], capture_output=True, check=True).stdout)
	PY
	TOKEN=$(cat token) OTHER=$(cat other) RANDOM_VALUE=$(cat random) PASSWORD=$(cat password)
}

# names JSON-KEY FIELD: that field of each entry of the last report.
names() {
	python3 -c 'import json,sys
for o in json.load(open("report"))[sys.argv[1]]: print(o[sys.argv[2]])' "$@"
}

check() {
	timeout 20 bindu-scrub --json "$@" tree >report
}

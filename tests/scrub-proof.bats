# bindu-scrub: credentials that carry their own proof, and passwords on command
# lines.  A right checksum blocks, a wrong one is no more than a warning.
load helper

setup() {
	own_home
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir tree
}

# levels: PATH LEVEL of each finding.
levels() {
	timeout 20 bindu-scrub --json tree >report || true
	python3 -c 'import json
for o in json.load(open("report"))["findings"]: print(o["path"], o["level"])' |
		sort -u
}

@test "scrub: a checksum that is right blocks, one that is wrong does not" {
	# Every secret is made here and now: none stands in this file.
	python3 - <<-'PY'
	import base64, hashlib, hmac, json, os, random, string, struct, zlib
	R = random.SystemRandom()
	W = string.ascii_letters + string.digits
	def pick(n): return ''.join(R.choice(W) for _ in range(n))
	def digits(n, base, count):
	    d = string.digits + (string.ascii_lowercase if base == 36 else
	        string.ascii_uppercase + string.ascii_lowercase)
	    out = ''
	    for _ in range(count):
	        out = d[n % base] + out
	        n //= base
	    return out
	def crc62(prefix):
	    body = pick(30)
	    return prefix + body + digits(zlib.crc32(body.encode()), 62, 6)
	def gitlab():
	    t = 'glpat' + '-' + pick(27) + '.01.' + digits(R.randrange(1296), 36, 2)
	    return t + digits(zlib.crc32(t.encode()), 36, 7)
	def grafana():
	    t = 'glsa' + '_' + pick(32)
	    return t + '_' + struct.pack('<I', zlib.crc32(t.encode())).hex()
	def base58(b):
	    d = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
	    b += hashlib.sha256(hashlib.sha256(b).digest()).digest()[:4]
	    n, out = int.from_bytes(b, 'big'), ''
	    while n:
	        out = d[n % 58] + out
	        n //= 58
	    return '1' * (len(b) - len(b.lstrip(b'\0'))) + out
	def stellar():
	    p, c = bytes([0x90]) + os.urandom(32), 0
	    for x in p:
	        c ^= x << 8
	        for _ in range(8): c = (c << 1 ^ (0x1021 if c & 0x8000 else 0)) & 0xffff
	    return base64.b32encode(p + struct.pack('<H', c)).decode().rstrip('=')
	def b64(b): return base64.urlsafe_b64encode(b).decode().rstrip('=')
	def jwt(key, head={'alg': 'HS256', 'typ': 'JWT'}):
	    t = b64(json.dumps(head).encode()) + '.' + b64(json.dumps({'sub': pick(9)}).encode())
	    return t + '.' + b64(hmac.new(key, t.encode(), 'sha256').digest())
	wif = lambda: base58(b'\x80' + os.urandom(32) + b'\1')
	made = {'github': crc62('gh' + 'p_'), 'npm': crc62('npm' + '_'), 'gitlab': gitlab(),
	    'grafana': grafana(), 'stellar': 'SEED ' + stellar(), 'wif': 'wif ' + wif(),
	    'xprv': base58(bytes.fromhex('0488ade4') + os.urandom(41) + b'\0' + os.urandom(32)),
	    'jwt': jwt(os.urandom(32))}
	def other(t):
	    last = next(c for c in '23' if c != t[-1])
	    return t[:-1] + last
	for k, v in made.items():
	    open('tree/' + k, 'w').write(v + '\n')
	    if k != 'jwt':
	        open('tree/' + k + '-wrong', 'w').write(other(v) + '\n')
	# Signed with what every manual uses, or not at all.
	open('tree/jwt-manual', 'w').write(jwt(b'your-256-bit-secret') + '\n')
	open('tree/jwt-none', 'w').write(jwt(b'x' * 32, {'alg': 'none'}) + '\n')
	open('tree/jwt-dots', 'w').write(jwt(b'x' * 32)[:60] + '.' + '\n')
	PY
	levels >got
	cat got
	for f in github npm gitlab grafana stellar wif xprv jwt; do
		grep -qx "$f block" got
		run -1 grep "$f-.* block" got
	done
}

@test "scrub: a password on a command line is found behind whatever stands before it" {
	python3 - <<-'PY'
	import random, string
	R = random.SystemRandom()
	W = string.ascii_letters + string.digits
	p = 'q7' + ''.join(R.choice(W) for _ in range(14)) + 'X4'
	found = f'''curl -u admin:{p} https://h
	curl --user admin:{p} https://h
	curl -A x -u "admin:{p}" https://h
	mysql -uroot -p{p} db
	redis-cli -h a -a {p}
	sshpass -p '{p}' ssh h
	docker login -p {p} reg
	sqlcmd -S h -U sa -P {p}
	ldapsearch -x -w {p}
	mosquitto_pub -h h -P {p}
	openssl enc -aes-256-cbc -k {p}
	smbclient -U user%{p} //h/s
	curl --user-agent x --user admin:{p} https://h
	curl -H "X: -u" -u admin:{p} https://h
	redis-cli -a "$OTHER" -a {p}'''
	harmless = '''curl -u admin:$PASSWORD https://h
	curl -u "$USER" https://h
	curl --user-agent agent/1 https://h
	mysql -p db
	redis-cli -a "$PASS"
	url="jdbc:sqlserver://example.com:1433;databaseName=app;user=user;password=@@PW@@;encrypt=true"
	sshpass -p "${PASS}" ssh h
	docker login -p <password> reg
	docker login -p "$PASS" reg && mkdir -p build/Release-7x2k9Qw4 # no password'''
	for i, line in enumerate(found.split('\n')):
	    open(f'tree/found{i:02}.sh', 'w').write(line.strip() + '\n')
	for i, line in enumerate(harmless.split('\n')):
	    open(f'tree/harmless{i:02}.sh', 'w').write(line.strip() + '\n')
	PY
	levels >got
	cat got
	[ "$(grep -c '^found.* block$' got)" = "$(ls tree/found* | wc -l)" ]
	run -1 grep harmless got
}

@test "scrub: a credential for a name stops, of a file, a directory, a link; no output shows it" {
	token=ghp_$(python3 - <<-'PY'
	import random, string, zlib
	W = string.digits + string.ascii_uppercase + string.ascii_lowercase
	body = ''.join(random.SystemRandom().choice(W) for _ in range(30))
	n, sum = zlib.crc32(body.encode()), ''
	for _ in range(6): n, sum = n // 62, W[n % 62] + sum
	print(body + sum)
	PY
	)
	mkdir -p "tree/cache/$token" && echo 1 >"tree/cache/$token/a"
	echo 2 >"tree/$token.json"
	ln -s "a-name-of-no-secret-kind/$token" tree/link
	touch tree/a_long_name_that_is_none_0123456789.py
	for how in "--drop tree" "--json tree" "--sarif tree" tree; do
		# shellcheck disable=SC2086 # two words
		run -1 timeout 20 bindu-scrub $how
		[[ $output == *provider/github-pat* && $output != *"$token"* ]]
	done
	[[ $output == *" 3 block, 0 warn"* ]]
	[[ $output == *": link: block"* && $output == *": ghp_...(40).json: block"* ]]
	[[ $output == *": cache/ghp_...(40)/a: block"* ]]
	tar -C tree -cf in.tar .
	run -1 --separate-stderr timeout 20 bindu-scrub <in.tar
	[[ $stderr == *" 4 block, 0 warn"* && $stderr$output != *"$token"* ]]
	allow=$(timeout 20 bindu-scrub tree 2>&1 |
		sed -n 's/.*add to .binduscrub: //p' | sort -u)
	echo "$allow" >tree/.binduscrub
	run -0 timeout 20 bindu-scrub tree
	[[ $output == *" 0 block, 0 warn, 3 allowed"* ]]
}

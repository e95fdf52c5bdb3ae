# bindu-scrub: secrets stay out, harmless files ship, and both are said.
load helper
load scrubbing

@test "scrub: a clean tree is exit 0" {
	echo 'print("hello")' | write tree/agent.py
	run -0 timeout 20 bindu-scrub tree
	[[ $output == *"1 file,"*"0 block"* ]]
}

@test "scrub: a token in a source file stops with its place, rule, mask and allow line" {
	printf 'x = 1\nt = "%s"\n' "$TOKEN" | write tree/a/agent.py
	run -1 timeout 20 bindu-scrub tree
	[[ $output == *"a/agent.py:2:6: block provider/github-pat"*"(40)"* ]]
	[[ $output == *"to ship it, add to .binduscrub: secret provider/github-pat sha256:"* ]]
	[[ $output != *"$TOKEN"* ]]
}

@test "scrub: the report has path, line, column, offset, length, level" {
	printf 'x = 1\nt = "%s"\n' "$TOKEN" | write tree/agent.py
	run -1 check
	python3 - <<-'PY'
	import json
	f, = json.load(open('report'))['findings']
	assert (f['path'], f['line'], f['col'], f['offset'], f['length'], f['level']) == ('agent.py', 2, 6, 11, 40, 'block'), f
	PY
}

@test "scrub: a token whose checksum fails is a warning, not silence" {
	cp failed tree/notes.txt
	run -0 check
	[ "$(names findings level)" = warn ]
	run -1 check --strict
}

@test "scrub: names of secrets are left out, look-alikes ship" {
	for f in .env .env.prod prod.env .envrc id_rsa ID_RSA id_rsa_deploy .netrc .pypirc x.p12 credentials.json \
		.aws/config .bindu/private.pem secrets.yaml terraform.tfstate .bash_history; do
		echo plain | write "tree/$f"
	done
	for f in id_rsa.pub cacert.pem .env.example .npmrc environment.py monkey.py core.py wallet.py secrets.py; do
		echo plain | write "tree/$f"
	done
	run -0 check --all
	run names dropped path
	[ "${#lines[@]}" -eq 16 ]
	[[ $output != *pub* && $output != *cacert* && $output != *example* && $output != *npmrc* && $output != *py* || $output == *.pypirc* ]]
	[[ $output != *core.py* && $output != *wallet.py* && $output != *secrets.py* ]]
}

@test "scrub: a name that asks for a look is left out only with a secret in it" {
	cp key tree/server.pem
	printf '%s\n' '-----BEGIN CERTIFICATE-----' MIIB '-----END CERTIFICATE-----' | write tree/cacert.pem
	printf '//r.io/:_authToken=%s\n' "$RANDOM_VALUE" | write tree/.npmrc
	echo 'registry=https://r.io/' | write tree/sub/.npmrc
	# shellcheck disable=SC2016 # the variable is npm's
	echo '//r.io/:_authToken=${NPM_TOKEN}' | write tree/var/.npmrc
	echo 'API_KEY=' | write tree/.env.example
	printf 'API_KEY=%s\n' "$RANDOM_VALUE" | write tree/sub/.env.example
	run -0 check
	run names dropped path
	[ "$output" = "$(printf '%s\n' .npmrc server.pem sub/.env.example)" ]
}

@test "scrub: a private key is found in any file, a certificate or the bare marker is not" {
	{ echo 'K = """'; cat key; echo '"""'; } | write tree/a.py
	python3 -c 'import json; print(json.dumps({"k": open("key").read()}))' | write tree/b.json
	openssl rsa -in key -pubout 2>/dev/null | write tree/pub.txt
	echo 'if "-----BEGIN PRIVATE KEY-----" in x: pass' | write tree/c.py
	run -1 check
	run names findings path
	[ "$output" = "$(printf '%s\n' a.py b.json)" ]
}

@test "scrub: an AWS key id blocks with its secret beside it and warns alone" {
	printf 'id=%s\n' "$(cat keyid)" | write tree/alone.txt
	run -0 check
	[ "$(names findings level)" = warn ]
	printf 'id=%s\nsecret=%s\n' "$(cat keyid)" "$(cat aws)" | write tree/alone.txt
	run -1 check
	[ "$(names findings rule | sort -u | head -n 1)" = provider/aws-access-key-id ]
}

@test "scrub: passwords in settings and addresses block, references do not" {
	printf 'password = "%s"\n' "$PASSWORD" | write tree/a.py
	printf 'url: postgres://app:%s@db.corp.io/x\n' "$PASSWORD" | write tree/b.yaml
	cat >tree/c.py <<-'X'
	password = os.environ["PASSWORD"]
	url = "postgres://user:password@localhost/db"
	api_key = "your-api-key-here"
	X
	run -1 check
	run names findings path
	[ "$output" = "$(printf '%s\n' a.py b.yaml)" ]
}

@test "scrub: a name and its value are found in the grammars of many languages" {
	local p=$PASSWORD v=$RANDOM_VALUE
	put() { printf '%s\n' "$2" | write "tree/$1"; }
	put plist "<key>ApiKey</key>
	<string>$v</string>"
	put cmake "set(API_KEY \"$v\")"
	put fish "set -gx API_KEY $v"
	put nginx "  set \$api_key \"$v\";"
	put field.py "api_key: str = Field(default=\"$v\", env=\"X\")"
	put nullish.ts "const k: string = process.env.API_KEY ?? '$v';"
	put clj "{:api-key \"$v\"}"
	put gradle "buildConfigField \"String\", \"API_KEY\", \"\\\"$v\\\"\""
	put list.json "{\"name\": \"API_TOKEN\",
	                        \"value\": \"$v\"}"
	put notes "Signing key: $v"
	put prose.md "The password is this: password \`$p\`"
	put pw.json "{\"ROOT_PW\": \"$p\"}"
	put next.js "const NEXT_APP_TOKEN = '$v'"
	put sql "CREATE USER app WITH PASSWORD '$p';"
	put identified "ALTER USER app IDENTIFIED BY '$p';"
	put sign.js "jwt.sign({ id: 1 }, '$v', { expiresIn: '1h' })"
	put auth.py "get(url, auth=('admin', '$p'))"
	put login.sh "echo '$p' | docker login -u x --password-stdin"
	put sas "https://x.blob.core.windows.net/c?se=2030&sig=$(head -c 32 /dev/urandom | base64 | sed 's/=/%3D/;s/+/%2B/g;s,/,%2F,g')"
	put map.go "\"api_key\": []string{\"$v\"}"
	put brace.cc "std::string password{\"$p\"};"
	put anchor.yaml "password: &pw $p"
	put assign.r "api_key <- \"$v\""
	put hadoop.xml "<name>fs.s3a.secret.key</name><value>$v</value>"
	put table.md "| API_KEY | $v |"
	put smtp.py "smtp.login(\"bob@corp.io\", \"$p\")"
	put pdo.php "new PDO(\"mysql:host=db.corp.io\", \"app\", \"$p\")"
	put sssd.conf "ldap_default_authtok = $p"
	put dump.sh "mongodump -u admin -p $p"
	put users.csv "user,password,mail
bob,$p,bob@corp.io"
	put sudo.sh "echo $p | sudo -S ls"
	put redis.conf "requirepass $p"
	put camel.js "{ rootPw: '$p' }"
	put odd.ini "Server=db.corp.io;Uid=x;Password=a,$p;Encrypt=true"
	run -1 check
	[ "$(names findings path | sort -u)" = "$(cd tree && printf '%s\n' * | sort)" ]
	[ "$(names findings level | sort -u)" = block ]
	rm -r tree && mkdir tree
	printf 'next_token = "%s"\npage_token: %s\nset(DIR "%s")\n' "$v" "$v" "$v" | write tree/harmless
	printf 'password: "%s"\n' "bcrypt\$\$2b\$12\$$v" "\$apr1\$abcdefgh\$$p" "ENC($v)" | write tree/hashes.yaml
	printf 'TOKEN = "0x%s"\nPR routes are identified by `%s`\n' "$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n')" "$p" |
		write tree/address.js
	run -0 check
	[ -z "$(names findings path)" ]
}

@test "scrub: keys that are no PEM are found" {
	python3 - <<-'PY'
	import base64, json, os, random, struct
	R = random.SystemRandom()
	d = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip('=')
	kty = 'kt' + 'y'
	open('tree/a.yaml', 'w').write(f'jwk:\n  {kty}: OKP\n  crv: Ed25519\n  d: {d}\n')
	open('tree/b.js', 'w').write("k = {%s: 'EC', crv: 'P-256', d: '%s'}\n" % (kty, d))
	open('tree/c.json', 'w').write(json.dumps({'x': json.dumps({kty: 'oct', 'k': d})}))
	open('tree/d.json', 'w').write(json.dumps([R.randrange(256) for _ in range(64)]))
	open('tree/e.txt', 'w').write('-----BEGIN Open' + 'VPN Static key V1-----\n' +
	    '\n'.join(os.urandom(16).hex() for _ in range(16)) + '\n-----END OpenVPN Static key V1-----\n')
	p = bytes([0x95, 0]) + os.urandom(32)
	c = 0
	for x in p:
	    c ^= x << 8
	    for _ in range(8): c = (c << 1 ^ (0x1021 if c & 0x8000 else 0)) & 0xffff
	open('tree/f', 'w').write(base64.b32encode(p + struct.pack('<H', c)).decode().rstrip('='))
	key = open('key').read()
	open('tree/g.json', 'w').write('{"k":"' + key.replace('\n', '\\u000a') + '"}')
	# What is public of such keys, and one with a member too few.
	os.mkdir('public')
	open('public/a', 'w').write(json.dumps({kty: 'EC', 'x': d, 'y': d}))
	open('public/b', 'w').write(json.dumps([1] * 63))
	PY
	run -1 check
	[ "$(names findings path | sort -u)" = "$(cd tree && printf '%s\n' * | sort)" ]
	[[ $(names findings rule | sort -u) != *generic* ]]
	rm -r tree && mv public tree
	run -0 check
}

@test "scrub: base64, hex, percent, UTF-16 and containers are read" {
	python3 - <<-'PY'
	import base64, gzip, io, tarfile, zipfile
	t = open('token').read().encode()
	def put(name, data): open('tree/' + name, 'wb').write(data)
	put('b64.txt', b'x: ' + base64.b64encode(b'export T=' + t + b' # ') + b'\n')
	put('hex.txt', t.hex().encode())
	put('pct.txt', b''.join(b'%%%02x' % c for c in t))
	put('le.txt', ('a note ' + t.decode()).encode('utf-16'))
	put('be.txt', ('a note ' + t.decode()).encode('utf-16-be'))
	put('nul.bin', b'\0' * 20 + t + b'\0')
	b = io.BytesIO()
	with tarfile.open(fileobj=b, mode='w:gz') as f:
	    i = tarfile.TarInfo('in/k'); i.size = len(t); f.addfile(i, io.BytesIO(t))
	z = io.BytesIO()
	with zipfile.ZipFile(z, 'w') as f: f.writestr('d/x.tgz', b.getvalue())
	put('x.zip', z.getvalue())
	PY
	run -1 check
	run names findings path
	[ "$output" = "$(printf '%s\n' b64.txt be.txt hex.txt le.txt nul.bin pct.txt 'x.zip!d/x.tgz!in/k')" ]
}

@test "scrub: what could not be read is listed, exit 74, until an entry allows it" {
	head -c 300 /dev/urandom | gzip | head -c 60 | write tree/cut.gz
	run -74 check
	[ "$(names unread path)" = cut.gz ]
	echo 'path *.gz unread # a broken fixture' >tree/.binduscrub
	run -0 check
}

@test "scrub: an archive bomb ends with its name, in bounded memory" {
	python3 - <<-'PY'
	import zlib
	c = zlib.compressobj(9, zlib.DEFLATED, 31)
	with open('tree/bomb.gz', 'wb') as f:
	    for _ in range(400): f.write(c.compress(bytes(1 << 20)))
	    f.write(c.flush())
	PY
	limit_memory 200000
	run -74 timeout 20 bindu-scrub --json tree
	[[ $output == *"bomb.gz"*"expands"* ]]
}

@test "scrub: an allow entry is bound to the content, not to the place" {
	printf 't=%s\n' "$TOKEN" | write tree/a.txt
	run -1 check
	names findings allow | sed 's/#.*/# a test account/' >tree/.binduscrub
	run -0 check
	[ "$(names allowed path)" = a.txt ]
	printf '\n\nt=%s\n' "$TOKEN" >tree/a.txt
	run -0 check
	printf 't=%s\n' "$OTHER" >tree/a.txt
	run -1 check
	[[ $(python3 -c 'import json; print(json.load(open("report"))["stale"])') == *"allows nothing"* ]]
}

@test "scrub: an entry wants a reason, and past its date it is stale" {
	printf 't=%s\n' "$TOKEN" | write tree/a.txt
	run -1 check
	names findings allow >line
	sed 's/#.*//' line >tree/.binduscrub
	run -78 check
	sed 's/#.*/until=2020-01-01 # once/' line >tree/.binduscrub
	run -1 check
	[[ $(python3 -c 'import json; print(json.load(open("report"))["stale"])') == *"past its date"* ]]
}

@test "scrub: a comment allows its own line with rule and reason" {
	printf 't = "%s"  # bindu:allow provider/github-pat a revoked token\n' "$TOKEN" | write tree/a.py
	run -0 check
	printf 't = "%s"  # bindu:allow provider/github-pat\n' "$TOKEN" | write tree/a.py
	run -1 check
	printf '# bindu:allow provider/github-pat revoked\nt = "%s"\n' "$TOKEN" | write tree/a.py
	run -0 check
	printf '# bindu:allow provider/slack-bot-token other\nt = "%s"\n' "$TOKEN" | write tree/a.py
	run -1 check
}

@test "scrub: a baseline allows what an older report found" {
	printf 't=%s\n' "$TOKEN" | write tree/a.txt
	run -1 check
	mv report base.json
	run -0 check --baseline base.json
	ln -s base.json link.json
	run -0 check --baseline link.json
	run -0 check --baseline <(cat base.json)
	printf 'u=%s\n' "$OTHER" >>tree/a.txt
	run -1 check --baseline base.json
}

@test "scrub: a token in escapes, in pieces, packed in base64 or in a record is found" {
	python3 - "$TOKEN" <<-'PY'
	import base64, gzip, io, sys, zipfile, zlib
	t = sys.argv[1]
	def put(name, data):
	    open('tree/' + name, 'wb').write(data if isinstance(data, bytes) else data.encode())
	put('u.json', '{"k": "' + ''.join('\\u%04x' % ord(c) for c in t) + '"}')
	put('x.c', 'k = "' + ''.join('\\x%02x' % ord(c) for c in t) + '";')
	put('e.html', ''.join('&#%d;' % ord(c) for c in t))
	put('o.php', 'k = "' + ''.join('\\%03o' % ord(c) for c in t) + '";')
	put('0x.txt', 'VALUES (0x' + t.encode().hex() + ')')
	put('dots.lua', 'k = "%s" .. "%s"\n' % (t[:20], t[20:]))
	put('join.js', "k = ['%s', '%s'].join('')\n" % (t[:20], t[20:]))
	put('list.js', "k = ['%s', '%s']\n" % (t[:20], t[20:]))
	put('plus.py', 'k = "%s" + "%s"\n' % (t[:20], t[20:]))
	put('next.py', 'k = ("%s"\n     "%s")\n' % (t[:20], t[20:]))
	line = ('k = "%s"\n' % t).encode()
	put('gz.txt', base64.b64encode(gzip.compress(line)))
	put('zlib.txt', base64.b64encode(zlib.compress(line)))
	out = io.BytesIO()
	with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as z:
	    z.writestr('a.py', line)
	put('zip.txt', base64.b64encode(out.getvalue()))
	put('app.pyz', b'#!/usr/bin/env python3\n' + out.getvalue())
	put('record.bin', b'\0\1\2\x13Wkey' + t.encode() + b'\0')
	put('cut.md', 'as in ' + t + '...\n')
	PY
	run -1 check
	[ "$(names findings path | sort | uniq | tr '\n' ' ')" = \
		"0x.txt app.pyz!a.py dots.lua e.html gz.txt!base64 join.js next.py o.php plus.py record.bin u.json x.c zip.txt!base64!a.py zlib.txt!base64 " ]
}

@test "scrub: what only looks packed in base64 is no unread file" {
	python3 -c 'import base64, os
print(base64.b64encode(b"\x1f\x8b\x08\0" + os.urandom(900)).decode())
print(base64.b64encode(b"x\x9c" + os.urandom(900)).decode())
print(base64.b64encode(b"PK\3\4" + os.urandom(900)).decode())' >tree/a.txt
	run -0 check
	[ -z "$(names unread path)" ]
}

@test "scrub: a dropped file comes back by an entry bound to its digest" {
	echo A=1 | write tree/.env
	echo "file .env sha256:$(sha256sum tree/.env | cut -c1-64) # no secret in it" >tree/.binduscrub
	tar -C tree -cf in.tar --sort=name .env
	run -0 bash -c 'timeout 20 bindu-scrub --allow-file tree/.binduscrub <in.tar 2>err | tar -t'
	[ "$output" = .env ]
	echo B=2 >>tree/.env
	tar -C tree -cf in.tar --sort=name .env
	run -0 bash -c 'timeout 20 bindu-scrub --allow-file tree/.binduscrub <in.tar 2>err | tar -t'
	[ -z "$output" ]
}

@test "scrub: the filter leaves a clean archive as it is, byte for byte" {
	echo 'print(1)' | write tree/agent.py
	echo x | write tree/sub/data.txt
	ln -s sub/data.txt tree/link
	timeout 20 bindu-pack -C tree >a.tar
	timeout 20 bindu-scrub <a.tar >b.tar
	cmp a.tar b.tar
}

@test "scrub: the filter takes names out and says so, exit 0" {
	echo A=1 | write tree/.env
	echo 'print(1)' | write tree/agent.py
	ln -s .env tree/settings
	tar -C tree -cf in.tar --sort=name .
	run -0 bash -c 'timeout 20 bindu-scrub <in.tar 2>err >out.tar'
	[ "$(tar -tf out.tar)" = agent.py ]
	grep -q '\.env is left out by name/dotenv' err
	grep -q 'settings is left out by name/link-to-dropped' err
}

@test "scrub: a finding stops the filter and leaves no archive" {
	echo 'print(1)' | write tree/agent.py
	printf 't=%s\n' "$TOKEN" | write tree/b.txt
	tar -C tree -cf in.tar --sort=name .
	run -1 bash -c 'timeout 20 bindu-scrub <in.tar 2>err >out.tar'
	[ ! -s out.tar ]
	run -1 bash -c 'set -o pipefail; timeout 20 bindu-scrub <in.tar 2>err | cat >out.tar'
	run ! tar -tf out.tar --ignore-zeros --warning=no-missing-zero-blocks --occurrence=1 b.txt
	run -0 bash -c 'timeout 20 bindu-scrub --drop <in.tar 2>err >out.tar'
	[ "$(tar -tf out.tar)" = agent.py ]
}

@test "scrub: a hard link and a link out of the root are no way out" {
	echo A=1 | write tree/.env
	ln tree/.env tree/z-other
	ln -s /etc/passwd tree/out
	tar -C tree -cf in.tar --sort=name .
	run -0 bash -c 'timeout 20 bindu-scrub <in.tar 2>err | tar -t'
	[ -z "$output" ]
	run -0 check
	[ "$(names dropped path | sort | tr '\n' ' ')" = ".env out z-other " ]
}

@test "scrub: a member of 60 MB passes in bounded memory" {
	head -c 60000000 /dev/zero | tr '\0' 'a' >tree/big
	tar -C tree -cf in.tar big
	limit_memory 100000
	timeout 60 bindu-scrub <in.tar >out.tar
	[ "$(tar -xOf out.tar big | sha256sum)" = "$(sha256sum <tree/big)" ]
}

@test "scrub: SARIF has the result, the rules and no secret" {
	printf 't=%s\n' "$TOKEN" | write tree/a.txt
	run -1 --separate-stderr timeout 20 bindu-scrub --sarif tree
	echo "$output" | python3 -c 'import json,sys
s = json.load(sys.stdin)
assert s["version"] == "2.1.0"
run = s["runs"][0]
r, = run["results"]
assert r["ruleId"] == "provider/github-pat" and r["level"] == "error"
assert r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a.txt"
assert r["partialFingerprints"] and len(run["tool"]["driver"]["rules"]) > 100'
	[[ $output != *"$TOKEN"* ]]
}

@test "scrub: no output of any kind holds a secret" {
	printf 't = "%s"\npassword = "%s"\napi_key = "%s"\n' "$TOKEN" "$PASSWORD" "$RANDOM_VALUE" | write tree/a.py
	cp key tree/k.txt
	cp key tree/server.pem
	printf 'redis://:%s@cache.corp.io/0\n' "$PASSWORD" | write tree/c.txt
	tar -C tree -cf in.tar .
	for o in "" -v -vv --json --sarif "--json --all" "--json --drop" --drop "--status-fd 3" "-v --status-fd 3"; do
		# shellcheck disable=SC2086 # words on purpose
		timeout 20 bindu-scrub $o tree 3>>out >>out 2>&1 || true
		# shellcheck disable=SC2086
		timeout 20 bindu-scrub $o <in.tar 3>>out >/dev/null 2>>out || true
	done
	for s in token password random; do
		run ! grep -F -e "$(cut -c5-20 $s)" out
	done
	run ! grep -F -e "$(sed -n 3p key)" out
	[ -s out ]
}

@test "scrub: no name of a file reaches the terminal as it is" {
	printf 't = "%s"\n' "$TOKEN" | write tree/$'t\e[2J.py'
	echo KEY=1 | write tree/$'d\e[2J/.env'
	printf 'PK\3\4broken' | write tree/$'z\e[2J.zip'
	run timeout 20 bindu-scrub tree
	for shown in 't\x1b[2J.py:1:6: block' 'd\x1b[2J/.env is left out' 'z\x1b[2J.zip was not read'; do
		[[ $output == *"$shown"* ]]
	done
	[[ $output != *$'\e'* ]]
}

@test "scrub: a crash leaves no core file with a secret in it" {
	printf 't = "%s"\n' "$TOKEN" | write tree/a.py
	tar -C tree -cf in.tar .
	ulimit -c unlimited
	python3 - <<-'PY'
	import os, signal, subprocess, time
	p = subprocess.Popen(['bindu-scrub'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
	p.stdin.write(open('in.tar', 'rb').read()[:2048])
	p.stdin.flush()
	time.sleep(0.3)
	os.kill(p.pid, signal.SIGABRT)
	_, status = os.waitpid(p.pid, 0)
	assert os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status), status
	PY
}

@test "scrub: a folder for tests is no excuse, a key in it is found however it stands" {
	mkdir -p tree/tests/testdata
	openssl rsa -in key -traditional -outform DER -out der 2>/dev/null
	python3 - <<-'PY'
	import base64
	der = open('der', 'rb').read()
	pem = open('key').read().strip().split('\n')
	rows = [der.hex()[i:i + 72] for i in range(0, len(der) * 2, 72)]
	def put(name, text): open('tree/tests/' + name, 'w').write(text)
	put('a_test.go', 'const key = "' + '" +\n\t"'.join(rows) + '"\n')
	b = base64.b64encode(der).decode()
	put('B.java', 'String k = "' + '"\n    + "'.join(b[i:i + 64] for i in range(0, len(b), 64)) + '";\n')
	put('c.md', ''.join(f'> {x}\n' for x in pem))
	put('d.diff', ''.join(f'+{x}\n' for x in pem))
	put('testdata/e.bin', '')
	open('tree/tests/testdata/e.bin', 'wb').write(bytes(100) + der)
	PY
	printf 'api_key = "%s"\n' "$RANDOM_VALUE" | write tree/tests/test_f.py
	run -1 check
	[ "$(names findings path | sort | tr '\n' ' ')" = "tests/B.java tests/a_test.go tests/c.md tests/d.diff tests/test_f.py tests/testdata/e.bin " ]
	[ "$(names findings level | sort -u)" = block ]
	# The beginning alone, as manuals show it, and a certificate are no keys.
	rm -r tree/tests
	openssl req -x509 -new -key key -subj /CN=x -days 2 -outform DER 2>/dev/null | od -An -v -tx1 | tr -d ' \n' | write tree/cert.txt
	od -An -v -tx1 der | tr -d ' \n' | head -c 300 | write tree/cut.txt
	run -0 check
}

@test "scrub: a container in a container in a container has its end" {
	python3 - <<-'PY'
	import gzip, io, zipfile
	data = b'x'
	for i in range(30): data = gzip.compress(data)
	open('tree/deep.gz', 'wb').write(data)
	inner = io.BytesIO()
	with zipfile.ZipFile(inner, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('0', bytes(30 << 20))
	with zipfile.ZipFile('tree/wide.zip', 'w', zipfile.ZIP_DEFLATED) as z:
	    for i in range(200): z.writestr(str(i), inner.getvalue())
	PY
	limit_memory 200000
	run -74 timeout 30 bindu-scrub --json tree
	[[ $output == *'"path":"deep.gz","reason"'* ]]
	[[ $output == *"wide.zip"*"expands"* ]]
}

@test "scrub: SARIF's fingerprints follow the secret, not its line" {
	marks() {
		timeout 20 bindu-scrub --sarif tree | python3 -c 'import json,sys
for r in json.load(sys.stdin)["runs"][0]["results"]: print(r["partialFingerprints"]["binduScrub/v1"])' | sort
	}
	printf 't=%s\nu=%s\n' "$TOKEN" "$OTHER" | write tree/a.txt
	marks >before
	[ "$(sort -u before | wc -l)" = 2 ]
	{ printf 'one line more\nu=%s\n' "$OTHER"; printf '\n\nt=%s\n' "$TOKEN"; } | write tree/b.txt
	rm tree/a.txt
	marks | cmp - before
}

@test "scrub: unusable input has its own exit status" {
	run -66 timeout 20 bindu-scrub missing
	run -65 bash -c 'echo no tar at all | timeout 20 bindu-scrub >/dev/null'
	run -2 timeout 20 bindu-scrub --json --sarif tree
	run -78 bash -c 'echo nonsense >tree/.binduscrub; timeout 20 bindu-scrub tree'
}

@test "scrub: a full disk and a reader that goes away end the filter" {
	mkdir t
	for i in $(seq 20); do head -c 30000 /dev/urandom | base64 >t/$i; done
	bindu-pack -q -C t -o t.tar
	run -74 bash -c 'bindu-scrub -q <t.tar >/dev/full'
	[[ $output == *"No space left on device"* ]]
	run bash -c 'bindu-scrub -q <t.tar | head -c 1000 | wc -c; echo ${PIPESTATUS[0]}'
	[ "${lines[0]} ${lines[1]}" = "1000 141" ]
}

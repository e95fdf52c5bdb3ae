# bindu-scrub: text in other encodings, and what stands around an archive.
load helper

setup() {
	own_home
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir tree
	# Made here and now: no secret stands in this file.
	python3 -c 'import secrets, string
print("gs" + "k_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(52)), end="")' >token
}

# found: the paths with a finding that blocks.
found() {
	timeout 20 bindu-scrub --json tree >report || true
	python3 -c 'import json
print(*sorted({f["path"] for f in json.load(open("report"))["findings"] if f["level"] == "block"}))'
}

@test "scrub: UTF-32 is read, in a program too" {
	python3 - <<-'PY'
	import os
	t = open('token').read()
	for name in 'utf-32', 'utf-32-le', 'utf-32-be':
	    open('tree/' + name, 'wb').write(('key = "%s"' % t).encode(name))
	    open('tree/end-' + name, 'wb').write(t.encode(name))
	for i in range(4):
	    open('tree/wchar%d' % i, 'wb').write(os.urandom(4096 + i) + bytes(4) + t.encode('utf-32-le') + bytes(4) + os.urandom(99))
	PY
	[ "$(found)" = "end-utf-32 end-utf-32-be end-utf-32-le utf-32 utf-32-be utf-32-le wchar0 wchar1 wchar2 wchar3" ]
}

@test "scrub: quoted-printable is read, with its line" {
	python3 - <<-'PY'
	t = open('token').read()
	head = 'From: a@b.io\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\n'
	open('tree/a.eml', 'w', newline='').write(head + 'one\r\nkey=3D' + t[:20] + '=\r\n' + t[20:] + '\r\n')
	open('tree/b.eml', 'w').write(head.replace('\r', '') + 'key =3D "' + t[:9] + '=\n' + t[9:40] + '=\n' + t[40:] + '"\n')
	PY
	[ "$(found)" = "a.eml b.eml" ]
	[ "$(python3 -c 'import json
for f in json.load(open("report"))["findings"]: print(f["path"], f["line"], f["col"])')" = "$(printf '%s\n' 'a.eml 5 7' 'b.eml 4 10')" ]
}

@test "scrub: a long file in escapes is read to its end" {
	python3 - <<-'PY'
	import random
	t = open('token').read()
	text = ''.join(random.choice('abcdefgh ') for _ in range(40000)) + ' ' + t + ' ' + 'x' * 5000
	for name, form in ('u', '\\u%04x'), ('x', '\\x%02x'), ('o', '\\%03o'), ('percent', '%%%02x'), ('entity', '&#%d;'):
	    open('tree/' + name, 'w').write(''.join(form % ord(c) for c in text))
	PY
	[ "$(found)" = "entity o percent u x" ]
}

@test "scrub: lzma, archives behind a script, names in an archive and streams of a PDF are read" {
	python3 - <<-'PY'
	import base64, bz2, gzip, io, lzma, tarfile, zipfile, zlib
	t = open('token').read()
	line = ('key = "%s"\n' % t).encode()
	def put(name, *data): open('tree/' + name, 'wb').write(b''.join(data))
	def tar(name, data, mode='w', link=''):
	    out = io.BytesIO()
	    with tarfile.open(fileobj=out, mode=mode) as f:
	        i = tarfile.TarInfo(name)
	        i.size = len(data)
	        if link: i.type, i.linkname, i.size = tarfile.SYMTYPE, link, 0
	        f.addfile(i, io.BytesIO(data))
	    return out.getvalue()
	put('a.lzma', lzma.compress(line, format=lzma.FORMAT_ALONE))
	put('b.tar.lzma', lzma.compress(tar('x', line), format=lzma.FORMAT_ALONE, preset=9))
	script = b'#!/bin/sh\n' + b'# so many lines\n' * 2000 + b'exit 0\n'
	put('c.run', script, tar('x', line, 'w:gz'))
	put('d.run', script, bz2.compress(line))
	put('e.run', b'#!/bin/sh\n' + line + script, gzip.compress(b'harmless\n'))
	put('f.run', script, b'no archive at all\n')
	put('g.tar.gz', tar('cache/' + t + '.json', b'{}', 'w:gz'))
	put('h.tar.gz', tar('x', b'', 'w:gz', '/srv/?key=' + t))
	z = io.BytesIO()
	with zipfile.ZipFile(z, 'w') as f: f.writestr('cache/' + t, b'')
	put('i.zip', z.getvalue())
	def pdf(*streams):
	    out = b'%PDF-1.5\n'
	    for i, s in enumerate(streams):
	        out += b'%d 0 obj\n<</Length %d/Filter/FlateDecode>>\nstream\r\n' % (i, len(s)) + s + b'\nendstream\nendobj\n'
	    return out
	text = b'BT /F1 12 Tf 72 720 Td (key = ' + t.encode() + b') Tj ET\n'
	many = [zlib.compress(b'q Q\n' * k) for k in range(1, 99)]
	put('j.pdf', pdf(zlib.compress(text)))
	put('k.pdf', pdf(*many, b'no zlib', zlib.compress(bytes(300000) + text, 1)))
	put('l.pdf', pdf(*many))
	for i in range(4):
	    put('m%d.pdf' % i, pdf(*(base64.a85encode(s, wrapcol=72) + b'~>' for s in (zlib.compress(b' ' * i), zlib.compress(bytes(3000) + text)))))
	PY
	[ "$(found)" = "$(printf '%s ' a.lzma b.tar.lzma!x c.run!x d.run e.run g.tar.gz!names h.tar.gz!names i.zip!names j.pdf!stream k.pdf!stream m0.pdf!stream m1.pdf!stream m2.pdf!stream)m3.pdf!stream" ]
	[ "$(python3 -c 'import json; print(json.load(open("report"))["unread"])')" = "[]" ]
}

@test "scrub: bombs in a PDF and in lzma end with their names, in bounded memory" {
	python3 - <<-'PY'
	import lzma, zlib
	c = lzma.LZMACompressor(format=lzma.FORMAT_ALONE, preset=0)
	with open('tree/a.lzma', 'wb') as f:
	    for _ in range(300): f.write(c.compress(bytes(1 << 20)))
	    f.write(c.flush())
	c = zlib.compressobj(9)
	with open('tree/b.pdf', 'wb') as f:
	    f.write(b'%PDF-1.5\nstream\n')
	    for _ in range(300): f.write(c.compress(bytes(1 << 20)))
	    f.write(c.flush())
	open('tree/cut.lzma', 'wb').write(lzma.compress(b'x' * 9, format=lzma.FORMAT_ALONE)[:20])
	PY
	limit_memory 200000
	run -74 timeout 20 bindu-scrub --json tree
	[[ $output == *"a.lzma"*"expands"*"b.pdf"*"expands"*"cut.lzma"* ]]
}

@test "scrub: what zlib alone packs, and slashes as JSON of PHP has them, are read" {
	python3 - <<-'PY'
	import secrets, zlib
	t = open('token').read()
	text = b'so many lines\n' * 3000 + b'key = "%s"\n' % t.encode()
	for level in 0, 1, 6, 9:
	    open('tree/zlib%d' % level, 'wb').write(zlib.compress(text, level))
	open('tree/zlib-cut', 'wb').write(zlib.compress(text)[:-40])
	open('tree/not-zlib', 'wb').write(b'x\x9c is no beginning of ' + text[:99])
	word = 'q7X' + secrets.token_hex(8)
	open('tree/url.json', 'w').write(r'{"DATABASE":"postgres:\/\/app:%s@db.corp.io:5432\/app"}' % word)
	open('tree/regex.js', 'w').write(r'const re = /^https:\/\/[^\/]+@db\.corp\.io\/app$/;')
	PY
	[ "$(found)" = "url.json zlib0 zlib0!stream zlib1!stream zlib6!stream zlib9!stream" ]
}

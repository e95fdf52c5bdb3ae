# bindu-scrub: tokens that no rule knows by their tag, formats that stand only
# where a word begins, keystores, wallet keys, and the grammar around a value.
load helper

setup() {
	own_home
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir tree
}

# blocked: paths with a finding that stops.
blocked() {
	timeout 20 bindu-scrub --all --json tree >report || true
	python3 -c 'import json
for o in json.load(open("report"))["findings"]:
    if o["level"] == "block": print(o["path"])' | sort -u
}

# Every secret is made here and now: none stands in this file.
forms() {
	python3 - "$@" <<-'PY'
	import base64, random, string, sys
	R = random.SystemRandom()
	W, X = string.ascii_letters + string.digits, '0123456789abcdef'
	def w(n): return 'q7X' + ''.join(R.choice(W) for _ in range(n - 3))
	def h(n): return ''.join(R.choice(X) for _ in range(n))
	def b(s): return base64.b64encode(s.encode()).decode()
	def u(): return '-'.join(h(n) for n in (8, 4, 4, 4, 12))
	found = {
	'first': f'acme_pat_{w(40)}', 'onfido': f'q=api_live.{w(11)}.{w(32)}', 'tag': f'run acme_sk_{w(30)}', 'tag2': f'x = "acme-live-{w(28)}"', 'tag3': f'see foo_pat_{h(40)}',
	'weak': f'ACME_KEY={"acme"}_{w(30)}', 'wakatime': f'WAKATIME_KEY=waka_{u()}', 'kaggle': f'KGAT_{h(32)}',
	'chutes': f'- cpk_{h(32)}.{h(32)}.{w(32)}', 'redis': f'{w(33)}AzCa{w(5)}=', 'okta': f'"SSWS 00{w(40)}"',
	'hook': f'https://open.feishu.cn/open-apis/bot/v2/hook/{u()}', 'head': f'api_key = "prod:one-two|{w(60)}"',
	'longer': f'STRIPE_API_KEY = "dckr_pat_{w(90)}"', 'go': f'var api_token string = `{w(32)}`',
	'vb': f'Dim password As String = "{w(14)}"', 'next': f'SECRET_KEY = \\\n    "{w(32)}"',
	'rust': f'.basic_auth("ada", Some("{w(20)}"))', 'erlang': '{api_key, "' + w(32) + '"}.',
	'or': f'x = os.environ.get("API_KEY") or "{w(32)}"', 'zod': f'apiKey: z.string().default("{w(32)}"),',
	'jsx': '<A apiKey={"' + w(32) + '"} />', 'dash': '${API_KEY:-' + w(32) + '}', 'soap': f'<wsse:Password>{w(14)}</wsse:Password>',
	'bold': f'- **API_KEY**: `{w(32)}`', 'array': f'char api_key[] = "{w(32)}";', 'tcl': f'set api_key "{w(32)}"',
	'cmake': 'set(ENV{API_KEY} "' + w(32) + '")', 'robot': '${API_KEY}    ' + w(32),
	'wallet': f'Account.from_key("0x{h(64)}")', 'viem': f"privateKeyToAccount('0x{h(64)}')",
	'oracle': f'x = "app/{w(16)}@db.corp.io:1521/ORCL"', 'cvs': f'cvs -d :pserver:ada:{w(12)}@cvs.corp.io:/r co x',
	'parens': f'SECRET_KEY = "django-insecure-4)_{w(20)}(e@{w(20)}"',
	'anthropic': f'sk-ant-api03-{w(93)}AA', 'signify': f'RWRCSwAAAA{w(129)}=',
	'xml': f'<InverseQ>{w(170)}==</InverseQ>', 'padded': f'SECRET_KEY: {w(27)}=',
	'convex': f'see prod:happy-otter-123|{w(80)}', 'salesforce': f'sf_token = "00D{w(12)}!AQ{w(60)}.{w(33)}"',
	'twitter': f'curl -H "Authorization: Bearer {"A" * 21}{w(5)}{"A" * 7}{w(9)}%3D{w(50)}"',
	'gobytes': f'var apiSecret = []byte("{w(32)}")', 'gosign': f'token.SignedString([]byte("{w(32)}"))',
	'dotnet': f'new SymmetricSecurityKey(Encoding.UTF8.GetBytes("{w(32)}"))', 'entity': f'<p>glpat&#45;{w(20)}</p>', 'bedrock': f'ABSK{w(104)}'}
	harmless = {
	'short': f'sk-ant-api03-{w(92)}AA', 'short2': f'dckr_pat_{w(26)}', 'public': f'acme_pk_live_{w(30)}',
	'words': 'my-secret-token-for-the-staging-environment-of-acme', 'chunk': f'api-{h(32)}.js',
	'id': f'req_{w(30)}', 'other': f'trace acme_{w(30)} took 3 ms', 'var': 'password=$PGPASSWORD',
	'hash': f'Account.from_key("0x{"0" * 64}")', 'cut': f'ANTHROPIC_API_KEY = "sk-ant-api03-{w(20)}"',
	'env': 'api_key = get_secret_str("AI21_GATEWAY2_API_KEY")', 'ts': 'encrypt(password: Uint8Array | string): string;',
	'call': 'a("x","pass"),a("exec-072",i)', 'price': '"input_cost_per_token": 1.1428571428571428e-06,',
	'ellipsis': 'SECRET = "sk_e2b_..."', 'page': f'SetEnv NEXT_PAGE_TOKEN {w(40)}',
	'shell': 'docker login ${REGISTRY_TOKEN} registry1.corp.io', 'object': 'auth = {"type1": "a", "key": x}',
	'ssh': f'ssh://{h(24)}@ssh.corp.io', 'proto': 'PasswordEprotobuf:"bytes,2,opt,name=password,proto3"',
	'sum': f'a.py,sha256=sk_{w(40)},345', 'hmac': f"sign('', 'test_secret') => '{h(64)}'",
	'k8s': f'  API_KEY: {b("ref+vault://kv/app#key")}', 'k8s2': f'  DB_PASSWORD: {b("REPLACE_ME")}',
	'k8s3': f'  AUTH_TOKEN: {b("{{ .Values.token }}")}', 'at': 'smtp_password: "@@SMTP_PASSWORD@@"',
	'cut2': 'client_secret = "q7X8kW2mZp..."', 'emulator': 'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6'
	'IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;', 'rfc': 'client_secret=7Fjfp0ZBr1KtDRbnfVdmIw',
	'nral': '0' * 36 + 'NRAL', 'type': 'var password string = getPassword(user)'}
	found |= {
	'fernet': f'f = Fernet(b"{w(43)}=")', 'aes': f"AES.new(b'{w(32)}', AES.MODE_GCM)", 'aeshex': f"AESGCM(bytes.fromhex('{h(64)}'))",
	'cipher': f"createCipheriv('aes-256-cbc', '{w(32)}', iv)", 'gocipher': f'aes.NewCipher([]byte("{w(32)}"))',
	'cookies': f'sessions.NewCookieStore([]byte("{w(32)}"))', 'parser': f"cookieParser('{w(32)}')", 'serializer': f'URLSafeTimedSerializer("{w(40)}")',
	'keyspec': f'new SecretKeySpec("{w(32)}".getBytes(), "AES")', 'php': f"openssl_encrypt($d, 'aes-256-cbc', '{w(32)}', 0, $iv)",
	'ternary': f"const apiKey = prod ? load() : '{w(32)}';", 'ternary2': f"const apiKey: string = prod ? '{w(32)}' : load();",
	'else': f"api_key = x if y else '{w(32)}'", 'kotlin': f'val apiKey = if (x) y else "{w(32)}"',
	'unwrap': f'let api_key = env::var("K").unwrap_or("{w(32)}".to_string());', 'fetch': 'api_key = ENV.fetch("K") { "' + w(32) + '" }',
	'behind': f'setting {{\n  value = "{w(32)}"\n  name  = "API_KEY"\n}}', 'behind2': f'[\n {{\n  "value": "{w(32)}",\n  "name": "API_KEY"\n }}]',
	'behind3': f'- value: {w(32)}\n  name: API_KEY', 'letters': 'signing_key: ' + ''.join(R.choice(string.ascii_letters) for _ in range(40)),
	'lower': 'API_TOKEN = "' + ''.join(R.choice('bcmnpqrtvwxyz') for _ in range(40)) + '"', 'forged': f'csrf_secret = "{w(32)}"',
	'adafruit': f'x = "aio_{w(28)}"', 'azure': f'AZURE_VISION_KEY = "{h(32)}"', 'number': 'password = "Planet_9274"',
	'awscli': f'aws configure set aws_secret_access_key {w(40)}', 'nginx': f'proxy_set_header X-Api-Key "{w(32)}";',
	'oauth': f'SLACK_OAUTH = "{w(32)}"', 'folded': f'service.api.key: >-\n  +{w(42)}=', 'tinybird': f'x("p.eyJ1Ijo{w(90)}.{w(43)}")'}
	hf = ''.join(R.choice(string.ascii_letters) for _ in range(34))
	for k, v in {'piece': f'"hf_" + "{hf}"', 'piece2': f'("hf_{hf[:6]}"\n    "{hf[6:]}")', 'piece3': f"'hf_' +\n  '{hf[:9]}' + '{hf[9:]}'"}.items():
	    found[k] = 't = ' + v
	harmless |= {
	'iv': f"createCipheriv('aes-256-cbc', key, '{h(32)}')", 'ask': f"const x = token ? load() : '{w(32)}';", 'is': f"ok = api_key == x ? 1 : '{w(32)}'",
	'unnamed': f'value = "{w(32)}"\nname  = "region"', 'forgery': f'csrf_token = "{w(32)}"', 'nopiece': f'["hf_", "{hf}"]',
	'mounted': 'webhook_secret = "/run/secrets/db_password"', 'turns': 'password = "a1b2c3d4e5f6"', 'turns2': 'api_key = "1a2b3c4d5e6f7g8h9i0j"',
	'dated': 'api_key = "gpt-4o-mini-2024-07-18"', 'mashed': 'token: asldkgfaklsdfjsjaslfjaklsdjf', 'groups': 'APP_PWD="abcd-efgh-ijkl-mnop"',
	'enode': f'"enode://{h(128)}@18.13.1.2:30303"', 'colour': 'PASS = "\\033[32mPASS\\033[0m"', 'slots': f'"storageKeys": ["0x{h(64)}"]',
	'names': '"disableldapauth",\n"enablekrb5kdcdns",', 'param': 'create(password=user1_pwd, host=x)', 'callee': 'secret = unhexlify(tv5)',
	'signed': f'oauth_signature="{w(27)}"', 'lookup': 'f(der, "secret") == (OIDS[MLDSA.ML_DSA_44], x)', 'ways': "noPasswordAuthMechanisms = [\n  'MONGODB-X509'\n]", 'nacl': 'secret: "NACL[MRN3cc+fmdxyQbz6WMF+jq1hKdU5X5BB]"'}
	for d, name in (found, 'found'), (harmless, 'harmless'):
	    for k, v in d.items():
	        open(f'tree/{name}-{k}.txt', 'w').write(v + '\n')
	PY
}

@test "scrub: tokens of unknown providers, and values in more grammars, are found" {
	forms
	blocked >got
	ls tree | sed -n 's|^found|found|p' >want
	diff <(grep found got) want
	run -1 grep harmless got
}

@test "scrub: a keystore is found, a store of certificates is not" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout key -out cert -subj /CN=a -days 2 2>/dev/null
	openssl pkcs12 -export -in cert -inkey key -passout pass:x -out key.p12
	openssl pkcs12 -export -nokeys -in cert -passout pass:x -out cert.p12
	for f in key cert; do
		printf 'store: %s\n' "$(base64 -w0 <$f.p12)" >tree/$f.yaml
		cp $f.p12 tree/$f.bin
	done
	printf '\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\1\0\1a' >tree/key.jks.bin
	printf '\xfe\xed\xfe\xed\0\0\0\2\0\0\0\1\0\0\0\2\0\1a' >tree/cert.jks.bin
	[ "$(blocked)" = "key.bin
key.jks.bin
key.yaml" ]
}

@test "scrub: a key in strings of bytes and in lines that + joins is found" {
	openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key 2>/dev/null
	{
		echo 'KEY = ('
		sed 's/.*/    b"&\\n"/' key
		echo ')'
	} >tree/bytes.py
	sed "s/.*/    '&\\\\n' + \\\\/" key >tree/plus.py
	[ "$(blocked)" = "bytes.py
plus.py" ]
}

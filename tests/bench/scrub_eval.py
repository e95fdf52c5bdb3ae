#!/usr/bin/env python3
# scrub_eval.py DIR [SEED] - writes an evaluation set for bindu-scrub: files
# with made-up credentials and files without, and DIR/truth.json.
#
# Written from the providers' documentation of their token formats, not from
# the scrubber's rules.  Every value is random; nothing here is a credential.
# SPDX-License-Identifier: Apache-2.0
import base64
import gzip
import hashlib
import io
import json
import os
import random
import secrets
import sqlite3
import string
import struct
import subprocess
import sys
import tarfile
import uuid
import zipfile
import zlib

OUT = sys.argv[1]
R = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(32))
LETTERS, DIGITS = string.ascii_letters, string.digits
W = LETTERS + DIGITS
U64 = W + '-_'
S64 = W + '+/'
HEX = '0123456789abcdef'
B32 = string.ascii_uppercase + '234567'
UP = string.ascii_uppercase + DIGITS
LOW = string.ascii_lowercase + DIGITS


def pick(alphabet, n):
    return ''.join(R.choice(alphabet) for _ in range(n))


def new_uuid():
    return str(uuid.UUID(int=R.getrandbits(128), version=4))


def crc62(body):
    digits = DIGITS + string.ascii_uppercase + string.ascii_lowercase
    crc, out = zlib.crc32(body.encode()), ''
    for _ in range(6):
        out = digits[crc % 62] + out
        crc //= 62
    return out


def checked(prefix):
    body = pick(W, 30)
    return prefix + body + crc62(body)


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def jwt():
    head = {'alg': R.choice(['HS256', 'RS256', 'ES256']), 'typ': 'JWT'}
    body = {'sub': pick(DIGITS, 9), 'iss': 'https://' + pick(LOW, 8) + '.io', 'iat': R.randrange(1700000000, 1790000000)}
    return '.'.join([b64url(json.dumps(head, separators=(',', ':')).encode()),
                     b64url(json.dumps(body, separators=(',', ':')).encode()), pick(U64, 43)])


PROVIDERS = {
    'openai': lambda: 'sk-proj-' + pick(U64, 74) + 'T3BlbkFJ' + pick(U64, 74),
    'openai-legacy': lambda: 'sk-' + pick(W, 20) + 'T3BlbkFJ' + pick(W, 20),
    'anthropic': lambda: 'sk-ant-api03-' + pick(U64, 93) + 'AA',
    'anthropic-admin': lambda: 'sk-ant-admin01-' + pick(U64, 93) + 'AA',
    'openrouter': lambda: 'sk-or-v1-' + pick(HEX, 64),
    'groq': lambda: 'gsk_' + pick(W, 52),
    'xai': lambda: 'xai-' + pick(W, 80),
    'huggingface': lambda: 'hf_' + pick(LETTERS, 34),
    'replicate': lambda: 'r8_' + pick(W, 37),
    'langsmith': lambda: 'lsv2_pt_' + pick(HEX, 32) + '_' + pick(HEX, 10),
    'pinecone': lambda: 'pcsk_' + pick(W, 6) + '_' + pick(W, 63),
    'perplexity': lambda: 'pplx-' + pick(W, 48),
    'nvidia': lambda: 'nvapi-' + pick(U64, 64),
    'cerebras': lambda: 'csk-' + pick(LOW, 48),
    'together': lambda: 'tgp_v1_' + pick(U64, 43),
    'tavily': lambda: 'tvly-dev-' + pick(W, 32),
    'e2b': lambda: 'e2b_' + pick(HEX, 40),
    'firecrawl': lambda: 'fc-' + pick(HEX, 32),
    'boxd': lambda: R.choice(['bxk_', 'bxd_']) + pick(W, 40),
    'boxlite': lambda: 'blk_live_' + pick(W, 32),
    'apify': lambda: 'apify_api_' + pick(W, 36),
    'github': lambda: checked(R.choice(['ghp_', 'gho_', 'ghu_', 'ghs_'])),
    'github-fine': lambda: 'github_pat_' + pick(W, 22) + '_' + pick(W, 59),
    'gitlab': lambda: 'glpat-' + pick(U64, 20),
    'gitlab-runner': lambda: 'glrt-' + pick(U64, 20),
    'npm': lambda: checked('npm_'),
    'pypi': lambda: 'pypi-AgEIcHlwaS5vcmc' + pick(U64, 150),
    'rubygems': lambda: 'rubygems_' + pick(HEX, 48),
    'docker': lambda: 'dckr_pat_' + pick(U64, 27),
    'atlassian': lambda: 'ATATT3xFfGF0' + pick(U64, 171) + '=' + pick('0123456789ABCDEF', 8),
    'google': lambda: 'AIza' + pick(U64, 35),
    'google-oauth': lambda: 'GOCSPX-' + pick(U64, 28),
    'azure-client': lambda: pick(W, 3) + '8Q~' + pick(W + '_.~-', 34),
    'azure-devops': lambda: pick(W, 76) + 'AZDO' + pick(W, 4),
    'alibaba': lambda: 'LTAI' + pick(W, 20),
    'digitalocean': lambda: 'dop_v1_' + pick(HEX, 64),
    'heroku': lambda: 'HRKU-AA' + pick(U64, 58),
    'fly': lambda: 'fo1_' + pick(U64, 43),
    'render': lambda: 'rnd_' + pick(W, 32),
    'terraform': lambda: pick(W, 14) + '.atlasv1.' + pick(U64, 67),
    'vault': lambda: 'hvs.' + pick(U64, 95),
    'databricks': lambda: 'dapi' + pick(HEX, 32),
    'pulumi': lambda: 'pul-' + pick(HEX, 40),
    'doppler': lambda: 'dp.pt.' + pick(W, 43),
    'onepassword': lambda: 'ops_eyJ' + pick(S64.replace('+', '').replace('/', ''), 300),
    'tailscale': lambda: 'tskey-auth-' + pick(W, 12) + '-' + pick(W, 32),
    'supabase': lambda: 'sb_secret_' + pick(U64, 22) + '_' + pick(W, 8),
    'planetscale': lambda: 'pscale_tkn_' + pick(U64, 43),
    'airtable': lambda: 'pat' + pick(W, 14) + '.' + pick(HEX, 64),
    'grafana': lambda: (body := 'glsa_' + pick(W, 32)) + '_' + struct.pack('<I', zlib.crc32(body.encode())).hex(),
    'sentry': lambda: 'sntrys_eyJ' + pick(W, 120) + '_' + pick(S64, 43),
    'newrelic': lambda: 'NRAK-' + pick(UP, 27),
    'slack-bot': lambda: 'xoxb-' + pick(DIGITS, 12) + '-' + pick(DIGITS, 13) + '-' + pick(W, 24),
    'slack-user': lambda: 'xoxp-' + pick(DIGITS, 12) + '-' + pick(DIGITS, 12) + '-' + pick(DIGITS, 13) + '-' + pick(HEX, 32),
    'slack-app': lambda: 'xapp-1-A' + pick(UP, 10) + '-' + pick(DIGITS, 13) + '-' + pick(HEX, 64),
    'slack-hook': lambda: 'https://hooks.slack.com/services/T' + pick(UP, 10) + '/B' + pick(UP, 10) + '/' + pick(W, 24),
    'discord-hook': lambda: 'https://discord.com/api/webhooks/' + pick('123456789', 18) + '/' + pick(U64, 68),
    'discord-bot': lambda: base64.b64encode(('1' + pick(DIGITS, 17)).encode()).decode() + '.' + pick(U64, 6) + '.' + pick(U64, 38),
    'telegram': lambda: pick('123456789', 10) + ':AA' + pick(U64, 33),
    'twilio': lambda: 'SK' + pick(HEX, 32),
    'sendgrid': lambda: 'SG.' + pick(U64, 22) + '.' + pick(U64, 43),
    'mailgun': lambda: 'key-' + pick(HEX, 32),
    'mailchimp': lambda: pick(HEX, 32) + '-us' + str(R.randrange(1, 22)),
    'brevo': lambda: 'xkeysib-' + pick(HEX, 64) + '-' + pick(W, 16),
    'resend': lambda: 're_' + pick(W, 8) + '_' + pick(W, 24),
    'stripe': lambda: R.choice(['sk_live_', 'rk_live_']) + pick(W, R.choice([24, 99])),
    'stripe-hook': lambda: 'whsec_' + pick(W, 32),
    'square': lambda: 'sq0csp-' + pick(U64, 43),
    'shopify': lambda: 'shpat_' + pick(HEX, 32),
    'plaid': lambda: 'access-production-' + new_uuid(),
    'notion': lambda: 'ntn_' + pick(W, 46),
    'linear': lambda: 'lin_api_' + pick(W, 40),
    'figma': lambda: 'figd_' + pick(U64, 43),
    'postman': lambda: 'PMAK-' + pick(HEX, 24) + '-' + pick(HEX, 34),
    'hubspot': lambda: 'pat-na1-' + new_uuid(),
    'jwt': jwt,
}

FORMS = [
    'TOKEN={}\n', 'export TOKEN="{}"\n', '{{"token": "{}"}}\n', '{{\\"token\\": \\"{}\\"}}\n',
    'token: {}\n', "token: '{}'\n", 'token: >-\n  {}\n', 'token = "{}"\n', '<token>{}</token>\n',
    '<add key="Token" value="{}" />\n', 'const token = "{}";\n', 'var token = \'{}\'\n',
    'String t = new String("{}");\n', '$token = \'{}\';\n', 'ENV TOKEN {}\n',
    'curl -H "Authorization: Bearer {}" https://api.service.io/v1\n',
    'https://api.service.io/v1/x?access={}&page=2\n', 'TOKEN := {}\n', 'name,value\nprod,{}\n',
    '# {}\n', '2026-05-01 12:00:01 INFO using {} for run\n', 'client = Client("{}")\n',
    '    .withToken("{}")\n', 'f({})\n', '// {}\n', 'x = `{}`\n', '[section]\nkey={}\n', '{}',
    'set -x TOKEN {}\n', '- {}\n',
]

truth = []


def write(path, data):
    full = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def filler(lines):
    words = 'the agent reads a message then calls its tool and returns what it found to the user'.split()
    return ''.join(f'    {R.choice(words)}_{R.choice(words)} = {R.choice(words)}({R.randrange(100)})\n' for _ in range(lines))


def put(cls, path, secret, text, secret_bytes=None, inner=False):
    data = text.encode() if isinstance(text, str) else text
    want = secret_bytes if secret_bytes is not None else secret.encode()
    at = data.find(want)
    write(path, data)
    truth.append({'class': cls, 'path': path, 'offset': -1 if inner or at < 0 else at, 'length': len(want), 'positive': True})


def negative(cls, path, text):
    write(path, text)
    truth.append({'class': cls, 'path': path, 'positive': False})


def providers():
    for name, make in PROVIDERS.items():
        for i in range(8):
            token = make()
            form = R.choice(FORMS)
            text = filler(R.randrange(0, 12)) + form.format(token) + (filler(R.randrange(0, 12)) if form.endswith('\n') else '')
            put('provider', f'provider/{name}-{i}.txt', token, text)
    for i in range(6):
        key, sec = 'AKIA' + pick(B32, 16), pick(S64, 40)
        put('provider', f'provider/aws-{i}.ini', sec, f'[default]\naws_access_key_id = {key}\naws_secret_access_key = {sec}\n')


def near_misses():
    for name, make in PROVIDERS.items():
        if name in ('jwt', 'slack-hook', 'discord-hook', 'onepassword', 'pypi', 'atlassian', 'stripe', 'heroku', 'boxd',
                    'boxlite', 'supabase', 'planetscale', 'vault', 'apify', 'render', 'sentry', 'fly'):
            continue        # their lengths are not fixed
        t = make()
        head = len(os.path.commonprefix([make() for _ in range(40)]))
        if head < 3:
            continue
        negative('provider', f'near/{name}-x.txt', f'see {t[:head]}{"x" * (len(t) - head)} for the format\n')
        negative('provider', f'near/{name}-example.txt', f'see {t[:head]}{("EXAMPLE" * 40)[:len(t) - head]} for the format\n')
        negative('provider', f'near/{name}-dots.txt', f'pass {t[:head]}... as the key\n')
    for p in ('ghp_', 'npm_', 'gho_'):
        t = checked(p)
        bad = t[:-1] + R.choice([c for c in W if c != t[-1]])
        negative('provider', f'near/checksum-{p}.txt', f'token = "{bad}"\n')
    negative('provider', 'near/aws-docs.txt', 'AKIA' + 'IOSFODNN7' + 'EXAMPLE\n')
    negative('provider', 'near/jwt-head.txt', 'header: ' + b64url(b'{"alg":"HS256","typ":"JWT"}') + '\n')


def openssl(*args):
    return subprocess.run(['openssl', *args], capture_output=True, check=True).stdout.decode()


def keys():
    made = []
    for bits in ('1024', '2048', '4096'):
        made.append(('rsa' + bits, openssl('genrsa', '-traditional', bits)))
        made.append(('pkcs8-' + bits, openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:' + bits)))
    for curve in ('prime256v1', 'secp384r1', 'secp521r1', 'secp256k1'):
        made.append(('ec-' + curve, openssl('ecparam', '-genkey', '-noout', '-name', curve)))
    for alg in ('ed25519', 'x25519', 'ed448'):
        made.append((alg, openssl('genpkey', '-algorithm', alg)))
    for kind in ('rsa', 'ed25519', 'ecdsa'):
        f = os.path.join(OUT, 'tmpkey')
        subprocess.run(['ssh-keygen', '-q', '-t', kind, '-N', '', '-f', f], check=True)
        made.append(('ssh-' + kind, open(f).read()))
        os.unlink(f)
        os.unlink(f + '.pub')
    for name, pem in made:
        body = pem.strip()
        esc = body.replace('\n', '\\n')
        forms = {
            'plain.txt': pem, 'code.py': f'KEY = """{pem}"""\n', 'json.json': json.dumps({'key': pem}),
            'yaml.yaml': 'key: |\n' + ''.join('  ' + line + '\n' for line in body.split('\n')),
            'env.sh': f'KEY="{esc}"\n', 'escaped.json': json.dumps(json.dumps({'key': pem})),
            'crlf.txt': pem.replace('\n', '\r\n'),
            'concat.js': 'const key =\n' + ' +\n'.join(f'  "{line}\\n"' for line in body.split('\n')) + ';\n',
            'comment.go': ''.join('// ' + line + '\n' for line in body.split('\n')),
            'xml.xml': f'<key>{body}</key>\n',
        }
        for form, text in forms.items():
            begin = text.find('-----BEGIN')
            write(f'key/{name}-{form}', text)
            truth.append({'class': 'key', 'path': f'key/{name}-{form}', 'offset': begin, 'length': 64, 'positive': True})
    cert = openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=x', '-days', '3')
    pub = subprocess.run(['openssl', 'rsa', '-pubout'], input=made[1][1].encode(), capture_output=True).stdout.decode()
    for i in range(6):
        negative('key', f'key/no-cert-{i}.txt', cert)
        negative('key', f'key/no-pub-{i}.txt', pub)
    negative('key', 'key/no-marker.py', 'if "-----BEGIN PRIVATE KEY-----" in text:\n    raise ValueError("a key")\n')
    negative('key', 'key/no-dots.md', '-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n')
    negative('key', 'key/no-cut.md', '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg...your key here...\n-----END PRIVATE KEY-----\n')
    negative('key', 'key/no-pattern.go', 'var re = regexp.MustCompile(`-----BEGIN (RSA |EC )?PRIVATE KEY-----[^-]+-----END`)\n')


def password():
    return R.choice([
        lambda: pick(W, R.randrange(12, 25)),
        lambda: pick(W + '!$%*+', R.randrange(12, 20)),
        lambda: R.choice(['Winter', 'Harbor', 'Copper', 'Violet', 'Granite']) + R.choice('!#%*') + pick(DIGITS, 4) + pick(LETTERS, 3),
        lambda: pick(HEX, 24),
    ])()


def connections():
    hosts = ['db.prod.corp.io', '10.2.3.4', 'cluster0.ab1cd.mongodb.net', 'cache-01.internal', 'mq.svc.cluster.local']
    for i in range(120):
        pw = password()
        quoted = ''.join(c if c in W + '!$*' else '%%%02X' % ord(c) for c in pw)
        host = R.choice(hosts)
        text, want = R.choice([
            (f'DATABASE_URL=postgres://app:{quoted}@{host}:5432/main\n', quoted),
            (f'url = "postgresql+asyncpg://svc:{quoted}@{host}/x"\n', quoted),
            (f'mongodb+srv://admin:{quoted}@{host}/?retryWrites=true\n', quoted),
            (f'REDIS="redis://:{quoted}@{host}:6379/0"\n', quoted),
            (f'broker: amqp://worker:{quoted}@{host}:5672//\n', quoted),
            (f'"mysql://root:{quoted}@{host}:3306/app"\n', quoted),
            (f'Server={host};Database=main;User Id=sa;Password={quoted};\n', quoted),
            (f'"Host={host};Username=app;Password={quoted};Database=x"\n', quoted),
            (f'jdbc:postgresql://{host}/main?user=app&password={quoted}\n', quoted),
            (f'https://deploy:{quoted}@git.corp.io/x.git\n', quoted),
            (f'dsn := "app:{quoted}@tcp({host}:3306)/main"\n', quoted),
        ])
        put('connection', f'conn/{i}.txt', want, filler(3) + text)
    for i in range(20):
        key = base64.b64encode(R.randbytes(32)).decode()
        put('connection', f'conn/azure-{i}.txt', key, f'Endpoint=sb://x{i}.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={key}\n')
        key = base64.b64encode(R.randbytes(64)).decode()
        put('connection', f'conn/storage-{i}.txt', key, f'DefaultEndpointsProtocol=https;AccountName=x{i};AccountKey={key};EndpointSuffix=core.windows.net\n')
    for i, text in enumerate([
            'postgres://user:password@localhost:5432/db', 'postgres://user:pass@host/db', 'redis://localhost:6379/0',
            'mysql://{user}:{password}@{host}/db', 'postgres://${DB_USER}:${DB_PASS}@db/x', 'mongodb://localhost:27017',
            'amqp://guest:guest@localhost:5672/', 'https://user:****@host/', 'postgresql://<user>:<password>@<host>/<db>',
            'http://proxy.corp.io:3128', 'ssh://git@github.com:22/x.git', 'git@github.com:x/y.git', 'https://example.com/a:b@c',
            'postgres://%s:%s@%s/%s', 'Server=x;User Id=sa;Password=;', 'Password=your_password_here;Server=x',
            'jdbc:mysql://localhost/test?user=root&password=root', 'redis://:changeme@cache/0', 'mailto:someone@corp.io',
            'https://cdn.io/npm/@scope/pkg@1.2.3/x.js', 'http://[::1]:8080/', 'postgres://postgres:postgres@db:5432/postgres',
            'url: https://host:8443/path@v2', 'smtp://user:secret@mail.example.com', 'ldap://cn=admin:secret@ldap.example.org']):
        for k in range(6):
            negative('connection', f'conn/no-{i}-{k}.txt', filler(k) + text + '\n')


NAMES = ['api_key', 'apiKey', 'API_KEY', 'secret_key', 'SECRET_KEY', 'client_secret', 'clientSecret', 'auth_token', 'access_token',
         'ACCESS_TOKEN', 'private_key', 'encryption_key', 'signing_secret', 'webhook_secret', 'SESSION_SECRET', 'jwt_secret',
         'app_secret', 'bot_token', 'x-api-key', 'service.api.key', 'AUTH_KEY', 'master_key']
PASSWORDS = ['password', 'PASSWORD', 'db_password', 'DB_PASS', 'smtp_pass', 'passwd', 'adminPassword', 'redis.password', 'user_pwd', 'passphrase']
PAIRS = ['{n}={v}\n', 'export {n}="{v}"\n', '{n}: {v}\n', '{n}: "{v}"\n', '"{n}": "{v}",\n', "'{n}' => '{v}',\n", '{n} = "{v}"\n',
         '{n} := "{v}"\n', 'const {n} = "{v}";\n', 'String {n} = "{v}";\n', '<{n}>{v}</{n}>\n', '{n}: str = "{v}"\n',
         'os.environ["{n}"] = "{v}"\n', 'client(user="x", {n}="{v}")\n', '- name: {n}\n  value: {v}\n',
         '{{"name": "{n}", "value": "{v}"}}\n', 'define("{n}", "{v}");\n', '--{n} {v} \\\n', '{n}="{v}"; run\n',
         '<add key="{n}" value="{v}"/>\n', '{n}: >-\n  {v}\n', '# {n} = {v}\n', 'set {n}={v}\n', 'ENV {n} {v}\n']


def generic():
    for i in range(260):
        v = R.choice([lambda: pick(W, R.randrange(20, 48)), lambda: pick(HEX, R.choice([32, 40, 64])), lambda: pick(LOW, 32),
                      lambda: base64.b64encode(R.randbytes(32)).decode(), lambda: pick(U64, 43)])()
        text = R.choice(PAIRS).format(n=R.choice(NAMES), v=v)
        put('generic', f'generic/{i}.conf', v, filler(R.randrange(4)) + text)
    for i in range(120):
        v = password()
        text = R.choice(PAIRS).format(n=R.choice(PASSWORDS), v=v)
        put('generic', f'generic/pw-{i}.conf', v, filler(R.randrange(4)) + text)
    for i in range(20):
        login = base64.b64encode(('svc:' + pick(W, 16)).encode()).decode()
        put('generic', f'generic/basic-{i}.http', login, f'GET / HTTP/1.1\nAuthorization: Basic {login}\n')
        put('generic', f'generic/bearer-{i}.http', tok := pick(W, 40), f'GET / HTTP/1.1\nAuthorization: Bearer {tok}\n')
    plain = [
        'sha256: {h64}', '"integrity": "sha512-{b88}"', 'commit {h40}', 'resolved "https://registry.io/x.tgz#{h40}"',
        'checksum = "{h64}"', 'id: {uuid}', 'etag: "{h32}"', 'api_key_env = "OPENAI_API_KEY"', 'api_key = os.environ["X_KEY"]',
        'password = getpass.getpass()', 'password: ${{DB_PASSWORD}}', 'token = "<your-token>"', 'secret: "changeme"',
        'API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', '"password": "Passwort"', '"forgotPassword": "Forgot your password?"',
        'public_key = "{b44}"', 'key: "ctrl+shift+down"', 'primary_key = "customer_identifier_value"', 'token_type = "bearer"',
        'secret_name: my-app-credentials-production', 'max_tokens = 4096', 'tokenizer = "cl100k_base_version_2"',
        'password_hash = "$2b$12${b53}"', 'next_page_token: "{u64}"', 'csrf_token = "{h32}"', 'nonce = "{h32}"', 'cache_key = "{h40}"',
        'passwordFieldSelector = "#login-form-password1"', 'secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbC12d"',
        'data:image/png;base64,{b200}', 'background: url(data:font/woff2;base64,{b200})', 'fingerprint: {h40}',
        'api_key = settings.get("service_api_key_2")', 'auth_token = request.headers["X-Auth-Token"]', 'image: repo/app@sha256:{h64}',
        'password = "password"', 'PASSWORD=secret', 'apiKey: "YOUR_API_KEY_HERE"', 'client_secret: "{{{{ vault_client_secret }}}}"',
        'accessKeyId: LongIdentifierNameForSomething1', 'var keyboardShortcut2 = "KeyboardEvent.keyCode13"', 'sitekey="6L{u38}"',
        'SPDX: {h40}', 'uuid = "{uuid}"', 'version_token = "release-2024-05-17-candidate"', 'secret_version_path = "projects/1/secrets/x/versions/2"',
    ]
    for i, text in enumerate(plain * 16):
        line = text.format(h64=pick(HEX, 64), h40=pick(HEX, 40), h32=pick(HEX, 32), b88=base64.b64encode(R.randbytes(64)).decode(),
                           b44=base64.b64encode(R.randbytes(32)).decode(), b53=pick(S64, 53), u64=pick(U64, 64), u38=pick(U64, 38),
                           b200=base64.b64encode(R.randbytes(150)).decode(), uuid=new_uuid())
        negative('generic', f'generic/no-{i}.txt', filler(R.randrange(3)) + line + '\n')


# A value in the grammars of many programs, one a line: V is a random key, P a
# password, B the base64 of a login.
LINES = r'''
"api_key": []string{"@V"}
token = '@V'.encode()
authorization: 'Token @V'
X-Auth-Token: @V
curl --header "PRIVATE-TOKEN: @V" https://g.acme.io
wget --user=bob --password=@P https://x.acme.io/f
ENV A=1 API_KEY=@V B=2
cfg: {api_key: @V, x: 1}
db = { user = "x", password = "@P" }
<bean id="ds" class="DS" password="@P"/>
<input type="hidden" name="api_token" value="@V">
<meta name="api-key" content="@V">
var c = new NetworkCredential("bob", "@P");
System.setProperty("api.key", "@V");
map.put("password", "@P");
DriverManager.getConnection(url, "app", "@P");
$db = new PDO($dsn, 'app', '@P');
$c = mysqli_connect('db.acme.io', 'app', '@P', 'shop');
db = MySQLdb.connect("db.acme.io", "app", "@P", "shop")
Mysql2::Client.new(username: "app", password: "@P")
createClient({ url, password: '@P' })
smtp.login("bob@acme.io", "@P")
password("@P")
System.put_env("API_KEY", "@V")
{api_key, "@V"}
ansible_password: @P
host1 ansible_host=10.0.0.1 ansible_become_pass=@P
docker build --build-arg API_KEY=@V .
kubectl create secret generic x --from-literal=api_key=@V
gcloud run deploy --set-env-vars=API_KEY=@V,OTHER=x
heroku config:set API_KEY=@V
fly secrets set API_KEY=@V
gh secret set X_TOKEN --body "@V"
aws ssm put-parameter --name /x/password --value "@P" --type SecureString
setx API_KEY @V
[Environment]::SetEnvironmentVariable('API_KEY', '@V')
$s = ConvertTo-SecureString "@P" -AsPlainText -Force
PGPASSWORD=@P psql -h db
sqlplus app/@P@db.acme.io:1521/ORCL
Cookie: auth_token=@V; theme=dark
wss://h.acme.io/ws?token=@V
{"Authorization":"Bearer @V"}
<add name="Db" connectionString="Server=db.acme.io;User Id=app;Password=@P;" />
INFO using api key @V for bob
| API_KEY | @V |
NSString *apiKey = @"@V";
std::string password{"@P"};
.password("@P")
req.SetBasicAuth("bob", "@P")
def connect(host, api_key="@V"):
p.add_argument("--token", default="@V")
password: &pw @P
my %c = (api_key => "@V");
api_key <- "@V"
["token"] = "@V",
let g:api_key = '@V'
(setq api-key "@V")
setenv API_KEY @V
* * * * * API_KEY=@V /usr/bin/run
environment=API_KEY="@V",B="c"
SetEnv API_KEY @V
proxy_set_header Authorization "Bearer @V";
fastcgi_param API_KEY @V;
user bob insecure-password @P
redis-server --requirepass @P
psk="@P"
wpa_passphrase=@P
[smtp.acme.io]:587 bob@acme.io:@P
bindpw @P
ldap_default_authtok = @P
org.apache.kafka.PlainLoginModule required username="bob" password="@P";
<name>fs.s3a.secret.key</name><value>@V</value>
<user username="tomcat" password="@P" roles="manager-gui"/>
credentials += Credentials("Realm", "nexus.acme.io", "bob", "@P")
"headers": {"x-functions-key": "@V"}
headers = {'X-API-KEY': '@V'}
auth: { user: 'bob', pass: '@P' }
auth = HTTPBasicAuth('bob', '@P')
spring.datasource.password=@P
jwt.secret=@V
client_secret=@V&grant_type=client_credentials
-d '{"password":"@P"}'
--data-urlencode 'token=@V'
MYSQL_PWD=@P mysqldump x
DB_PASSWORD: ${DB_PASSWORD:-@P}
DB_PASSWORD: !!str "@P"
// const apiKey = "@V";
<!-- password: @P -->
-- password: @P
rem set API_KEY=@V
/* token: "@V" */
CREATE LOGIN app WITH PASSWORD = '@P';
SET PASSWORD FOR 'app'@'%' = PASSWORD('@P');
GRANT ALL ON *.* TO 'app'@'%' IDENTIFIED BY '@P';
cy.login('bob', '@P')
await page.fill('#password', '@P')
driver.find_element(By.ID, "password").send_keys("@P")
token: ENV['TOKEN'] || '@V'
os.environ.get('SECRET', '@V')
env.str("SECRET_KEY", default="@V")
config('SECRET_KEY', default='@V')
getenv('API_KEY') ?: '@V'
viper.SetDefault("api_key", "@V")
flag.String("token", "@V", "the token")
@Field String apiKey = "@V"
buildConfigField("String", "API_KEY", "\"@V\"")
resValue "string", "api_key", "@V"
<meta-data android:name="com.acme.API_KEY" android:value="@V"/>
NEXT_PUBLIC_X=1;SECRET_TOKEN=@V
const { data } = await ax.post(u, { password: "@P" })
session.headers.update({"Authorization": "Token @V"})
http.Header{"Authorization": []string{"Bearer @V"}}
Authorization: ApiKey @V
Authorization: Basic @B
proxy = http://bob:@P@proxy.acme.io:3128
git remote add origin https://bob:@P@git.acme.io/x.git
pip install --index-url https://bob:@P@pypi.acme.io/simple x
mongo -u admin -p @P --authenticationDatabase admin
psql "host=db user=app password=@P"
az login -u bob -p @P
net use Z: \\srv\x /user:bob @P
mysqladmin -uroot -p@P shutdown
unzip -P @P x.zip
7z x -p@P x.7z
openssl rsa -passin pass:@P -in k
gpg --batch --passphrase @P -d x
keytool -storepass @P -list
ansible-vault --vault-password @P
htpasswd -b f bob @P
echo "bob:@P" | chpasswd
echo @P | sudo -S ls
expect "password:"; send "@P\r"
'''.strip().split('\n')


def forms():
    for i, form in enumerate(LINES):
        login = base64.b64encode(('bob:' + pick(W, 14)).encode()).decode()
        p = pick(LETTERS, 5) + pick(DIGITS, 3) + pick(LETTERS, 6)
        v = pick(W, 35) + pick(DIGITS, 1)
        text = form.replace('@V', v).replace('@P', p).replace('@B', login)
        secret = v if '@V' in form else p if '@P' in form else login
        put('form', f'form/{i}.txt', secret, filler(2) + text + '\n' + filler(1))
        for k, (key, password) in enumerate((('my_service_key', 'your-password'), ('${API_KEY}', '$PASSWORD'), ('<key>', '********'))):
            text = form.replace('@V', key).replace('@P', password).replace('@B', '<login>')
            negative('form', f'form/no-{i}-{k}.txt', filler(2) + text + '\n' + filler(1))


def awkward():
    def tok():
        name = R.choice(['github', 'anthropic', 'openrouter', 'groq', 'stripe', 'gitlab', 'google', 'slack-bot'])
        return PROVIDERS[name]()
    n = 0

    def add(suffix, data, t, inner=False):
        nonlocal n
        put('awkward', f'awkward/{n}-{suffix}', t, data, t.encode() if not inner else b'\0', inner)
        n += 1
    for size in (4096, 65536, 262144, 1 << 20):
        for shift in range(-41, 42, 6):
            t = tok()
            add('border.txt', 'a b ' * ((size + shift) // 4) + ' ' * ((size + shift) % 4) + t + ' end' + ' c d' * 30000, t)
    t = tok()
    add('line.txt', 'xy z' * 2500000 + ' ' + t + ' ' + 'zz y' * 100, t)
    for enc in ('utf-16', 'utf-16-le', 'utf-16-be', 'utf-8-sig'):
        for _ in range(4):
            t = tok()
            add('wide.txt', f'// a note\r\nkey = "{t}"\r\n'.encode(enc), t, True)
    for _ in range(6):
        t = tok()
        add('nul.bin', b'\0' * 12 + b'text ' + t.encode() + b' x', t)
        t = tok()
        add('binary.bin', R.randbytes(3000) + b'\0' + t.encode() + b'\0' + R.randbytes(3000), t)
        t = tok()
        add('b64.txt', 'x: ' + base64.b64encode(f'export A="{t}"\n'.encode()).decode() + '\n', t, True)
        t = tok()
        add('mime.txt', base64.encodebytes((filler(4) + f'token={t}\n' + filler(4)).encode()), t, True)
        t = tok()
        add('k8s.yaml', 'kind: Secret\ndata:\n  token: ' + base64.b64encode(t.encode()).decode() + '\n', t, True)
        t = tok()
        add('hex.txt', 'v=' + t.encode().hex() + '\n', t, True)
        t = tok()
        add('percent.txt', 'u=' + ''.join('%%%02x' % c for c in t.encode()) + '&b=1\n', t, True)
        t = tok()
        add('crlf.ini', f'[a]\r\nb={t}\r\n', t)
        t = tok()
        add('end.txt', 'no newline at the end ' + t, t)
        t = tok()
        nb = {'cells': [{'cell_type': 'code', 'source': [f'k = "{t}"\n'], 'outputs': []}], 'nbformat': 4}
        add('x.ipynb', json.dumps(nb), t)
        t = tok()
        add('x.js.map', json.dumps({'version': 3, 'sourcesContent': [f'const k = "{t}";\n']}), t, True)
        t = tok()
        import marshal
        code = compile(f'K = "{t}"\n', 'k.py', 'exec')
        add('k.pyc', b'\xcb\r\r\n' + bytes(12) + marshal.dumps(code), t)
        t = tok()
        inner = io.BytesIO()
        with tarfile.open(fileobj=inner, mode='w:gz') as tar:
            data = f'K={t}\n'.encode()
            info = tarfile.TarInfo('a/k.conf')
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        add('x.tar.gz', inner.getvalue(), t, True)
        outer = io.BytesIO()
        with zipfile.ZipFile(outer, 'w', zipfile.ZIP_DEFLATED) as z:
            z.writestr('in/x.tgz', inner.getvalue())
        add('x.zip', outer.getvalue(), t, True)
        add('x.gz', gzip.compress(f'K={t}\n'.encode()), t, True)
        t = tok()
        path = os.path.join(OUT, 'tmp.db')
        db = sqlite3.connect(path)
        db.execute('create table k (name text, token text, note text)')
        db.executemany('insert into k values (?, ?, ?)', [('prod', t, 'in use'), ('dev', None, 'none')])
        db.commit()
        db.close()
        add('x.sqlite', open(path, 'rb').read(), t)
        os.unlink(path)


def main():
    os.makedirs(OUT, exist_ok=True)
    providers()
    near_misses()
    keys()
    connections()
    generic()
    forms()
    awkward()
    with open(OUT + '.truth.json', 'w') as f:
        json.dump(truth, f)


main()

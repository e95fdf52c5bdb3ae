#!/usr/bin/env python3
# scrub_eval2.py DIR [SEED] - a second evaluation set, written from the
# providers' documentation alone, without a look at the rules: every credential
# in several of sixty surroundings, and as many harmless values that look as
# random in the same surroundings.  Every value is made anew.
#
# Writes DIR and DIR.truth.json for scrub_score.py.
# SPDX-License-Identifier: Apache-2.0
import base64
import bz2
import gzip
import hashlib
import hmac
import io
import json
import lzma
import marshal
import os
import quopri
import random
import secrets
import sqlite3
import string
import struct
import subprocess
import sys
import tarfile
import tempfile
import urllib.parse
import uuid
import zipfile
import zlib

OUT = sys.argv[1]
R = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(32))
DIGIT, LOWER, UPPER = string.digits, string.ascii_lowercase, string.ascii_uppercase
W = LOWER + UPPER + DIGIT
B64, STD, HEX = W + '-_', W + '+/', '0123456789abcdef'
truth = []


def r(alphabet, n):
    return ''.join(R.choice(alphabet) for _ in range(n))


def guid():
    return str(uuid.UUID(int=R.getrandbits(128), version=4))


def b64(n):
    return base64.b64encode(R.randbytes(n)).decode()


def url64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b'=').decode()


def number(n, digits, width):
    out = ''
    while n:
        n, d = divmod(n, len(digits))
        out = digits[d] + out
    return out.rjust(width, digits[0])


def checked(prefix):    # GitHub and npm: 30 random, 6 of CRC32 in base62
    body = r(W, 30)
    return prefix + body + number(zlib.crc32(body.encode()), DIGIT + UPPER + LOWER, 6)


def routable(prefix):
    payload = f'o:{number(R.randrange(1, 99), DIGIT + LOWER, 1)}\nu:{number(R.randrange(1, 9**9), DIGIT + LOWER, 1)}'.encode()
    body = url64(R.randbytes(16) + payload + bytes([len(payload)]))
    digits = DIGIT + LOWER
    token = f'{prefix}{body}.01.{number(len(body), digits, 2)}'
    return token + number(zlib.crc32(token.encode()), digits, 7)


def jwt(**claims):
    text = url64({'alg': 'HS256', 'typ': 'JWT'}) + '.' + url64(claims or {'sub': r(DIGIT, 9), 'iat': 1760000000 + R.randrange(10**7), 'scope': 'admin'})
    return text + '.' + url64(hmac.new(R.randbytes(9), text.encode(), hashlib.sha256).digest())


# name of the variable: how the value is made
TOKENS = {
    'GITHUB_TOKEN': lambda: checked('ghp_'), 'GH_OAUTH': lambda: checked('gho_'), 'GH_USER': lambda: checked('ghu_'),
    'GHS_TOKEN': lambda: checked('ghs_'), 'GH_REFRESH': lambda: checked('ghr_'), 'GH_FINE': lambda: 'github_pat_' + r(W, 22) + '_' + r(W, 59),
    'GITLAB_TOKEN': lambda: 'glpat-' + r(B64, 20), 'GITLAB_DEPLOY': lambda: 'gldt-' + r(B64, 20), 'RUNNER_TOKEN': lambda: 'glrt-' + r(B64, 20),
    'TRIGGER': lambda: 'glptt-' + r(HEX, 40), 'GITLAB_AGENT': lambda: 'glagent-' + r(B64, 50), 'GL_OAUTH': lambda: 'gloas-' + r(HEX, 64),
    'GITLAB_FEED': lambda: 'glft-' + r(B64, 20), 'GL_SCIM': lambda: 'glsoat-' + r(B64, 20), 'GL_MAIL': lambda: 'glimt-' + r(B64, 25),
    'SLACK_BOT_TOKEN': lambda: f'xoxb-{r("123456789", 12)}-{r("123456789", 13)}-{r(W, 24)}',
    'SLACK_USER': lambda: f'xoxp-{r("123456789", 12)}-{r("123456789", 12)}-{r("123456789", 13)}-{r(HEX, 32)}',
    'SLACK_APP_TOKEN': lambda: f'xapp-1-A{r(UPPER + DIGIT, 10)}-{r("123456789", 13)}-{r(HEX, 64)}',
    'SLACK_WEBHOOK': lambda: f'https://hooks.slack.com/services/T{r(UPPER + DIGIT, 10)}/B{r(UPPER + DIGIT, 10)}/{r(W, 24)}',
    'STRIPE_SECRET_KEY': lambda: 'sk_live_51' + r(W, 97), 'STRIPE_OLD': lambda: 'sk_live_' + r(W, 24), 'STRIPE_RK': lambda: 'rk_live_51' + r(W, 97),
    'STRIPE_TEST': lambda: 'sk_test_51' + r(W, 97), 'STRIPE_WEBHOOK_SECRET': lambda: 'whsec_' + r(W, 32),
    'TWILIO_API_KEY': lambda: 'SK' + r(HEX, 32), 'TWILIO_AUTH_TOKEN': lambda: r(HEX, 32),
    'SENDGRID_API_KEY': lambda: f'SG.{r(B64, 22)}.{r(B64, 43)}', 'MAILGUN_API_KEY': lambda: 'key-' + r(HEX, 32),
    'MAILCHIMP_KEY': lambda: r(HEX, 32) + '-us' + str(R.randrange(1, 22)), 'BREVO': lambda: 'xkeysib-' + r(HEX, 64) + '-' + r(W, 16),
    'RESEND_API_KEY': lambda: 're_' + r(W, 8) + '_' + r(W, 24), 'POSTMARK_SERVER_TOKEN': guid,
    'GOOGLE_API_KEY': lambda: 'AIza' + r(B64, 35), 'GOOGLE_CLIENT_SECRET': lambda: 'GOCSPX-' + r(B64, 28), 'GOOGLE_ACCESS': lambda: 'ya29.a0' + r(B64, 210),
    'GOOGLE_REFRESH': lambda: '1//0' + r(B64, 96),
    'AZURE_CLIENT_SECRET': lambda: r(W, 3) + '8Q~' + r(W + '_-.~', 31) + r(W, 3), 'AZURE_STORAGE_KEY': lambda: b64(64),
    'AZURE_DEVOPS_PAT': lambda: r(LOWER + '234567', 52), 'AZURE_OPENAI_API_KEY': lambda: r(HEX, 32),
    'AZURE_STORAGE_CONNECTION_STRING': lambda: f'DefaultEndpointsProtocol=https;AccountName={r(LOWER, 9)};AccountKey={b64(64)};EndpointSuffix=core.windows.net',
    'SERVICEBUS': lambda: f'Endpoint=sb://{r(LOWER, 9)}.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={b64(32)}',
    'HF_TOKEN': lambda: 'hf_' + r(LOWER + UPPER, 34), 'HF_ORG': lambda: 'api_org_' + r(LOWER + UPPER, 34),
    'ANTHROPIC_API_KEY': lambda: 'sk-ant-api03-' + r(B64, 93) + 'AA', 'ANTHROPIC_ADMIN': lambda: 'sk-ant-admin01-' + r(B64, 93) + 'AA',
    'OPENAI_API_KEY': lambda: 'sk-proj-' + r(B64, 74) + 'T3BlbkFJ' + r(B64, 74), 'OPENAI_LEGACY': lambda: 'sk-' + r(W, 20) + 'T3BlbkFJ' + r(W, 20),
    'NPM_TOKEN': lambda: checked('npm_'), 'PYPI_TOKEN': lambda: 'pypi-AgEIcHlwaS5vcmc' + r(B64, 160), 'TESTPYPI': lambda: 'pypi-AgENdGVzdC5weXBpLm9yZw' + r(B64, 160),
    'DOCKER_PAT': lambda: 'dckr_pat_' + r(B64, 27), 'DOCKER_ORG': lambda: 'dckr_oat_' + r(B64, 32),
    'DIGITALOCEAN_TOKEN': lambda: 'dop_v1_' + r(HEX, 64), 'DO_OAUTH': lambda: 'doo_v1_' + r(HEX, 64), 'DO_REFRESH': lambda: 'dor_v1_' + r(HEX, 64),
    'DATABRICKS_TOKEN': lambda: 'dapi' + r(HEX, 32) + R.choice(['', '-2', '-3']),
    'SUPABASE_SECRET_KEY': lambda: 'sb_secret_' + r(B64, 22) + '_' + r(B64, 8), 'SUPABASE_ACCESS_TOKEN': lambda: 'sbp_' + r(HEX, 40),
    'SUPABASE_SERVICE_ROLE_KEY': lambda: jwt(iss='supabase', ref=r(LOWER, 20), role='service_role', iat=1760000000, exp=2075600000),
    'CLOUDFLARE_API_TOKEN': lambda: r(B64, 40), 'CF_NEW': lambda: 'cfut_' + r(W, 40) + r(HEX, 8), 'CF_ACCOUNT': lambda: 'cfat_' + r(W, 40) + r(HEX, 8),
    'CF_GLOBAL': lambda: 'cfk_' + r(W, 40) + r(HEX, 8), 'CF_ORIGIN_CA': lambda: 'v1.0-' + r(HEX, 24) + '-' + r(HEX, 146),
    'TELEGRAM_BOT_TOKEN': lambda: r('123456789', 10) + ':AA' + r(B64, 33),
    'DISCORD_TOKEN': lambda: url64(r('123456789', 18).encode()) + '.G' + r(B64, 5) + '.' + r(B64, 38),
    'DISCORD_WEBHOOK': lambda: f'https://discord.com/api/webhooks/{r("123456789", 19)}/{r(B64, 68)}',
    'GROQ_API_KEY': lambda: 'gsk_' + r(W, 52), 'OPENROUTER': lambda: 'sk-or-v1-' + r(HEX, 64), 'XAI': lambda: 'xai-' + r(W, 80),
    'REPLICATE_API_TOKEN': lambda: 'r8_' + r(W, 37), 'LANGSMITH': lambda: 'lsv2_pt_' + r(HEX, 32) + '_' + r(HEX, 10), 'PPLX': lambda: 'pplx-' + r(W, 48),
    'PINECONE': lambda: 'pcsk_' + r(W, 6) + '_' + r(W, 63), 'NVIDIA': lambda: 'nvapi-' + r(B64, 64), 'TOGETHER': lambda: 'tgp_v1_' + r(B64, 43),
    'CEREBRAS': lambda: 'csk-' + r(LOWER + DIGIT, 48), 'VERCEL_TOKEN': lambda: 'vcp_' + r(W, 56), 'NEON_API_KEY': lambda: 'napi_' + r(LOWER + DIGIT, 64),
    'TS_AUTHKEY': lambda: 'tskey-auth-k' + r(W, 12) + 'CNTRL-' + r(W, 32), 'RENDER': lambda: 'rnd_' + r(W, 28), 'APIFY': lambda: 'apify_api_' + r(W, 36),
    'VAULT_TOKEN': lambda: 'hvs.CAES' + r(B64, 90), 'TF_TOKEN': lambda: r(W, 14) + '.atlasv1.' + r(W, 67), 'DOPPLER_TOKEN': lambda: 'dp.st.prd.' + r(W, 43),
    'LINEAR': lambda: 'lin_api_' + r(W, 40), 'NOTION': lambda: 'ntn_' + r(DIGIT, 11) + r(W, 35), 'FIGMA': lambda: 'figd_' + r(B64, 40),
    'GRAFANA': lambda: (lambda b: b + '_' + struct.pack('<I', zlib.crc32(b.encode())).hex())('glsa_' + r(W, 32)), 'NEWRELIC': lambda: 'NRAK-' + r(UPPER + DIGIT, 27),
    'SENTRY_AUTH_TOKEN': lambda: 'sntryu_' + r(HEX, 64), 'SHOPIFY': lambda: 'shpat_' + r(HEX, 32), 'SQUARE': lambda: 'EAAA' + r(B64, 60),
    'ATLASSIAN': lambda: 'ATATT3xFfGF0' + r(B64, 171) + '=' + r(UPPER + DIGIT, 8), 'PULUMI': lambda: 'pul-' + r(HEX, 40), 'HEROKU': lambda: 'HRKU-AA' + r(B64, 58),
    'RUBYGEMS': lambda: 'rubygems_' + r(HEX, 48), 'FLY': lambda: 'FlyV1 fm2_' + r(STD, 180), 'POSTMAN': lambda: f'PMAK-{r(HEX, 24)}-{r(HEX, 34)}',
    'AIRTABLE': lambda: 'pat' + r(W, 14) + '.' + r(HEX, 64), 'ASANA_PAT': lambda: f'2/{r("123456789", 16)}/{r("123456789", 16)}:{r(HEX, 32)}',
    'DATADOG_API_KEY': lambda: r(HEX, 32), 'TAVILY': lambda: 'tvly-dev-' + r(W, 32), 'PORTKEY_API_KEY': lambda: r(B64, 28), 'TODOIST_API_TOKEN': lambda: r(HEX, 40),
    'BOX_KEY': lambda: 'bxk_' + r(W, 40), 'BOX_DATA': lambda: 'bxd_' + r(W, 40), 'BOXLITE': lambda: 'blk_live_' + r(W, 40), 'NGROK_AUTHTOKEN': lambda: '2' + r(W, 26) + '_' + r(W, 21),
    'AGE': lambda: 'AGE-SECRET-KEY-1' + r('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58),
    'OPENAI_SVC_TOKEN': lambda: 'sk-svcacct-' + r(B64, 74) + 'T3BlbkFJ' + r(B64, 74),
    'CLAUDE_CODE_OAUTH_TOKEN': lambda: 'sk-ant-oat01-' + r(B64, 93) + 'AA',
    'LANGFUSE_SECRET_KEY': lambda: 'sk-lf-' + guid(),
    'COHERE_API_KEY': lambda: r(W, 40),
    'MISTRAL_API_KEY': lambda: r(W, 32),
    'ELEVENLABS_API_KEY': lambda: 'sk_' + r(HEX, 48),
    'ASSEMBLYAI_API_KEY': lambda: r(HEX, 32),
    'DEEPGRAM_API_KEY': lambda: r(HEX, 40),
    'WANDB_API_KEY': lambda: r(HEX, 40),
    'FIREWORKS_API_KEY': lambda: 'fw_' + r(W, 24),
    'EXA_API_KEY': guid,
    'DEEPSEEK_API_KEY': lambda: 'sk-' + r(HEX, 32),
    'GITLAB_ROUTABLE_TOKEN': lambda: routable('glpat-'),
    'GITLAB_RUNNER_ROUTABLE_TOKEN': lambda: routable('glrt-t1_'),
    'BITBUCKET_APP_PASSWORD': lambda: 'ATBB' + r(W, 32),
    'CARGO_REGISTRY_TOKEN': lambda: 'cio' + r(W, 32),
    'NUGET_API_KEY': lambda: 'oy2' + r(LOWER + '234567', 43),
    'ARTIFACTORY_API_KEY': lambda: 'AKCp' + r(W, 69),
    'CIRCLE_TOKEN': lambda: 'CCIPAT_' + r(W, 22) + '_' + r(HEX, 40),
    'BUILDKITE_TOKEN': lambda: 'bkua_' + r(HEX, 40),
    'SONAR_TOKEN': lambda: 'squ_' + r(HEX, 40),
    'SRC_ACCESS_TOKEN': lambda: 'sgp_' + r(HEX, 16) + '_' + r(HEX, 40),
    'AZURE_DEVOPS_EXT_PAT': lambda: r(W, 76) + 'AZDO' + r(W, 4),
    'ALIBABA_CLOUD_ACCESS_KEY_ID': lambda: 'LTAI5t' + r(W, 18),
    'LINODE_TOKEN': lambda: r(HEX, 64),
    'HCLOUD_TOKEN': lambda: r(W, 64),
    'NETLIFY_AUTH_TOKEN': lambda: 'nfp_' + r(W, 36),
    'VAULT_SHORT_TOKEN': lambda: 'hvs.' + r(W, 24),
    'VAULT_LEGACY_TOKEN': lambda: 's.' + r(W, 24),
    'OP_SERVICE_ACCOUNT_TOKEN': lambda: 'ops_' + base64.b64encode(json.dumps({'signInAddress': 'acme.1password.com', 'secretKey': r(UPPER + DIGIT, 26), 'srpX': r(HEX, 64), 'muk': r(B64, 100)}).encode()).decode().rstrip('='),
    'DATABASE_PASSWORD': lambda: 'pscale_pw_' + r(B64, 43),
    'GRAFANA_CLOUD_TOKEN': lambda: 'glc_' + base64.b64encode(json.dumps({'o': r(DIGIT, 6), 'n': 'stack-' + r(LOWER, 6), 'k': r(W, 24), 'm': {'r': 'us'}}).encode()).decode().rstrip('='),
    'SENTRY_ORG_TOKEN': lambda: 'sntrys_' + base64.b64encode(json.dumps({'iat': 1700000000 + R.random(), 'url': 'https://sentry.io', 'region_url': 'https://us.sentry.io', 'org': r(LOWER, 7)}).encode()).decode() + '_' + r(STD, 43),
    'DT_API_TOKEN': lambda: 'dt0c01.' + r(UPPER + '234567', 24) + '.' + r(UPPER + '234567', 64),
    'HONEYCOMB_API_KEY': lambda: 'hcaik_' + r(LOWER + DIGIT, 58),
    'SLACK_TOKEN': lambda: 'xoxe.xoxp-1-' + r(W, 166),
    'SLACK_REFRESH_TOKEN': lambda: 'xoxe-1-' + r(W, 146),
    'TEAMS_WEBHOOK': lambda: f'https://acme.webhook.office.com/webhookb2/{guid()}@{guid()}/IncomingWebhook/{r(HEX, 32)}/{guid()}',
    'SHOPIFY_API_SECRET': lambda: 'shpss_' + r(HEX, 32),
    'BRAINTREE_TOKEN': lambda: f'access_token$production${r(LOWER + DIGIT, 16)}${r(HEX, 32)}',
    'FLW_SECRET_KEY': lambda: f'FLWSECK-{r(HEX, 32)}-X',
    'NOTION_TOKEN': lambda: 'secret_' + r(W, 43),
    'HUBSPOT_TOKEN': lambda: 'pat-na1-' + guid(),
    'CONTENTFUL_TOKEN': lambda: 'CFPAT-' + r(B64, 43),
    'TYPEFORM_TOKEN': lambda: 'tfp_' + r(W + '_-.=', 59),
    'DROPBOX_TOKEN': lambda: 'sl.' + r(B64, 140),
    'OKTA_API_TOKEN': lambda: '00' + r(B64, 40),
    'MAPBOX_SECRET_TOKEN': lambda: f'sk.{url64(json.dumps({"u": r(LOWER, 8), "a": r(LOWER + DIGIT, 24)}).encode())}.{r(B64, 22)}',
    'LAUNCHDARKLY_SDK_KEY': lambda: 'sdk-' + guid(),
    'EASYPOST_API_KEY': lambda: 'EZAK' + r(W, 54),
    'SNYK_TOKEN': guid,
    'ALGOLIA_ADMIN_KEY': lambda: r(HEX, 32),
    'SERVICE_TOKEN': jwt,
    'CONFLUENT_SECRET': lambda: r(STD, 64), 'FIREBASE_TOKEN': lambda: '1//0' + r(B64, 96),
}
# Values with no shape of their own: only their name tells.
SHAPELESS = {'TWILIO_AUTH_TOKEN', 'POSTMARK_SERVER_TOKEN', 'AZURE_STORAGE_KEY', 'AZURE_DEVOPS_PAT', 'AZURE_OPENAI_API_KEY', 'CLOUDFLARE_API_TOKEN',
             'DATADOG_API_KEY', 'PORTKEY_API_KEY', 'TODOIST_API_TOKEN', 'CONFLUENT_SECRET', 'MAILCHIMP_KEY', 'NGROK_AUTHTOKEN',
             'COHERE_API_KEY', 'MISTRAL_API_KEY', 'ASSEMBLYAI_API_KEY', 'DEEPGRAM_API_KEY', 'WANDB_API_KEY', 'EXA_API_KEY', 'LINODE_TOKEN', 'HCLOUD_TOKEN', 'VAULT_LEGACY_TOKEN', 'OKTA_API_TOKEN', 'SNYK_TOKEN', 'ALGOLIA_ADMIN_KEY'}

PY = 'import os\nimport sys\n\nLOG = os.environ.get("LOG_LEVEL", "info")\n\n'
# Each with the name; those after the None carry the value alone.
PLACES = [
    ('py', PY + '{N} = "{V}"\n\n\ndef main():\n    return 0\n'), ('py', PY + "settings = dict(\n    debug=False,\n    {n}='{V}',\n)\n"),
    ('py', PY + 'os.environ["{N}"] = "{V}"\nos.environ.setdefault("PORT", "3773")\n'), ('py', PY + 'def connect(host, {n}="{V}", timeout=30):\n    pass\n'),
    ('py', PY + '{N} = os.getenv("{N}", "{V}")\n'), ('py', PY + 'class Settings(BaseSettings):\n    {n}: str = "{V}"\n    debug: bool = False\n'),
    ('py', PY + '{N} = (\n    "{V}"\n)\n'), ('py', PY + 'client = Client({n}=\'{V}\')  # move to a vault\n'), ('py', PY + '# {N}={V}\n'),
    ('js', "'use strict';\nconst a = require('a');\nmodule.exports = {{ {C}: '{V}', retries: 3 }};\n"), ('js', 'process.env.{N} = process.env.{N} || "{V}";\n'),
    ('min.js', '!function(e,t){{var n={{debug:!1,{C}:"{V}",timeout:3e4}};t.exports=n}}(this,module);'),
    ('ts', 'export const {C}: string = `{V}`;\nexport default {{ port: 3773 }};\n'), ('ts', 'const opts = {{\n  "{C}": "{V}",\n  region: "eu",\n}} as const;\n'),
    ('go', 'package main\n\nconst (\n\tport = 3773\n\t{C}   = "{V}"\n)\n'), ('go', 'package main\n\nvar cfg = Config{{\n\tName: "x",\n\t{P}: `{V}`,\n}}\n'),
    ('java', 'class A {{\n    private static final String {N} = "{V}";\n}}\n'), ('kt', 'object A {{\n    const val {N} = "{V}"\n}}\n'), ('cs', 'class A {{ public string {P} {{ get; set; }} = "{V}"; }}\n'),
    ('rs', 'pub const {N}: &str = "{V}";\n'), ('rb', "ENV['{N}'] ||= '{V}'\n"), ('php', "<?php\ndefine('{N}', '{V}');\nreturn ['{n}' => 'x'];\n"), ('c', '#define {N} "{V}"\n'),
    ('swift', 'let {C} = "{V}"\n'), ('lua', 'local {n} = "{V}"\n'), ('ex', 'config :app, {n}: "{V}"\n'), ('scala', 'val {C}: String = "{V}"\n'),
    ('yaml', 'app:\n  name: x\n  {n}: {V}\n'), ('yaml', 'env:\n  - name: {N}\n    value: "{V}"\n'), ('yml', "services:\n  web:\n    environment:\n      - {N}={V}\n"),
    ('yaml', 'app:\n  {K}: >-\n    {V}\n  port: 1\n'), ('toml', '[tool.x]\nname = "x"\n{n} = "{V}"\n'), ('json', '{{\n  "name": "x",\n  "{C}": "{V}"\n}}\n'),
    ('json', '{{"env":{{"{N}":"{V}","DEBUG":"0"}}}}'), ('json', '{{"body": "{{\\"{n}\\": \\"{V}\\", \\"n\\": 1}}"}}\n'), ('ini', '[main]\nhost = a\n{n} = {V}\n'),
    ('conf', '# local\n{N}={V}\n'), ('properties', 'app.name=x\napp.{k}={V}\n'), ('sh', '#!/bin/sh\nset -e\nexport {N}={V}\nexec "$@"\n'), ('sh', '{N}="{V}" python3 agent.py\n'),
    ('sh', "docker run -e {N}='{V}' image\n"), ('sh', 'gh secret set {N} --body "{V}"\n'), ('Dockerfile', 'FROM python:3.12\nENV {N}={V}\nCMD ["python"]\n'), ('Dockerfile', 'FROM a\nARG {N}="{V}"\n'),
    ('mk', '{N} := {V}\nall:\n\t./run\n'), ('mk', 'deploy:\n\t{N}={V} ./deploy.sh\n'), ('md', '# Setup\n\n```sh\nexport {N}="{V}"\n```\n'), ('md', 'Our key is `{N}={V}` for now.\n'),
    ('ipynb', '{{"cells": [{{"cell_type": "code", "source": ["import os\\n", "os.environ[\\"{N}\\"] = \\"{V}\\"\\n"], "outputs": []}}], "nbformat": 4}}\n'),
    ('csv', 'name,value,owner\nport,3773,me\n{N},{V},me\n'), ('xml', '<config>\n  <{C}>{V}</{C}>\n</config>\n'), ('xml', '<appSettings>\n  <add key="{N}" value="{V}" />\n</appSettings>\n'),
    ('tf', 'provider "x" {{\n  {n} = "{V}"\n}}\n'), ('tf', 'variable "{n}" {{\n  type    = string\n  default = "{V}"\n}}\n'), ('hcl', '{n} = "{V}"\n'),
    ('html', '<script>window.{N} = "{V}";</script>\n'), ('sql', "INSERT INTO settings (name, value) VALUES ('{N}', '{V}');\n"), ('ps1', '$env:{N} = "{V}"\n'), ('bat', 'set {N}={V}\r\n'),
    ('log', '2026-11-02T10:00:00Z INFO loaded {N}={V} from env\n'), ('nix', '{{ {n} = "{V}"; }}\n'), ('txt', '{N}: {V}\n'),
    None,
    ('py', PY + 'requests.get(u, headers={{"Authorization": "Bearer {V}"}})\n'), ('py', PY + 'connect("{V}")\n'), ('sh', 'curl -s -H "Authorization: Bearer {V}" https://api.acme.io/v1\n'),
    ('js', 'fetch(u, {{headers: {{authorization: `token {V}`}}}})\n'), ('md', 'old value: `{V}`\n'), ('log', 'DEBUG request GET /v1/x?t={V} 200\n'), ('txt', '{V}'), ('yaml', 'args: ["--port", "1", "--key", "{V}"]\n'),
    ('py', PY + 'TOKENS = ["{V}"]\n'), ('patch', '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{V}\n+\n'), ('html', '<!-- {V} -->\n'), ('c', '\tauth(ctx, "{V}", 0);\n'),
]
NAMED, BARE = PLACES[:PLACES.index(None)], PLACES[PLACES.index(None) + 1:]
serial = 0


def write(cls, ext, value, data, at=0, folder='f'):
    global serial
    serial += 1
    path = f'{cls[:1]}{folder}/{serial}/{ext}' if '/' in ext or ext.startswith(('.', '=')) else f'{cls[:1]}{folder}/{serial}.{ext}'
    path = path.replace('=', '')
    data = data if isinstance(data, bytes) else data.encode()
    full = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as f:
        f.write(data)
    if value is not None and at == 0:
        at = data.find(value if isinstance(value, bytes) else value.encode())
        assert at >= 0, (path, value)
    truth.append({'class': cls, 'path': path, 'positive': value is not None, 'offset': at, 'length': len(value or '')})


def put(cls, name, value, places, positive=True):
    words = name.lower().split('_')
    camel = words[0] + ''.join(w.capitalize() for w in words[1:])
    for ext, form in places:
        # A credential that holds a quote or a newline does not stand in one.
        text = form.format(N=name, n=name.lower(), C=camel, P=camel[:1].upper() + camel[1:], K='-'.join(words), k='.'.join(words), V=value)
        write(cls, ext, value if positive else None, text)


def providers():
    for name, make in TOKENS.items():
        for place in R.sample(NAMED, 6) + ([] if name in SHAPELESS else R.sample(BARE, 3)):
            put('provider', name, make(), [place])
    for form in ('[default]\naws_access_key_id = {i}\naws_secret_access_key = {s}\n', '{{"accessKeyId":"{i}","secretAccessKey":"{s}"}}', 'AWS_ACCESS_KEY_ID: {i}\nAWS_SECRET_ACCESS_KEY: {s}\n',
                 's3 = boto3.client("s3", aws_access_key_id="{i}", aws_secret_access_key="{s}")\n', 'User Name,Access key ID,Secret access key\nbob,{i},{s}\n',
                 'ENV AWS_ACCESS_KEY_ID={i} \\\n    AWS_SECRET_ACCESS_KEY={s}\n', 'new BasicAWSCredentials("{i}", "{s}")\n'):
        for _ in range(3):
            ident, secret = R.choice(['AKIA', 'ASIA']) + r(UPPER + '234567', 16), r(STD, 40)
            write('provider', 'txt', secret, form.format(i=ident, s=secret))
    # Files that say by their form what they hold.
    for _ in range(3):
        t = r(W, 36)
        write('provider', '=.npmrc', t, f'registry=https://npm.acme.io/\n//npm.acme.io/:_authToken={t}\n')
        t = b64(24)
        write('provider', '=.docker/config.json', t, json.dumps({'auths': {'ghcr.io': {'auth': t}}}, indent=1))
        t = r(W, 20)
        write('generic', '=.netrc', t, f'machine api.acme.io\n  login bob\n  password {t}\n')
        t = r(W, 18)
        write('generic', '=.pgpass', t, f'# host\ndb.acme.io:5432:app:app:{t}\n')
        t = r(W, 18)
        write('connection', '=pip.conf', t, f'[global]\nindex-url = https://bob:{t}@pypi.acme.io/simple\n')
        t = base64.b64encode(r(W, 24).encode()).decode()
        write('generic', 'yaml', t, f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: Opaque\ndata:\n  db-password: {t}\n')
        t = r(W, 24)
        write('generic', 'yaml', t, f'apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  api-token: {t}\n')
        t = jwt(iss='kubernetes/serviceaccount')
        write('provider', '=kubeconfig', t, f'apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: {t}\n')
        t = r(W + '!$', 20)
        write('generic', 'xml', t, f'<settings><servers><server><id>nexus</id><username>ci</username><password>{t}</password></server></servers></settings>\n')
        t = r(W, 24)
        write('generic', '=.pypirc', t, f'[pypi]\nusername = bob\npassword = {t}\n')
        t = r(W, 22)
        write('generic', 'tfvars', t, f'region = "eu"\ndb_password = "{t}"\n')


def openssl(*args, data=None):
    return subprocess.run(('openssl',) + args, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()


def keys():
    with tempfile.TemporaryDirectory() as top:
        def ssh(*args):
            path = os.path.join(top, r(W, 8))
            subprocess.run(('ssh-keygen', '-q', '-C', 'x@y', '-f', path) + args, check=True, stdout=subprocess.DEVNULL)
            return open(path).read(), open(path + '.pub').read()
        rsa = openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
        ec = openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
        made = [('rsa', rsa), ('ec', ec), ('rsa1', openssl('rsa', '-traditional', data=rsa.encode())), ('sec1', openssl('ec', data=ec.encode())),
                ('ed', openssl('genpkey', '-algorithm', 'ED25519')), ('x25519', openssl('genpkey', '-algorithm', 'X25519')),
                ('dsa', ssh('-t', 'ecdsa', '-N', '')[0]), ('ossh', ssh('-t', 'ed25519', '-N', '')[0]), ('orsa', ssh('-t', 'rsa', '-b', '2048', '-N', '')[0]),
                ('pem', ssh('-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '')[0])]
        locked = [openssl('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', 'pass:abcdef', data=rsa.encode()), ssh('-t', 'ed25519', '-N', 'abcdef')[0]]
        public = [openssl('pkey', '-pubout', data=rsa.encode()), openssl('pkey', '-pubout', data=ec.encode()), ssh('-t', 'ed25519', '-N', '')[1],
                  openssl('req', '-x509', '-new', '-key', '/dev/stdin', '-subj', '/CN=x', '-days', '9', data=rsa.encode())]
        parts = openssl('rsa', '-text', '-noout', data=rsa.encode())
    for _, k in made:
        body = k.strip().split('\n')
        esc, first = k.replace('\n', '\\n'), body[1][:40]
        for ext, text in (('pem', k), ('py', PY + f'KEY = """{k}"""\n'), ('py', PY + f'KEY = "{esc}"\n'), ('json', json.dumps({'type': 'x', 'private_key': k})),
                          ('yaml', 'tls:\n  key: |\n' + ''.join(f'    {x}\n' for x in body)), ('env', f'KEY="{esc}"\n'), ('sh', f"cat >k <<'EOF'\n{k}EOF\n"),
                          ('go', 'package a\n\nconst k = `' + k + '`\n'), ('js', 'const k = [\n' + ',\n'.join(f"  '{x}'" for x in body) + "\n].join('\\n');\n"),
                          ('java', 'String k = "' + '\\n" +\n    "'.join(body) + '";\n'), ('py', PY + 'k = (\n' + '\n'.join(f'    "{x}\\n"' for x in body) + '\n)\n'),
                          ('c', 'static const char k[] =\n' + '\n'.join(f'\t"{x}\\n"' for x in body) + ';\n'), ('xml', f'<key>{k}</key>\n'), ('txt', k.replace('\n', '\r\n')),
                          ('md', '```\n' + k + '```\n'), ('tf', f'private_key = <<EOT\n{k}EOT\n'), ('html', '<pre>' + k + '</pre>')):
            write('key', ext, first, text)
        write('key', 'json', first, json.dumps({'source': json.dumps({'k': k})}))
        write('key', 'txt', k, base64.b64encode(k.encode()), -1)
    ident = f'svc@{r(LOWER, 8)}.iam.gserviceaccount.com'
    account = {'type': 'service_account', 'project_id': 'acme', 'private_key_id': r(HEX, 40), 'private_key': rsa, 'client_email': ident, 'client_id': r(DIGIT, 21)}
    line = rsa.split('\n')[1]
    write('key', 'json', line, json.dumps(account, indent=2))
    write('key', 'py', line, PY + f'INFO = {account!r}\n')
    write('key', 'txt', line, base64.b64encode(json.dumps(account).encode()), -1)

    def n(size):
        return url64(R.randbytes(size))
    for jwk in ({'kty': 'EC', 'crv': 'P-256', 'x': n(32), 'y': n(32), 'd': n(32)}, {'kty': 'OKP', 'crv': 'Ed25519', 'x': n(32), 'd': n(32)},
                {'kty': 'RSA', 'n': n(256), 'e': 'AQAB', 'd': n(256), 'p': n(128), 'q': n(128), 'dp': n(128), 'dq': n(128), 'qi': n(128)}):
        for text in (json.dumps(jwk), json.dumps({'keys': [dict(jwk, kid='1', use='sig')]}, indent=2)):
            write('key', 'json', jwk['d'], text)
        public.append(json.dumps({k: v for k, v in jwk.items() if k in ('kty', 'crv', 'x', 'y', 'n', 'e')}))
    ppk = b64(36)
    write('key', 'txt', ppk, 'PuTTY-User' + f'-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 2\n{b64(48)}\n{b64(3)}\nPrivate-Lines: 1\n{ppk}\nPrivate-MAC: {r(HEX, 64)}\n')
    pgp = '\n'.join(b64(48) for _ in range(12))
    if subprocess.run(['which', 'gpg'], stdout=subprocess.DEVNULL).returncode == 0:
        with tempfile.TemporaryDirectory() as home:
            base = ['gpg', '--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', '']
            subprocess.run(base + ['--quick-gen-key', 'x <x@acme.io>', 'ed25519'], stderr=subprocess.DEVNULL)
            armour = subprocess.run(base + ['--armor', '--export-secret-keys'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
            public.append(subprocess.run(base + ['--armor', '--export'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode())
            subprocess.run(['gpgconf', '--homedir', home, '--kill', 'all'])
            if armour:
                for ext, text in (('asc', armour), ('py', PY + f'K = """{armour}"""\n'), ('txt', 'our key:\n' + armour)):
                    write('key', ext, armour.split('\n')[3], text)
    age = TOKENS['AGE']()
    write('key', 'txt', age, f'# created: 2026-01-02T10:00:00Z\n# public key: age1{r(LOWER + DIGIT, 58)}\n{age}\n')
    for var in ('PRIVATE_KEY', 'WALLET_PRIVATE_KEY', 'X402_PRIVATE_KEY', 'EVM_PRIVATE_KEY', 'DEPLOYER_KEY'):
        put('key', var, '0x' + r(HEX, 64), R.sample(NAMED, 4))
    words = ('legal winner thank year wave sausage worth useful zebra zoo abandon ability able about above absent absorb abstract absurd abuse access accident '
             'account accuse achieve acid acoustic acquire across act action actor actress actual adapt add addict address adjust admit adult advance').split()
    for _ in range(6):
        ph = seed_phrase()
        for ext, form in (('py', PY + 'MNEMONIC = "{}"\n'), ('yaml', 'wallet:\n  mnemonic: {}\n'), ('sh', 'export SEED_PHRASE="{}"\n'), ('json', '{{"mnemonic": "{}"}}\n')):
            write('key', ext, ph, form.format(ph))
    # What may not block.
    for k in public:
        for ext, text in (('pem', k), ('py', PY + f'PUB = """{k}"""\n'), ('json', json.dumps({'key': k})), ('md', '```\n' + k + '\n```\n')):
            write('key', ext, None, text)
    for k in locked:
        write('key', 'txt', None, k)
        write('key', 'py', None, PY + f'K = """{k}"""\n')
    head = '-----BEGIN {}PRIVATE KEY-----'
    for kind in ('', 'RSA ', 'EC ', 'OPENSSH '):
        h = head.format(kind)
        for text in (f'if (s.startsWith("{h}")) {{}}\n', f'{h}\n...\n{h.replace("BEGIN", "END")}\n', f'{h}\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n{h.replace("BEGIN", "END")}\n',
                     f'KEY="{h}\\nYOUR KEY HERE\\n{h.replace("BEGIN", "END")}"\n', f'RE = re.compile(r"{h}[^-]+")\n', f'{h}\n<your private key>\n{h.replace("BEGIN", "END")}\n'):
            write('key', R.choice(['py', 'md', 'js']), None, text)
    write('key', 'txt', None, 'phrase: ' + ' '.join(R.sample(words, 12)) + ' and so on\n')
    write('key', 'md', None, 'seed phrase: ' + ' '.join(['word'] * 12) + '\n')
    assert parts and pgp


def seed_phrase():
    """BIP-39: 128 random bits, 4 of checksum; the first list of words stands in
    the program that is measured, so it is asked of the system's python."""
    try:
        import mnemonic
        return mnemonic.Mnemonic('english').to_mnemonic(R.randbytes(16))
    except ImportError:
        # Vectors that the standard BIP-39 publishes, of which there is no key in anyone's wallet.
        return R.choice(['letter advice cage absurd amount doctor acoustic avoid letter advice cage above', 'ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic',
                         'scheme spot photo card baby mountain device kick cradle pact join borrow', 'cat swing flag economy stadium alone churn speed unique patch report train',
                         'vessel ladder alter error federal sibling chat ability sun glass valve picture', 'gravity machine north sort system female filter attitude volume fold club stay feature office ecology stable narrow fog'])


def word(n=None):
    return ''.join(R.choice('bcdfgklmnprstv') + R.choice('aeiou') for _ in range(n or R.randrange(2, 4)))


def password():
    return R.choice([lambda: r(W, R.randrange(12, 24)), lambda: r(W + '!#%^*_-', R.randrange(12, 20)), lambda: word(3).capitalize() + r(DIGIT, 3) + R.choice('!?*') + r(W, 4), lambda: r(HEX, 32)])()


HARMLESS = ['changeme', 'password', 'secret', '<password>', '${DB_PASSWORD}', '{password}', '%s', '$DB_PASS', 'xxxxxxxx', '********', 'your-password', 'YOUR_PASSWORD', '{{ db_password }}', 'pass', 'example',
            '$(cat /run/secret)', '%(password)s', 'PASSWORD', '[password]', '<%= pw %>', 'postgres', 'guest', 'test', 'dummy', 'placeholder', 'redacted', '...', '#{pw}', '@@PW@@', 'user_password_here']
SCHEMES = ['postgres://{u}:{p}@{h}:5432/app', 'postgresql+asyncpg://{u}:{p}@{h}/app', 'mysql://{u}:{p}@{h}:3306/app', 'mysql+pymysql://{u}:{p}@{h}/app', 'redis://:{p}@{h}:6379/0', 'rediss://default:{p}@{h}:6380',
           'mongodb://{u}:{p}@{h}:27017/app?authSource=admin', 'mongodb+srv://{u}:{p}@{h}/app', 'amqp://{u}:{p}@{h}:5672/v', 'amqps://{u}:{p}@{h}/v', 'ftp://{u}:{p}@{h}/', 'sftp://{u}:{p}@{h}/in',
           'https://{u}:{p}@{h}/repo.git', 'smtp://{u}:{p}@{h}:587', 'ldap://{u}:{p}@{h}', 'clickhouse://{u}:{p}@{h}:9000/x', 'nats://{u}:{p}@{h}:4222', 'kafka://{u}:{p}@{h}:9092', 'mssql+pyodbc://{u}:{p}@{h}/db',
           'cockroachdb://{u}:{p}@{h}:26257/x', 'bolt://{u}:{p}@{h}:7687', 'libsql://{u}:{p}@{h}', 'socks5://{u}:{p}@{h}:1080', 'imaps://{u}:{p}@{h}']
TEXTS = ['jdbc:postgresql://{h}:5432/app?user={u}&password={p}', 'jdbc:mysql://{h}/app?user={u}&password={p}&useSSL=true', 'jdbc:sqlserver://{h}:1433;databaseName=app;user={u};password={p};encrypt=true',
         'Server={h};Database=app;User Id={u};Password={p};', 'Data Source={h};Initial Catalog=app;User ID={u};Pwd={p}', 'host={h} port=5432 dbname=app user={u} password={p} sslmode=require',
         'Driver={{ODBC Driver 18}};Server={h};UID={u};PWD={p}', 'jdbc:oracle:thin:{u}/{p}@{h}:1521/XE', 'AccountEndpoint=https://{h}:443/;AccountKey={k};']


def connections():
    def host():
        return R.choice(['db.{}.io', '{}.internal', 'ep-{}.eu.neon.tech', 'cluster0.{}.mongodb.net', '10.0.3.{}', 'prod-{}.rds.amazonaws.com', '{}']).replace('{}', word() if R.random() < .9 else '9').replace('10.0.3.' + 'x', '10.0.3.7')
    for form in SCHEMES + TEXTS:
        for place in R.sample([p for p in NAMED if p[0] not in ('csv',)], 7) + R.sample(BARE[1:4], 1):
            p, k = password(), b64(64)
            p = urllib.parse.quote(p, safe='!*') if '://' in form and 'jdbc' not in form else p.replace('#', 'x').replace('%', 'y')
            v = form.format(u=word(), p=p, h=host(), k=k)
            secret = k if '{k}' in form else p
            words = R.choice(['DATABASE_URL', 'BROKER', 'DSN', 'MAIN_DB', 'UPSTREAM'])
            camel = words.lower().split('_')[0]
            write('connection', place[0], secret, place[1].format(N=words, n=words.lower(), C=camel, P=camel.capitalize(), K=camel, k=camel, V=v))
        for p in R.sample(HARMLESS, 8):
            v = form.format(u='user', p=p, h=R.choice(['localhost', 'db', 'host', 'example.com']), k='')
            ext, text = R.choice([('py', PY + f'URL = "{v}"\n'), ('md', f'`{v}`\n'), ('yaml', f'url: "{v}"\n'), ('sh', f'export DATABASE_URL="{v}"\n')])
            write('connection', ext, None, text)
    for v in ('https://example.com/@scope/pkg', 'git@github.com:acme/x.git', 'postgres://localhost:5432/app', 'redis://localhost:6379/0', 'https://user@host/x', 'http://[::1]:80/a@b', 'mailto:a:b@c.d', 'mongodb://a,b,c/x',
              'https://unpkg.com/react@18.2.0:umd/react.js', 'ssh://git@host:22/x', 'postgres://app@db:5432/app', 'https://a.b/c:d@e', 'amqp://guest:guest@localhost:5672//', 'postgres://postgres:postgres@db:5432/postgres'):
        for ext, text in (('py', PY + f'U = "{v}"\n'), ('md', f'see {v} for more\n'), ('yaml', f'url: {v}\n')):
            write('connection', ext, None, text)


SECRET_NAMES = ['DB_PASSWORD', 'JWT_SECRET', 'SECRET_KEY', 'API_SECRET', 'ADMIN_PASSWORD', 'ACCESS_TOKEN', 'CLIENT_SECRET', 'ENCRYPTION_KEY', 'SESSION_SECRET', 'WEBHOOK_SECRET', 'SIGNING_KEY', 'AUTH_TOKEN',
                'INTERNAL_API_KEY', 'SMTP_PASSWORD', 'MASTER_KEY', 'REFRESH_TOKEN', 'ACME_API_KEY', 'REDIS_PASSWORD', 'HMAC_SECRET', 'SERVICE_TOKEN', 'APP_SECRET', 'PRIVATE_TOKEN', 'BOT_TOKEN', 'COOKIE_SECRET']


def generic():
    for name in SECRET_NAMES:
        for place in R.sample(NAMED, 10):
            if 'PASSWORD' in name:
                v = r(W, R.randrange(12, 20)) if place[0] in ('yaml', 'yml', 'sh', 'conf', 'mk', 'Dockerfile', 'log', 'csv', 'txt', 'ini', 'bat', 'properties', 'md') else R.choice([r(W, 14), r(W + '!*_-', 16)])
            else:
                v = R.choice([r(W, 32), r(HEX, 64), r(HEX, 32), b64(32), r(B64, 43), r(W, 24), guid() if 'KEY' in name else r(W, 40), r(LOWER + DIGIT, 26)])
            put('generic', name, v, [place])
    for form in ('curl -u admin:{V} https://a.acme.io/\n', "mysql -u root -p'{V}' app\n", 'PGPASSWORD={V} psql -h db app\n', 'sshpass -p {V} ssh a@b\n', 'docker login -u bob -p {V} ghcr.io\n', 'redis-cli -a {V} ping\n',
                 'openssl enc -aes-256-cbc -k {V} -in a\n', 'wget --http-password={V} https://a/\n', 'smbclient -U bob%{V} //a/b\n'):
        for _ in range(3):
            v = r(W, 16)
            write('generic', 'sh', v, '#!/bin/sh\n' + form.format(V=v))
    for form in ('requests.get(u, auth=("bob", "{V}"))\n', 'Authorization: Basic {B}\n', 'headers = {{"X-Api-Key": "{V}"}}\n', 's.login("bob@acme.io", "{V}")\n'):
        for _ in range(3):
            v = r(W, 20)
            b = base64.b64encode(f'bob:{v}'.encode()).decode()
            write('generic', 'py', b if '{B}' in form else v, PY + form.format(V=v, B=b))


def negatives():
    """Harmless values, half of them under names that sound secret."""
    plain = [lambda: '${{ secrets.X_TOKEN }}', lambda: '${API_KEY}', lambda: '$API_KEY', lambda: '{{ api_key }}', lambda: '<your-api-key>', lambda: 'your-api-key-here', lambda: 'YOUR_API_KEY', lambda: 'xxxxxxxxxxxxxxxxxxxx',
             lambda: 'changeme', lambda: 'sk-...', lambda: 'sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', lambda: 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', lambda: 'vault:secret/data/app#key', lambda: 'op://vault/item/field',
             lambda: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:app-AbCdEf', lambda: 'projects/acme/secrets/api-key/versions/latest', lambda: '/run/secrets/api_key', lambda: 'process.env.API_KEY',
             lambda: 'ssm:/prod/app/api_key', lambda: '0000000000000000000000000000000000000000', lambda: '1234567890abcdef1234567890abcdef', lambda: 'replace-me-with-a-real-key', lambda: 'EXAMPLE_TOKEN_1234567890',
             lambda: 'AKIAIOSFODNN7EXAMPLE', lambda: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', lambda: 'not-a-real-secret', lambda: 'test-api-key', lambda: 'my_super_secret_token', lambda: '********************', lambda: 'REDACTED',
             lambda: 'abcdefghijklmnopqrstuvwxyz123456', lambda: 'TODO', lambda: 'none', lambda: 'https://id.acme.io/oauth/token', lambda: 'application/x-www-form-urlencoded', lambda: 'access_token', lambda: 'Bearer <token>',
             lambda: 'env:OPENAI_API_KEY', lambda: 'sk_test_your_key_here', lambda: 'com.acme.security.TokenProvider', lambda: 'sk-ant-api03-YOUR-KEY', lambda: 'hf_your_token_here', lambda: 'dummy-key-for-local-dev']
    for make in plain:
        for place in R.sample(NAMED, 7):
            put('generic', R.choice(SECRET_NAMES + ['OPENAI_API_KEY', 'GITHUB_TOKEN', 'API_KEY']), make(), [place], False)
    other = ['CHECKSUM', 'SHA256', 'COMMIT', 'REVISION', 'DIGEST', 'ETAG', 'INTEGRITY', 'BUILD_ID', 'TRACE_ID', 'REQUEST_ID', 'FINGERPRINT', 'VERSION_HASH', 'IMAGE', 'PUBLIC_KEY', 'PUBLISHABLE', 'CACHE_TAG', 'SITE_ID', 'CLIENT_ID',
             'TENANT_ID', 'PROJECT_ID', 'CONTENT', 'MODEL', 'BLOB']
    rand = [lambda: r(HEX, 40), lambda: r(HEX, 64), lambda: r(HEX, 32), guid, lambda: 'sha512-' + b64(64), lambda: 'sha256:' + r(HEX, 64), lambda: 'sha256-' + b64(32), lambda: b64(32), lambda: 'pk_live_51' + r(W, 97),
            lambda: '0x' + r(HEX, 40), lambda: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI' + r(STD, 43), lambda: 'data:image/png;base64,iVBORw0KGgo' + r(STD, 600), lambda: r(W, 22), lambda: 'QmY' + r(W, 43), lambda: r(DIGIT, 21),
            lambda: 'sb_publishable_' + r(B64, 22) + '_' + r(B64, 8), lambda: 'did:key:z6Mk' + r(W, 44), lambda: 'G-' + r(UPPER + DIGIT, 10), lambda: 'age1' + r(LOWER + DIGIT, 58), lambda: f'AC{r(HEX, 32)}',
            lambda: 'registry.acme.io/a/b@sha256:' + r(HEX, 64), lambda: url64({'alg': 'HS256', 'typ': 'JWT'}), lambda: 'arn:aws:iam::123456789012:role/' + r(W, 12)]
    for make in rand:
        for place in R.sample(NAMED, 9):
            put('generic', R.choice(other), make(), [place], False)
    tricky = ['API_KEY = os.environ["API_KEY"]\n', 'token = get_token(request.headers["Authorization"])\n', 'password = getpass.getpass("Password: ")\n', 'const token = localStorage.getItem("accessTokenV2");\n',
              'secret_name = "prod/app/db-credentials"\n', 'password: process.env.DB_PASSWORD!,\n', 'SECRET_KEY = secrets.token_hex(32)\n', 'api_key_env = "ANTHROPIC_API_KEY"\n', 'key: "ctrl+shift+alt+F12"\n',
              'tokenizer = AutoTokenizer.from_pretrained("sentence-transformers/all-MiniLM-L6-v2")\n', 'max_tokens: 4096\n', 'token_url = "https://login.acme.io/oauth2/v2.0/token"\n', 'passwordResetTemplateId: "d-password-reset-2024"\n',
              '"password.required": "Password is required and needs 12 characters",\n', 'PASSWORD_REGEX = r"^(?=.*[A-Z])(?=.*[0-9]).{8,32}$"\n', 'secretRef: {name: app-credentials-v2, key: database-password}\n',
              'x = SG.Raw.ChatCompletionContent\n', 'from app.auth import TokenVerifier, PasswordHasher2\n', 'password = hashlib.sha256(user.salt + pw).hexdigest()\n', 'primary_key = "user_account_identifier_v2"\n',
              'cache_key = "user:profile:v2:settings:dark"\n', 'aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n', 'keyPath: "C:\\\\Users\\\\bob\\\\keys\\\\prod2.pem"\n',
              'token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"\n', 'PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]\n', 'password_hash = "$2b$12$KIXQ1v0uYt7xkq3M5y3X2eJ8v9bHk3kYb1Q0fC4n8yQmZ3r5s7t9u"\n',
              'assert verify("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaasdRZGJ0O3EgOzHs")\n', 'AUTH_PROVIDER_TOKEN_ENDPOINT=/api/v2/auth/token\n', 'X_TOKEN_LENGTH=64\n', 'public_token = "pk.eyJ1IjoiYWNtZSJ9"\n']
    for text in tricky:
        for ext in ('py', 'js', 'yaml', 'md', 'conf'):
            write('generic', ext, None, text)
    for k in range(6):
        write('generic', '=package-lock.json', None, json.dumps({'packages': {f'node_modules/{word()}': {'version': '1.2.3', 'resolved': f'https://npm.acme.io/{word()}/-/x-1.2.3.tgz', 'integrity': 'sha512-' + b64(64)} for _ in range(40)}}, indent=2))
        write('generic', '=poetry.lock', None, ''.join(f'[[package]]\nname = "{word()}"\nfiles = [\n    {{file = "a-1.tar.gz", hash = "sha256:{r(HEX, 64)}"}},\n]\n' for _ in range(20)))
        write('generic', '=go.sum', None, ''.join(f'github.com/a/{word()} v1.2.3 h1:{b64(32)}=\n' for _ in range(30)))
        write('generic', '=yarn.lock', None, ''.join(f'"{word()}@^1":\n  version "1.2.3"\n  resolved "https://npm.acme.io/a/-/a-1.2.3.tgz#{r(HEX, 40)}"\n  integrity sha512-{b64(64)}\n' for _ in range(20)))
        write('generic', 'min.js', None, ';'.join(f'function {r(LOWER, 1)}(e,t){{return e.{word()}("{word()}",{R.randrange(999)})}}var {r(W[:52], 2)}={{token:{r(LOWER, 1)},key:"{word()}",{word()}:!0}}' for _ in range(200)))
        write('generic', 'svg', None, '<svg><path d="' + ' '.join(f'M{R.random() * 99:.3f},{R.random() * 99:.3f}' for _ in range(90)) + '"/></svg>\n')
        write('generic', 'css', None, '@font-face{src:url(data:font/woff2;base64,' + b64(900) + ')}\n')
        write('generic', 'html', None, f'<script src="a.js" integrity="sha384-{b64(48)}" crossorigin></script>\n<input type="password" name="password" placeholder="Your password">\n')
        write('generic', 'ipynb', None, json.dumps({'cells': [{'cell_type': 'code', 'id': r(HEX, 8), 'outputs': [{'data': {'image/png': 'iVBORw0KGgo' + b64(900)}}], 'source': ['print(1)']}]}))
        write('generic', 'lock', None, json.dumps({'_meta': {'hash': {'sha256': r(HEX, 64)}}, 'default': {word(): {'hashes': ['sha256:' + r(HEX, 64)]}}}))
        write('generic', 'py', None, 'VECTORS = [\n' + ''.join(f'    ("{r(HEX, 32)}", "{r(HEX, 64)}"),\n' for _ in range(20)) + ']\n')
    # Near misses of the providers' formats.
    for name, make in TOKENS.items():
        if name in SHAPELESS:
            continue
        v = make()
        cut = max(len(v) // 5, 6)
        for w in (v[:cut] + 'x' * (len(v) - cut), v[:cut] + '...', v[:cut] + 'EXAMPLE' + 'EXAMPLE'):
            put('provider', R.choice(['EXAMPLE', 'VALUE']), w, R.sample(NAMED, 1), False)


def awkward():
    """Places a scanner does not look at, or looks at in pieces."""
    def t():
        return R.choice([lambda: checked('ghp_'), lambda: 'sk-ant-api03-' + r(B64, 93) + 'AA', lambda: 'hf_' + r(LOWER + UPPER, 34), lambda: 'dop_v1_' + r(HEX, 64), lambda: f'SG.{r(B64, 22)}.{r(B64, 43)}'])()

    def line(v):
        return f'API_KEY = "{v}"\n'.encode()

    def tar(v, mode='w'):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as f:
            info = tarfile.TarInfo('a/b.py')
            info.size = len(line(v))
            f.addfile(info, io.BytesIO(line(v)))
        return out.getvalue()

    def tarname(v):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w:gz') as f:
            f.addfile(tarfile.TarInfo('cache/' + v))
        return out.getvalue()

    def zipped(v, name='a.py'):
        out = io.BytesIO()
        with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as f:
            f.writestr(name, v)
        return out.getvalue()

    def sql(v):
        with tempfile.TemporaryDirectory() as top:
            db = sqlite3.connect(os.path.join(top, 'a'))
            db.execute('create table s (name text, value text)')
            db.execute('insert into s values (?, ?)', ('key', v))
            db.commit()
            db.close()
            return open(os.path.join(top, 'a'), 'rb').read()

    def wide(v, n):
        return b''.join(line(v)[i:i + n] for i in range(0, len(line(v)), n))
    carriers = {
        'utf16': lambda v: ('\ufeff' + line(v).decode()).encode('utf-16-le'), 'utf16be': lambda v: ('\ufeff' + line(v).decode()).encode('utf-16-be'), 'utf16raw': lambda v: line(v).decode().encode('utf-16-le'),
        'utf8bom': lambda v: b'\xef\xbb\xbf' + line(v), 'latin1': lambda v: b'# caf\xe9\n' + line(v), 'b64': lambda v: base64.b64encode(line(v)), 'b64mime': lambda v: base64.encodebytes(b'x' * 200 + line(v)),
        'b64url': lambda v: base64.urlsafe_b64encode(line(v)), 'b64env': lambda v: b'CONFIG_B64=' + base64.b64encode(b'{"a":1,"key":"' + v.encode() + b'"}') + b'\n', 'b64b64': lambda v: base64.b64encode(base64.b64encode(line(v))),
        'b64gz': lambda v: base64.b64encode(gzip.compress(line(v) * 2)), 'b64zlib': lambda v: base64.b64encode(zlib.compress(line(v) * 2)), 'b64zip': lambda v: base64.b64encode(zipped(line(v))),
        'hex': lambda v: line(v).hex().encode(), 'percent': lambda v: ''.join(f'%{c:02X}' for c in line(v)).encode(), 'query': lambda v: b'u=https%3A%2F%2Fa%2F%3Ftoken%3D' + urllib.parse.quote(v, safe='').encode(),
        'unicode': lambda v: b'{"k": "' + ''.join(f'\\u{ord(c):04x}' for c in v).encode() + b'"}', 'xescape': lambda v: b'k = "' + ''.join(f'\\x{ord(c):02x}' for c in v).encode() + b'"\n', 'entity': lambda v: ''.join(f'&#{ord(c)};' for c in v).encode(),
        'tar': tar, 'tgz': lambda v: tar(v, 'w:gz'), 'txz': lambda v: tar(v, 'w:xz'), 'tbz': lambda v: tar(v, 'w:bz2'), 'zip': lambda v: zipped(line(v)), 'gz': lambda v: gzip.compress(line(v)), 'bz2': lambda v: bz2.compress(line(v)), 'xz': lambda v: lzma.compress(line(v)),
        'whl': lambda v: zipped(line(v), 'pkg/config.py'), 'zip3': lambda v: zipped(zipped(tar(v, 'w:gz'), 'b.tgz'), 'a.zip'), 'jar': lambda v: zipped(b'\xca\xfe\xba\xbe\0\0\0\x34' + struct.pack('>H', len(v)) + v.encode() + b'\0', 'A.class'),
        'pyc': lambda v: b'\xa7\r\r\n' + b'\0' * 12 + marshal.dumps(compile(line(v), 'a.py', 'exec')), 'sqlite': sql, 'nul': lambda v: b'\0' * 99 + line(v) + b'\0\1\2', 'elf': lambda v: b'\x7fELF' + R.randbytes(3000) + b'\0' + v.encode() + b'\0' + R.randbytes(3000),
        'png': lambda v: b'\x89PNG\r\n\x1a\n' + R.randbytes(500) + b'tEXtkey\0' + v.encode() + b'\0' + R.randbytes(90), 'long': lambda v: b'a ' * 700000 + line(v).strip() + b' b' * 700000, 'cr': lambda v: b'a = 1\r' + line(v).replace(b'\n', b'\r'),
        'crlf': lambda v: b'a = 1\r\n' + line(v).replace(b'\n', b'\r\n'), 'eof': lambda v: b'x\n' * 400 + v.encode(), 'map': lambda v: json.dumps({'version': 3, 'sourcesContent': ['const k = "' + v + '";\n']}).encode(),
        'jsonjson': lambda v: json.dumps({'a': json.dumps({'b': json.dumps({'k': v})})}).encode(), 'pickle': lambda v: b'\x80\x04\x95' + struct.pack('<Q', len(v) + 9) + b'\x8c' + bytes([len(v)]) + v.encode() + b'.', 'noext': line,
        'dataurl': lambda v: b'src="data:application/json;base64,' + base64.b64encode(b'{"k":"' + v.encode() + b'"}') + b'"', 'k8s': lambda v: b'kind: Secret\ndata:\n  key: ' + base64.b64encode(v.encode()) + b'\n', 'colour': lambda v: b'\x1b[32mkey\x1b[0m=\x1b[1m' + v.encode() + b'\x1b[0m\n',
        'pdf': lambda v: b'%PDF-1.4\n1 0 obj\n<</Length 9>>\nstream\n(' + v.encode() + b') Tj\nendstream\n', 'har': lambda v: json.dumps({'log': {'entries': [{'request': {'headers': [{'name': 'Authorization', 'value': 'Bearer ' + v}]}}]}}).encode(),
        'utf32': lambda v: line(v).decode().encode('utf-32'), 'utf32be': lambda v: line(v).decode().encode('utf-32-be'), 'lzma': lambda v: lzma.compress(line(v), lzma.FORMAT_ALONE), 'tlzma': lambda v: lzma.compress(tar(v), lzma.FORMAT_ALONE),
        'pdfz': lambda v: b'%PDF-1.5\n1 0 obj\n<</Filter/FlateDecode>>\nstream\n' + zlib.compress(b'BT (key: ' + v.encode() + b') Tj ET') + b'\nendstream\nendobj\n', 'zipname': lambda v: zipped(b'', v), 'tarname': tarname,
        'eml': lambda v: b'Subject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n' + quopri.encodestring(b'Hello, the key of the service that you asked for is key=' + v.encode() + b'\nBob\n').replace(b'\n', b'\r\n'),
        'run': lambda v: b'#!/bin/sh\ntail -n +4 "$0" | tar xz\nexit\n' + tar(v, 'w:gz'),
        'zeros': lambda v: b'\0' * (1 << 20) + line(v), 'border': lambda v: b'#' * R.choice([65536, 131072, 262144, 524288]) + b'\n' + line(v), 'border2': lambda v: b'x\n' * 131000 + b'y' * R.randrange(0, 200) + b'\n' + line(v),
    }
    for name, make in carriers.items():
        for _ in range(4):
            v = t()
            write('awkward', name, v, make(v), -1, 'w')
    for _ in range(5):      # in two pieces on one line or the next
        v = t()
        h = len(v) // 2 + R.randrange(-4, 5)
        for ext, text in (('py', f'k = "{v[:h]}" "{v[h:]}"\n'), ('py', f'k = ("{v[:h]}"\n     "{v[h:]}")\n'), ('js', f'const k = "{v[:h]}" + "{v[h:]}";\n'), ('java', f'String k = "{v[:h]}" +\n        "{v[h:]}";\n'),
                          ('sh', f'K={v[:h]}\\\n{v[h:]}\n'), ('php', f"$k = '{v[:h]}' . '{v[h:]}';\n"), ('c', f'char k[] = "{v[:h]}"\n\t"{v[h:]}";\n')):
            write('split', ext, v, text, -1)


os.makedirs(OUT, exist_ok=True)
for part in (providers, keys, connections, generic, negatives, awkward):
    part()
with open(OUT + '.truth.json', 'w') as f:
    json.dump(truth, f)

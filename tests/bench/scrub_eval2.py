#!/usr/bin/env python3
# scrub_eval2.py DIR [SEED] - a second evaluation set, made to catch what the
# first one taught by heart: other providers, other carriers (YAML, TOML,
# Dockerfiles, notebooks, Terraform, CI, logs, commands, sources of many
# languages), and negatives that look as random as a credential.
#
# Written from the providers' documentation of their formats; every value is
# random.  Writes DIR and DIR.truth.json for scrub_score.py.
# SPDX-License-Identifier: Apache-2.0
import base64
import gzip
import hashlib
import hmac
import io
import json
import os
import random
import secrets
import string
import struct
import subprocess
import sys
import tarfile
import urllib.parse
import uuid
import zipfile
import zlib

OUT = sys.argv[1]
R = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(32))
DIGIT, LOWER, UPPER = string.digits, string.ascii_lowercase, string.ascii_uppercase
ALPHA = LOWER + UPPER
W = ALPHA + DIGIT
URL64, STD64 = W + '-_', W + '+/'
HEX = '0123456789abcdef'
LOW, UP = LOWER + DIGIT, UPPER + DIGIT
B32 = UPPER + '234567'
truth = []


def r(alphabet, n):
    return ''.join(R.choice(alphabet) for _ in range(n))


def guid():
    return str(uuid.UUID(int=R.getrandbits(128), version=4))


def std(n):
    return base64.b64encode(R.randbytes(n)).decode()


def url(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def base(n, digits, width):
    out = ''
    while n or not out:
        n, d = divmod(n, len(digits))
        out = digits[d] + out
    return out.rjust(width, digits[0])


def crc62(prefix):
    body = r(W, 30)
    return prefix + body + base(zlib.crc32(body.encode()), DIGIT + UPPER + LOWER, 6)


def routable(prefix):
    payload = f'o:{base(R.randrange(1, 99), DIGIT + LOWER, 1)}\nu:{base(R.randrange(1, 9**9), DIGIT + LOWER, 1)}'.encode()
    body = url(R.randbytes(16) + payload + bytes([len(payload)]))
    digits = DIGIT + LOWER
    token = f'{prefix}{body}.01.{base(len(body), digits, 2)}'
    return token + base(zlib.crc32(token.encode()), digits, 7)


def grafana():
    body = 'glsa_' + r(W, 32)
    return body + '_' + struct.pack('<I', zlib.crc32(body.encode())).hex()


def jwt(claims=None):
    head = {'typ': 'JWT', 'alg': 'HS256'} if R.random() < .5 else {'alg': 'RS256', 'kid': r(HEX, 16)}
    body = claims or {'iss': 'https://id.acme.io', 'sub': r(DIGIT, 10), 'exp': R.randrange(17 * 10**8, 19 * 10**8)}
    text = url(json.dumps(head).encode()) + '.' + url(json.dumps(body).encode())
    return text + '.' + url(hmac.new(R.randbytes(16), text.encode(), hashlib.sha256).digest())


# name: (how it is made, the name of its variable)
TOKENS = {
    'openai-svc': (lambda: 'sk-svcacct-' + r(URL64, 74) + 'T3BlbkFJ' + r(URL64, 74), 'OPENAI_API_KEY'),
    'openai-admin': (lambda: 'sk-admin-' + r(URL64, 74) + 'T3BlbkFJ' + r(URL64, 74), 'OPENAI_ADMIN_KEY'),
    'openai-proj': (lambda: 'sk-proj-' + r(URL64, 74) + 'T3BlbkFJ' + r(URL64, 74), 'apiKey'),
    'anthropic': (lambda: 'sk-ant-api03-' + r(URL64, 93) + 'AA', 'ANTHROPIC_API_KEY'),
    'anthropic-oat': (lambda: 'sk-ant-oat01-' + r(URL64, 93) + 'AA', 'CLAUDE_CODE_OAUTH_TOKEN'),
    'openrouter': (lambda: 'sk-or-v1-' + r(HEX, 64), 'OPENROUTER_API_KEY'),
    'groq': (lambda: 'gsk_' + r(W, 52), 'GROQ_API_KEY'),
    'xai': (lambda: 'xai-' + r(W, 80), 'XAI_API_KEY'),
    'hf': (lambda: 'hf_' + r(ALPHA, 34), 'HF_TOKEN'),
    'replicate': (lambda: 'r8_' + r(W, 37), 'REPLICATE_API_TOKEN'),
    'langsmith-sk': (lambda: 'lsv2_sk_' + r(HEX, 32) + '_' + r(HEX, 10), 'LANGSMITH_API_KEY'),
    'langfuse': (lambda: 'sk-lf-' + guid(), 'LANGFUSE_SECRET_KEY'),
    'pinecone': (lambda: 'pcsk_' + r(W, 6) + '_' + r(W, 63), 'PINECONE_API_KEY'),
    'cohere': (lambda: r(W, 40), 'COHERE_API_KEY'),
    'mistral': (lambda: r(W, 32), 'MISTRAL_API_KEY'),
    'elevenlabs': (lambda: 'sk_' + r(HEX, 48), 'ELEVENLABS_API_KEY'),
    'assemblyai': (lambda: r(HEX, 32), 'ASSEMBLYAI_API_KEY'),
    'deepgram': (lambda: r(HEX, 40), 'DEEPGRAM_API_KEY'),
    'wandb': (lambda: r(HEX, 40), 'WANDB_API_KEY'),
    'fireworks': (lambda: 'fw_' + r(W, 24), 'FIREWORKS_API_KEY'),
    'nvidia': (lambda: 'nvapi-' + r(URL64, 64), 'NVIDIA_API_KEY'),
    'gemini': (lambda: 'AIza' + r(URL64, 35), 'GEMINI_API_KEY'),
    'exa': (guid, 'EXA_API_KEY'),
    'deepseek': (lambda: 'sk-' + r(HEX, 32), 'DEEPSEEK_API_KEY'),
    'github-pat': (lambda: crc62('ghp_'), 'GITHUB_TOKEN'),
    'github-oauth': (lambda: crc62('gho_'), 'GH_TOKEN'),
    'github-app': (lambda: crc62('ghs_'), 'INSTALLATION_TOKEN'),
    'github-fine': (lambda: 'github_pat_' + r(W, 22) + '_' + r(W, 59), 'GITHUB_PAT'),
    'gitlab-classic': (lambda: 'glpat-' + r(URL64, 20), 'GITLAB_TOKEN'),
    'gitlab-routable': (lambda: routable('glpat-'), 'GITLAB_TOKEN'),
    'gitlab-deploy': (lambda: 'gldt-' + r(URL64, 20), 'CI_DEPLOY_PASSWORD'),
    'gitlab-runner': (lambda: 'glrt-' + r(URL64, 20), 'RUNNER_TOKEN'),
    'gitlab-runner-routable': (lambda: routable('glrt-t1_'), 'RUNNER_TOKEN'),
    'gitlab-trigger': (lambda: 'glptt-' + r(HEX, 40), 'TRIGGER_TOKEN'),
    'gitlab-feed': (lambda: 'glft-' + r(URL64, 20), 'feed_token'),
    'gitlab-agent': (lambda: 'glagent-' + r(URL64, 50), 'agent_token'),
    'bitbucket-app': (lambda: 'ATBB' + r(W, 32), 'BITBUCKET_APP_PASSWORD'),
    'atlassian': (lambda: 'ATATT3xFfGF0' + r(URL64, 171) + '=' + r('0123456789ABCDEF', 8), 'JIRA_API_TOKEN'),
    'npm': (lambda: crc62('npm_'), 'NPM_TOKEN'),
    'pypi': (lambda: 'pypi-AgEIcHlwaS5vcmc' + r(URL64, 156), 'TWINE_PASSWORD'),
    'crates': (lambda: 'cio' + r(W, 32), 'CARGO_REGISTRY_TOKEN'),
    'rubygems': (lambda: 'rubygems_' + r(HEX, 48), 'GEM_HOST_API_KEY'),
    'nuget': (lambda: 'oy2' + r(LOWER + '234567', 43), 'NUGET_API_KEY'),
    'docker': (lambda: 'dckr_pat_' + r(URL64, 27), 'DOCKER_PASSWORD'),
    'artifactory': (lambda: 'AKCp' + r(W, 69), 'ARTIFACTORY_API_KEY'),
    'circleci': (lambda: 'CCIPAT_' + r(W, 22) + '_' + r(HEX, 40), 'CIRCLE_TOKEN'),
    'buildkite': (lambda: 'bkua_' + r(HEX, 40), 'BUILDKITE_TOKEN'),
    'sonar': (lambda: 'squ_' + r(HEX, 40), 'SONAR_TOKEN'),
    'sourcegraph': (lambda: 'sgp_' + r(HEX, 16) + '_' + r(HEX, 40), 'SRC_ACCESS_TOKEN'),
    'azure-secret': (lambda: r(W, 3) + R.choice('78') + 'Q~' + r(W + '._~-', 34), 'AZURE_CLIENT_SECRET'),
    'azure-secret-dotty': (lambda: r(W, 3) + '8Q~' + r(W + '.~', 12) + R.choice('.~') + r(W, 8) + R.choice('.~') + r(W, 12), 'AZURE_CLIENT_SECRET'),
    'azure-devops': (lambda: r(W, 76) + 'AZDO' + r(W, 4), 'AZURE_DEVOPS_EXT_PAT'),
    'azure-openai': (lambda: r(HEX, 32), 'AZURE_OPENAI_API_KEY'),
    'google-oauth': (lambda: 'GOCSPX-' + r(URL64, 28), 'client_secret'),
    'google-access': (lambda: 'ya29.' + r(URL64, 180), 'access_token'),
    'google-refresh': (lambda: '1//0' + r(DIGIT, 1) + r(URL64, 95), 'refresh_token'),
    'alibaba': (lambda: 'LTAI5t' + r(W, 18), 'ALIBABA_CLOUD_ACCESS_KEY_ID'),
    'digitalocean': (lambda: 'dop_v1_' + r(HEX, 64), 'DIGITALOCEAN_ACCESS_TOKEN'),
    'heroku': (lambda: 'HRKU-AA' + r(URL64, 58), 'HEROKU_API_KEY'),
    'linode': (lambda: r(HEX, 64), 'LINODE_TOKEN'),
    'hetzner': (lambda: r(W, 64), 'HCLOUD_TOKEN'),
    'fly': (lambda: 'FlyV1 fm2_' + r(STD64, 400), 'FLY_API_TOKEN'),
    'render': (lambda: 'rnd_' + r(W, 32), 'RENDER_API_KEY'),
    'cloudflare-user': (lambda: 'cfut_' + r(W, 40) + r(HEX, 8), 'CLOUDFLARE_API_TOKEN'),
    'cloudflare-old': (lambda: r(URL64, 40), 'CLOUDFLARE_API_TOKEN'),
    'netlify': (lambda: 'nfp_' + r(W, 36), 'NETLIFY_AUTH_TOKEN'),
    'terraform': (lambda: r(W, 14) + '.atlasv1.' + r(URL64, 67), 'TFE_TOKEN'),
    'vault': (lambda: 'hvs.' + r(URL64, 90), 'VAULT_TOKEN'),
    'vault-short': (lambda: 'hvs.' + r(W, 24), 'VAULT_TOKEN'),
    'vault-legacy': (lambda: 's.' + r(W, 24), 'VAULT_TOKEN'),
    'databricks': (lambda: 'dapi' + r(HEX, 32) + '-2', 'DATABRICKS_TOKEN'),
    'pulumi': (lambda: 'pul-' + r(HEX, 40), 'PULUMI_ACCESS_TOKEN'),
    'doppler-st': (lambda: 'dp.st.prd.' + r(W, 43), 'DOPPLER_TOKEN'),
    'onepassword': (lambda: 'ops_' + base64.b64encode(json.dumps({'signInAddress': 'acme.1password.com', 'secretKey': r(UP, 26), 'srpX': r(HEX, 64), 'muk': r(URL64, 100)}).encode()).decode().rstrip('='), 'OP_SERVICE_ACCOUNT_TOKEN'),
    'tailscale': (lambda: 'tskey-api-' + r(W, 16) + '-' + r(W, 32), 'TS_API_KEY'),
    'supabase-pat': (lambda: 'sbp_' + r(HEX, 40), 'SUPABASE_ACCESS_TOKEN'),
    'supabase-secret': (lambda: 'sb_secret_' + r(URL64, 22) + '_' + r(W, 8), 'SUPABASE_SERVICE_KEY'),
    'neon': (lambda: 'napi_' + r(LOW, 64), 'NEON_API_KEY'),
    'planetscale': (lambda: 'pscale_pw_' + r(URL64, 43), 'DATABASE_PASSWORD'),
    'airtable': (lambda: 'pat' + r(W, 14) + '.' + r(HEX, 64), 'AIRTABLE_TOKEN'),
    'grafana': (grafana, 'GRAFANA_TOKEN'),
    'grafana-cloud': (lambda: 'glc_' + base64.b64encode(json.dumps({'o': r(DIGIT, 6), 'n': 'stack-' + r(LOWER, 6), 'k': r(W, 24), 'm': {'r': 'us'}}).encode()).decode().rstrip('='), 'GRAFANA_CLOUD_TOKEN'),
    'sentry-user': (lambda: 'sntryu_' + r(HEX, 64), 'SENTRY_AUTH_TOKEN'),
    'sentry-org': (lambda: 'sntrys_' + base64.b64encode(json.dumps({'iat': 1700000000 + R.random(), 'url': 'https://sentry.io', 'region_url': 'https://us.sentry.io', 'org': r(LOWER, 7)}).encode()).decode() + '_' + r(STD64, 43), 'SENTRY_AUTH_TOKEN'),
    'newrelic': (lambda: 'NRAK-' + r(UP, 27), 'NEW_RELIC_API_KEY'),
    'datadog': (lambda: r(HEX, 32), 'DD_API_KEY'),
    'datadog-app': (lambda: r(HEX, 40), 'DATADOG_APP_KEY'),
    'dynatrace': (lambda: 'dt0c01.' + r(B32, 24) + '.' + r(B32, 64), 'DT_API_TOKEN'),
    'honeycomb': (lambda: 'hcaik_' + r(LOW, 58), 'HONEYCOMB_API_KEY'),
    'slack-bot': (lambda: f'xoxb-{r(DIGIT, 12)}-{r(DIGIT, 13)}-{r(W, 24)}', 'SLACK_BOT_TOKEN'),
    'slack-user': (lambda: f'xoxp-{r(DIGIT, 11)}-{r(DIGIT, 11)}-{r(DIGIT, 13)}-{r(HEX, 32)}', 'SLACK_TOKEN'),
    'slack-app': (lambda: f'xapp-1-A{r(UP, 10)}-{r(DIGIT, 13)}-{r(HEX, 64)}', 'SLACK_APP_TOKEN'),
    'slack-rotate': (lambda: 'xoxe.xoxp-1-' + r(W, 166), 'SLACK_TOKEN'),
    'slack-refresh': (lambda: 'xoxe-1-' + r(W, 146), 'SLACK_REFRESH_TOKEN'),
    'slack-hook': (lambda: f'https://hooks.slack.com/services/T{r(UP, 8)}/B{r(UP, 10)}/{r(W, 24)}', 'SLACK_WEBHOOK_URL'),
    'discord-hook': (lambda: f'https://discord.com/api/webhooks/1{r(DIGIT, 18)}/{r(URL64, 68)}', 'DISCORD_WEBHOOK'),
    'discord-bot': (lambda: f'{url(("1" + r(DIGIT, 18)).encode())}.{r(URL64, 6)}.{r(URL64, 38)}', 'DISCORD_TOKEN'),
    'teams-hook': (lambda: f'https://acme.webhook.office.com/webhookb2/{guid()}@{guid()}/IncomingWebhook/{r(HEX, 32)}/{guid()}', 'TEAMS_WEBHOOK'),
    'telegram': (lambda: f'{R.choice("123456789")}{r(DIGIT, 9)}:AA{r(URL64, 33)}', 'TELEGRAM_BOT_TOKEN'),
    'twilio-key': (lambda: 'SK' + r(HEX, 32), 'TWILIO_API_KEY'),
    'twilio-auth': (lambda: r(HEX, 32), 'TWILIO_AUTH_TOKEN'),
    'sendgrid': (lambda: f'SG.{r(URL64, 22)}.{r(URL64, 43)}', 'SENDGRID_API_KEY'),
    'mailgun': (lambda: 'key-' + r(HEX, 32), 'MAILGUN_API_KEY'),
    'mailchimp': (lambda: r(HEX, 32) + '-us' + str(R.randrange(1, 21)), 'MAILCHIMP_API_KEY'),
    'brevo': (lambda: f'xkeysib-{r(HEX, 64)}-{r(W, 16)}', 'BREVO_API_KEY'),
    'resend': (lambda: f're_{r(W, 8)}_{r(W, 24)}', 'RESEND_API_KEY'),
    'postmark': (guid, 'POSTMARK_SERVER_TOKEN'),
    'stripe': (lambda: 'sk_live_51' + r(W, 97), 'STRIPE_SECRET_KEY'),
    'stripe-old': (lambda: 'sk_live_' + r(W, 24), 'STRIPE_SECRET_KEY'),
    'stripe-restricted': (lambda: 'rk_live_51' + r(W, 97), 'STRIPE_KEY'),
    'stripe-hook': (lambda: 'whsec_' + r(W, 32), 'STRIPE_WEBHOOK_SECRET'),
    'square': (lambda: 'EAAA' + r(URL64, 60), 'SQUARE_ACCESS_TOKEN'),
    'shopify': (lambda: 'shpat_' + r(HEX, 32), 'SHOPIFY_ACCESS_TOKEN'),
    'shopify-secret': (lambda: 'shpss_' + r(HEX, 32), 'SHOPIFY_API_SECRET'),
    'braintree': (lambda: f'access_token$production${r(LOW, 16)}${r(HEX, 32)}', 'BRAINTREE_TOKEN'),
    'flutterwave': (lambda: f'FLWSECK-{r(HEX, 32)}-X', 'FLW_SECRET_KEY'),
    'notion': (lambda: 'ntn_' + r(DIGIT, 11) + r(W, 35), 'NOTION_TOKEN'),
    'notion-old': (lambda: 'secret_' + r(W, 43), 'NOTION_TOKEN'),
    'linear': (lambda: 'lin_api_' + r(W, 40), 'LINEAR_API_KEY'),
    'figma': (lambda: 'figd_' + r(URL64, 40), 'FIGMA_TOKEN'),
    'postman': (lambda: f'PMAK-{r(HEX, 24)}-{r(HEX, 34)}', 'POSTMAN_API_KEY'),
    'hubspot': (lambda: 'pat-na1-' + guid(), 'HUBSPOT_TOKEN'),
    'contentful': (lambda: 'CFPAT-' + r(URL64, 43), 'CONTENTFUL_TOKEN'),
    'typeform': (lambda: 'tfp_' + r(W + '_-.=', 59), 'TYPEFORM_TOKEN'),
    'dropbox': (lambda: 'sl.' + r(URL64, 140), 'DROPBOX_TOKEN'),
    'okta': (lambda: '00' + r(URL64, 40), 'OKTA_API_TOKEN'),
    'mapbox': (lambda: f'sk.{url(json.dumps({"u": r(LOWER, 8), "a": r(LOW, 24)}).encode())}.{r(URL64, 22)}', 'MAPBOX_SECRET_TOKEN'),
    'launchdarkly': (lambda: 'sdk-' + guid(), 'LAUNCHDARKLY_SDK_KEY'),
    'easypost': (lambda: 'EZAK' + r(W, 54), 'EASYPOST_API_KEY'),
    'snyk': (guid, 'SNYK_TOKEN'),
    'algolia': (lambda: r(HEX, 32), 'ALGOLIA_ADMIN_KEY'),
    'jwt': (jwt, 'SERVICE_TOKEN'),
    'boxd': (lambda: 'bxk_' + r(W, 43), 'BOXD_API_KEY'),
    'boxlite': (lambda: 'blk_live_' + r(W, 40), 'BOXLITE_API_KEY'),
}

# Whole small files; N the name, V the value, C its camelCase, K its kebab.
CARRIERS = {
    'yml': ['version: "3.8"\nservices:\n  web:\n    image: app:1.2\n    environment:\n      - LOG_LEVEL=info\n      - {N}={V}\n',
            'services:\n  api:\n    environment:\n      {N}: "{V}"\n      PORT: 8080\n',
            'jobs:\n  build:\n    runs-on: ubuntu-latest\n    env:\n      {N}: {V}\n    steps:\n      - run: make\n',
            'deploy:\n  script:\n    - export {N}={V}\n    - ./deploy.sh\n',
            "app:\n  settings:\n    {K}: '{V}'\n    retries: 3\n",
            'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - name: a\n      env:\n        - name: {N}\n          value: {V}\n',
            'apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  {N}: {V}\n'],
    'toml': ['[tool.agent]\nname = "x"\n{N} = "{V}"\n', "[env]\n{N} = '{V}'\n", 'env = {{ {N} = "{V}", DEBUG = "1" }}\n'],
    'json': ['{{\n  "port": 80,\n  "{C}": "{V}"\n}}\n', '{{"env":{{"{N}":"{V}"}}}}\n',
             '[{{"name": "{N}", "value": "{V}"}}]\n', '{{"mcpServers":{{"x":{{"command":"npx","args":["-y","x"],"env":{{"{N}":"{V}"}}}}}}}}\n'],
    'conf': ['{N}={V}\n', '# settings of production\n{N} = {V}\nDEBUG=0\n', '[default]\n{K}={V}\n', '{N}: {V}\n'],
    'Dockerfile': ['FROM python:3.12\nENV {N}={V}\nRUN pip install x\n', 'FROM node:20\nARG {N}="{V}"\n', 'FROM alpine\nENV {N} {V}\n'],
    'sh': ['#!/bin/sh\nexport {N}="{V}"\nexec app\n', "#!/bin/bash\n{N}='{V}' python main.py\n", 'docker run -e {N}={V} app\n',
           'curl -s -H "Authorization: Bearer {V}" https://api.acme.io/v1/items\n', 'curl https://api.acme.io/v1/items -H "X-Api-Key: {V}"\n',
           'aws ssm put-parameter --name {N} --value {V}\n', 'kubectl create secret generic s --from-literal={N}={V}\n', 'gh secret set {N} --body "{V}"\n'],
    'ts': ['export const config = {{\n  {C}: "{V}",\n}};\n', "const client = new Client({{ {C}: '{V}' }});\n", 'process.env.{N} = "{V}";\n',
           'const {C}: string = `{V}`;\n', 'const {C} = process.env.{N} || "{V}";\n'],
    'js': ["module.exports = {{ {C}: '{V}' }}\n", 'fetch(u, {{ headers: {{ Authorization: "Bearer {V}" }} }})\n', 'var {C}="{V}",n=1;\n'],
    'go': ['package main\n\nconst {C} = "{V}"\n', 'package main\n\nvar cfg = Config{{\n\t{C}: "{V}",\n}}\n', 'os.Setenv("{N}", "{V}")\n', '{C} := `{V}`\n'],
    'java': ['class A {{\n  private static final String {N} = "{V}";\n}}\n', 'props.setProperty("{N}", "{V}");\n', 'new Builder().{C}("{V}").build();\n'],
    'py': ['import os\n\nos.environ["{N}"] = "{V}"\n', "{N} = os.getenv('{N}', '{V}')\n", 'client = Client({N}="{V}")\n', 'headers = {{"Authorization": f"Bearer {V}"}}\n',
           'SETTINGS = dict(\n    {N}="{V}",\n)\n', 'def f(key="{V}"):  # {N}\n    pass\n', '{N}: Final[str] = "{V}"\n'],
    'rb': ["ENV['{N}'] = '{V}'\n", 'config.{N} = "{V}"\n', '{{ :{N} => "{V}" }}\n'],
    'php': ["<?php\ndefine('{N}', '{V}');\n", "<?php return ['{N}' => '{V}'];\n"],
    'cs': ['var {C} = "{V}";\n', 'services.Configure<O>(o => o.{C} = "{V}");\n'],
    'rs': ['const {N}: &str = "{V}";\n', 'let {C} = String::from("{V}");\n'],
    'tf': ['provider "x" {{\n  {N} = "{V}"\n}}\n', 'variable "{N}" {{\n  type    = string\n  default = "{V}"\n}}\n'],
    'log': ['2026-03-04T10:11:12Z DEBUG http request headers={{"authorization": "Bearer {V}"}} status=200\n',
            '[INFO] starting with {N}={V} on port 80\n', 'POST /hook?token={V}&x=1 HTTP/1.1 200\n'],
    'md': ['# Setup\n\nRun this:\n\n```sh\nexport {N}={V}\n```\n', 'Use `{N}={V}` for staging.\n'],
    'xml': ['<config>\n  <{N}>{V}</{N}>\n</config>\n', '<property name="{N}" value="{V}"/>\n', '<string name="{N}">{V}</string>\n'],
    'properties': ['{K}={V}\n', 'spring.{N}={V}\n'],
    'ipynb': ['{{"cells":[{{"cell_type":"code","source":["import os\\n","os.environ[\\"{N}\\"] = \\"{V}\\"\\n"],"outputs":[]}}],"nbformat":4}}\n',
              '{{"cells":[{{"cell_type":"code","source":["!echo 1"],"outputs":[{{"output_type":"stream","text":["{N}={V}\\n"]}}]}}],"nbformat":4}}\n'],
    'sql': ["INSERT INTO settings (name, value) VALUES ('{N}', '{V}');\n"],
    'csv': ['id,name,value\n7,{N},{V}\n'],
}
# Those in which a value has no name of its own near by.
NAMELESS = ('Authorization: Bearer', 'X-Api-Key', '/hook?token=', '"authorization"')


def camel(n):
    parts = n.lower().split('_')
    return parts[0] + ''.join(p.capitalize() for p in parts[1:])


def carry(ext, template, name, value):
    return template.format(N=name, V=value, C=camel(name), K=name.lower().replace('_', '-'))


def write(path, data):
    full = os.path.join(OUT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def positive(cls, path, value, text, inner=False):
    data = text.encode() if isinstance(text, str) else text
    write(path, data)
    at = -1 if inner else data.find(value.encode() if isinstance(value, str) else value)
    assert inner or at >= 0, path
    truth.append({'class': cls, 'path': path, 'positive': True, 'offset': at, 'length': len(value)})


def negative(cls, path, text):
    write(path, text)
    truth.append({'class': cls, 'path': path, 'positive': False, 'offset': 0, 'length': 0})


def name_of(ext, i):
    return f'Dockerfile.{i}' if ext == 'Dockerfile' else f'{i}.{ext}'


def providers():
    i = 0
    for name, (make, var) in TOKENS.items():
        exts = R.sample(sorted(CARRIERS), 8)
        for ext in exts:
            template = R.choice(CARRIERS[ext])
            if any(n in template for n in NAMELESS) and '{N}' not in template and name in (
                    'cohere', 'mistral', 'assemblyai', 'deepgram', 'wandb', 'exa', 'azure-openai', 'linode', 'hetzner', 'datadog',
                    'datadog-app', 'twilio-auth', 'postmark', 'snyk', 'algolia', 'cloudflare-old', 'vault-legacy', 'okta'):
                template = next(t for e in (ext, 'conf') for t in CARRIERS[e] if '{N}' in t or '{C}' in t)
            v = make()
            positive('provider', f'p/{name}/{name_of(ext, i)}', v, carry(ext, template, var, v))
            i += 1
    for k in range(24):     # AWS: always the pair
        ident, secret = 'AKIA' + r(B32, 16), r(STD64, 40)
        text = R.choice(['[default]\naws_access_key_id = {i}\naws_secret_access_key = {s}\n', '{{"AccessKeyId": "{i}", "SecretAccessKey": "{s}"}}\n',
                         'export AWS_ACCESS_KEY_ID={i}\nexport AWS_SECRET_ACCESS_KEY={s}\n', 'new AWS.S3({{accessKeyId: "{i}", secretAccessKey: "{s}"}})\n',
                         'provider "aws" {{\n  access_key = "{i}"\n  secret_key = "{s}"\n}}\n', 'boto3.client("s3", aws_access_key_id="{i}",\n    aws_secret_access_key="{s}")\n',
                         'User name,Access key ID,Secret access key\nci,{i},{s}\n', 'AWSAccessKeyId={i}\nAWSSecretKey={s}\n']).format(i=ident, s=secret)
        positive('provider', f'p/aws/{k}.txt', secret, text)


def provider_negatives():
    docs = {
        'openai': ['sk-...', 'sk-proj-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'sk-your-api-key-here', 'sk-1234567890abcdef1234567890abcdef', 'sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
        'anthropic': ['sk-ant-api03-...', 'sk-ant-xxxxxxxx', 'sk-ant-api03-YOUR-KEY-HERE', 'sk-ant-...-AA'],
        'github': ['ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'ghp_YOUR_TOKEN', 'ghp_1234567890abcdefghijklmnopqrstuvwxyz', 'github_pat_...', 'ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
        'aws': ['AKIA' + 'IOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY' + 'EXAMPLEKEY', 'AKIAXXXXXXXXXXXXXXXX', 'AKIAI44QH8DHB' + 'EXAMPLE'],
        'slack': ['xoxb-your-token', 'xoxb-xxxxxxxxxxxx-xxxxxxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx', 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX'],
        'stripe': ['sk_test_...', 'sk_live_xxxxxxxxxxxxxxxxxxxxxxxx', 'pk_live_' + r(W, 99), 'pk_test_' + r(W, 24)],
        'google': ['AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX', 'AIza...', r(DIGIT, 12) + '-' + r(LOW, 32) + '.apps.googleusercontent.com'],
        'jwt': [url(b'{"alg":"HS256","typ":"JWT"}'), 'eyJhbGciOiJIUzI1NiJ9.e30.xxx'],
        'gitlab': ['glpat-xxxxxxxxxxxxxxxxxxxx', 'glpat-<token>', 'glpat-00000000000000000000'],
        'hf': ['hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'hf_...', 'hf_hub_download_with_progress_bar_x'],
        'sendgrid': ['SG.xxxxxxxxxxxxxxxxxxxxxx.yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy', 'SG.Raw.ChatCompletionContent', 'SG.your-api-key'],
        'supabase': ['sb_publishable_' + r(URL64, 22) + '_' + r(W, 8)],
        'mapbox': ['pk.' + url(b'{"u":"acme","a":"cj0"}') + '.' + r(URL64, 22)],
        'sentry': ['https://' + r(HEX, 32) + '@o' + r(DIGIT, 6) + '.ingest.sentry.io/' + r(DIGIT, 7)],
        'langfuse': ['pk-lf-' + guid()],
        'twilio': ['ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', 'AC' + r(HEX, 32)],
    }
    i = 0
    for name, values in docs.items():
        for v in values:
            for template in ('Set `API_KEY={}` first.\n', 'API_KEY={}\n', 'const apiKey = "{}";\n', '// e.g. {}\n', 'value: {}\n'):
                if v[:2] == 'AC' and 'xx' not in v and 'KEY' in template.upper():
                    continue        # an id under a secret's name: no one can tell
                if v.startswith(('pk', 'sb_pub')) and 'KEY' in template.upper():
                    template = template.replace('API_KEY', 'PUBLIC_KEY').replace('apiKey', 'publicKey')
                negative('provider', f'p/no/{name}-{i}.txt', template.format(v))
                i += 1
    for prefix in ('ghp_', 'npm_', 'ghs_'):
        for _ in range(3):
            t = crc62(prefix)
            bad = t[:20] + R.choice([c for c in W if c != t[20]]) + t[21:]
            negative('provider', f'p/no/crc-{i}.txt', f'x = "{bad}"\n')
            i += 1
    for make in (lambda: routable('glpat-'), grafana):
        for _ in range(3):
            t = make()
            bad = t[:12] + R.choice([c for c in W if c != t[12]]) + t[13:]
            negative('provider', f'p/no/crc-{i}.txt', f'x = "{bad}"\n')
            i += 1


def openssl(*args, data=None):
    return subprocess.run(['openssl', *args], input=data, capture_output=True, check=True).stdout


def keys():
    pems, ders = [], []
    for what, args in (('rsa2048', ['RSA', '-pkeyopt', 'rsa_keygen_bits:2048']), ('rsa3072', ['RSA', '-pkeyopt', 'rsa_keygen_bits:3072']),
                       ('p256', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-256']), ('p384', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-384']),
                       ('p521', ['EC', '-pkeyopt', 'ec_paramgen_curve:P-521']), ('ed25519', ['ED25519']), ('ed448', ['ED448']), ('x25519', ['X25519'])):
        pem = openssl('genpkey', '-algorithm', *args)
        pems.append((what, pem.decode()))
        ders.append((what, openssl('pkey', '-outform', 'DER', data=pem)))
        if what[0] in 'rp':
            kind = 'rsa' if what[0] == 'r' else 'ec'
            old = openssl(kind, *(['-traditional'] if kind == 'rsa' else []), data=pem)
            pems.append((what + '-old', old.decode()))
            ders.append((what + '-old', openssl(kind, *(['-traditional'] if kind == 'rsa' else []), '-outform', 'DER', data=pem)))
    for kind in ('rsa', 'ed25519', 'ecdsa'):
        f = os.path.join(OUT, 'tmpkey')
        subprocess.run(['ssh-keygen', '-q', '-t', kind, '-N', '', '-f', f], check=True)
        pems.append(('ssh-' + kind, open(f).read()))
        os.unlink(f)
        os.unlink(f + '.pub')
    for what, pem in pems:
        one = pem.strip()
        lines = one.split('\n')
        forms = {
            'yml': 'tls:\n  key: |\n' + ''.join(f'    {x}\n' for x in lines),
            'tf': 'resource "x" "y" {\n  key = <<EOT\n' + one + '\nEOT\n}\n',
            'env.txt': 'KEY="' + '\\n'.join(lines) + '"\n',
            'json': json.dumps({'type': 'service_account', 'private_key': pem}),
            'go': 'var key = []byte(`' + pem + '`)\n',
            'java': 'String k = "' + '\\n" +\n    "'.join(lines) + '";\n',
            'py': 'KEY = (\n' + ''.join(f'    "{x}\\n"\n' for x in lines) + ')\n',
            'js': "const k = ['" + "',\n '".join(lines) + "'].join('\\n');\n",
            'md': '> ' + '\n> '.join(lines) + '\n',
            'diff': '@@ -0,0 +1 @@\n' + ''.join(f'+{x}\n' for x in lines),
        }
        for ext, text in forms.items():
            # Found by its text or by its file, for the text is spread out.
            positive('key', f'k/{what}.{ext}', lines[0], text)
        for ext, text in {
            'k8s.yaml': 'apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\ndata:\n  tls.key: ' + base64.b64encode(pem.encode()).decode() + '\n',
            'kubeconfig.txt': 'users:\n- name: a\n  user:\n    client-key-data: ' + base64.b64encode(pem.encode()).decode() + '\n',
            'wrapped.txt': 'key: |\n' + ''.join(f'  {x}\n' for x in base64.encodebytes(pem.encode()).decode().split()),
        }.items():
            positive('key', f'k/{what}.{ext}', lines[0], text, True)
    for what, der in ders:
        positive('key', f'k/{what}.bin', der, der)
        b64, hexed = base64.b64encode(der).decode(), der.hex()
        positive('key', f'k/{what}.b64.txt', b64, f'PRIVATE_KEY={b64}\n')
        positive('key', f'k/{what}.bare.txt', b64, f'data = "{b64}"\n')
        rows = [hexed[i:i + 72] for i in range(0, len(hexed), 72)]
        positive('key', f'k/{what}.hex.go', rows[0], 'const responder = "' + '" +\n\t"'.join(rows) + '"\n')
        rows = [b64[i:i + 64] for i in range(0, len(b64), 64)]
        positive('key', f'k/{what}.b64.java', rows[0], 'String der = "' + '"\n    + "'.join(rows) + '";\n')
    for i in range(6):
        k = std(32)
        positive('key', f'k/wg-{i}.txt', k, f'[Interface]\nPrivateKey = {k}\nAddress = 10.0.0.2/24\n')
        d = url(R.randbytes(32))
        positive('key', f'k/jwk-{i}.json', d, json.dumps({'kty': 'OKP', 'crv': 'Ed25519', 'x': url(R.randbytes(32)), 'd': d}))
        d = url(R.randbytes(32))
        positive('key', f'k/jwks-{i}.json', d, json.dumps({'keys': [{'kty': 'EC', 'crv': 'P-256', 'd': d, 'x': url(R.randbytes(32)), 'y': url(R.randbytes(32)), 'kid': '1'}]}, indent=2))
        h = r(HEX, 64)
        positive('key', f'k/eth-{i}.conf', h, R.choice(['PRIVATE_KEY=0x{}\n', 'deployer_private_key: "0x{}"\n', 'WALLET_PRIVATE_KEY={}\n', 'const privateKey = "0x{}";\n']).format(h))
        age = 'AGE-SECRET-KEY-1' + r('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L', 58)
        positive('key', f'k/age-{i}.txt', age, f'# created: 2026-01-01\n{age}\n')
    for i, cert in enumerate(range(6)):
        key = pems[i % 6][1]
        made = subprocess.run(['openssl', 'req', '-x509', '-new', '-key', '/dev/stdin', '-subj', '/CN=acme.io', '-days', '9'], input=key.encode(), capture_output=True, check=True).stdout.decode()
        negative('key', f'k/no/cert-{i}.pem', made)
        negative('key', f'k/no/cert-{i}.yml', 'ca.crt: ' + base64.b64encode(made.encode()).decode() + '\n')
        body = ''.join(made.strip().split('\n')[1:-1])
        negative('key', f'k/no/der-{i}.txt', f'x5c: ["{body}"]\n')
        negative('key', f'k/no/der-{i}.go', 'const cert = "' + base64.b64decode(body).hex() + '"\n')
        public = openssl('pkey', '-pubout', data=key.encode()).decode()
        negative('key', f'k/no/pub-{i}.pem', public)
        negative('key', f'k/no/pub-{i}.js', 'const publicKey = `' + public + '`;\n')
        negative('key', f'k/no/pub-{i}.json', json.dumps({'verify_key': ''.join(public.strip().split('\n')[1:-1])}))
    for i, text in enumerate(['if line == "-----BEGIN PRIVATE KEY-----":\n    start = True\n', '-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n',
                              'key: |\n  -----BEGIN PRIVATE KEY-----\n  <your key>\n  -----END PRIVATE KEY-----\n', 'PRIVATE_KEY="-----BEGIN PRIVATE KEY-----\\nMII...\\n-----END PRIVATE KEY-----"\n',
                              'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI' + r(STD64, 43) + ' me@host\n', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ' + r(STD64, 336) + ' me@host\n',
                              json.dumps({'kty': 'RSA', 'n': r(URL64, 342), 'e': 'AQAB', 'kid': r(HEX, 32)}) + '\n', json.dumps({'kty': 'EC', 'x': r(URL64, 43), 'y': r(URL64, 43)}) + '\n',
                              'RE = r"-----BEGIN (RSA |EC )?PRIVATE KEY-----[\\s\\S]+?-----END"\n', '[Peer]\nPublicKey = ' + std(32) + '\nEndpoint = 1.2.3.4:51820\n',
                              'address: 0x' + r(HEX, 40) + '\n', 'txHash: "0x' + r(HEX, 64) + '"\n', 'recipient: age1' + r(LOW, 58) + '\n']):
        for k in range(3):
            negative('key', f'k/no/t-{i}-{k}.txt', text)


def password():
    return R.choice([lambda: r(W, R.randrange(12, 24)), lambda: r(W + '!#%*+-_', R.randrange(12, 22)),
                     lambda: R.choice(['Winter', 'Falcon', 'Harbor', 'Quartz', 'Tundra']) + r(DIGIT, 4) + R.choice('!#*?') + r(LOWER, 3),
                     lambda: r(LOW, 16), lambda: r(HEX, 24)])()


def host():
    return R.choice(['db', 'pg-1', 'cache', 'mq', 'prod']) + '.' + r(LOWER, 6) + R.choice(['.internal', '.acme.io', '.rds.amazonaws.com', '.svc.cluster.local'])


CONNECTIONS = [
    'postgresql+asyncpg://app:{u}@{h}:5432/main', 'mysql+pymysql://root:{u}@{h}/shop?charset=utf8', 'mongodb+srv://svc:{u}@{h}/?retryWrites=true',
    'rediss://:{u}@{h}:6380/0', 'amqps://guest1:{u}@{h}/vhost', 'clickhouse://default:{u}@{h}:9000/x', 'nats://user:{u}@{h}:4222',
    'smtp://mailer%40acme.io:{u}@{h}:587', 'sftp://deploy:{u}@{h}/var', 'https://admin:{u}@{h}/api', 'jdbc:postgresql://{h}:5432/x?user=app&password={u}',
    'jdbc:sqlserver://{h}:1433;databaseName=x;user=sa;password={p};encrypt=true', 'Server={h};Database=x;User Id=sa;Password={p};TrustServerCertificate=True;',
    'Host={h};Port=5432;Username=app;Password={p};Database=main', 'Driver={{ODBC Driver 18 for SQL Server}};Server={h};UID=app;PWD={p}',
    'host={h} port=5432 dbname=x user=app password={p}', 'app:{u}@tcp({h}:3306)/shop?parseTime=true',
    'DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={k};EndpointSuffix=core.windows.net',
    'Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={k32}',
    'AccountEndpoint=https://acme.documents.azure.com:443/;AccountKey={k};', 'HostName=acme.azure-devices.net;SharedAccessKeyName=o;SharedAccessKey={k32}',
    'elasticsearch+https://elastic:{u}@{h}:9200', 'ldap://cn=admin:{u}@{h}:389', 'mqtt://dev:{u}@{h}:1883', 'oracle://scott1:{u}@{h}:1521/ORCL',
]
CONN_CARRIERS = ['DATABASE_URL={}\n', 'DATABASE_URL="{}"\n', 'url: {}\n', 'url: "{}"\n', '{{"connectionString": "{}"}}\n', '<add name="Main" connectionString="{}" />\n',
                 'spring:\n  datasource:\n    url: {}\n', 'const pool = connect("{}");\n', "engine = create_engine('{}')\n", 'export CONN="{}"\n', 'sqlalchemy.url = {}\n',
                 'ENV CONN="{}"\n', '# old: {}\n', 'psql "{}" -c "select 1"\n', '[INFO] connecting to {}\n', 'conn := "{}"\n', '      value: {}\n']
COMMANDS = ['mysql -h {h} -u root -p{p} shop\n', 'PGPASSWORD={p} psql -h {h} -U app\n', 'redis-cli -h {h} -a {p} ping\n', "sshpass -p '{p}' ssh deploy@{h}\n",
            'curl -u deploy:{p} https://{h}/x\n', 'curl --user "svc:{p}" https://{h}/x\n', 'wget --password={p} https://{h}/x\n', 'docker login -u ci -p {p} {h}\n',
            'mongosh --host {h} --username root --password {p}\n', 'sqlcmd -S {h} -U sa -P {p} -Q "select 1"\n',
            'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="svc" password="{p}";\n', 'git clone https://oauth2:{u}@gitlab.acme.io/x/y.git\n',
            'export http_proxy=http://svc:{u}@{h}:3128\n', 'machine {h} login ci password {p}\n',
            "DATABASES = {{'default': {{'ENGINE': 'django.db.backends.postgresql', 'USER': 'app', 'PASSWORD': '{p}', 'HOST': '{h}'}}}}\n",
            'datasource:\n  username: app\n  password: {p}\n  url: jdbc:mysql://{h}/x\n', 'bind_dn = cn=svc,dc=acme\nbind_password = {p}\n']


def connections():
    i = 0
    for template in CONNECTIONS:
        for carrier in R.sample(CONN_CARRIERS, 6):
            p = password()
            if ';' in template or ' ' in template:
                p = p.replace('%', 'x').replace('#', 'x')
            u = urllib.parse.quote(p, safe='!*-_')
            k, k32 = std(64), std(32)
            text = template.format(u=u, p=p, h=host(), k=k, k32=k32)
            value = k if '{k}' in template else k32 if '{k32}' in template else u if '{u}' in template else p
            positive('connection', f'c/{CONNECTIONS.index(template)}-{i}.txt', value, carrier.format(text))
            i += 1
    for template in COMMANDS:
        for _ in range(5):
            p = r(W, 8) + R.choice(['', '!', '-']) + r(W, 6)
            u = urllib.parse.quote(p, safe='')
            positive('connection', f'c/cmd{COMMANDS.index(template)}-{i}.sh', u if '{u}' in template else p, template.format(p=p, u=u, h=host()))
            i += 1
    for _ in range(8):
        auth = base64.b64encode(f'ci:{r(W, 20)}'.encode()).decode()
        positive('connection', f'c/docker-{i}.json', auth, json.dumps({'auths': {'registry.acme.io': {'auth': auth}}}))
        i += 1
    plain = ['postgresql://user:password@localhost:5432/db', 'postgres://postgres:postgres@db:5432/postgres', 'mongodb://localhost:27017/x', 'redis://redis:6379/0',
             'postgres://${{DB_USER}}:${{DB_PASS}}@${{DB_HOST}}/x', 'mysql://{{user}}:{{password}}@{{host}}/x', 'https://user:pass@example.com/path', 'amqp://guest:guest@localhost:5672/',
             'postgresql://<user>:<password>@<host>/<db>', 'Server=.;Database=x;Trusted_Connection=True;', 'Server=x;User Id=sa;Password=<password>;', 'Host=h;Username=u;Password=${{PGPASSWORD}}',
             'ssh://git@github.com:22/acme/x.git', 'git@github.com:acme/x.git', 'https://github.com/acme/x/blob/main/a.py#L10-L20', 'http://[::1]:8080/@scope/pkg@1.2.3',
             'https://cdn.acme.io/npm/@babel/core@7.22.5/lib/index.js', 'mailto:someone@acme.io?subject=a:b', 'https://registry.acme.io/@types/node/-/node-20.1.0.tgz',
             'host=localhost user=postgres password=postgres dbname=test', 'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=<key>;', 'UseDevelopmentStorage=true',
             'mongodb+srv://<username>:<password>@cluster0.abcde.mongodb.net/', 'redis://:yourpassword@host:6379', 'postgresql://username:your_password@host/db',
             'jdbc:mysql://localhost:3306/x?user=root&password=root', 'https://medium.com/@someone/how-to-do-1a2b3c4d5e6f', 'data:text/plain;charset=utf-8,user:pass@x',
             'postgres://user:$PASSWORD@host/db', 'mysql://root:%s@%s/x', 'ftp://anonymous:anonymous@ftp.acme.io/']
    for k, v in enumerate(plain):
        for n, carrier in enumerate(R.sample(CONN_CARRIERS, 5)):
            negative('connection', f'c/no/{k}-{n}.txt', carrier.replace('{}', v.replace('{{', '{').replace('}}', '}')))
    for k, v in enumerate(['mysql -u root -p shop\n', 'curl -u "$USER:$PASS" https://x.acme.io\n', 'docker login -u ci --password-stdin\n', 'PGPASSWORD=$DB_PASS psql\n', 'sshpass -e ssh x\n',
                           'redis-cli -a "$REDIS_PASSWORD" ping\n', 'curl -u user:password https://x.acme.io\n', 'mysqldump -uroot -p${PASS} x\n', 'ssh -p 2222 deploy@host\n', 'docker run -p 8080:8080 -u 1000:1000 app\n']):
        for n in range(3):
            negative('connection', f'c/no/cmd{k}-{n}.sh', v)


NAMES = ['ADMIN_PASSWORD', 'db_password', 'SECRET_KEY', 'JWT_SECRET', 'apiKey', 'client_secret', 'AUTH_TOKEN', 'encryptionKey', 'WEBHOOK_SECRET', 'session_secret', 'APP_KEY', 'refreshToken',
         'signing_key', 'SMTP_PASSWORD', 'api-secret', 'ACCESS_TOKEN', 'bot_token', 'hmacSecret', 'MASTER_KEY', 'storagePassword', 'internal_api_key', 'cookieSecret', 'PRIVATE_TOKEN', 'service_account_key',
         'X_API_KEY', 'deploy_token', 'rootPassword', 'licenseKey', 'consumer_secret', 'oauthToken']


def generic():
    i = 0
    for name in NAMES:
        for ext in R.sample([e for e in sorted(CARRIERS) if e != 'csv'], 9):
            template = R.choice([t for t in CARRIERS[ext] if not any(n in t for n in NAMELESS) and '# {N}' not in t])
            low = name.lower()
            if 'passw' in low:
                v = R.choice([password, lambda: r(W, 14) + R.choice('!*-') + r(W, 4)])()
                v = v.replace('%', '+').replace('#', '+')
            else:
                v = R.choice([lambda: r(W, R.randrange(20, 50)), lambda: r(HEX, R.choice([32, 40, 48, 64])), lambda: std(32), lambda: r(URL64, 43),
                              lambda: r(LOW, R.randrange(24, 40)), lambda: r(W, 16)])()
            positive('generic', f'g/{i}-{name}.{ext}', v, carry(ext, template, name, v))
            i += 1
    for _ in range(20):
        v = 'Basic ' + base64.b64encode(f'svc:{r(W, 18)}'.encode()).decode()
        positive('generic', f'g/basic-{i}.js', v[6:], f'headers: {{ Authorization: "{v}" }}\n')
        v = r(W, 40)
        positive('generic', f'g/bearer-{i}.sh', v, f"curl -H 'Authorization: Bearer {v}' https://x.acme.io\n")
        i += 1


def generic_negatives():
    i = 0

    def no(kind, text):
        nonlocal i
        negative('generic', f'g/no/{kind}-{i}', text)
        i += 1
    for _ in range(12):
        no('lock.json', json.dumps({'node_modules/a': {'version': '1.2.3', 'resolved': 'https://registry.acme.io/a/-/a-1.2.3.tgz', 'integrity': 'sha512-' + std(64)}}, indent=2))
        no('yarn.lock', f'a@^1.0.0:\n  version "1.2.3"\n  resolved "https://yarn.acme.io/a/-/a-1.2.3.tgz#{r(HEX, 40)}"\n  integrity sha512-{std(64)}\n')
        no('uv.lock', f'[[package]]\nname = "x"\nsdist = {{ url = "https://files.acme.io/packages/{r(HEX, 2)}/{r(HEX, 2)}/{r(HEX, 60)}/x.tar.gz", hash = "sha256:{r(HEX, 64)}", size = 12 }}\n')
        no('go.sum', f'golang.org/x/crypto v0.1.0 h1:{std(32)}\ngolang.org/x/crypto v0.1.0/go.mod h1:{std(32)}\n')
        no('Cargo.lock', f'[[package]]\nname = "serde"\nversion = "1.0"\nchecksum = "{r(HEX, 64)}"\n')
        no('req.txt', f'requests==2.31.0 \\\n    --hash=sha256:{r(HEX, 64)} \\\n    --hash=sha256:{r(HEX, 64)}\n')
        no('index.html', f'<script src="https://cdn.acme.io/a.js" integrity="sha384-{std(48)}" crossorigin="anonymous"></script>\n')
        no('git.log', f'commit {r(HEX, 40)}\nAuthor: A <a@acme.io>\n\n    fix token refresh\n\n(cherry picked from commit {r(HEX, 40)})\n')
        no('uuid.json', json.dumps({'id': guid(), 'tenantId': guid(), 'traceId': r(HEX, 32), 'spanId': r(HEX, 16), 'requestId': guid()}))
        no('image.css', f'.a{{background:url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{std(240)})}}\n')
        no('image.md', f'![x](data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ{std(300)})\n')
        no('image.ipynb', json.dumps({'cells': [{'cell_type': 'code', 'source': [], 'outputs': [{'data': {'image/png': 'iVBORw0KGgo' + std(1800)}}]}]}))
        no('font.css', f'@font-face{{src:url("data:font/woff2;charset=utf-8;base64,d09GMgABAAAA{std(600)}") format("woff2")}}\n')
        no('min.js', '!function(e,t){"use strict";' + ''.join(f'function {R.choice(LOWER)}{R.randrange(99)}(e){{return t.{R.choice(ALPHA)}{r(LOWER, 3)}(e,{r(DIGIT, 3)})}}var {r(LOWER, 2)}={{key:"{r(LOWER, 6)}",token:{r(LOWER, 1)},secret:!1}};' for _ in range(30)) + '}();\n')
        no('map.js.map', json.dumps({'version': 3, 'sources': ['a.ts'], 'names': ['token', 'secret'], 'mappings': ';'.join(','.join(r(STD64, 5) for _ in range(8)) for _ in range(40))}))
        no('img.yml', f'image: ghcr.io/acme/app@sha256:{r(HEX, 64)}\n')
        no('docker.json', json.dumps({'digest': 'sha256:' + r(HEX, 64), 'config': {'digest': 'sha256:' + r(HEX, 64)}}))
        no('cache.txt', f'cache-key: {r(HEX, 64)}\nETag: W/"{r(HEX, 32)}"\n')
        no('actions.yml', f'steps:\n  - uses: actions/checkout@{r(HEX, 40)} # v4\n  - uses: actions/cache@{r(HEX, 40)}\n    with:\n      key: ${{{{ runner.os }}}}-{r(HEX, 16)}\n')
        no('spdx.json', json.dumps({'SPDXID': 'SPDXRef-' + r(HEX, 16), 'checksums': [{'algorithm': 'SHA1', 'checksumValue': r(HEX, 40)}], 'packageVerificationCodeValue': r(HEX, 40)}))
        no('hash.py', f'PASSWORD_HASH = "pbkdf2_sha256$600000${r(W, 22)}${std(32)}"\nADMIN = "$2b$12${r(W + "./", 53)}"\nARGON = "$argon2id$v=19$m=65536,t=3,p=4${r(W, 22)}${r(W, 43)}"\n')
        no('shadow.txt', f'root:$6${r(W, 16)}${r(W + "./", 86)}:19000:0:99999:7:::\n')
        no('google.html', f'<meta name="google-site-verification" content="{r(URL64, 43)}" />\n<script async src="https://www.googletagmanager.com/gtag/js?id=G-{r(UP, 10)}"></script>\n')
        no('test.json', json.dumps({'nonce': r(URL64, 22), 'state': r(HEX, 32), 'code_challenge': r(URL64, 43), 'pageToken': 'CAEQ' + r(URL64, 40), 'nextToken': r(STD64, 60) + '=='}))
        no('k8s.yml', f'metadata:\n  uid: {guid()}\n  annotations:\n    checksum/config: {r(HEX, 64)}\n    pod-template-hash: {r(LOW, 10)}\n')
        no('sealed.yml', f'kind: SealedSecret\nspec:\n  encryptedData:\n    password: AgB{std(400)}\n')
        no('sops.yml', f'password: ENC[AES256_GCM,data:{std(12)},iv:{std(32)},tag:{std(16)},type:str]\nsops:\n    mac: ENC[AES256_GCM,data:{std(66)},iv:{std(32)},tag:{std(16)},type:str]\n')
        no('ansible.yml', 'password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  ' + '\n  '.join(r(DIGIT, 80) for _ in range(4)) + '\n')
        no('travis.yml', f'env:\n  global:\n    - secure: "{std(256)}"\n')
        no('names.ts', 'export const tokenEndpointAuthMethod = "client_secret_post";\nexport const SECRET_NAME = "acme/prod/database/credentials";\nconst passwordInputPlaceholder = "Enter your Password1";\n')
        no('types.py', 'class Auth(BaseModel):\n    api_key: SecretStr = Field(..., alias="API_KEY", min_length=20)\n    token: Optional[str] = None\n    password: str = Form(...)\n')
        no('code.py', 'token = jwt.encode(payload, settings.SECRET_KEY, algorithm="HS256")\npassword = os.environ.get("DB_PASSWORD", "")\nsecret = hashlib.sha256(b"x").hexdigest()\napi_key = request.headers["X-Api-Key"]\n')
        no('i18n.json', json.dumps({'password': 'Contraseña', 'resetPassword': 'Restablecer contraseña', 'api_key': 'Clave de API (32 caracteres)', 'token_expired': 'Sesión caducada', 'secretQuestion': '¿Cuál es tu pregunta secreta?'}))
        no('i18n.ts', 'export default { passwordHint: "Mindestens8Zeichen", "auth.token": "Zugriffstoken", secretLabel: "Geheimnis" };\n')
        no('place.conf', 'API_KEY=your_api_key_here\nSECRET_KEY=changeme\nDB_PASSWORD=password123\nTOKEN=<insert-token>\nJWT_SECRET=replace-me-with-a-long-random-string\nPASSWORD=********\n')
        no('place.yml', 'api_key: "${API_KEY}"\npassword: {{ .Values.password }}\nsecret: !Ref MySecret\ntoken: ${{ secrets.GITHUB_TOKEN }}\nclient_secret: vault:secret/data/app#client\n')
        no('css.css', f'.token.keyword{{color:#{r(HEX, 6)}}}.password-field{{width:{r(DIGIT, 3)}px}}\n')
        no('regex.py', 'TOKEN_RE = re.compile(r"[A-Za-z0-9_-]{24}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{27}")\nKEY = re.compile("AKIA[0-9A-Z]{16}")\n')
        no('proto.go', f'var fileDescriptor_{r(HEX, 16)} = []byte{{\n\t' + ', '.join(f'0x{r(HEX, 2)}' for _ in range(64)) + '}\n')
        no('vec.json', json.dumps({'embedding': [round(R.uniform(-1, 1), 8) for _ in range(40)]}))
        no('wasm.js', f'const wasm = "AGFzbQEAAAAB{std(900)}";\n')
        no('svg.svg', '<svg><path d="M' + ' '.join(f'{R.uniform(0, 99):.3f}' for _ in range(60)) + 'z"/></svg>\n')
        no('public.ts', f'export const RECAPTCHA_SITE_KEY = "6L{r(URL64, 38)}";\nexport const publicKey = "{std(32)}";\nexport const contractAddress = "0x{r(HEX, 40)}";\n')
        no('aws.tf', f'arn = "arn:aws:secretsmanager:us-east-1:{r(DIGIT, 12)}:secret:prod/db-{r(W, 6)}"\nkms_key_id = "{guid()}"\nami = "ami-{r(HEX, 17)}"\n')
        no('ids.py', f'SHEET_ID = "1{r(URL64, 43)}"\nFOLDER = "https://drive.google.com/drive/folders/1{r(URL64, 32)}"\nVIDEO = "https://youtu.be/{r(URL64, 11)}"\nMODEL_REVISION = "{r(HEX, 40)}"\n')
        no('snap.txt', f'exports[`renders 1`] = `<div class="css-{r(LOW, 7)}" data-id="{r(W, 20)}">token</div>`;\n')


def awkward():
    def tok():
        name = R.choice(['openrouter', 'groq', 'anthropic', 'github-pat', 'stripe', 'sonar', 'digitalocean', 'slack-bot', 'sendgrid', 'openai-proj'])
        return TOKENS[name][0]()
    n = 0

    def add(suffix, data, t, inner=False):
        nonlocal n
        positive('awkward', f'a/{n}-{suffix}', t, data, inner)
        n += 1
    for _ in range(5):
        t = tok()
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, 'w', zipfile.ZIP_DEFLATED) as z:
            z.writestr('pkg/config.py', f'K = "{t}"\n')
            z.writestr('pkg-1.0.dist-info/RECORD', 'pkg/config.py,sha256=x,1\n')
        add('p.whl', inner.getvalue(), t, True)
        outer = io.BytesIO()
        with tarfile.open(fileobj=outer, mode='w:xz') as tar:
            info = tarfile.TarInfo('dist/p.whl')
            info.size = len(inner.getvalue())
            tar.addfile(info, io.BytesIO(inner.getvalue()))
        add('p.tar.xz', outer.getvalue(), t, True)
        add('g.gz.gz', gzip.compress(gzip.compress(f'a={t}\n'.encode())), t, True)
        t = tok()
        add('b64url.txt', 'cfg=' + url(f'{{"env":{{"KEY":"{t}"}}}}'.encode()) + '\n', t, True)
        t = tok()
        add('b64gz.txt', 'data: ' + base64.b64encode(gzip.compress(f'token = {t}\n'.encode())).decode() + '\n', t, True)
        t = tok()
        add('twice.txt', 'data: ' + base64.b64encode(base64.b64encode(f'token = "{t}"\n'.encode())).decode() + '\n', t, True)
        t = tok()
        add('userdata.txt', 'Content-Transfer-Encoding: base64\n\n' + base64.encodebytes(f'#!/bin/bash\nexport A={t}\n'.encode() * 3).decode(), t, True)
        t = tok()
        add('form.txt', 'body=' + urllib.parse.quote(json.dumps({'key': t})) + '\n', t, '%' in urllib.parse.quote(t))
        t = tok()
        add('esc.json', json.dumps({'log': json.dumps({'headers': {'auth': t}})}), t)
        t = tok()
        add('uni.json', '{"k": "' + ''.join(f'\\u{ord(c):04x}' if k % 9 == 4 else c for k, c in enumerate(t)) + '"}\n', t, True)
        t = tok()
        add('hexdump.txt', 'blob: ' + f'key={t};'.encode().hex().upper() + '\n', t, True)
        t = tok()
        add('utf16.reg', ('Windows Registry Editor\r\n[HKEY]\r\n"Token"="' + t + '"\r\n').encode('utf-16'), t, True)
        t = tok()
        add('long.json', '{"a":"' + 'lorem ipsum ' * 40000 + '","k":"' + t + '"}', t)
        t = tok()
        add('late.log', ''.join(f'{k} ok\n' for k in range(120000)) + f'auth={t}\n', t)
        t = tok()
        add('elf.bin', b'\x7fELF' + R.randbytes(2000) + b'\0' + t.encode() + b'\0' + R.randbytes(2000), t)
        t = tok()
        add('x.js.map', json.dumps({'version': 3, 'sources': ['a.ts'], 'sourcesContent': ['export const c = {\n  key: "' + t + '",\n};\n'], 'mappings': 'AAAA'}), t)


def main():
    os.makedirs(OUT, exist_ok=True)
    providers()
    provider_negatives()
    keys()
    connections()
    generic()
    generic_negatives()
    awkward()
    with open(OUT + '.truth.json', 'w') as f:
        json.dump(truth, f)


main()

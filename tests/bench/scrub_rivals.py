#!/usr/bin/env python3
# scrub_rivals.py DIR - other scanners on a set of scrub_eval.py, those that
# are installed: gitleaks, ripsecrets, detect-secrets.  A file with a
# credential counts as found by any finding in it (scrub_score.py asks for
# the place), a file without one as false.
# SPDX-License-Identifier: Apache-2.0
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

out = os.path.abspath(sys.argv[1])


def run(*args):
    return subprocess.run(args, cwd=out, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120).stdout.decode(errors='replace')


def gitleaks():
    with tempfile.TemporaryDirectory() as top:
        report = os.path.join(top, 'report')
        run('gitleaks', 'dir', '--no-banner', '--max-archive-depth', '4', '-f', 'json', '-r', report, out)
        return {os.path.relpath(x['File'].split('!')[0], out) for x in json.load(open(report))}


def ripsecrets():
    return {os.path.relpath(os.path.join(out, re.split(r':\d', line)[0]), out) for line in run('ripsecrets', out).splitlines() if ':' in line}


def detect_secrets():
    found = json.loads(run('detect-secrets', 'scan', '--all-files', '.'))['results']
    return {os.path.normpath(p) for p in found}


def bindu_scrub():
    return {f['path'].split('!')[0] for f in json.loads(run('bindu-scrub', '--all', '--json', out))['findings'] if f['level'] == 'block'}


truth = json.load(open(out + '.truth.json'))
for name, tool in (('bindu-scrub', bindu_scrub), ('gitleaks', gitleaks), ('ripsecrets', ripsecrets), ('detect-secrets', detect_secrets)):
    if not shutil.which(name):
        continue
    try:
        found = tool()
    except subprocess.TimeoutExpired:
        print(f'{name:15} no answer in two minutes')
        continue
    score = collections.defaultdict(collections.Counter)
    for t in truth:
        hit = t['path'] in found
        score[t['class']]['tp' if t['positive'] and hit else 'fn' if t['positive'] else 'fp' if hit else 'tn'] += 1
    cells = []
    for cls, c in score.items():
        p, r = c['tp'] / max(1, c['tp'] + c['fp']), c['tp'] / max(1, c['tp'] + c['fn'])
        cells.append(f'{cls} {p:.2f}/{r:.2f}')
    print(f'{name:15} precision/recall by file: ' + '  '.join(cells))

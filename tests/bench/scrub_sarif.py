#!/usr/bin/env python3
# scrub_sarif.py TREE SCHEMA - is the SARIF report of TREE valid against the
# published schema of SARIF 2.1.0, and are its fingerprints stable?
#
# The schema comes with the npm package @microsoft/jest-sarif
# (lib/schemas/sarif-2.1.0-rtm.5.json); scrub.bench fetches it.
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess
import sys
import tempfile

import jsonschema


def report(tree):
    run = subprocess.run(['bindu-scrub', '--all', '--sarif', tree], stdout=subprocess.PIPE, timeout=120)
    return json.loads(run.stdout)


def marks(log):
    return sorted((r['ruleId'], r['partialFingerprints']['binduScrub/v1']) for r in log['runs'][0]['results'])


tree, schema = sys.argv[1:]
log = report(tree)
errors = list(jsonschema.Draft7Validator(json.load(open(schema))).iter_errors(log))
for e in errors[:5]:
    print('invalid:', '/'.join(map(str, e.absolute_path)), e.message[:200])
# A line more above each text moves every finding and changes no fingerprint.
with tempfile.TemporaryDirectory() as top:
    moved = os.path.join(top, 'moved')
    shutil.copytree(tree, moved)
    for folder, _, names in os.walk(moved):
        for n in names:
            if n.endswith(('.txt', '.py', '.sh', '.ts', '.go', '.conf', '.yml')):
                path = os.path.join(folder, n)
                data = open(path, 'rb').read()
                if not data.startswith((b'\xff\xfe', b'\xfe\xff', b'\xef\xbb\xbf')) and b'\0' not in data:
                    open(path, 'wb').write(b'# moved\n' + data)
    stable = marks(report(moved)) == marks(log)
print(f'SARIF 2.1.0: {len(log["runs"][0]["results"])} results, {len(errors)} errors against the schema; '
      f'fingerprints {"stable" if stable else "CHANGED"} when every line moves')
sys.exit(bool(errors) or not stable)

#!/usr/bin/env python3
# scrub_score.py DIR [-v] - scores bindu-scrub on a set of scrub_eval.py.
#
# A credential is found when a finding of level block lies on its bytes (or in
# its file, where it is packed or encoded); a file without one must have none.
# SPDX-License-Identifier: Apache-2.0
import collections
import json
import subprocess
import sys

out = sys.argv[1]
run = subprocess.run(['bindu-scrub', '--all', '--json', out], stdout=subprocess.PIPE, timeout=120)
report = json.loads(run.stdout)
found = collections.defaultdict(list)
for f in report['findings']:
    if f['level'] == 'block':
        found[f['path'].split('!')[0]].append(f)
# What is left out by name does not ship either.
for d in report['dropped']:
    found[d['path']].append({'path': d['path'] + '!', 'rule': d['rule'], 'line': 0, 'level': 'drop'})
score = collections.defaultdict(collections.Counter)
for t in json.load(open(out + '.truth.json')):
    hits = found[t['path']]
    c = score[t['class']]
    if not t['positive']:
        c['fp' if hits else 'tn'] += 1
        if hits and '-v' in sys.argv:
            print('FALSE', t['path'], [(h['rule'], h['line']) for h in hits])
        continue
    good = [h for h in hits if t['offset'] < 0 or '!' in h['path'] or
            (h['offset'] < t['offset'] + t['length'] and t['offset'] < h['offset'] + h['length'])]
    # An AWS key's id is found beside its secret.
    extra = [h for h in hits if h not in good and not h['rule'].startswith('provider/aws')]
    c['tp' if good else 'fn'] += 1
    c['fp'] += bool(extra)
    if '-v' in sys.argv and (not good or extra):
        print('MISSED' if not good else 'EXTRA', t['path'], [(h['rule'], h['line'], h['level']) for h in hits])
for u in report['unread']:
    print('unread', u['path'], u['reason'])
for cls, c in score.items():
    p = c['tp'] / max(1, c['tp'] + c['fp'])
    r = c['tp'] / max(1, c['tp'] + c['fn'])
    print(f'{cls:11} P {p:.3f}  R {r:.3f}  F1 {2 * p * r / max(1e-9, p + r):.3f}   '
          f'{c["tp"]} found, {c["fn"]} missed, {c["fp"]} false, {c["tn"]} clean')

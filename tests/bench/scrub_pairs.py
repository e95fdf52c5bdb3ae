#!/usr/bin/env python3
# scrub_pairs.py FOLDER... - makes the letter-pair table of scrub_pairs.c.
#
# Counts how often one character follows another in the words of source text,
# and prints 16 * -log2 P(second | first) for 64 x 64 classes: a-z A-Z 0-9,
# then the joiners _ and -, then everything else.
# SPDX-License-Identifier: Apache-2.0
import math
import os
import re
import sys

SYMBOLS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_'
INDEX = {c: i for i, c in enumerate(SYMBOLS)}
INDEX['-'] = INDEX['_']
OTHER = 63

count = [[0.0] * 64 for _ in range(64)]
seen = {}
for top in sys.argv[1:]:
    for folder, _, names in os.walk(top):
        for name in names:
            if not name.endswith(('.py', '.go', '.js', '.ts', '.md', '.rst',
                                  '.txt', '.c', '.h', '.yml', '.yaml')):
                continue
            try:
                text = open(os.path.join(folder, name), encoding='ascii').read(400000)
            except (OSError, UnicodeDecodeError):
                continue
            for word in re.findall(r'[A-Za-z0-9_/.+-]{8,80}', text):
                digits = sum(c.isdigit() for c in word)
                if digits * 4 > len(word):
                    continue
                seen[word] = seen.get(word, 0) + 1
for word, n in seen.items():
    weight = 1 + math.log2(n)       # a word of one file counts, a common one not too much
    for a, b in zip(word, word[1:]):
        count[INDEX.get(a, OTHER)][INDEX.get(b, OTHER)] += weight

print(f'/* words: {len(seen)} */', file=sys.stderr)
for row in count:
    total = sum(row) + 64 * 0.5
    bits = [min(255, round(-16 * math.log2((c + 0.5) / total))) for c in row]
    for i in range(0, 64, 16):
        print('\t' + ' '.join('%d,' % b for b in bits[i:i + 16]))

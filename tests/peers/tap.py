"""TAP for the peers.  SPDX-License-Identifier: Apache-2.0"""


class Tap:
    def __init__(self, who):
        self.who, self.n, self.bad = who, 0, 0

    def ok(self, good, name):
        self.n += 1
        self.bad += not good
        print(f"{'' if good else 'not '}ok {self.n} - peers {self.who}: {name}", flush=True)

    def end(self):
        print(f"1..{self.n}")
        return 1 if self.bad else 0

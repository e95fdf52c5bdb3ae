#!/usr/bin/env python3
"""Compare bindu-pack with git on random trees and rule files.

usage: ignore.py [--cases N] [--seed N]

A case is one path judged by both.  git's answer is `git check-ignore`, ours
is what `bindu-pack --list` ships, and for a part of the paths also which rule
`--explain` names.  A difference is reduced to the smallest tree and rules
that show it, printed, and the exit status is 1.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

NAMES = [b"a", b"b", b"c", b"ab", b"abc", b"foo", b"bar", b"Foo", b"x.py",
         b"x.min.js", b"build", b".h", b"..x", b"a.", b"-", b"^a", b"keep",
         b" a", b"a ", b"a b", b"!a", b"#a", b"*", b"?", b"[", b"]", b"[a]x",
         b"\\", b"a\\", b"\\a", b":x", b"\xc3\xa9", b"\xff", b"\xff\xfea",
         b"a\tb", b"a\r", b"a\nb", b"]x", b"ax", b"-x", b"5x", b"~t", b"{a}"]
RULE_FILE = b".gitignore"
EXPLAINED = 12          # paths a tree whose rule is compared


def bracket(r):
    body = b"".join(r.choice([
        b"a", b"b", b"x", b"-", b"a-c", b"c-a", b"A-Z", b"]", b"[", b"\\]",
        b"\\\\", b"^", b"!", b"*", b"/", b".-0", b":", b"\xc3", b"\xff",
        b"[:digit:]", b"[:alpha:]", b"[:upper:]", b"[:lower:]", b"[:space:]",
        b"[:punct:]", b"[:alnum:]", b"[:cntrl:]", b"[:xdigit:]", b"[:print:]",
        b"[:graph:]", b"[:blank:]", b"[:bogus:]", b"[:digit]", b"[.a.]"])
        for _ in range(r.randint(0, 3)))
    end = b"" if r.random() < .06 else b"]"
    return b"[" + r.choice([b"", b"", b"!", b"^", b"]"]) + body + end


def piece(r):
    k = r.random()
    if k < .40:
        return r.choice(NAMES)
    if k < .58:
        return b"*"
    if k < .68:
        return b"**" if r.random() < .8 else b"***"
    if k < .76:
        return b"?"
    if k < .86:
        return bracket(r)
    if k < .93:
        return b"\\" + bytes([r.randrange(1, 256)])
    return bytes([r.choice(b"abx .-!#:\xff\t\r")])


def mutate(r, path):
    """A rule that has a fair chance to be about path."""
    parts = path.split(b"/")
    parts = parts[r.randrange(len(parts)):] if r.random() < .6 else parts
    out = []
    for p in parts:
        k = r.random()
        if k < .45:
            out.append(p)
        elif k < .55:
            out.append(b"*")
        elif k < .68:
            out.append(b"**")
        elif k < .8:
            i = r.randrange(len(p) + 1)
            out.append(p[:i] + r.choice([b"*", b"?", b"**", bracket(r)]) +
                       p[i + r.randint(0, 1):])
        elif k < .9:
            out.append(b"".join(b"\\" + bytes([c]) for c in p))
        else:
            out.append(piece(r))
    return b"/".join(out)


def rule(r, paths):
    k = r.random()
    if k < .03:
        return r.choice([b"", b"#x", b"!", b"/", b"//", b"\\", b" ", b"!/"])
    if k < .65 and paths:
        text = mutate(r, r.choice(paths))
    else:
        text = b"/".join(b"".join(piece(r) for _ in range(r.randint(1, 2)))
                         for _ in range(r.randint(1, 3)))
    if r.random() < .22:
        text = b"/" + text
    if r.random() < .25:
        text += b"/"
    if r.random() < .28:
        text = b"!" + text
    if r.random() < .06:
        text += r.choice([b" ", b"  ", b"\\ ", b"\t", b"\\"])
    return text.replace(b"\n", b"")


def rules(r, paths, most):
    out = b"\xef\xbb\xbf" if r.random() < .04 else b""
    for _ in range(r.randint(1, most)):
        line = rule(r, paths)
        if r.random() < .02:
            line += b"\0" + r.choice(NAMES).replace(b"\n", b"")
        out += line + (b"\r\n" if r.random() < .08 else b"\n")
    if r.random() < .2:
        out = out[:-1]
    return out


class Tree:
    """kinds: path -> 'd', 'f' or b'target'; files: path -> rules."""

    def __init__(self, r):
        self.kinds, self.ignores, self.fold = {}, {}, r.random() < .15
        self.grow(r, b"", 0)
        dirs = [b""] + [p for p, k in self.kinds.items() if k == "d"]
        paths = sorted(self.kinds)
        for d in dirs:
            if d == b"" and r.random() < .92 or r.random() < .3:
                inside = [p[len(d) + 1:] if d else p for p in paths
                          if not d or p.startswith(d + b"/")]
                name = d + b"/" + RULE_FILE if d else RULE_FILE
                self.ignores[name] = rules(r, inside, 6)
        if r.random() < .3:
            self.ignores[b".git/info/exclude"] = rules(r, paths, 3)
        if r.random() < .3:
            self.ignores[b"../excludes"] = rules(r, paths, 3)
        self.odd = r.random() < .05     # one rule file is a link to another
        self.nested = r.choice(dirs[1:]) if dirs[1:] and \
            r.random() < .1 else None

    def grow(self, r, at, depth):
        for name in r.sample(NAMES, r.randint(1, 6)):
            path = at + b"/" + name if at else name
            k = r.random()
            if depth < 4 and k < .45:
                self.kinds[path] = "d"
                if r.random() < .9:
                    self.grow(r, path, depth + 1)
            else:
                self.kinds[path] = b"a" if k > .93 else "f"

    def write(self, top):
        for p in os.listdir(top):
            if p == b".git":
                continue
            p = os.path.join(top, p)
            if os.path.isdir(p) and not os.path.islink(p):
                shutil.rmtree(p)
            else:
                os.unlink(p)
        for p in (b".git/info/exclude", b"../excludes"):
            open(os.path.join(top, p), "wb").close()
        for p, k in sorted(self.kinds.items()):
            p = os.path.join(top, p)
            if k == "d":
                os.mkdir(p)
            elif k == "f":
                open(p, "wb").close()
            else:
                os.symlink(k, p)
        for p, text in self.ignores.items():
            q = os.path.join(top, p)
            if os.path.isdir(os.path.dirname(q)):
                if self.odd and p.count(b"/") == 1 and p[0:1] != b".":
                    os.symlink(b"../" + RULE_FILE, q)
                    continue
                with open(q, "wb") as f:
                    f.write(text)
        if self.nested and self.nested in self.kinds:
            g = os.path.join(top, self.nested, b".git")
            for d in (b"objects", b"refs"):
                os.makedirs(os.path.join(g, d))
            with open(os.path.join(g, b"HEAD"), "wb") as f:
                f.write(b"ref: refs/heads/main\n")
        with open(os.path.join(top, b".git/config"), "w") as f:
            f.write("[core]\n\trepositoryformatversion = 0\n\tbare = false\n"
                    "\texcludesFile = %s\n\tignorecase = %s\n" %
                    (json.dumps(os.path.realpath(os.path.join(
                        top, b"../excludes")).decode()),
                     "true" if self.fold else "false"))

    def smaller(self):
        """Trees with one thing less, most promising first."""
        for p in list(self.ignores):
            yield lambda t, p=p: t.ignores.pop(p, None)
        for p in sorted(self.kinds, key=len):
            def cut(t, p=p):
                for q in list(t.kinds):
                    if q == p or q.startswith(p + b"/"):
                        del t.kinds[q]
            yield cut
        for p, text in list(self.ignores.items()):
            lines = text.split(b"\n")
            for i in range(len(lines)):
                def drop(t, p=p, i=i):
                    if p in t.ignores:
                        l = t.ignores[p].split(b"\n")
                        t.ignores[p] = b"\n".join(l[:i] + l[i + 1:])
                yield drop
        for p, text in list(self.ignores.items()):
            for i in range(len(text)):
                def byte(t, p=p, i=i):
                    if p in t.ignores:
                        s = t.ignores[p]
                        t.ignores[p] = s[:i] + s[i + 1:]
                yield byte
        for flag in ("odd", "fold", "nested"):
            if getattr(self, flag):
                yield lambda t, flag=flag: setattr(t, flag, False)

    def copy(self):
        t = Tree.__new__(Tree)
        t.kinds, t.ignores = dict(self.kinds), dict(self.ignores)
        t.fold, t.odd, t.nested = self.fold, self.odd, self.nested
        return t


class Bench:
    def __init__(self, work):
        self.top = os.path.join(work, b"repo")
        self.ignored = 0
        os.mkdir(self.top)
        home = os.path.join(work, b"home")
        os.mkdir(home)
        self.env = {k: v for k, v in os.environb.items()
                    if not k.startswith((b"GIT_", b"XDG_"))}
        self.env.update({b"HOME": home, b"GIT_CONFIG_NOSYSTEM": b"1",
                         b"XDG_CACHE_HOME": home + b"/.cache",
                         b"XDG_STATE_HOME": home + b"/.state",
                         b"XDG_CONFIG_HOME": home + b"/.config",
                         b"LC_ALL": b"C"})
        self.run([b"git", b"init", b"-q", b"."], self.top)

    def run(self, argv, cwd, data=b"", ok=(0,)):
        p = subprocess.run(argv, cwd=cwd, input=data, env=self.env,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=60)
        if p.returncode not in ok:
            raise RuntimeError("%r: %d: %r" % (argv, p.returncode, p.stderr))
        return p.stdout

    def ask_git(self, paths):
        """path -> (ignored, "source:line:pattern")."""
        data = b"".join(b"./" + p + b"\0" for p in paths)
        out = self.run([b"git", b"check-ignore", b"--no-index", b"-v", b"-n",
                        b"-z", b"--stdin"], self.top, data, (0, 1))
        f = out.split(b"\0")
        res = {}
        for i in range(0, len(f) - 3, 4):
            src, line, pat, path = f[i:i + 4]
            res[path[2:]] = (src != b"" and not pat.startswith(b"!"),
                             b":".join((src, line, pat)) if src else b"")
        return res

    def ask_us(self, root):
        out = self.run([b"bindu-pack", b"-q", b"--no-deny", b"--no-defaults",
                        b"--list", b"-0"],
                       os.path.join(self.top, root) if root else self.top)
        return set((root + b"/" if root else b"") + p
                   for p in out.split(b"\0")[:-1])

    def explain(self, paths):
        argv = [b"bindu-pack", b"-q", b"--no-deny", b"--no-defaults",
                b"--json"]
        for p in paths:
            argv += [b"--explain", b"./" + p]
        out = self.run(argv, self.top, ok=(0, 1))
        return [json.loads(l) for l in out.splitlines()]

    def differences(self, tree, r):
        """Returns the number of cases and what differs."""
        tree.write(self.top)
        listed = []             # what is on disk, our view and git's
        for at, dirs, files in os.walk(self.top):
            dirs[:] = [d for d in dirs if d != b".git"]
            rel = os.path.relpath(at, self.top)
            for n in dirs + files:
                if n != b".git":
                    listed.append(n if rel == b"." else rel + b"/" + n)
        if not listed:
            return 0, []
        git = self.ask_git(listed)
        root = b""
        dirs = [p for p in listed if tree.kinds.get(p) == "d" and
                not git[p][0] and not (tree.nested and (p + b"/").startswith(
                    tree.nested + b"/"))]   # there, git asks the inner one
        if dirs and not tree.odd and r.random() < .2:
            root = r.choice(sorted(dirs))
        ours = self.ask_us(root)
        diff, cases = [], 0
        for p in listed:
            full = os.path.join(self.top, p)
            if root and not p.startswith(root + b"/"):
                continue
            is_dir = os.path.isdir(full) and not os.path.islink(full)
            if is_dir and os.listdir(full):
                continue        # directories are listed when empty
            cases += 1
            self.ignored += git[p][0]
            if (p in ours) == git[p][0]:
                diff.append((p, git[p], "ships" if p in ours else "left out"))
        some = r.sample(sorted(listed), min(len(listed), EXPLAINED))
        for p, x in zip(some, self.explain(some)):
            want = git[p][1].decode("latin1")
            cases += 1
            rule_text = x["rule"]
            if x["ships"] == git[p][0] or (
                    all(32 <= ord(c) < 127 for c in want) and
                    "\\" not in want and os.path.basename(
                        rule_text) != os.path.basename(want)):
                diff.append((p, git[p], x))
        return cases, diff


def reduce(bench, tree, seed):
    for _ in range(20):
        again = False
        for change in tree.smaller():
            t = tree.copy()
            change(t)
            try:
                if bench.differences(t, random.Random(seed))[1]:
                    tree, again = t, True
            except (RuntimeError, OSError):
                pass
        if not again:
            break
    return tree


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--cases", type=int, default=5000)
    a.add_argument("--seed", type=int, default=None)
    o = a.parse_args()
    seed = o.seed if o.seed is not None else random.SystemRandom().randrange(
        1 << 32)
    print("# seed %d" % seed, flush=True)
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bindu-fuzz-", dir=base) as work:
        bench = Bench(os.fsencode(work))
        cases = trees = 0
        while cases < o.cases:
            s = "%d/%d" % (seed, trees)
            tree = Tree(random.Random(s))
            n, diff = bench.differences(tree, random.Random(s))
            cases += n
            trees += 1
            if diff:
                small = reduce(bench, tree, s)
                print("not ok - tree %s differs from git" % s)
                for p, g, u in bench.differences(small, random.Random(s))[1]:
                    print("  %r: git %r, bindu-pack %r" % (p, g, u))
                print("  rules %r\n  tree %r\n  ignorecase %r nested %r odd "
                      "%r" % (small.ignores, small.kinds, small.fold,
                              small.nested, small.odd))
                return 1
        print("ok - %d cases in %d trees, as git (%d ignored)" %
              (cases, trees, bench.ignored))
    return 0


if __name__ == "__main__":
    sys.exit(main())

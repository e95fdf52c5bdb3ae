"""What a Python project's files ask for, as requirements for pip and uv.

needs.py project FILE	pyproject.toml, or the header of a script (PEP 723):
			a requirement a line; "." where only building the
			project can tell
needs.py lock FILE	uv.lock or poetry.lock as constraints: NAME==VERSION
			for every package that comes from an index

Exit 3 where Python cannot read TOML (before 3.11).

SPDX-License-Identifier: Apache-2.0
"""

import collections
import os
import re
import sys

try:
    import tomllib
except ImportError:
    sys.exit(3)


def after(version, places):
    """The first version that differs in the first PLACES numbers."""
    n = [int(x) for x in re.findall(r"\d+", version)[:places]]
    return ".".join(map(str, n[:-1] + [n[-1] + 1]))


def specifier(text):
    """Poetry's ^1.2, ~1.2, 1.* and 1.2 as others write them."""
    if "|" in text:
        print(f"{text}: any version is taken, a specifier has no or",
              file=sys.stderr)
        return ""
    out = []
    for one in re.sub(r"(?<=[\w*])\s+(?=[<>=!~^])", ",", text).split(","):
        one = one.strip().replace(" ", "")
        bare = one.lstrip("^~")
        numbers = re.findall(r"\d+", bare.split("-")[0])
        if one in ("", "*"):
            continue
        if one[0] == "^":
            zeros = [i for i, x in enumerate(numbers[:3]) if int(x)]
            out += [">=" + bare,
                    "<" + after(bare, zeros[0] + 1 if zeros else len(numbers))]
        elif one[0] == "~" and one[1] != "=":
            out += [">=" + bare, "<" + after(bare, min(len(numbers), 2))]
        else:
            out.append(one if one[0] in "<>=!~" else "==" + one)
    return ",".join(out)


def poetry(name, want):
    """The requirements of one line of [tool.poetry.dependencies]."""
    if isinstance(want, list):
        return [r for one in want for r in poetry(name, one)]
    if isinstance(want, str):
        want = {"version": want}
    if want.get("optional"):
        return []
    if "path" in want:
        return ["./" + os.path.normpath(want["path"])]
    extras = ",".join(want.get("extras", []))
    line = name + (f"[{extras}]" if extras else "")
    ref = want.get("rev") or want.get("tag") or want.get("branch")
    if "git" in want:
        line += f" @ git+{want['git']}" + (f"@{ref}" if ref else "")
    elif "url" in want:
        line += " @ " + want["url"]
    else:
        line += specifier(want.get("version", "*"))
    when = [f"({want['markers']})"] if "markers" in want else []
    for s in filter(None, specifier(want.get("python", "*")).split(",")):
        op, version = re.match(r"(\W+)(.*)", s).groups()
        name = "python_full_version" if version.count(".") > 1 and \
            "*" not in version else "python_version"
        when.append(f'{name} {op} "{version}"')
    return [line + (" ; " + " and ".join(when) if when else "")]


def project(path):
    t = tomllib.load(open(path, "rb"))
    p = t.get("project")
    of_poetry = t.get("tool", {}).get("poetry", {}).get("dependencies")
    if p is not None and "dependencies" not in p.get("dynamic", []):
        return p.get("dependencies", [])
    if of_poetry is not None:
        return [r for name, want in of_poetry.items()
                if name.lower() != "python" for r in poetry(name, want)]
    if p is not None or "build-system" in t or os.path.exists(
            os.path.join(os.path.dirname(path), "setup.py")):
        return ["."]
    return t.get("dependencies", [])


def lock(path):
    versions = collections.defaultdict(list)
    for p in tomllib.load(open(path, "rb")).get("package", []):
        source = p.get("source", {})
        if source.get("type", "legacy") == "legacy" and \
                not source.keys() - {"registry", "type", "url", "reference"}:
            versions[p["name"]].append(p)
    for name, all_of_it in versions.items():
        for p in all_of_it:
            # Of several versions each has its place.
            when = p.get("resolution-markers") or p.get("markers")
            if isinstance(when, dict):
                when = when.get("main")
            if isinstance(when, list):
                when = " or ".join(f"({w})" for w in when)
            if len(all_of_it) == 1:
                yield f"{name}=={p['version']}"
            elif when:
                yield f"{name}=={p['version']} ; {when}"


print("\n".join({"project": project, "lock": lock}[sys.argv[1]](sys.argv[2])))

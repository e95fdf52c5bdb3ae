"""A build backend that needs nothing: all modules beside it, or in src/.

What the file needs.in names is what the wheel needs.
"""
import os
import re
import zipfile


def build_wheel(where, config_settings=None, metadata_directory=None):
    text = open("pyproject.toml").read()
    name = re.search(r'name = "(.*)"', text)[1]
    version = re.search(r'version = "(.*)"', text)[1]
    info = f"{name}-{version}.dist-info/"
    needs = open("needs.in").read().split() if os.path.exists("needs.in") else []
    top = "src" if os.path.isdir("src") else "."
    files = {f: open(os.path.join(top, f)).read()
             for f in os.listdir(top) if f.endswith(".py")}
    files[info + "METADATA"] = (
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + "".join(f"Requires-Dist: {n}\n" for n in needs))
    files[info + "WHEEL"] = ("Wheel-Version: 1.0\nGenerator: t\n"
                             "Root-Is-Purelib: true\nTag: py3-none-any\n")
    record = "".join(f"{f},,\n" for f in [*files, info + "RECORD"])
    files[info + "RECORD"] = record
    wheel = f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(where, wheel), "w") as z:
        for f, body in files.items():
            z.writestr(f, body)
    return wheel

#!/usr/bin/env python3
"""The published 0.2 client, unchanged, against bindu-boxd.  TAP on stdout.

SPDX-License-Identifier: Apache-2.0"""
import os
import sys
import time

from boxd import Boxd
from tap import Tap

t = Tap("0.2")


def main(url, key, image=None, pause="yes"):
    c = Boxd(api_key=key, base_url=url)
    m = c.machines.create("peer02", image=image, labels={"team": "a"}, auto_suspend_timeout=0)
    try:
        t.ok(m.name == "peer02", "create answers with the machine")
        for _ in range(1200):
            if c.machines.get(m.id).status == "running":
                break
            time.sleep(0.5)
        drive(c, m.id, pause)
    finally:
        c.machines.delete(m.id)
    t.ok("peer02" not in [x.name for x in c.machines.list()],
         "a destroyed machine is gone from the list")
    try:
        c.machines.get("peer02")
        t.ok(False, "a destroyed machine is not found")
    except Exception as e:
        t.ok("NotFound" in type(e).__name__, "a destroyed machine is not found")


def sleep_and_wake(c, id):
    t.ok(c.machines.pause(id).suspend_us > 0 and c.machines.get(id).status == "suspended",
         "pause suspends")
    try:
        c.machines.exec(id, "true")
        t.ok(False, "exec in a suspended machine is refused")
    except Exception as e:
        t.ok("resume" in str(e), "exec in a suspended machine is refused")
    t.ok(c.machines.resume(id).resume_us > 0 and c.machines.get(id).status == "running",
         "resume resumes")


def drive(c, id, pause):
    c.machines.wait_until_ready(id)
    m = c.machines.get("peer02")
    t.ok(m.status == "running" and m.id == id, "the machine is found by name and runs")
    t.ok(m.resources.vcpu == 2 and m.resources.memory_bytes == 4 << 30, "its size is told")
    t.ok(m.labels.get("local_url", "").startswith("http://127.0.0.1:"),
         "its own address is a label")
    t.ok([x.name for x in c.machines.list(labels={"team": "a"})] == ["peer02"] and
         c.machines.list(labels={"team": "b"}) == [], "labels select")
    r = c.machines.exec(id, "echo out; echo err >&2; exit 3")
    t.ok((r.stdout, r.stderr, r.exit_code) == ("out\n", "err\n", 3),
         "exec keeps the two streams apart")
    with c.machines.stream_exec(id, command="cat; echo end") as s:
        s.write(b"x" * 3_000_000)
        s.write_eof()
        out = b"".join(s)
    t.ok(out == b"x" * 3_000_000 + b"end\n" and s.exit_code == 0, "3 MB go in and come out")
    look = "for i in $(seq 300); do stty size | grep '30 100' && break; sleep 0.1; done"
    with c.machines.stream_exec(id, command=look, tty=True) as s:
        s.resize(100, 30)
        out = b"".join(s)
    t.ok(b"30 100" in out, "a window change reaches the terminal")
    data = os.urandom(5_000_001)
    t.ok(c.machines.files.upload(id, "/home/boxd/a/b.bin", data) == len(data),
         "a streamed upload counts its bytes")
    t.ok(c.machines.files.download(id, "/home/boxd/a/b.bin") == data,
         "a streamed download gives them back")
    t.ok(c.machines.files.upload(id, "/home/boxd/none", b"") == 0 and
         c.machines.files.download(id, "/home/boxd/none") == b"", "an empty file streams too")
    if pause == "yes":
        sleep_and_wake(c, id)
    c.machines.proxies.set_port(id, 3773)
    t.ok([p.port for p in c.machines.proxies.list(id)] == [3773], "the proxy's port is set")
    c.machines.reboot(id)
    t.ok(c.machines.files.download(id, "/home/boxd/a/b.bin") == data, "files outlive a reboot")
    try:
        c.machines.create("peer02")
        t.ok(False, "a taken name is refused")
    except Exception as e:
        t.ok("exists" in str(e), "a taken name is refused")
    try:
        c.machines.hibernate(id)
        t.ok(False, "a call that is not served is refused by name")
    except Exception as e:
        t.ok("HibernateVm" in str(e), "a call that is not served is refused by name")


main(*sys.argv[1:5])
sys.exit(t.end())

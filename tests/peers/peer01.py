#!/usr/bin/env python3
"""The published 0.1 client, unchanged, against bindu-boxd.  TAP on stdout.

SPDX-License-Identifier: Apache-2.0"""
import asyncio
import sys

from boxd.aio import Compute
from tap import Tap

t = Tap("0.1")


async def main(url, key, image="", pause="yes"):
    async with Compute(api_key=key, api_url=url,
                       exchange_url=url + "/api/v1/auth/token") as c:
        who = await c.whoami()
        t.ok(who.user_id != "", "whoami names a user")
        config = await c.config()
        t.ok(config.default_image != "", "config names the default image")
        box = await c.box.create("peer01", image=image)
        try:
            t.ok(box.status in ("running", "starting"), "create answers with a status")
            t.ok(box.url.startswith("http://peer01.localhost:"), "create gives the url")
            await until_running(c, box)
            await drive(c, box, pause)
        finally:
            await box.destroy()
        names = [b.name for b in await c.box.list()]
        t.ok("peer01" not in names, "a destroyed box is gone from the list")
        try:
            await c.box.get("peer01")
            t.ok(False, "a destroyed box is not found")
        except Exception as e:
            t.ok("NotFound" in type(e).__name__, "a destroyed box is not found")


async def until_running(c, box):
    for _ in range(1200):
        if (await c.box.get(box.id)).status == "running":
            return
        await asyncio.sleep(0.5)


async def sleep_and_wake(c, box):
    r = await box.suspend()
    t.ok(r.suspend_us > 0, "suspend says how long it took")
    t.ok((await c.box.get(box.id)).status == "suspended", "a suspended box says so")
    r = await box.resume()
    t.ok(r.resume_us > 0, "resume says how long it took")
    t.ok((await box.exec("true")).exit_code == 0, "exec works after a resume")


async def drive(c, box, pause):
    r = await box.exec("echo", "hello world")
    t.ok(r.stdout == "hello world\n" and r.exit_code == 0, "exec gives output and code 0")
    r = await box.exec("sh", "-c", "exit 7")
    t.ok(r.exit_code == 7, "exec gives the exit code")
    r = await box.exec("sh", "-c", 'echo "$A"', env={"A": "it's"})
    t.ok(r.stdout == "it's\n", "exec passes the environment")
    p = await box.exec("cat", stream=True)
    p.stdin.write("ping\n")
    p.stdin.write_eof()
    out = b""
    async for chunk in p.stdout:
        out += chunk
    t.ok(out == b"ping\n" and await p.wait() == 0, "a streamed exec echoes its input")
    p = await box.exec("sh", "-c", "test -t 0 && echo tty", stream=True, pty=True)
    out = b""
    async for chunk in p.stdout:
        out += chunk
    t.ok(out == b"tty\r\n", "a pty is a terminal")
    data = bytes(range(256)) * 4096
    await box.write_file(data, "/home/boxd/up/load.bin")
    t.ok(await box.read_file("/home/boxd/up/load.bin") == data, "a file comes back as it went")
    await box.write_file(b"", "/home/boxd/empty")
    t.ok(await box.read_file("/home/boxd/empty") == b"", "an empty file comes back empty")
    await box.set_proxy_port(3773)
    ports = [p.port for p in await box.proxies() if p.is_default]
    t.ok(ports == [3773], "the default proxy's port is set")
    if pause == "yes":
        await sleep_and_wake(c, box)
    else:
        try:
            await box.suspend()
            t.ok(False, "suspend is refused where it cannot be, with the reason")
        except Exception as e:
            t.ok("root" in str(e), "suspend is refused where it cannot be, with the reason")
    t.ok("peer01" in [b.name for b in await c.box.list()], "list names the box")
    t.ok((await c.box.get("peer01")).id == box.id, "get finds it by name")
    logs = [x async for x in box.stream_logs()]
    t.ok(isinstance(logs, list), "logs end by themselves")
    await box.stop()
    t.ok((await c.box.get(box.id)).status == "stopped", "a stopped box says so")
    await box.start()
    t.ok(await box.read_file("/home/boxd/up/load.bin") == data, "files outlive a stop and start")
    try:
        await c.domain.list()
        t.ok(False, "a call that is not served is refused by name")
    except Exception as e:
        t.ok("ListDomains" in str(e), "a call that is not served is refused by name")


asyncio.run(main(*sys.argv[1:5]))
sys.exit(t.end())

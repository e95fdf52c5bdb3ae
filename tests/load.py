"""Ask an agent while it is redeployed, and say what went wrong.

load.py load SECONDS|FILE RATE PATH URL...      keep-alive and new connections,
        until FILE exists; for / also POST, and each body must begin and end
        with one version
load.py stream SECONDS URL              one response that lasts so long
load.py ws SECONDS URL                  one WebSocket, ten messages a second

NAME.localhost is asked at 127.0.0.1.  Prints a JSON object; exit 1 when
anything failed.
"""

import base64
import collections
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import urllib.parse

WORKERS = 20


def where(url):
    u = urllib.parse.urlsplit(url)
    host = "127.0.0.1" if u.hostname.endswith("localhost") else u.hostname
    return host, u.port or 80, u.netloc


class Load:
    def __init__(self, seconds, rate, path, urls):
        self.until = seconds
        self.began = time.monotonic()
        self.gap = WORKERS / rate
        self.path, self.urls = path, urls
        self.took, self.errors = [], collections.Counter()
        self.seen = collections.Counter()

    def is_over(self):
        try:
            return time.monotonic() > self.began + float(self.until)
        except ValueError:
            return os.path.exists(self.until)

    def ask(self, conn, url, turn):
        body = b"x" * 3000 if turn % 4 == 3 else None
        head = {"Host": where(url)[2]}
        if body is None or self.path != "/":
            conn.request("GET", self.path, headers=head)
        else:
            conn.request("POST", self.path, body, headers=head)
        answer = conn.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise ValueError(f"status {answer.status}: {data[:80]!r}")
        if self.path == "/":
            versions = re.match(rb"(v\d+)[.x]+(v\d+)$", data)
            if not versions or versions[1] != versions[2]:
                raise ValueError(f"mixed: {data[:9]!r} {data[-9:]!r}")
            self.seen[versions[1].decode()] += 1
        return answer.will_close

    def work(self, n):
        url = self.urls[n % len(self.urls)]
        host, port, _ = where(url)
        conn, turn = None, 0
        at = time.monotonic() + self.gap * n / WORKERS
        while not self.is_over():
            time.sleep(max(at - time.monotonic(), 0))
            began, turn = time.monotonic(), turn + 1
            try:
                conn = conn or http.client.HTTPConnection(host, port, timeout=20)
                # A third of the workers never uses a connection twice.
                if self.ask(conn, url, turn) or n % 3 == 0:
                    conn.close()
                    conn = None
            except Exception as e:
                self.errors[f"{type(e).__name__}: {e}"] += 1
                if conn:
                    conn.close()
                conn = None
            # From when it was due: one that waits delays the next.
            self.took.append(time.monotonic() - min(began, at))
            at += self.gap

    def run(self):
        threads = [threading.Thread(target=self.work, args=(n,))
                   for n in range(WORKERS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.took.sort()
        ms = [round(t * 1000, 1) for t in self.took]
        return {"requests": len(ms), "failed": sum(self.errors.values()),
                "p50_ms": ms[len(ms) // 2], "p99_ms": ms[len(ms) * 99 // 100],
                "max_ms": ms[-1], "versions": dict(self.seen),
                "errors": dict(self.errors)}


def stream(seconds, url):
    host, port, name = where(url)
    conn = http.client.HTTPConnection(host, port, timeout=20)
    conn.request("GET", f"/stream?{seconds}", headers={"Host": name})
    data = conn.getresponse().read().decode()
    versions = set(re.findall(r"v\d+", data))
    whole = len(versions) == 1 and len(re.findall("v", data)) == int(seconds * 10)
    return {"failed": int(not whole), "versions": sorted(versions)}


def ws(seconds, url):
    host, port, name = where(url)
    s = socket.create_connection((host, port), 20)
    f = s.makefile("rb")
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall(f"GET /ws HTTP/1.1\r\nHost: {name}\r\nUpgrade: websocket\r\n"
              f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
              "Sec-WebSocket-Version: 13\r\n\r\n".encode())
    status = f.readline().decode().split()[1]
    while f.readline().strip():
        pass
    seen, end = collections.Counter(), time.monotonic() + seconds
    while status == "101" and time.monotonic() < end:
        s.sendall(b"\x81\x82" + b"\0\0\0\0" + b"hi")
        head = f.read(2)
        if len(head) < 2:
            status = "cut"
            break
        seen[f.read(head[1]).decode()] += 1
        time.sleep(0.1)
    s.close()
    return {"failed": int(status != "101" or len(seen) != 1), "status": status,
            "versions": dict(seen)}


def main(kind, seconds, *rest):
    if kind == "load":
        answer = Load(seconds, float(rest[0]), rest[1], rest[2:]).run()
    else:
        answer = {"stream": stream, "ws": ws}[kind](float(seconds), rest[0])
    print(json.dumps(answer))
    return int(answer["failed"] > 0)


sys.exit(main(*sys.argv[1:]))

#!/usr/bin/env python3
"""An HTTP server that misbehaves on request.

httpd.py DIR: listens on 127.0.0.1, writes DIR/http-port when ready, notes
each request in DIR/http-calls.  The path chooses the answer: /up/SECONDS a
health answer, /status/CODE, /html, /hang, /close, /notready, /later/SECONDS
(503 until then); POST /token is a key exchange that behaves as the first line
of DIR/http-script says (each line is used once; without one: well).
"""
import http.server
import json
import os
import sys
import threading
import time

DIR = sys.argv[1]
BEGAN = time.time()
LOCK = threading.Lock()


def next_line():
    path = os.path.join(DIR, "http-script")
    with LOCK:
        try:
            with open(path) as f:
                lines = f.read().split("\n")
        except FileNotFoundError:
            return ""
        with open(path, "w") as f:
            f.write("\n".join(lines[1:]))
        return lines[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, code, body=b"", kind="application/json", **headers):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.end_headers()
        self.wfile.write(body)

    def note(self, what=""):
        with LOCK, open(os.path.join(DIR, "http-calls"), "a") as f:
            f.write("%s %s %s\n" % (self.command, self.path, what))

    def do_GET(self):
        self.note()
        part = self.path.strip("/").split("/")
        what = part[0]
        if what == "up":
            self.answer(200, json.dumps({
                "ready": True, "uptime_seconds": float(part[1])}).encode())
        elif what == "status":
            self.answer(int(part[1]), b"{}")
        elif what == "html":
            self.answer(200, b"<html>please wait", "text/html")
        elif what == "notready":
            self.answer(200, b'{"ready": false, "uptime_seconds": 1}')
        elif what == "later":
            late = time.time() - BEGAN - float(part[1])
            self.answer(200 if late > 0 else 503, json.dumps({
                "ready": True, "uptime_seconds": max(late, 0)}).encode())
        elif what == "redirect":
            self.answer(302, Location="/up/1")
        elif what == "hang":
            time.sleep(30)
        else:
            self.close_connection = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.note(body.decode())
        how = next_line()
        good = {"token": "tok-%d" % int(time.time() * 1000),
                "expires_at": time.time() + 3600, "user_id": "u"}
        if how == "malformed":
            self.answer(200, b'{"token": ')
        elif how == "empty":
            self.answer(200, b"")
        elif how == "notoken":
            self.answer(200, b'{"expires_at": 9999999999}')
        elif how == "expired":
            # time(2) may be a tick behind, in the second before.
            good["expires_at"] = time.time() - 10
            self.answer(200, json.dumps(good).encode())
        elif how == "short":
            good["expires_at"] = time.time() + 200
            self.answer(200, json.dumps(good).encode())
        elif how == "big":
            self.answer(200, b'{"token": "' + b"x" * 200000 + b'"}')
        elif how == "badtoken":
            good["token"] = "a\nb"
            self.answer(200, json.dumps(good).encode())
        elif how == "redirect":
            self.answer(307, Location="/elsewhere")
        elif how.isdigit():
            self.answer(int(how), b"secret words of the server",
                        Retry_After="1")
        else:
            time.sleep(0.2)
            self.answer(200, json.dumps(good).encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(os.path.join(DIR, "http-port.new"), "w") as f:
    f.write("%d\n" % server.server_port)
os.rename(os.path.join(DIR, "http-port.new"), os.path.join(DIR, "http-port"))
server.serve_forever()

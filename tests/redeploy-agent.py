"""An agent for tests of a redeploy: its version is in every byte's company.

/ says VERSION, much, VERSION; /stream?SECONDS says VERSION ten times a second;
/ws answers each WebSocket message with VERSION.
"""

import base64
import hashlib
import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "v0"
PORT = int(os.environ["BINDU_PORT"])
STARTED = time.monotonic()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def send(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, seconds):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(int(seconds * 10)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(VERSION), VERSION.encode()))
            time.sleep(0.1)
        self.wfile.write(b"0\r\n\r\n")

    def websocket(self):
        key = self.headers["Sec-WebSocket-Key"]
        magic = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(
            hashlib.sha1(magic.encode()).digest()).decode())
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            size = head[1] & 127
            self.rfile.read(4 + size)
            if head[0] == 0x88:
                break
            self.wfile.write(bytes([0x81, len(VERSION)]) + VERSION.encode())

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/health":
            self.send(json.dumps({
                "ready": True, "version": VERSION, "pid": os.getpid(),
                "port": PORT, "secret": os.environ.get("SECRET"),
                "uptime_seconds": round(time.monotonic() - STARTED, 2),
            }).encode())
        elif path == "/stream":
            self.stream(float(query))
        elif path == "/ws":
            self.websocket()
        elif path != "/":
            self.send_error(404)
        else:
            self.send((VERSION + "." * 20000 + VERSION).encode())

    def do_POST(self):
        heard = self.rfile.read(int(self.headers["Content-Length"]))
        self.send(VERSION.encode() + heard + VERSION.encode())

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


if __name__ == "__main__":
    print("serving", VERSION, "on", PORT, flush=True)
    Server(("0.0.0.0", PORT), Handler).serve_forever()

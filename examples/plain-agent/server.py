"""An agent of nothing but Python's own library.

GET /health says that it is ready and since when; POST / answers a
message/send with what it heard, in the same words a bindu agent would use.
"""

import json
import os
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "1"
STARTED = time.monotonic()
LIMIT = 1 << 20


def health():
    return {
        "health": "healthy",
        "ready": True,
        "status": "ok",
        "uptime_seconds": round(time.monotonic() - STARTED, 2),
        "version": VERSION,
    }


def answer(call):
    """The JSON-RPC answer to one call."""
    reply = {"jsonrpc": "2.0", "id": call.get("id")}
    if call.get("method") != "message/send":
        reply["error"] = {"code": -32601, "message": "only message/send"}
        return reply
    heard = call.get("params", {}).get("message", {})
    reply["result"] = {
        "id": heard.get("taskId") or str(uuid.uuid4()),
        "contextId": heard.get("contextId") or str(uuid.uuid4()),
        "kind": "task",
        "status": {"state": "completed"},
        "artifacts": [
            {"artifactId": str(uuid.uuid4()), "parts": heard.get("parts", [])}
        ],
    }
    return reply


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def send(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path == "/health":
            self.send(200, health())
        else:
            self.send(404, {"error": "no such path"})

    def do_POST(self):
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 <= size <= LIMIT:
            self.close_connection = True
            self.send(413, {"error": "too large"})
            return
        try:
            call = json.loads(self.rfile.read(size))
            self.send(200, answer(call))
        except (ValueError, AttributeError):
            self.send(400, {"error": "not a JSON-RPC call"})


if __name__ == "__main__":
    host = os.environ.get("BINDU_HOST", "127.0.0.1")
    port = int(os.environ.get("BINDU_PORT", "3773"))
    print(f"serving on {host}:{port}", flush=True)
    ThreadingHTTPServer((host, port), Handler).serve_forever()

#!/usr/bin/env python3
"""Speak boxd/wire.h by hand: one request, its events, its descriptors.

  wire.py SOCKET JSON            print the answer (and a last event for put/get)
  wire.py SOCKET --exec JSON     be the command: stdin, stdout, stderr, status
  wire.py SOCKET --signal N COMMAND  once it has said up; print its status
  wire.py SOCKET --drop COMMAND  close the connection then
  wire.py SOCKET --put PATH FILE   wire.py SOCKET --get PATH FILE
  wire.py SOCKET --times N JSON  N execs one after another, print the ms of each
  wire.py SOCKET --at-once N JSON  N execs at once, print how many ended with 0

SPDX-License-Identifier: Apache-2.0
"""
import array
import json
import os
import select
import socket
import sys
import threading
import time

LIMIT = float(os.environ.get("WIRE_TIMEOUT", "30"))


class Wire:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(LIMIT)
        # A path over 107 bytes is reached through its directory.
        fd = os.open(os.path.dirname(path) or ".", os.O_PATH)
        self.sock.connect("/proc/self/fd/%d/%s" % (fd, os.path.basename(path)))
        os.close(fd)

    def send(self, message):
        self.sock.send(json.dumps(message).encode())

    def recv(self):
        fds = array.array("i")
        data, ancillary, _, _ = self.sock.recvmsg(1 << 18, socket.CMSG_SPACE(12))
        for level, kind, body in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(body[: len(body) - len(body) % 4])
        return (json.loads(data) if data else None), list(fds)

    def ask(self, message):
        self.send(message)
        return self.recv()


def copy(src, dst):
    while True:
        block = os.read(src, 1 << 16)
        if not block:
            return
        while block:
            block = block[os.write(dst, block):]


def run(path, request):
    """The command's three streams are ours; its status is returned."""
    wire = Wire(path)
    answer, fds = wire.ask(request)
    if not answer or not answer["ok"]:
        print(json.dumps(answer), file=sys.stderr)
        return answer.get("exit", 125) if answer else 255
    outs = {fds[0]: 1} if len(fds) == 1 else {fds[1]: 1, fds[2]: 2}
    feeder = threading.Thread(target=feed, args=(fds[0], len(fds) == 3),
                              daemon=True)
    feeder.start()
    watch = set(outs)
    while watch:
        ready, _, _ = select.select(list(watch), [], [], LIMIT)
        if not ready:
            return 254
        for fd in ready:
            try:
                block = os.read(fd, 1 << 16)
            except OSError:  # a terminal without its other side
                block = b""
            if block:
                os.write(outs[fd], block)
            else:
                watch.discard(fd)
    event, _ = wire.recv()
    return event["code"] if event else 255


def feed(fd, close):
    try:
        copy(0, fd)
    except OSError:  # the command ended first
        pass
    if close:
        os.close(fd)


def put(path, box_path, file):
    with open(file, "rb") as f:
        wire = Wire(path)
        answer, fds = wire.ask({"op": "put", "path": box_path, "mode": 0o644,
                                "size": os.fstat(f.fileno()).st_size})
        if answer["ok"]:
            copy(f.fileno(), fds[0])
            os.close(fds[0])
            answer, _ = wire.recv()
    print(json.dumps(answer))
    return 0 if answer and answer.get("event") == "exit" else 1


def get(path, box_path, file):
    wire = Wire(path)
    answer, fds = wire.ask({"op": "get", "path": box_path})
    if answer["ok"]:
        with open(file, "wb") as f:
            copy(fds[0], f.fileno())
        answer, _ = wire.recv()
    print(json.dumps(answer))
    return 0 if answer and answer.get("event") == "exit" else 1


def times(path, n, request):
    for _ in range(n):
        begin = time.monotonic()
        wire = Wire(path)
        answer, fds = wire.ask(request)
        event = wire.recv()[0] if answer["ok"] else answer
        print("%.2f" % ((time.monotonic() - begin) * 1000), event.get("code"))
        for fd in fds:
            os.close(fd)
    return 0


def at_once(path, n, request):
    begin = time.monotonic()
    wires = [Wire(path) for _ in range(n)]
    for wire in wires:
        wire.send(request)
    good = 0
    for wire in wires:
        answer, fds = wire.recv()
        event = wire.recv()[0] if answer["ok"] else answer
        good += event.get("code") == 0
        for fd in fds:
            os.close(fd)
    print(good)
    print("%.0f ms" % ((time.monotonic() - begin) * 1000), file=sys.stderr)
    return 0


def await_up(path, command):
    """An exec that has said up."""
    wire = Wire(path)
    _, fds = wire.ask({"op": "exec", "command": command})
    assert os.read(fds[1], 10) == b"up\n"
    return wire


def main(argv):
    path, what = argv[1], argv[2]
    if what == "--exec":
        request = json.loads(argv[3])
        request.setdefault("op", "exec")
        return run(path, request)
    if what == "--signal":
        wire = await_up(path, argv[4])
        wire.send({"signal": int(argv[3])})
        print(wire.recv()[0]["code"])
        return 0
    if what == "--drop":
        await_up(path, argv[3])
        return 0
    if what == "--put":
        return put(path, argv[3], argv[4])
    if what == "--get":
        return get(path, argv[3], argv[4])
    if what in ("--times", "--at-once"):
        request = json.loads(argv[4])
        request.setdefault("op", "exec")
        return (times if what == "--times" else at_once)(
            path, int(argv[3]), request)
    answer, fds = Wire(path).ask(json.loads(what))
    print(json.dumps(answer))
    for fd in fds:
        os.close(fd)
    return 0 if answer and answer.get("ok") else 1


sys.exit(main(sys.argv))

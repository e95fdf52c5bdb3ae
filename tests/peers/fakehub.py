#!/usr/bin/env python3
"""A hub and monitors for tests of bindu-boxd alone: boxd/wire.h spoken by
ordinary processes of this machine.  `fakehub.py hub STATE`; commands run on the
host in STATE/boxes/ID/root, nothing is isolated.

SPDX-License-Identifier: Apache-2.0"""
import array
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

STATE = ""


def listen(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.path.exists(path):
        os.unlink(path)
    s.bind(path)
    s.listen(512)
    return s


def send(c, obj, fds=()):
    anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        c.sendmsg([json.dumps(obj).encode()], anc)
    except OSError:
        pass


def fail(c, code, text, **more):
    send(c, dict(ok=False, code=code, error=text, **more))


class Monitor:
    def __init__(self, req):
        self.dir = req["dir"]
        self.root = os.path.join(self.dir, "root")
        os.makedirs(self.root, exist_ok=True)
        self.sock = listen(os.path.join(self.dir, "monitor.sock"))
        self.procs = set()
        self.frozen = False
        self.watchers = []
        self.console = open(os.path.join(self.dir, "console.log"), "a")
        self.console.write("boot\n")
        self.console.flush()

    def run(self):
        while True:
            c, _ = self.sock.accept()
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        data = c.recv(200 * 1024)
        if not data:
            return
        req = json.loads(data)
        getattr(self, "op_" + req["op"])(c, req)
        c.close()

    def op_stat(self, c, req):
        send(c, dict(ok=True, state="suspended" if self.frozen else "running",
                     init_pid=os.getpid(), execs=len(self.procs), memory_bytes=0,
                     started_at=0))

    def op_watch(self, c, req):
        send(c, {"ok": True})
        c.recv(1)

    def signal_all(self, sig):
        for p in list(self.procs):
            try:
                os.killpg(p.pid, sig)
            except ProcessLookupError:
                pass

    def op_suspend(self, c, req):
        self.frozen = True
        self.signal_all(signal.SIGSTOP)
        send(c, dict(ok=True, us=5))

    def op_resume(self, c, req):
        self.frozen = False
        self.signal_all(signal.SIGCONT)
        send(c, dict(ok=True, us=5))

    def op_stop(self, c, req):
        self.signal_all(signal.SIGKILL)
        send(c, {"ok": True})
        os._exit(0)

    def op_connect(self, c, req):
        s = socket.socket()
        try:
            s.connect(("127.0.0.1", req["port"]))
        except OSError as e:
            fail(c, "again", str(e))
            return
        send(c, {"ok": True}, [s.fileno()])
        s.close()

    def path(self, p):
        return os.path.join(self.root, p.lstrip("/"))

    def op_put(self, c, req):
        r, w = os.pipe()
        p = self.path(req["path"])
        try:
            os.makedirs(os.path.dirname(p), exist_ok=True)
            f = open(p + ".part", "wb")
        except OSError as e:
            fail(c, "noinput", str(e))
            return
        send(c, {"ok": True}, [w])
        os.close(w)
        n = 0
        with f:
            while chunk := os.read(r, 1 << 16):
                f.write(chunk)
                n += len(chunk)
        os.close(r)
        os.rename(p + ".part", p)
        send(c, dict(event="exit", bytes=n))

    def op_get(self, c, req):
        try:
            f = open(self.path(req["path"]), "rb")
        except OSError as e:
            fail(c, "noinput", str(e))
            return
        r, w = os.pipe()
        size = os.fstat(f.fileno()).st_size
        send(c, dict(ok=True, size=size), [r])
        os.close(r)
        n = 0
        while chunk := f.read(1 << 16):
            try:
                n += len(chunk)
                while chunk:
                    chunk = chunk[os.write(w, chunk):]
            except OSError:
                break
        os.close(w)
        send(c, dict(event="exit", bytes=n))

    def op_exec(self, c, req):
        argv = req.get("argv") or ["/bin/sh", "-c", req["command"]]
        if req.get("tty"):
            m, s = pty.openpty()
            fcntl.ioctl(s, termios.TIOCSWINSZ,
                        struct.pack("HHHH", req.get("rows", 24), req.get("cols", 80), 0, 0))
            p = subprocess.Popen(argv, stdin=s, stdout=s, stderr=s, cwd=self.root,
                                 start_new_session=True)
            os.close(s)
            fds = [m]
            tty = os.dup(m)
        else:
            i, o, e = os.pipe(), os.pipe(), os.pipe()
            p = subprocess.Popen(argv, stdin=i[0], stdout=o[1], stderr=e[1], cwd=self.root,
                                 start_new_session=True)
            for fd in (i[0], o[1], e[1]):
                os.close(fd)
            fds = [i[1], o[0], e[0]]
            tty = -1
        self.procs.add(p)
        send(c, dict(ok=True, exec=1, pid=p.pid), fds)
        for fd in fds:
            os.close(fd)
        pfd = os.pidfd_open(p.pid)
        while True:
            ready, _, _ = select.select([c, pfd], [], [])
            if pfd in ready:
                break
            msg = c.recv(4096)
            if not msg:
                os.killpg(p.pid, signal.SIGKILL)
                break
            req = json.loads(msg)
            if "signal" in req:
                os.killpg(p.pid, req["signal"])
            elif tty != -1:
                fcntl.ioctl(tty, termios.TIOCSWINSZ,
                            struct.pack("HHHH", req["rows"], req["cols"], 0, 0))
        code = p.wait()
        os.close(pfd)
        if tty != -1:
            os.close(tty)
        self.procs.discard(p)
        send(c, dict(event="exit", code=code if code >= 0 else 128 - code))


def start(c, req):
    image = req["image"]
    if image["kind"] == "debian" and not os.path.exists(os.path.join(STATE, "built")):
        fail(c, "noinput", "not built")
        return
    pid = os.fork()
    if pid == 0:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        m = Monitor(req)
        send(c, dict(ok=True, pid=os.getpid(), init_pid=os.getpid(), boot_us=1000))
        c.close()
        m.run()
        os._exit(0)
    c.close()


def hub():
    import shutil
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    s = listen(os.path.join(STATE, "hub.sock"))
    while True:
        c, _ = s.accept()
        data = c.recv(200 * 1024)
        if not data:
            continue
        req = json.loads(data)
        op = req["op"]
        if op == "ping":
            no = os.path.join(STATE, "no-boxes")
            no = open(no).read().strip() if os.path.exists(no) else None
            send(c, dict(ok=True, pid=os.getpid(), rootful=True, default_image="host",
                         images=["host"],
                         abilities=dict(boxes=not no, limits=True, pause=True,
                                        network=True, disk=True, host_image=True,
                                        why=dict(boxes=no) if no else {})))
        elif op == "start":
            start(c, req)
            continue
        elif op == "remove":
            shutil.rmtree(req["dir"], ignore_errors=True)
            send(c, {"ok": True})
        elif op == "build":
            seconds, error = build_plan()
            send(c, dict(event="progress", text="unpacking"))
            time.sleep(seconds / 2)
            send(c, dict(event="progress", text="setting \x1b[31mup"))
            time.sleep(seconds / 2)
            if error:
                send(c, dict(ok=False, code="unavailable", error=error))
                c.close()
                continue
            open(os.path.join(STATE, "built"), "w").close()
            send(c, {"ok": True})
        elif op == "stop":
            send(c, {"ok": True})
            os.unlink(os.path.join(STATE, "hub.sock"))
            return
        c.close()


def build_plan():
    """STATE/build-plan: "SECONDS [ERROR]"."""
    try:
        with open(os.path.join(STATE, "build-plan")) as f:
            words = f.read().strip().split(" ", 1)
    except OSError:
        return 0.3, ""
    return float(words[0]), words[1] if len(words) > 1 else ""


if __name__ == "__main__":
    STATE = sys.argv[2]
    hub()

#!/usr/bin/env python3
"""What a stranger can do to the daemon's port, by hand, bounded.

  hostile.py PORT TOKEN NAME    one attack; prints what came of it

SPDX-License-Identifier: Apache-2.0
"""
import socket
import struct
import sys
import time
import zlib

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def connect(first=b""):
    s = socket.create_connection(("127.0.0.1", PORT), 5)
    if first:
        s.sendall(first)
    return s


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + body


def number(n, bits):
    """An HPACK integer."""
    top = (1 << bits) - 1
    if n < top:
        return bytes((n,))
    out, n = [top], n - top
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + [n])


def field(name, value):
    """A header field, never indexed."""
    return b"\x10" + number(len(name), 7) + name + number(len(value), 7) + value


def head(method=b"Whoami", token=None, more=b""):
    h = [(b":method", b"POST"), (b":scheme", b"http"),
         (b":path", b"/boxd.api.v1.BoxdApi/" + method), (b":authority", b"localhost"),
         (b"content-type", b"application/grpc"), (b"te", b"trailers")]
    if token is not False:
        h.append((b"authorization", b"Bearer " + (token or TOKEN).encode()))
    return b"".join(field(*x) for x in h) + more


def h2():
    return connect(PREFACE + frame(SETTINGS, 0, 0))


def drain(s, seconds=3):
    """Every byte until the peer closes or is silent."""
    s.settimeout(seconds)
    got = b""
    try:
        while True:
            b = s.recv(65536)
            if not b:
                return got, True
            got += b
    except socket.timeout:
        return got, False
    except OSError:
        return got, True


def call(method, body, end=True, token=None):
    """The trailers of one call, as bytes that name the status."""
    s = h2()
    s.sendall(frame(HEADERS, END_HEADERS, 1, head(method, token)))
    for i in range(0, len(body), 16384):
        s.sendall(frame(DATA, 0, 1, body[i:i + 16384]))
    if end:
        s.sendall(frame(DATA, END_STREAM, 1))
    got, until = b"", time.time() + (30 if end else 0)
    while True:
        part, closed = drain(s, 1.5)
        got += part
        if closed or status(got) != "none" or time.time() > until:
            return got


def message(b):
    return b"\0" + struct.pack(">I", len(b)) + b


def status(got):
    """grpc-status from an answer; HPACK strings here are plain or Huffman
    digits, so look for both forms."""
    i = got.find(b"grpc-status")
    if i == -1:
        return "none"
    n = got[i + 11]
    v = got[i + 12:i + 12 + (n & 127)]
    return v.decode("latin1") if not n & 128 else "huffman"


def slow_heads():
    """A byte a second, on 200 connections: how long do they live?"""
    began = time.time()
    conns = [connect() for _ in range(200)]
    for text in (b"GET / HTTP/1.1\r\nX: " + b"a" * 100, PREFACE[:14] * 8):
        for b in text:
            alive = []
            for s in conns:
                try:
                    s.setblocking(False)
                    try:
                        if s.recv(1) == b"":
                            continue
                    except BlockingIOError:
                        pass
                    s.send(bytes((b,)))
                    alive.append(s)
                except OSError:
                    continue
            conns = alive
            if not conns:
                return "closed after %d s" % (time.time() - began)
            time.sleep(1)
            if time.time() - began > 60:
                return "%d live on" % len(conns)
    return "?"


def half_open():
    """1000 connections that say nothing, or half a preface, or a preface and
    nothing after."""
    conns = []
    for i in range(1000):
        try:
            conns.append(connect((b"", PREFACE[:10], PREFACE)[i % 3]))
        except OSError:
            pass
    time.sleep(12)
    end = time.time() + 30
    n = 1000
    while n > 256 and time.time() < end:
        n = 0
        for s in conns:
            s.setblocking(False)
            try:
                while s.recv(65536):
                    pass
            except BlockingIOError:
                n += 1
            except OSError:
                pass
    return "%d live on" % n


def crowd():
    """For 8 seconds as many connections as there may be, and a new one for
    each that is closed: silent, a preface, a call without a token."""
    conns, n, end = [], 0, time.time() + 8
    firsts = (b"", PREFACE + frame(SETTINGS, 0, 0),
              PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1,
                                                      head(b"Exec", False)))
    while time.time() < end or n <= 1600 and time.time() < end + 60:
        try:
            conns.append(connect(firsts[n % 3]))
        except OSError:
            pass
        n += 1
        if len(conns) > 1500:
            conns.pop(0).close()
        if n > 1500:
            time.sleep(0.002)
    return "%d connections" % n


def bad_frames():
    """After a preface: each of these ends the connection."""
    alive = 0
    for junk in (b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n", frame(DATA, 0, 0, b"x"),
                 frame(HEADERS, END_HEADERS, 2, head()), frame(SETTINGS, 0, 0, b"abc"),
                 frame(CONTINUATION, END_HEADERS, 1, b""), frame(PING, 0, 0, b"short"),
                 frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff"),
                 struct.pack(">I", 0xffffff)[1:] + bytes((DATA, 0)) + struct.pack(">I", 1)):
        s = h2()
        s.sendall(junk)
        _, closed = drain(s, 4)
        alive += not closed
    return "%d of 9 live on" % alive


def big_heads():
    """Heads of 20 kB and of 1 MB are refused, and one without end too."""
    out = []
    for size in (20000, 1000000):
        s = h2()
        block = head(more=field(b"x-big", b"a" * size))
        try:
            for i in range(0, len(block), 16384):
                last = END_HEADERS if i + 16384 >= len(block) else 0
                s.sendall(frame(HEADERS if i == 0 else CONTINUATION, last, 1,
                                block[i:i + 16384]))
        except OSError:
            pass
        got, closed = drain(s, 1)
        taken = not closed and status(got) == "0"
        out.append("taken" if taken else "refused")
    s = h2()
    try:
        s.sendall(frame(HEADERS, 0, 1, head()))
        for i in range(6000):
            s.sendall(frame(CONTINUATION, 0, 1, field(b"x-%d" % i, b"b" * 16000)))
        out.append("endless taken")
    except OSError:
        out.append("endless closed")
    return ", ".join(out)


def bad_messages():
    """A body that is no protobuf, a method nobody has, no token, and a
    length of 4 GB: the status each gets."""
    return " ".join(status(g) for g in (
        call(b"GetVm", message(b"\xff\xff\xff\xff")),
        call(b"NoSuchMethod", message(b"")),
        call(b"Whoami", message(b""), token=False),
        call(b"Whoami", message(b""), token="no"),
        call(b"GetVm", b"\0\xff\xff\xff\xff" + b"x" * 1000, end=False),
        call(b"GetVm", message(b"\n\xff\xff\xff\x07" + b"x" * 100)),
        call(b"Exec", message(b"\xff")),
        call(b"UploadFileStream", message(b"\xff"))))


def big_messages():
    """Calls at once that each begin a message of 4 MB and never end it: 4 of a
    client with a token, who may, and 60 of others."""
    conns = []
    for token, n in ((None, 4), (False, 60)):
        for _ in range(n):
            s = h2()
            s.settimeout(0.3)
            try:
                s.sendall(frame(HEADERS, END_HEADERS, 1, head(b"Exec", token)))
                s.sendall(frame(WINDOW, 0, 0, struct.pack(">I", 1 << 24)))
                s.sendall(frame(DATA, 0, 1, b"\0" + struct.pack(">I", 4 << 20)))
                for _ in range(300):
                    s.sendall(frame(DATA, 0, 1, b"x" * 16000))
            except OSError:
                pass
            conns.append(s)
    time.sleep(1)
    return "sent"


class Polite:
    """A connection that keeps to the windows it is given, as clients do."""

    def __init__(self, streams, method, first, more=b""):
        self.s = h2()
        self.room = {0: 65535}
        self.initial = 65535
        self.got = b""
        self.closed = {}
        self.s.sendall(b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1,
                                      head(method, more=more)) for i in range(streams)))
        self.left = {2 * i + 1: first for i in range(streams)}

    def read(self, wait):
        self.s.settimeout(wait)
        try:
            b = self.s.recv(1 << 16)
        except socket.timeout:
            return
        if not b:
            raise OSError("closed")
        self.got += b
        while len(self.got) >= 9:
            n = int.from_bytes(self.got[:3], "big")
            if len(self.got) < 9 + n:
                return
            kind, flags = self.got[3], self.got[4]
            stream = int.from_bytes(self.got[5:9], "big")
            body, self.got = self.got[9:9 + n], self.got[9 + n:]
            if kind == WINDOW:
                self.room[stream] = self.window(stream) + int.from_bytes(body, "big")
            elif kind == SETTINGS and not flags & 1:
                for i in range(0, n, 6):
                    key, value = struct.unpack(">HI", body[i:i + 6])
                    if key == 4:
                        for x in self.room:
                            self.room[x] += value - self.initial if x else 0
                        self.initial = value
                self.s.sendall(frame(SETTINGS, 1, 0))
            elif kind == RST or kind == HEADERS and flags & END_STREAM:
                self.closed.setdefault(stream, status(body) if kind == HEADERS
                                       else "reset %d" % body[3])
                self.left.pop(stream, None)

    def window(self, stream):
        return self.room.get(stream, self.initial)

    def push(self):
        """A piece of each stream that has room; how many bytes went."""
        sent = 0
        for stream, data in list(self.left.items()):
            n = min(len(data), self.window(stream), self.window(0), 16384)
            if n <= 0:
                continue
            self.s.settimeout(5)
            self.s.sendall(frame(DATA, 0, stream, data[:n]))
            self.left[stream] = data[n:]
            self.room[stream] = self.window(stream) - n
            self.room[0] -= n
            sent += n
        return sent


def spread(conns, seconds):
    """All they may send, on all streams at once."""
    sent, end = 0, time.time() + seconds
    while conns and time.time() < end:
        moved = 0
        for c in list(conns):
            try:
                moved += c.push()
                c.read(0.001)
            except OSError:
                conns.remove(c)
        sent += moved
        if not moved and not any(c.left for c in conns):
            break
    return sent


def bombs():
    """With a token: messages of 1 MB that are 1 GB when uncompressed."""
    z = zlib.compressobj(9, zlib.DEFLATED, 31)
    b = b"".join(z.compress(bytes(1 << 20)) for _ in range(1024)) + z.flush()
    data = b"\1" + struct.pack(">I", len(b)) + b
    conns = [Polite(1, m, memoryview(data), field(b"grpc-encoding", b"gzip"))
             for m in (b"UploadFile", b"Exec")]
    spread(list(conns), 30)
    return str(summary(conns))


def summary(conns):
    """How the streams of these connections ended."""
    ended = {}
    for c in conns:
        for v in c.closed.values():
            ended[v] = ended.get(v, 0) + 1
    return ended


def long_messages():
    """With a token: messages of 4 MB on 100 streams of each of 4 connections,
    each but its last byte."""
    data = b"\0" + struct.pack(">I", 4 << 20) + bytes((4 << 20) - 1)
    conns = [Polite(100, b"Exec", memoryview(data)) for _ in range(4)]
    sent = spread(list(conns), 8)
    return "%d MB, %s" % (sent >> 20, summary(conns))


def text(number, b):
    """A field of a message."""
    out, n = bytes((number << 3 | 2,)), len(b)
    while n > 127:
        out, n = out + bytes((n & 127 | 128,)), n >> 7
    return out + bytes((n,)) + b


def deaf_commands():
    """With a token: 50 commands that do not read, on each of 4 connections,
    given 3 MB each in one message."""
    first = message(text(5, b"b") + text(4, b"sleep 60"))
    data = first + message(text(1, bytes(3 << 20)))
    conns = [Polite(50, b"Exec", memoryview(data)) for _ in range(4)]
    sent = spread(list(conns), 8)
    return "%d MB, %s" % (sent >> 20, summary(conns))


def unread_files():
    """With a token: downloads of /big in both ways, 60 on each of 4
    connections, of which nothing is read."""
    ask = message(text(1, b"b") + text(2, b"/big"))
    conns = [Polite(60, m, memoryview(ask))
             for m in (b"DownloadFile", b"DownloadFileStream") * 2]
    sent = spread(list(conns), 6)
    return "%d kB, %s" % (sent >> 10, summary(conns))


def floods():
    """Streams opened and reset, pings and settings, fast."""
    out = []
    for what in ("reset", "ping", "settings"):
        s = h2()
        s.settimeout(1)
        n = 0
        try:
            for i in range(20000):
                if what == "reset":
                    s.sendall(frame(HEADERS, END_HEADERS, 2 * i + 1, head(b"Exec")) +
                              frame(RST, 0, 2 * i + 1, struct.pack(">I", 8)))
                elif what == "ping":
                    s.sendall(frame(PING, 0, 0, b"12345678"))
                else:
                    s.sendall(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)))
                n += 1
        except OSError:
            pass
        out.append("%s %d" % (what, n))
    return ", ".join(out)


def many_streams():
    """20 connections with 500 execs each that never begin."""
    conns = []
    for _ in range(20):
        s = h2()
        s.settimeout(1)
        try:
            for i in range(500):
                s.sendall(frame(HEADERS, END_HEADERS, 2 * i + 1, head(b"Exec")))
        except OSError:
            pass
        conns.append(s)
    time.sleep(2)
    return "sent"


if __name__ == "__main__":
    PORT, TOKEN = int(sys.argv[1]), sys.argv[2]
    print(globals()[sys.argv[3]]())

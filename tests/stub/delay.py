#!/usr/bin/python3
"""A TCP relay that is a line of some length: what the server says arrives late.

delay.py DIR TARGET-PORT MS: listens on a port of 127.0.0.1, written to
DIR/relay.  Throughput is not limited.  DIR/calls gets a line for each call
that begins in an HTTP/2 connection, "http" for each other connection.
"""
import asyncio
import os
import sys

DIR, PORT, MS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def note(text):
    with open(DIR + "/calls", "a") as f:
        f.write(text + "\n")


class Calls:
    """HEADERS frames of a client's bytes."""

    def __init__(self):
        self.buf, self.known = b"", False

    def feed(self, data):
        self.buf += data
        if not self.known:
            if len(self.buf) < len(PREFACE):
                return
            self.known = True
            self.h2 = self.buf.startswith(PREFACE)
            if self.h2:
                self.buf = self.buf[len(PREFACE):]
            else:
                note("http")
        while self.h2 and len(self.buf) >= 9:
            n = int.from_bytes(self.buf[:3], "big")
            if len(self.buf) < 9 + n:
                return
            if self.buf[3] == 1:
                note("call")
            self.buf = self.buf[9 + n:]


async def forth(reader, writer):
    calls = Calls()
    try:
        while data := await reader.read(65536):
            calls.feed(data)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        pass


async def back(reader, writer):
    loop = asyncio.get_running_loop()

    def send(data):
        try:
            if data:
                writer.write(data)
            else:
                writer.close()
        except OSError:
            pass
    try:
        while data := await reader.read(65536):
            loop.call_later(MS / 1000, send, data)
    except OSError:
        pass
    loop.call_later(MS / 1000, send, b"")


async def serve(reader, writer):
    try:
        up = await asyncio.open_connection("127.0.0.1", PORT)
    except OSError:
        writer.close()
        return
    await asyncio.gather(forth(reader, up[1]), back(up[0], writer))
    up[1].close()


async def main():
    s = await asyncio.start_server(serve, "127.0.0.1", 0)
    with open(DIR + "/relay.new", "w") as f:
        f.write(str(s.sockets[0].getsockname()[1]))
    os.rename(DIR + "/relay.new", DIR + "/relay")
    await s.serve_forever()

asyncio.run(main())

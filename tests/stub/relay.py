#!/usr/bin/python3
"""A TCP relay that can fail.  relay.py DIR HOST:PORT [KEY CERT]: listens on
127.0.0.1, writes DIR/relay-port, and passes each connection on to HOST:PORT;
with KEY and CERT it takes TLS.  DIR/relay-log gets one line a connection: the
protocol that TLS agreed on.  SIGUSR1: move no byte any more, but keep every
connection; SIGUSR2: go on; SIGTERM: gone, with all of them."""
import os
import signal
import socket
import ssl
import sys
import threading

DIR = sys.argv[1]
HOST, PORT = sys.argv[2].rsplit(":", 1)
flowing = threading.Event()
flowing.set()
signal.signal(signal.SIGUSR1, lambda *_: flowing.clear())
signal.signal(signal.SIGUSR2, lambda *_: flowing.set())
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

context = None
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[4], sys.argv[3])
    context.set_alpn_protocols(["h2", "http/1.1"])


def note(text):
    with open(os.path.join(DIR, "relay-log"), "a") as f:
        f.write(text + "\n")


def plain_pump(a, b):
    try:
        while True:
            data = a.recv(65536)
            flowing.wait()
            if not data:
                break
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def tls_pump(raw, far):
    """One thread for both ways: a TLS object is not for two at once."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inward, outward, server_side=True)
    lock = threading.Lock()

    def flush():
        data = outward.read()
        if data:
            raw.sendall(data)

    def step(call, *args):
        with lock:
            try:
                return call(*args)
            finally:
                flush()

    def outwards():
        try:
            while True:
                data = far.recv(65536)
                flowing.wait()
                if not data:
                    break
                step(tls.write, data)
            raw.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    ready = False
    while True:
        data = raw.recv(65536)
        flowing.wait()
        if not data:
            return
        inward.write(data)
        try:
            if not ready:
                step(tls.do_handshake)
                ready = True
                note(str(tls.selected_alpn_protocol()))
                threading.Thread(target=outwards, daemon=True).start()
            while True:
                plain = step(tls.read, 65536)
                if not plain:
                    return
                far.sendall(plain)
        except ssl.SSLWantReadError:
            continue


def serve(raw):
    flowing.wait()
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    far = socket.create_connection((HOST, int(PORT)))
    if context is None:
        note("plain")
        threading.Thread(target=plain_pump, args=(far, raw),
                         daemon=True).start()
        plain_pump(raw, far)
        return
    try:
        tls_pump(raw, far)
    except (OSError, ssl.SSLError) as e:
        note("failed %s" % e.__class__.__name__)
    raw.close()
    far.close()


listener = socket.create_server(("127.0.0.1", 0), backlog=64)
with open(os.path.join(DIR, "relay-port.new"), "w") as f:
    f.write(str(listener.getsockname()[1]))
os.rename(os.path.join(DIR, "relay-port.new"), os.path.join(DIR, "relay-port"))
while True:
    connection, _ = listener.accept()
    threading.Thread(target=serve, args=(connection,), daemon=True).start()

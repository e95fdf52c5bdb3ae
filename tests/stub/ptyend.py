#!/usr/bin/python3
"""What is left of a terminal?  ptyend.py EVENTS CMD...: runs CMD on a terminal
of its own; once that is raw and CMD has said something, plays EVENTS (comma-
separated: a signal's name, sleep, hex:BYTES or text:WORDS to type, size for a
storm of 200 sizes, own to take the terminal as a shell does, raw and stopped to
wait until it is) and prints whether the terminal is as it was, how CMD ended
and, as hex, what was on it."""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import threading
import time

master, slave = pty.openpty()
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.close(master)
    os.execvp(sys.argv[2], sys.argv[2:])

seen = bytearray()


def collect():
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:
            return
        seen.extend(part)


threading.Thread(target=collect, daemon=True).start()


def is_raw():
    return not termios.tcgetattr(slave)[3] & termios.ICANON


def is_stopped():
    with open("/proc/%d/stat" % pid) as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "T"


def until(what, test):
    while not test():
        if time.time() > end:
            print("never", what)
            sys.exit(1)
        time.sleep(0.02)


def play(event):
    if event == "sleep":
        time.sleep(0.5)
    elif event == "size":
        for n in range(200):
            fcntl.ioctl(slave, termios.TIOCSWINSZ,
                        struct.pack("HHHH", 20 + n % 7, 60 + n, 0, 0))
            os.kill(pid, signal.SIGWINCH)
            time.sleep(0.002)
    elif event == "own":
        termios.tcsetattr(slave, termios.TCSANOW, before)
    elif event == "raw":
        until("raw", is_raw)
    elif event == "stopped":
        until("stopped", is_stopped)
    elif event.startswith("hex:"):
        os.write(master, bytes.fromhex(event[4:]))
    elif event.startswith("text:"):
        os.write(master, event[5:].encode() + b"\r")
    else:
        os.kill(pid, getattr(signal, event))


end = time.time() + 60
until("raw", is_raw)
# What is typed before a shell has set its terminal up may be lost on it.
until("heard", lambda: seen)
time.sleep(0.5)
for event in sys.argv[1].split(","):
    play(event)
start = time.time()
while time.time() < end + 60:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        break
    time.sleep(0.02)
else:
    os.kill(pid, signal.SIGKILL)
    print("never ended")
    sys.exit(1)
time.sleep(0.1)
print("restored" if termios.tcgetattr(slave) == before else "changed")
print("exit", os.waitstatus_to_exitcode(status))
print(seen.hex())
print("after %.1f s" % (time.time() - start), file=sys.stderr)

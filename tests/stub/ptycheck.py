#!/usr/bin/python3
"""Is a terminal restored?  ptycheck.py CMD...: runs CMD on a terminal of its
own and prints what becomes of its raw mode and its size."""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time


def is_raw(fd):
    return not termios.tcgetattr(fd)[3] & termios.ICANON


def until(what, test):
    end = time.time() + 40
    while not test():
        if time.time() > end:
            print("never:", what)
            sys.exit(1)
        time.sleep(0.02)
    print(what, flush=True)


def stopped():
    return os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED | os.WNOHANG)[1])


def size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


master, slave = pty.openpty()
size(slave, 24, 80)
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.close(master)
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
os.set_blocking(master, False)


def output(text):
    global seen
    try:
        seen += os.read(master, 65536)
    except OSError:
        pass
    return text in seen


until("raw", lambda: is_raw(slave))
until("ready", lambda: output(b"24 80"))
size(slave, 33, 99)
until("resized", lambda: output(b"33 99"))
os.kill(pid, signal.SIGTSTP)
# As a shell does: what goes on before it has stopped stops then.
until("stopped", stopped)
until("and restored", lambda: not is_raw(slave))
os.kill(pid, signal.SIGCONT)
until("raw again", lambda: is_raw(slave))
os.kill(pid, signal.SIGTERM)
_, status = os.waitpid(pid, 0)
print("restored" if not is_raw(slave) else "left raw")
code = os.waitstatus_to_exitcode(status)
print("exit", code)
if code != 9:
    output(b"")
    print("the terminal:", seen)

"""Wait until a run of the agent answers in this box (see agent.sh).

probe.py RUNDIR PORT "OTHER..." MS "PID..."

PORT is what it was told to listen on, OTHER are ports on which one that
ignores this is likely to, the pids are agents of other runs.  Says
key=value lines: ready=1, port=, ignores=, shared=; or ready=0, cause=, busy=.

SPDX-License-Identifier: Apache-2.0
"""

import os, re, socket, sys, time

run, told, likely = sys.argv[1], int(sys.argv[2]), sys.argv[3].split()
others = {int(p) for p in sys.argv[5].split()}
end = time.monotonic() + int(sys.argv[4]) / 1000
LATE = "no answer in time"


def text(path):
    try:
        with open(path, errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def family(heads):
    """Heads, who is in their groups or sessions, who descends from them."""
    parents, found = {}, set(heads)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        stat = text(f"/proc/{pid}/stat").rpartition(")")[2].split()
        if stat:
            parents[int(pid)] = int(stat[1])
            if int(stat[2]) in heads or int(stat[3]) in heads:
                found.add(int(pid))
    grown = True
    while grown:
        grown = {p for p, q in parents.items() if q in found} - found
        found |= grown
    return found


def held(pids):
    inodes = set()
    for pid in pids:
        try:
            for fd in os.scandir(f"/proc/{pid}/fd"):
                try:
                    link = os.readlink(fd.path)
                except OSError:
                    continue
                if link.startswith("socket:["):
                    inodes.add(link[8:-1])
        except OSError:
            pass
    return inodes


def listening(inodes):
    """The ports on which these sockets listen."""
    ports = set()
    for name in "/proc/net/tcp", "/proc/net/tcp6":
        for line in text(name).splitlines()[1:]:
            f = line.split()
            if f[3] == "0A" and f[9] in inodes:
                ports.add(int(f[1].rpartition(":")[2], 16))
    return ports


def ask(port):
    """(ready, cause), or None when nothing listens."""
    data = b""
    limit = min(end, time.monotonic() + 5)
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                      b"Accept: */*\r\nConnection: close\r\n\r\n" % port)
            while len(data) < 65536:
                s.settimeout(max(limit - time.monotonic(), 0.001))
                more = s.recv(65536)
                data += more
                head, gap, body = data.partition(b"\r\n\r\n")
                size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                if not more or gap and size and len(body) >= int(size[1]):
                    break
    except ConnectionRefusedError:
        return None
    except OSError as e:
        if not data:
            return False, (LATE if isinstance(e, TimeoutError)
                           or isinstance(e, socket.timeout)
                           else "the connection was closed without an answer")
    status = re.match(rb"HTTP/1\.\d (\d{3})", data)
    if not status:
        return False, "no HTTP answer"
    if status[1] != b"200":
        return False, "status " + status[1].decode()
    if re.search(rb'"ready"\s*:\s*false', data):
        return False, "status 200, but not ready"
    return True, ""


def finish(**answer):
    for key, value in answer.items():
        print(f"{key}={value}")
    sys.exit()


def in_use():
    return re.search("ddress already in use|EADDRINUSE|Errno 98",
                     text(run + "/log")[-65536:])


cause, turn, since = "it listens on no port", 0, time.monotonic()
other_since, heard = None, False
while True:
    over = os.path.exists(run + "/exit")
    pid = int((text(run + "/pid").split() or ["0"])[0])
    if over:
        finish(ready=0, busy=int(bool(others and in_use())),
               cause="it has ended")
    asked = time.monotonic()
    answer = ask(told) if pid else None
    if answer:
        # Cut off by our own end it tells less than the answer before.
        if answer[1] != LATE or time.monotonic() - asked > 1 or not heard:
            ready, cause = answer
            heard = True
        # Nobody had the port: a listener we cannot name is ours.
        if ready and others:
            if told in listening(held(family(others))):
                ready, cause = False, "the old process answers"
        if ready:
            finish(ready=1, port=told)
    elif pid and turn % 5 == 0:
        now = time.monotonic()
        # It may have begun to listen as told since we asked: ask again.
        ports = listening(held(family({pid}))) - {told}
        if ports:
            other_since = other_since or now
        elif others and now - since > 1 and in_use():
            finish(ready=0, busy=1, cause="its address is in use")
        for port in sorted(ports):
            if str(port) not in likely and now - other_since < 1:
                continue
            answer = ask(port)
            if answer and answer[0]:
                finish(ready=1, port=port, ignores=told, shared=int(
                    port in listening(held(family(others)))))
            cause = f"it listens on {port}, not on {told}"
    if time.monotonic() > end:
        finish(ready=0, cause=cause)
    turn += 1
    time.sleep(0.02)

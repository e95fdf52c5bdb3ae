#!/usr/bin/python3
"""A boxd server that misbehaves on request.

badboxd.py DIR ADDRESS: listens on ADDRESS ("unix:/path" or "127.0.0.1:0") and
writes DIR/port when it is ready.  DIR/calls gets one line a call: method,
token, what was asked.  DIR/script holds lines "METHOD BEHAVIOUR"; a behaviour
that ends in "*N" is used up after N calls.  Boxes are shells on this host.

Behaviours: NAME_OF_A_STATUS[=TEXT] (refuse), after:STATUS (do it, then fail),
hang, and per method those named in its function.
"""
import collections
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

DIR, ADDRESS = sys.argv[1], sys.argv[2]
PROTO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../proto")
LOCK = threading.RLock()
BOXES = collections.OrderedDict()


def load():
    out = os.path.join(DIR, "api.pb")
    subprocess.check_call(["protoc", "-I" + PROTO, "--include_imports",
                           "--descriptor_set_out=" + out,
                           "boxd/v1/api.proto"])
    files = descriptor_pb2.FileDescriptorSet()
    with open(out, "rb") as f:
        files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for f in files.file:
        pool.Add(f)
    return pool


POOL = load()


def cls(name):
    d = POOL.FindMessageTypeByName("boxd.api.v1." + name)
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(d)
    return message_factory.MessageFactory(POOL).GetPrototype(d)


def behaviour(method):
    path = os.path.join(DIR, "script")
    with LOCK:
        try:
            with open(path) as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            return ""
        for i, line in enumerate(lines):
            name, _, what = line.partition(" ")
            if name != method:
                continue
            what, star, left = what.partition("*")
            if star:
                left = int(left) - 1
                lines[i] = "%s %s*%d" % (method, what, left) if left else ""
                with open(path, "w") as f:
                    f.write("\n".join(lines))
            return what
    return ""


def note(method, context, what=""):
    auth = dict(context.invocation_metadata()).get("authorization", "-")
    with LOCK, open(os.path.join(DIR, "calls"), "a") as f:
        f.write("%s %s %s\n" % (method, auth.replace(" ", "_"), what))


def refuse(context, name, text="said the stub"):
    context.abort(getattr(grpc.StatusCode, name), text)


def find(context, key):
    with LOCK:
        for box in BOXES.values():
            if key in (box["vm_id"], box["name"]):
                return box
    refuse(context, "NOT_FOUND", "no machine named %s" % key)


def vm(box):
    m = cls("GetVmResponse")(vm_id=box["vm_id"], name=box["name"],
                             image_ref=box["image"], status=box["status"],
                             access_domain="example.test", vcpu=box["vcpu"],
                             memory_bytes=box["memory"],
                             restart_policy="always")
    for k, v in box["labels"].items():
        m.labels[k] = v
    return m


def create(req, context, how):
    with LOCK:
        name = req.name or "box-%d" % (len(BOXES) + 1)
        if any(b["name"] == name for b in BOXES.values()):
            refuse(context, "ALREADY_EXISTS", "name %s is taken" % name)
        box = {"vm_id": "vm-%d" % (len(BOXES) + 1), "name": name,
               "image": req.image_ref or "ubuntu:latest", "status": "running",
               "vcpu": req.config.vcpu, "memory": req.config.memory_bytes,
               "labels": {} if how == "nolabels" else dict(req.labels)}
        BOXES[box["vm_id"]] = box
    return cls("CreateVmResponse")(vm_id=box["vm_id"], name=name,
                                   url=name + ".example.test",
                                   status="starting")


def act(state):
    def f(req, context, how):
        box = find(context, req.vm_id)
        if how != "lie":
            with LOCK:
                box["status"] = state
                if state == "destroyed":
                    BOXES.pop(box["vm_id"])
        return None
    return f


def upload(reqs, context, how):
    first = next(reqs)
    find(context, first.vm_id)
    data = first.data + b"".join(r.data for r in reqs)
    return store(first.path, data, how)


def store(path, data, how):
    size = len(data)
    if how == "short":
        data = data[:len(data) // 4096 * 4096 or len(data) // 2]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return cls("UploadFileResponse")(bytes_written=size)


def upload_one(req, context, how):
    find(context, req.vm_id)
    return store(req.path, req.data, how)


def download(req, context, how):
    find(context, req.vm_id)
    with open(req.path, "rb") as f:
        data = f.read()
    total = len(data)
    if how == "short":
        data = data[:total // 2]
    chunk = cls("DownloadFileChunk")
    yield chunk(total_size=total)
    for i in range(0, len(data), 65536):
        yield chunk(data=data[i:i + 65536])


def logs(req, context, how):
    find(context, req.vm_id)
    yield cls("LogChunk")(data=b"console line 1\n")
    yield cls("LogChunk")(data=b"console line 2\n")


def scripted(chunk, how):
    """Exec streams no command would make."""
    if how == "empty":
        return
    if how == "noexit":
        yield chunk(data=b"half")
    if how == "twocodes":
        yield chunk(exit_code=3)
        yield chunk(exit_code=4)
    if how == "dataafter":
        yield chunk(exit_code=3)
        yield chunk(data=b"late")
    if how == "both":
        yield chunk(data=b"last words\n", exit_code=5)
    if how == "minus":
        yield chunk(exit_code=-9)
    if how == "keepalive":
        yield chunk()
        yield chunk(data=b"alive\n")
        yield chunk()


def run(reqs, context, how):
    chunk = cls("ExecChunk")
    first = next(reqs)
    find(context, first.vm_id)
    if how == "hang":
        while context.is_active():
            time.sleep(0.05)
        return
    if how:
        yield from scripted(chunk, how)
        return
    # No preexec_fn: it would want fork(), before which gRPC's threads wait
    # for each other (Debian 13).
    p = subprocess.Popen(["env", "--default-signal=INT", "sh", "-c",
                          first.command], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         start_new_session=True, bufsize=0)
    with LOCK, open(os.path.join(DIR, "argv"), "a") as f:
        f.write(first.command + "\n")

    def feed():
        try:
            for r in reqs:
                if r.window_change:
                    note("resize", context, "%dx%d" % (r.cols, r.rows))
                elif r.data:
                    p.stdin.write(r.data)
        except Exception:
            pass
        try:
            p.stdin.close()
        except OSError:
            pass

    def stop():
        try:
            os.killpg(p.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass

    context.add_callback(stop)
    threading.Thread(target=feed, daemon=True).start()
    out = collections.deque()
    ready = threading.Semaphore(0)
    room = threading.Semaphore(64)

    def drain(f, is_err):
        while True:
            data = f.read(65536)
            room.acquire()
            out.append((data, is_err))
            ready.release()
            if not data:
                return

    for f, is_err in ((p.stdout, False), (p.stderr, True)):
        threading.Thread(target=drain, args=(f, is_err), daemon=True).start()
    open_ends = 2
    while open_ends:
        ready.acquire()
        data, is_err = out.popleft()
        room.release()
        if data:
            yield chunk(data=data, is_stderr=is_err)
        else:
            open_ends -= 1
    code = p.wait()
    yield chunk(exit_code=code if code >= 0 else 128 - code)


CALLS = {
    "CreateVm": create,
    "GetVm": lambda q, c, how: vm(find(c, q.vm_id)),
    "ListVms": lambda q, c, how: cls("ListVmsResponse")(
        vms=[vm(b) for b in BOXES.values()]),
    "DestroyVm": act("destroyed"), "StartVm": act("running"),
    "StopVm": act("stopped"), "RebootVm": act("running"),
    "SuspendVm": act("suspended"), "ResumeVm": act("running"),
    "SetProxyPort": lambda q, c, how: find(c, q.vm) and None,
    "SetAutoSuspendTimeout": lambda q, c, how: None,
    "GetConfig": lambda q, c, how: None,
    "UploadFile": upload_one, "UploadFileStream": upload,
    "DownloadFileStream": download, "StreamLogs": logs, "Exec": run,
}


def asked(q):
    for field in ("name", "vm_id"):
        value = getattr(q, field, "")
        if value:
            return value
    return ""


def handler(method, d):
    in_cls, out_cls = cls(d.input_type.name), cls(d.output_type.name)
    # The wheel's descriptors do not tell which side streams.
    client = method in ("Exec", "UploadFileStream")
    server = method in ("Exec", "DownloadFileStream", "StreamLogs")

    def before(context, what=""):
        note(method, context, what)
        how = behaviour(method)
        if how == "hang" and method != "Exec":
            while context.is_active():
                time.sleep(0.05)
        name, says, text = how.partition("=")
        if name in grpc.StatusCode.__members__:
            refuse(context, name, text if says else "said the stub")
        if how == "ugly":
            refuse(context, "INVALID_ARGUMENT", "a\x1b[31mb\nc" + "x" * 5000)
        return how

    def one(q, context):
        how = before(context, "" if client else asked(q))
        r = CALLS[method](q, context, how)
        if how.startswith("after:"):
            refuse(context, how[6:], "after it was done")
        return out_cls() if r is None else r

    def many(q, context):
        how = before(context, "" if client else asked(q))
        yield from CALLS[method](q, context, how)

    make = getattr(grpc, "%s_%s_rpc_method_handler" % (
        "stream" if client else "unary", "stream" if server else "unary"))
    return make(many if server else one,
                request_deserializer=in_cls.FromString,
                response_serializer=out_cls.SerializeToString)


def main():
    service = POOL.FindServiceByName("boxd.api.v1.BoxdApi")
    server = grpc.server(futures.ThreadPoolExecutor(64),
                         options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
        "boxd.api.v1.BoxdApi",
        {m: handler(m, service.methods_by_name[m]) for m in CALLS}),))
    if len(sys.argv) > 3:
        with open(sys.argv[3], "rb") as key, open(sys.argv[4], "rb") as pem:
            creds = grpc.ssl_server_credentials([(key.read(), pem.read())])
        port = server.add_secure_port(ADDRESS, creds)
    else:
        port = server.add_insecure_port(ADDRESS)
    server.start()
    with open(os.path.join(DIR, "port.new"), "w") as f:
        f.write("%d\n" % port)
    os.rename(os.path.join(DIR, "port.new"), os.path.join(DIR, "port"))
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    os._exit(0)


main()

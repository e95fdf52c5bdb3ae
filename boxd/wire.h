/* wire.h - the socket protocol between bindu-boxd and boxd-monitor.
 *
 * Unix SOCK_SEQPACKET; one message is one JSON object (at most
 * BOXD_WIRE_MAX bytes), with descriptors attached where said.  Requests carry "op"; the
 * answer to one is {"ok":true,...} or {"ok":false,"code":ERRNAME,
 * "error":"text"} where ERRNAME is a row of bindu_errc in lower case ("exists",
 * "noinput", "unavailable", ...).  One connection carries one request, and
 * for exec/put/get/start its later events; closing it cancels what it began.
 *
 * Processes.  bindu-boxd (gRPC, host network, never forks) starts one
 * `boxd-monitor hub STATE` per state directory with posix_spawn.  The hub
 * owns the private mount namespace and the hub network namespace (bridge,
 * nftables, slirp4netns; as an ordinary user also the outer user namespace)
 * and listens on STATE/hub.sock.  For each box that starts it forks a
 * monitor inside these namespaces, which owns that one box, listens on
 * STATE/boxes/ID/monitor.sock and outlives both daemon and hub.
 *
 * Hub, STATE/hub.sock:
 *   {"op":"ping","attend":bool} -> {"ok":true,"pid":N,"rootful":bool,
 *       "default_image":"host"|"debian:trixie","images":["host",...],
 *       "abilities":{"limits":bool,"suspend":bool,"network":bool,"disk":bool,
 *       "host_image":bool, "why":{"limits":"reason and cure",...}}}
 *        attend: the connection stays open; once the daemon closed it, in
 *        whatever way it ended, the hub ends with the last box
 *   {"op":"start","id","dir","name","image":{"kind":"host"} |
 *       {"kind":"debian","suite":"trixie"} |
 *       {"kind":"layers","lower":["/abs/layer",...]},"hostname","vcpu",
 *       "memory_bytes","disk_bytes","pids","ip":"10.88.x.y","cmd":[...],
 *       "env":["K=V"...]}
 *     -> {"ok":true,"pid":MONITORPID,"init_pid":N,"boot_us":N} once the box
 *        runs.  dir = STATE/boxes/ID, made by the daemon; a monitor that
 *        it has already is ended first; disk.img (a file system of disk_bytes)
 *        or, without a limit, disk/ in it keeps the box's files across stop
 *        and start, all but /tmp.  A debian image not built yet is "noinput":
 *        send build first.
 *        The hub resolves the image before the monitor sees it: there it
 *        always has "lower" (top first) and may have "over", host
 *        directories ("/usr", "/var/lib/dpkg") that each get a second overlay
 *        at their own path: lower image_view_mount(), upper on the box's
 *        disk.  Proxy and CA variables of the host are added to "env".
 *   {"op":"remove","id","dir","ip"} -> delete all that a box left, ending
 *        it when it runs; ip may be missing
 *   {"op":"build","image":{"kind":...}} -> make the image if it is not there;
 *       events {"event":"progress","text":"..."}..., then the answer
 *   {"op":"stop"}              -> hub ends; boxes go on
 *
 * Monitor, STATE/boxes/ID/monitor.sock:
 *   {"op":"stat"} -> {"ok":true,"state":"running"|"suspended","init_pid":N,
 *       "execs":N,"memory_bytes":N,"started_at":N}
 *   {"op":"exec","command":"sh line"|"argv":[...],"env":["K=V"],"cwd":PATH,
 *       "user":"boxd"|"root","tty":bool,"cols","rows"}
 *     -> {"ok":true,"exec":N,"pid":HOSTPID} + fds: [stdin,stdout,stderr]
 *        pipes, or [pty master] with tty; then {"event":"exit","code":N}.
 *        While open the daemon may send {"signal":N} or {"cols","rows"}.
 *        Closing the connection before the exit event kills everything in the
 *        exec's cgroup (TERM, 2 s, KILL).  After a normal exit children that
 *        are left move to the box's own cgroup and live on.
 *        A failure to start is {"ok":false,"code":...,"exit":125|126|127};
 *        "again" while the box is suspended.  Without command and argv it is
 *        the user's login shell.  user may also be UID or UID:GID.
 *   {"op":"put","path","mode","size"} -> {"ok":true} + fds: [pipe to write];
 *        after the daemon closes it: {"event":"exit","bytes":N} or an error.
 *        Relative paths and ~/ count from /home/boxd.  The file gets its name
 *        when all its bytes are there; a size of -1 becomes known by
 *        {"size":N}, sent before the pipe is closed.
 *   {"op":"get","path"} -> {"ok":true,"size":N} + fds: [pipe to read];
 *        then {"event":"exit","bytes":N}
 *   {"op":"connect","port":N} -> {"ok":true} + fds: [connected TCP socket
 *        made inside the box's network], or {"ok":false,"code":"again"}
 *   {"op":"suspend"} {"op":"resume"} -> {"ok":true,"us":N}
 *   {"op":"stop","grace_ms":N} -> {"ok":true} after everything of the box is
 *        gone (mounts, cgroups, veth, processes) except dir; the monitor ends
 *   {"op":"watch"} -> stays open; {"event":"end","code":N,"reason":"..."} when
 *        the box ends by itself
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_WIRE_H
#define BOXD_WIRE_H

#include "lib/base/err.h"
#include "lib/base/json.h"

#define BOXD_WIRE_MAX (192 * 1024)
#define BOXD_WIRE_FDS 3

/* Send or receive one message on a SEQPACKET socket.  fds are borrowed by
 * send and owned by the receiver afterwards (close-on-exec; -1 where none).
 * recv: 1 got one, 0 the peer closed, -1 error; AGAIN with detail EAGAIN when
 * the socket does not block (or its SO_RCVTIMEO ran out) and nothing came. */
int boxd_wire_send(int sock, const json_t *, const int *fds, int nfds,
    struct bindu_err *);
int
boxd_wire_recv(int sock, json_t **, int fds[BOXD_WIRE_FDS], struct bindu_err *);
/* {"ok":false,...} of an error, and back. */
json_t *boxd_wire_error(const struct bindu_err *);
int boxd_wire_check(const json_t *answer, struct bindu_err *);
#endif

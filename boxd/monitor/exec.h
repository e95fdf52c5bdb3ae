/* exec.h - processes that the monitor puts into its box: commands and the
 * built-in file transfers.
 *
 * A child is forked into the box's pid namespace, so it is the monitor's own
 * to wait for.  Until it runs its program it reports on a socket; the notes
 * are struct exec_note.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_EXEC_H
#define BOXD_EXEC_H

#include "monitor_priv.h"

#define EXEC_MAX 1024 /* at once in one box */
#define EXEC_GRACE_MS 2000 /* between TERM and KILL */

struct exec_note {
	enum { NOTE_FAIL, NOTE_PTY, NOTE_READY, NOTE_DONE } kind;
	enum bindu_errc code; /* FAIL */
	int exit; /* FAIL: 125, 126, 127 */
	int64_t bytes; /* READY: size of the file; DONE: moved, or, to the
			* child, to be moved */
	char text[400]; /* FAIL */
};

struct exec {
	struct exec *next;
	unsigned id;
	pid_t pid; /* 0: reaped */
	struct conn *conn; /* NULL: its connection is closed */
	struct watch status; /* notes; fd -1 when they are over */
	int give[BOXD_WIRE_FDS], ngive; /* handed over with the answer */
	int pty; /* our copy of the master, for its size */
	int cgroup; /* while forking: the group to be born in, or -1 */
	bool file; /* a transfer, no command */
	bool answered, failed, done;
	bool ending; /* told to end; at kill_at it is forced */
	int64_t kill_at;
	int64_t bytes;
	int code;
};

/* Run fn(arg) as a new process of the box, entered as its root, its notes on
 * fd 3, in/out/err (-1: /dev/null of the box) as 0 1 2; they are closed
 * here.  fn does not return.  NULL: err is set. */
struct exec *exec_spawn(struct monitor *, struct conn *, const int io[3],
    void (*fn)(const struct monitor *, const void *), const void *arg,
    struct bindu_err *);
#define EXEC_STATUS_FD 3

void exec_start(struct monitor *, struct conn *, const json_t *request);
void exec_control(struct monitor *, struct exec *, const json_t *request);
/* The connection is gone: TERM, later KILL to all the exec started. */
void exec_cancel(struct monitor *, struct exec *);
/* TERM to those that are not the box's yet: init, which tells all others, has
 * no right to. */
void exec_end_starting(struct monitor *);
/* SIGCHLD: pid ended with wait status st; false: not one of ours. */
bool exec_reaped(struct monitor *, pid_t, int st);
/* Deadlines; the next look is due in the returned ms, -1: none. */
int exec_tick(struct monitor *);
void exec_free_all(struct monitor *);
void exec_free(struct monitor *, struct exec *);
void exec_on_status(struct monitor *, struct watch *); /* notes */

/* exec_enter.c, in the child: it is the box's root afterwards */
int exec_enter(const struct monitor *, const struct exec *); /* -1: errno */
void exec_note(const struct exec_note *, int fd_or_minus1);
_Noreturn void exec_die(enum bindu_errc, int exit, const char *, ...)
    __attribute__((format(printf, 3, 4)));
/* exec_child.c: fn of a command, arg is its request */
void exec_child(const struct monitor *, const void *request);

/* exec_tree.c: where there is no cgroup, by parentage */
void exec_tree_hold(void); /* returns in the command's process */
void exec_tree_signal(pid_t root, int sig);
#endif

/* box.h - one table of operations over the clients of the three runtimes.
 *
 * A struct bindu_remote is one connection to one runtime; every function
 * here may be called on any.  Not for use by two threads at once.
 * boxd-semantics.md is the source of every rule.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_BOX_H
#define BINDU_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/config.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/progress.h"
#include "lib/base/str.h"

struct bindu_remote;

struct bindu_remote_opts {
	const char *runtime; /* --runtime, or NULL */
	int64_t timeout_ms; /* of one unary call; 0: 30 s */
	bool no_start; /* local: do not start the daemon */
};

/* Choose the runtime (config.h), say it in one note, connect, authenticate.
 * local starts bindu-boxd when it is not running. */
int bindu_remote_open(const struct bindu_remote_opts *,
    const struct bindu_report *, struct bindu_remote **, struct bindu_err *);
void bindu_remote_close(struct bindu_remote *);
#define AUTO_REMOTE __attribute__((cleanup(bindu_remote_cleanup)))
void bindu_remote_cleanup(struct bindu_remote **);
enum bindu_runtime bindu_remote_runtime(const struct bindu_remote *);

struct bindu_box_info {
	char *vm_id, *name, *status, *image_ref;
	char *url; /* public, "https://..." or NAME.localhost */
	char *local_url; /* local runtime only: http://127.0.0.1:PORT */
	char *restart_policy;
	uint32_t vcpu;
	uint64_t memory_bytes, disk_bytes;
	uint32_t auto_suspend_timeout_secs;
	int64_t created_at, boot_time_ms;
};
void bindu_box_info_fini(struct bindu_box_info *);
json_t *bindu_box_info_json(const struct bindu_box_info *);

struct bindu_box_config {
	const char *name; /* NULL: the server makes one */
	const char *image; /* NULL: the server's default */
	uint32_t vcpu; /* 0: not asked */
	uint64_t memory_bytes, disk_bytes; /* 0: not asked */
	bool has_auto_suspend;
	uint32_t auto_suspend_secs;
	uint32_t proxy_port; /* 0: not set; sent at create and set after */
	const struct bindu_strv *env; /* KEY=VALUE, for the image's program */
};

/* BINDU_E_USAGE: no box can be named so. */
int bindu_box_check(const struct bindu_box_config *, struct bindu_err *);
/* box is an id or a name everywhere. */
int bindu_box_create(struct bindu_remote *, const struct bindu_box_config *,
    struct bindu_box_info *, struct bindu_err *);
int bindu_box_get(struct bindu_remote *, const char *box,
    struct bindu_box_info *, struct bindu_err *);
int bindu_box_list(struct bindu_remote *, struct bindu_box_info **, size_t *n,
    struct bindu_err *);
enum bindu_box_verb {
	BINDU_BOX_START,
	BINDU_BOX_STOP,
	BINDU_BOX_REBOOT,
	BINDU_BOX_SUSPEND,
	BINDU_BOX_RESUME,
	BINDU_BOX_DESTROY,
	BINDU_BOX_HIBERNATE,
	BINDU_BOX_WAKE
};
/* Reads the state first: the target state reached is success. */
int bindu_box_act(struct bindu_remote *, const char *box, enum bindu_box_verb,
    struct bindu_err *);
/* Until an exec of `true` answers; resumes, wakes or starts the box first
 * when bring_up is set. */
int bindu_box_wait(struct bindu_remote *, const char *box, bool bring_up,
    int64_t timeout_ms, struct bindu_err *);
int bindu_box_set_port(struct bindu_remote *, const char *box, uint32_t port,
    struct bindu_err *);
int bindu_box_set_auto_suspend(struct bindu_remote *, const char *box,
    uint32_t secs, struct bindu_err *);
/* Console output to fd; follow: until the box ends or a signal. */
int bindu_box_logs(struct bindu_remote *, const char *box, bool follow, int fd,
    struct bindu_err *);
#endif

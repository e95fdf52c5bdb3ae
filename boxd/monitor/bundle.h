/* bundle.h - a box's settings as the OCI configuration that crun reads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_BUNDLE_H
#define BOXD_BUNDLE_H

#include <stdint.h>
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "monitor.h"

/* Capabilities of a box's root, as bits: CHOWN DAC_OVERRIDE FOWNER FSETID
 * KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD
 * AUDIT_WRITE SETFCAP.  sudo needs SETUID, SETGID and AUDIT_WRITE. */
#define BUNDLE_CAPS 0xa80425fbull

/* RLIMIT_CORE: 0 does not keep a host's core_pattern from piping a dump of
 * the box's memory into a program of the host; 1 does (core(5)). */
#define BUNDLE_CORE 1

/* Processes of a box.  Without cgroups: of one of its users, those of other
 * boxes counted with them. */
#define BUNDLE_PIDS 4096

/* Programs are found there; also the environment of an exec. */
#define BUNDLE_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The document; start as in wire.h, stage as in mount.h.  Caller decrefs. */
json_t *
bundle_json(const struct monitor_env *, const json_t *start, const char *stage);
/* DIR/config.json. */
int bundle_write(const struct monitor_env *, const json_t *start,
    const char *stage, int dirfd, struct bindu_err *);
#endif

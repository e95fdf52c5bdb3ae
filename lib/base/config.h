/* config.h - every environment variable the programs read, read here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_CONFIG_H
#define BINDU_CONFIG_H

#include "err.h"

enum bindu_runtime { BINDU_LOCAL, BINDU_BOXD, BINDU_BOXLITE };
const char *bindu_runtime_name(enum bindu_runtime);
/* flag (may be NULL), else BINDU_RUNTIME, else boxd when BOXD_TOKEN or
 * BOXD_API_KEY is set and not empty, else local.  *why says which. */
int bindu_config_runtime(const char *flag, enum bindu_runtime *,
    const char **why, struct bindu_err *);
/* getenv, but empty counts as unset. */
const char *bindu_config_env(const char *name);
/* Directories; caller frees.  state: BINDU_STATE_DIR, else /var/lib/bindu for
 * root, else $XDG_STATE_HOME/bindu.  cache: $XDG_CACHE_HOME/bindu. */
char *bindu_config_state_dir(void);
char *bindu_config_cache_dir(void);
/* Make dir, the cache directory or one below it, mode 0700.  A HOME that is not
 * there is not made: an account without one (/nonexistent) has no cache. */
int bindu_config_make_cache(const char *dir, struct bindu_err *);
/* The local daemon's unix socket: boxd.sock in the state directory, of root
 * in /run/bindu.  Not in $XDG_RUNTIME_DIR: that goes when the user logs out,
 * and the daemon and its boxes stay.  Caller frees. */
char *bindu_config_socket(void);
/* Where our own helper files are: share/remote, libexec programs.  Beside
 * the running program in a build tree (BUILD/share/remote), else the
 * installed PREFIX/share/bindu; BINDU_SHARE_DIR overrides.  Caller frees. */
char *bindu_config_share_file(const char *name); /* "remote/agent.sh" */
char *bindu_config_libexec(const char *program); /* "boxd-monitor" */
/* One of our programs: the one beside the running program, else the name
 * alone, for PATH.  Caller frees. */
char *bindu_config_program(const char *name); /* "bindu-boxd" */
#endif

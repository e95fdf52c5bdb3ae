/* fd.h - descriptors: whole reads and writes, replace a file, look beneath.
 *
 * Every descriptor made here is close-on-exec.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_FD_H
#define BINDU_FD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "buf.h"
#include "err.h"

/* Up to n bytes; fewer only at end of input.  -1 sets errno, not err. */
ssize_t bindu_fd_read(int fd, void *, size_t n);
/* All n bytes.  -1 sets errno.  EINTR and short writes are handled. */
int bindu_fd_write(int fd, const void *, size_t n);
/* Everything up to max bytes; one more byte is BINDU_E_DATA.  *out gets a
 * NUL after *len bytes and is the caller's. */
int bindu_fd_read_all(int fd, size_t max, char **out, size_t *len,
    struct bindu_err *);
/* As above by name, relative to dirfd, refusing symlinks and non-files. */
int bindu_fd_read_file(int dirfd, const char *name, size_t max, char **out,
    size_t *len, struct bindu_err *);
/* The last line of a log from an offset on; NULL when there is none.  Caller
 * frees. */
char *bindu_fd_last_line(int dirfd, const char *name, off_t from);
/* A file the user named: links are followed, a pipe is read to its end. */
int bindu_fd_read_named(const char *path, size_t max, char **out, size_t *len,
    struct bindu_err *);
int64_t bindu_fd_copy(int in, int out, struct bindu_err *); /* bytes */
/* Open beneath dirfd: never through .., absolute names, magic links or
 * (unless follow) any symlink; openat2 RESOLVE_BENEATH, with a per-component
 * O_NOFOLLOW fallback where the call is missing.  -1 sets errno. */
int bindu_fd_open_beneath(int dirfd, const char *path, int flags, mode_t mode,
    bool follow);
/* Replace dirfd/name by a file with these bytes: O_EXCL temp, fsync, rename,
 * fsync of the directory.  Readers see the old file or the new one. */
int bindu_fd_replace(int dirfd, const char *name, mode_t mode, const void *,
    size_t n, struct bindu_err *);
/* mkdir -p with mode for what it makes. */
int bindu_fd_mkdirs(const char *path, mode_t mode, struct bindu_err *);
/* A directory only we may use: made 0700, or checked: ours, no link, not
 * open to others.  Returns its descriptor. */
int bindu_fd_private_dir(const char *path, struct bindu_err *);
/* Remove dirfd/name and all below it; never follows a link.  0 if absent. */
int bindu_fd_rmtree(int dirfd, const char *name, struct bindu_err *);
int bindu_fd_cloexec(int fd, bool on);
int bindu_fd_nonblock(int fd, bool on);
/* Unix stream or seqpacket sockets by path; long paths (over sun_path) go
 * through /proc/self/fd of their directory. */
/* A path that can be given to who takes no descriptor, while *dirfd, when it
 * was opened, stays so.  Caller frees. */
char *bindu_fd_unix_path(const char *path, int *dirfd, struct bindu_err *);
int bindu_fd_unix_connect(const char *path, int type, struct bindu_err *);
int bindu_fd_unix_listen(const char *path, int type, mode_t mode,
    struct bindu_err *);
#endif

/* path.h - text of paths; nothing here touches the disk except as said.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_PATH_H
#define BINDU_PATH_H

#include <stdbool.h>
#include "err.h"

/* Lexically clean: "a//b/./c/../d" -> "a/b/d"; "" -> ".".  Caller frees. */
char *bindu_path_clean(const char *);
/* dir + "/" + name, or name when it is absolute.  Caller frees. */
char *bindu_path_join(const char *dir, const char *name);
const char *bindu_path_base(const char *); /* points into its argument */
char *bindu_path_dir(const char *); /* caller frees; "." if none */
/* DIR/.NAME.PID~, a file of this process that is to become path: a name the
 * built-in ignore rules know, short enough where path is.  Caller frees. */
char *bindu_path_temp(const char *path);
/* Is the clean relative path inside its root: not absolute, no "..",
 * no empty component, no NUL, no newline? */
bool bindu_path_is_inside(const char *rel);
/* path relative to root, both absolute and clean; NULL if not below it.
 * Points into path ("." is "" there). */
const char *bindu_path_below(const char *root, const char *path);
/* Absolute, cleaned with the working directory (reads getcwd). */
char *bindu_path_abs(const char *, struct bindu_err *);
/* A box, route or agent label: [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?
 * (RFC 1123 label, the name is used as a host name). */
bool bindu_name_is_label(const char *);
/* Make a label of an agent's name: lower case, others to '-', runs folded,
 * ends trimmed, 63 bytes.  NULL when nothing is left.  Caller frees. */
char *bindu_name_to_label(const char *);
#endif

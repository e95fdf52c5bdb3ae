/* tree.h - what ships: the sorted entries of a source tree and what was
 * left out.  walk.c makes it, scrub may drop from it, manifest.c hashes it,
 * pack.c writes it.  One tree object flows through a deploy.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_TREE_H
#define BINDU_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "digest.h"
#include "lib/base/err.h"
#include "lib/base/progress.h"

enum bindu_entry_type { BINDU_FILE = 'f', BINDU_LINK = 'l', BINDU_DIR = 'd' };

struct bindu_entry {
	char *path; /* relative, '/' between, no leading "./" */
	char *link; /* target of a link, else NULL */
	uint64_t size; /* bytes of a file, of the target for a link */
	uint64_t mtime_ns, ctime_ns, dev; /* as lstat saw it */
	union {
		uint64_t ino; /* the same */
		uint64_t at; /* of a spooled tree: where its bytes begin */
	};
	mode_t mode; /* 0755 or 0644 for files, 0755 dirs, 0777 links */
	enum bindu_entry_type type;
	bool hashed; /* sha256 holds the content's digest */
	bool clean; /* and the scrubber found nothing in that content */
	uint8_t sha256[BINDU_SHA256];
};

/* Packed, a name may hold anything; the tools in a box work by lines. */
#define BINDU_NO_NEWLINE "a file name with a newline cannot be shipped"

/* A path that does not ship, and why ("SOURCE:LINE:PATTERN", "name/dotenv"). */
struct bindu_drop {
	char *path;
	char *rule;
	bool secret; /* by a secret-name or content rule */
};

struct bindu_tree {
	char *root; /* absolute */
	int rootfd; /* -1: none */
	bool spooled; /* rootfd is a file that holds all contents */
	struct bindu_entry *entry; /* sorted by bytes of path */
	size_t n, cap;
	struct bindu_drop *drop; /* secrets, each named; sorted */
	size_t ndrop, dropcap;
	uint64_t ignored; /* paths left out by ignore rules (pruned
				 * directories count once) */
	uint64_t special; /* sockets, FIFOs, devices skipped */
	uint64_t kept; /* tracked by git although a rule ignores them */
	uint64_t bytes; /* sum of file sizes */
};

struct bindu_walk_opts {
	bool no_defaults; /* without the built-in defaults */
	bool no_deny; /* without the deny list (checks only) */
	bool all; /* no ignore rule at all (bindu-scrub --all) */
	bool keep_pyc; /* with all: also __pycache__ */
	bool any_link; /* links that leave the root are no error: the
				 * scrubber drops them */
	struct { /* output files, never packed; 0: none */
		dev_t dev;
		ino_t ino;
	} skip[2];
	bool strict; /* a directory that changes its type during
				 * the walk is an error, not a warning */
};

/* Walk root (fd-relative, never following a link out).  The tree is the
 * caller's.  A link whose target leaves the root is BINDU_E_DATA naming both
 * ends, unless it is ignored. */
int bindu_tree_load(const char *root, const struct bindu_walk_opts *,
    const struct bindu_report *, struct bindu_tree **, struct bindu_err *);
void bindu_tree_free(struct bindu_tree *);
/* Size, times and identity as st has them; mode and type are the caller's. */
void bindu_entry_stat(struct bindu_entry *, const struct stat *st);
/* The same and the mode, of a regular file. */
void bindu_entry_file(struct bindu_entry *, const struct stat *st);
/* Is it still the file, unchanged, that the entry was made of? */
bool bindu_entry_is(const struct bindu_entry *, const struct stat *st);
/* Do both say the same of one file's content and times? */
bool bindu_same_stat(const struct stat *, const struct stat *);
/* Take an entry out (keeps order); rule is copied. */
void
bindu_tree_drop(struct bindu_tree *, size_t i, const char *rule, bool secret);
/* Forget all that keep says no to, as if it were not there. */
void bindu_tree_keep(struct bindu_tree *, bool (*keep)(const char *path));
/* Put the drops in order of path, once all are known. */
void bindu_tree_sort_drops(struct bindu_tree *);
/* Index of path, or -1. */
ssize_t bindu_tree_find(const struct bindu_tree *, const char *path);

/* What the rules say of one path, as the walk would decide it. */
enum bindu_explain_kind {
	BINDU_SHIPS, /* no rule is against it */
	BINDU_SHIPS_TRACKED, /* ignored by rule, but git tracks it */
	BINDU_IGNORED, /* by rule; at: the ancestor it names, or path */
	BINDU_DENIED, /* by the deny list of secret names */
	BINDU_SCRUBBED, /* by name, if its content holds the secret */
	BINDU_SPECIAL, /* socket, FIFO, device */
	BINDU_GIT, /* git's own directory */
	BINDU_OWN, /* the cache or state of these tools */
	BINDU_MISSING, /* not on disk */
};
struct bindu_explain {
	enum bindu_explain_kind kind;
	char *rule; /* "SOURCE:LINE:PATTERN", "name/dotenv", or "" */
	char *at; /* the path the rule was about */
};
/* path: relative to root.  Caller ends with bindu_explain_fini. */
int bindu_tree_explain(const char *root, const struct bindu_walk_opts *,
    const char *path, const struct bindu_report *, struct bindu_explain *,
    struct bindu_err *);
void bindu_explain_fini(struct bindu_explain *);
#endif

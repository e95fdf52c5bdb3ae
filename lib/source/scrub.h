/* scrub.h - keep secrets out, by name and by content (secrets.md).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_SCRUB_H
#define BINDU_SCRUB_H

#include "lib/base/json.h"
#include "lib/base/str.h"
#include "tree.h"

enum bindu_scrub_level {
	BINDU_SCRUB_NOTE,
	BINDU_SCRUB_WARN,
	BINDU_SCRUB_BLOCK
};
/* What a file's name says: drop it, drop it if its content holds the secret,
 * say so but ship, or nothing. */
enum bindu_name_act {
	BINDU_NAME_OK,
	BINDU_NAME_WARN,
	BINDU_NAME_SCAN,
	BINDU_NAME_DROP
};

/* The name rule for a relative path (every component counts), case folded;
 * *rule gets its id ("name/dotenv"), static storage. */
enum bindu_name_act
bindu_scrub_name(const char *path, bool is_dir, const char **rule);

struct bindu_finding {
	char *path; /* outer!inner inside containers */
	uint32_t line, col; /* from 1; 0: does not apply */
	uint64_t offset, length;
	const char *rule;
	enum bindu_scrub_level level;
	char *masked; /* never the secret */
	char *allow; /* the exact line that would allow it */
	char *by; /* what allowed it: ".binduscrub:3", "comment" */
	bool dropped; /* its file is left out, so it stops nothing */
};

struct bindu_scrub_report {
	struct bindu_finding *finding;
	size_t n, cap;
	struct bindu_finding *allowed; /* found, and allowed by someone */
	size_t nallowed, allowedcap;
	struct bindu_drop *drop;
	size_t ndrop, dropcap;
	struct bindu_drop *unread; /* rule = reason */
	size_t nunread, unreadcap;
	struct bindu_drop *kept; /* read because of its name, and clean */
	size_t nkept, keptcap;
	struct bindu_strv stale; /* allow entries unused or expired */
	uint64_t files, bytes; /* read */
	/* Findings by level in files that ship: a block stops a deploy. */
	unsigned block, warn, note;
};

struct bindu_scrub_opts {
	bool drop; /* --drop: content findings leave the file out */
	bool all;
	bool no_cache; /* read files known to be clean again */
	const char *allow_file; /* NULL: .binduscrub of the tree's root */
	const char *baseline; /* an older --json report, or NULL */
};

/* Scan a loaded tree: drops what its name forbids (moved to tree->drop),
 * reports findings.  0 also when there are findings: look at block/nunread. */
int bindu_scrub_tree(struct bindu_tree *, const struct bindu_scrub_opts *,
    const struct bindu_report *, struct bindu_scrub_report *,
    struct bindu_err *);
/* tar on in -> tar on out.  Once a finding blocks, nothing more is written
 * and the archive stays without its end: look at block/nunread. */
int bindu_scrub_filter(int in, int out, const struct bindu_scrub_opts *,
    const struct bindu_report *, struct bindu_scrub_report *,
    struct bindu_err *);
void bindu_scrub_report_fini(struct bindu_scrub_report *);

/* The report as one JSON object (schema 1), and as a SARIF 2.1.0 log. */
json_t *bindu_scrub_json(const struct bindu_scrub_report *, const char *root);
json_t *bindu_scrub_sarif(const struct bindu_scrub_report *);
const char *bindu_scrub_level_name(enum bindu_scrub_level);
/* One sentence about a rule id, for people. */
const char *bindu_scrub_what(const char *rule);
/* A finding for people: where, what, and the line that allows it. */
void bindu_scrub_say(const struct bindu_finding *, const struct bindu_report *);
#endif

/* scrub_file.h - one file through the scanner: content, containers in it,
 * findings into the report.  Between scrub_file.c, scrub_path.c,
 * scrub_report.c, scrub_tree.c and scrub_filter.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_SCRUB_FILE_H
#define BINDU_SCRUB_FILE_H

#include "scrub_allow.h"
#include "unpack_stream.h"

struct scrub_job { /* one thread's work */
	struct scrub_scan *scan;
	struct scrub_allow *allow;
	const struct bindu_scrub_opts *o;
	struct bindu_scrub_report *r;
	const struct bindu_report *report;
	/* What a container in hand may still expand to. */
	uint64_t budget, members;
	/* Of the file in hand. */
	const char *path;
	uint64_t size;
	bool weak, any_key, block, packed;
	size_t first; /* its findings begin here in the report */
};

/* Read the source (its whole content is size bytes, 0 if not known) and
 * report.  weak: the name is one of those that content decides about.
 * Returns 0, or -1 with err when the source failed. */
int scrub_file(struct scrub_job *, const char *path, uint64_t size, bool weak,
    const struct bindu_source *, struct bindu_err *);
/* Should the file just read be left out?  The rule, or NULL.  Marks its
 * findings as dropped, or counts them. */
const char *scrub_file_verdict(struct scrub_job *, enum bindu_name_act,
    const char *name_rule);

/* The rule by which a name, or what a symbolic link of that name points to
 * (else NULL), keeps it from shipping, or NULL.  *act and *rule as of
 * bindu_scrub_name(). */
const char *scrub_name_verdict(const char *path, bool is_dir, const char *link,
    enum bindu_name_act *act, const char **rule);
bool scrub_target_is_dropped(const char *target);
/* Does an entry allow the whole file, by its digest?  Then it is said. */
bool scrub_file_is_allowed(struct scrub_job *, const char *path,
    const uint8_t sha256[BINDU_SHA256]);

/* Does a name that ships hold a credential?  link: what it points to, or
 * NULL.  Such a finding stops a deploy, with --drop as well: a name that is
 * left out would still stand in what is said of it. */
void scrub_path(struct scrub_job *, const char *path, const char *link);

void scrub_report_drop(struct bindu_scrub_report *, const char *path,
    const char *rule);
void scrub_report_unread(struct scrub_job *, const char *path, const char *why);
void scrub_report_kept(struct bindu_scrub_report *, const char *path,
    const char *rule);
/* What the scan found, as one of the report's findings; NULL when somebody
 * allowed it.  Good until the next. */
struct scrub_cand;
struct bindu_finding *
scrub_report_found(struct scrub_job *, const char *path, struct scrub_cand *);
/* Counts it among those of files that ship; NULL: none. */
void
scrub_report_count(struct bindu_scrub_report *, const struct bindu_finding *);
/* A finding about the name alone. */
void scrub_report_name(struct bindu_scrub_report *, const char *path,
    const char *rule);
#endif

/* scrub_path.c - names: the rules that forbid them, and credentials in them,
 * since names ship as contents do.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "scrub_file.h"
#include "scrub_priv.h"

/* No provider's token is shorter, and few parts of a path are as long. */
enum { SHORTEST = 16 };

static bool
has_long_part(const char *path)
{
	size_t n = 0;

	for (; *path && n < SHORTEST; path++)
		n = *path == '/' ? 0 : n + 1;
	return n >= SHORTEST;
}

/* A token begins at a border, and / is none. */
static void
add_parts(struct scrub_scan *scan, const char *path)
{
	AUTO_FREE char *parts = xasprintf("%s\n", path);
	size_t n = strlen(parts);

	for (size_t i = 0; i < n; i++)
		if (parts[i] == '/')
			parts[i] = '\n';
	scrub_scan_add(scan, (const uint8_t *)parts, n);
}

/* No report shows a secret, though its place has it for a name. */
static char *
mask_path(const char *path, const struct scrub_cand *c, size_t n)
{
	struct bindu_buf b = BINDU_BUF_INIT(1u << 30);
	uint64_t at = 0, len = strlen(path);

	for (size_t i = 0; i < n && c[i].start < len; i++) {
		if (c[i].end > len)
			break;
		bindu_buf_add(&b, path + at, c[i].start - at, NULL);
		bindu_buf_adds(&b, c[i].masked, NULL);
		at = c[i].end;
	}
	bindu_buf_adds(&b, path + at, NULL);
	return bindu_buf_steal(&b);
}

void
scrub_path(struct scrub_job *j, const char *path, const char *link)
{
	AUTO_FREE char *shown = NULL;
	struct scrub_cand *c;
	size_t n;

	if (!has_long_part(path) && !(link && has_long_part(link)))
		return;
	scrub_scan_begin(j->scan, false);
	add_parts(j->scan, path);
	if (link)
		add_parts(j->scan, link);
	scrub_scan_end(j->scan);
	c = scrub_scan_found(j->scan, &n);
	for (size_t i = 0; i < n; i++) {
		if (c[i].level != BINDU_SCRUB_BLOCK)
			continue;
		if (!shown)
			shown = mask_path(path, c, n);
		c[i].line = c[i].col = 0;
		scrub_report_count(j->r, scrub_report_found(j, shown, &c[i]));
	}
}

/* Where a link in `path` leads, clean; NULL when it leaves the root. */
static char *
find_target(const char *path, const char *link)
{
	AUTO_FREE char *dir = bindu_path_dir(path), *joined = NULL;
	char *clean;

	joined = bindu_path_join(dir, link);
	clean = bindu_path_clean(joined);
	if (clean[0] == '/' || !strcmp(clean, "..") ||
	    !strncmp(clean, "../", 3)) {
		free(clean);
		return NULL;
	}
	return clean;
}

bool
scrub_target_is_dropped(const char *target)
{
	const char *rule;

	return bindu_scrub_name(target, false, &rule) == BINDU_NAME_DROP;
}

const char *
scrub_name_verdict(const char *path, bool is_dir, const char *link,
    enum bindu_name_act *act, const char **rule)
{
	AUTO_FREE char *target = NULL;

	*act = bindu_scrub_name(path, is_dir, rule);
	if (*act == BINDU_NAME_DROP)
		return *rule;
	if (!link)
		return NULL;
	*act = BINDU_NAME_OK; /* a link has no content to decide by */
	target = find_target(path, link);
	if (!target)
		return "name/link-outside";
	return scrub_target_is_dropped(target) ? "name/link-to-dropped" : NULL;
}

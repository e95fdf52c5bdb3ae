/* walk_link.c - links that leave the tree are refused, both ends named.
 *
 * Text alone decides, for the target is never opened: a link's own directory
 * is no link (the walk does not follow any), so leading ".." count as they
 * stand; names after them may pass through links that were checked the same
 * way.  Only a ".." that climbs out of a link would mean another place than
 * the text says, so that is refused as well.
 * SPDX-License-Identifier: Apache-2.0 */
#include "walk_link.h"

#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"

static bool
is_link(const struct bindu_tree *t, const char *path)
{
	ssize_t i = bindu_tree_find(t, path);

	return i != -1 && t->entry[i].type == BINDU_LINK;
}

/* Follow the text of target from the directory of path, which at holds.
 * NULL, or why the link is refused. */
static const char *
judge_target(const struct bindu_tree *t, char *at, size_t n, const char *target)
{
	bool through_link = false;

	if (*target == '/')
		return "is absolute";
	while (*target != '\0') {
		size_t len = strcspn(target, "/");

		if (len == 2 && memcmp(target, "..", 2) == 0) {
			if (n == 0)
				return "leaves the tree";
			if (through_link)
				return "climbs out of another link";
			while (n > 0 && at[n - 1] != '/')
				n--;
			n -= n > 0;
		} else if (len > 0 && !(len == 1 && *target == '.')) {
			if (n > 0)
				at[n++] = '/';
			memcpy(at + n, target, len);
			n += len;
			at[n] = '\0';
			through_link |= is_link(t, at);
		}
		at[n] = '\0';
		target += len;
		target += strspn(target, "/");
	}
	return NULL;
}

static int
refuse(const struct bindu_entry *e, const char *why, struct bindu_err *err)
{
	AUTO_FREE char *path = bindu_str_shown(e->path);
	AUTO_FREE char *target = bindu_str_shown(e->link);

	return bindu_err_set(err, BINDU_E_DATA,
	    "the target of link %.400s -> %.300s %s; make it relative and "
	    "inside the tree, or list the link in .binduignore",
	    path, target, why);
}

int
bindu_walk_check_links(const struct bindu_tree *t, struct bindu_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct bindu_entry *e = &t->entry[i];
		AUTO_FREE char *at = NULL;
		const char *slash, *why;
		size_t n;

		if (e->type != BINDU_LINK)
			continue;
		slash = strrchr(e->path, '/');
		n = slash ? (size_t)(slash - e->path) : 0;
		at = xmalloc(n + strlen(e->link) + 2);
		memcpy(at, e->path, n);
		at[n] = '\0';
		why = judge_target(t, at, n, e->link);
		if (why == NULL)
			continue;
		return refuse(e, why, err);
	}
	return 0;
}

/* tree.c - the list of what ships: sorted, searched, dropped from.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/base/mem.h"

void
bindu_entry_stat(struct bindu_entry *e, const struct stat *st)
{
	e->size = (uint64_t)st->st_size;
	e->ino = st->st_ino;
	e->dev = st->st_dev;
	e->mtime_ns = (uint64_t)st->st_mtim.tv_sec * 1000000000u +
	    (uint64_t)st->st_mtim.tv_nsec;
	e->ctime_ns = (uint64_t)st->st_ctim.tv_sec * 1000000000u +
	    (uint64_t)st->st_ctim.tv_nsec;
}

void
bindu_entry_file(struct bindu_entry *e, const struct stat *st)
{
	bindu_entry_stat(e, st);
	e->mode = st->st_mode & 0111 ? 0755 : 0644;
}

bool
bindu_entry_is(const struct bindu_entry *e, const struct stat *st)
{
	struct bindu_entry now = { 0 };

	bindu_entry_stat(&now, st);
	return e->size == now.size && e->ino == now.ino && e->dev == now.dev &&
	    e->mtime_ns == now.mtime_ns && e->ctime_ns == now.ctime_ns;
}

bool
bindu_same_stat(const struct stat *a, const struct stat *b)
{
	struct bindu_entry e = { 0 };

	bindu_entry_stat(&e, a);
	return bindu_entry_is(&e, b);
}

void
bindu_tree_free(struct bindu_tree *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->entry[i].path);
		free(t->entry[i].link);
	}
	for (size_t i = 0; i < t->ndrop; i++) {
		free(t->drop[i].path);
		free(t->drop[i].rule);
	}
	if (t->rootfd != -1)
		close(t->rootfd);
	free(t->entry);
	free(t->drop);
	free(t->root);
	free(t);
}

void
bindu_tree_drop(struct bindu_tree *t, size_t i, const char *rule, bool secret)
{
	struct bindu_entry *e = &t->entry[i];

	bindu_grow(&t->drop, &t->dropcap, t->ndrop + 1, sizeof *t->drop);
	t->drop[t->ndrop++] = (struct bindu_drop){ .path = e->path,
		.rule = xstrdup(rule),
		.secret = secret };
	if (e->type == BINDU_FILE)
		t->bytes -= e->size;
	free(e->link);
	memmove(e, e + 1, (--t->n - i) * sizeof *e);
}

void
bindu_tree_keep(struct bindu_tree *t, bool (*keep)(const char *path))
{
	size_t n = 0, ndrop = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct bindu_entry *e = &t->entry[i];

		if (keep(e->path)) {
			t->entry[n++] = *e;
			continue;
		}
		if (e->type == BINDU_FILE)
			t->bytes -= e->size;
		free(e->path);
		free(e->link);
	}
	for (size_t i = 0; i < t->ndrop; i++) {
		if (keep(t->drop[i].path)) {
			t->drop[ndrop++] = t->drop[i];
			continue;
		}
		free(t->drop[i].path);
		free(t->drop[i].rule);
	}
	t->n = n;
	t->ndrop = ndrop;
}

static int
compare_drops(const void *a, const void *b)
{
	return strcmp(((const struct bindu_drop *)a)->path,
	    ((const struct bindu_drop *)b)->path);
}

void
bindu_tree_sort_drops(struct bindu_tree *t)
{
	if (t->ndrop > 1)
		qsort(t->drop, t->ndrop, sizeof *t->drop, compare_drops);
}

ssize_t
bindu_tree_find(const struct bindu_tree *t, const char *path)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(t->entry[mid].path, path);

		if (c == 0)
			return (ssize_t)mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return -1;
}

/* py_store.c - memory, objects and their slots, branches and their merge.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "py_priv.h"
#include "lib/base/mem.h"

enum {
	ARENA_MAX = 64 << 20,
	CHUNK = 64 << 10,
	TEXT_MAX = 64 << 10, /* one string made by the program */
};

#define WILD "\x02*" /* what any key may be */

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

/* What is asked for after the limit is still given: the callers are
 * unwinding then, and ask for little. */
void *
py_alloc(struct bindu_py *p, size_t n)
{
	struct chunk *c = p->chunk;

	n = (n + 15) & ~(size_t)15;
	p->used += n;
	if (p->used > ARENA_MAX)
		p->over = true;
	if (!c || c->size - c->used < n) {
		size_t size = n > CHUNK ? n : CHUNK;

		c = xmalloc(sizeof *c + size);
		*c = (struct chunk){ p->chunk, 0, size };
		p->chunk = c;
	}
	c->used += n;
	return memset(c->bytes + c->used - n, 0, n);
}

char *
py_strn(struct bindu_py *p, const char *s, size_t n)
{
	char *d;

	if (n > TEXT_MAX)
		n = TEXT_MAX;
	d = py_alloc(p, n + 1);
	if (n)
		memcpy(d, s, n);
	return d;
}

char *
py_fmt(struct bindu_py *p, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof buf, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	return py_strn(p, buf,
	    (size_t)n < sizeof buf ? (size_t)n : sizeof buf - 1);
}

uint32_t
py_obj_new(struct bindu_py *p)
{
	bindu_grow(&p->obj, &p->objcap, p->nobj + 2, sizeof *p->obj);
	if (p->nobj == 0)
		p->obj[p->nobj++] = (struct py_obj){ 0 }; /* nobody's */
	p->obj[p->nobj] = (struct py_obj){ 0 };
	return (uint32_t)p->nobj++;
}

static size_t
hash_of(uint32_t obj, const char *key)
{
	uint64_t h = 14695981039346656037u ^ obj;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(h ^ (h >> 29));
}

static void
rehash(struct bindu_py *p)
{
	size_t i, at;

	free(p->hash);
	p->nhash = p->nhash ? p->nhash * 2 : 1024;
	p->hash = xcalloc(p->nhash, sizeof *p->hash);
	for (i = 1; i < p->nslot; i++) {
		at = hash_of(p->slot[i].obj, p->slot[i].key);
		while (p->hash[at & (p->nhash - 1)])
			at++;
		p->hash[at & (p->nhash - 1)] = (uint32_t)i;
	}
}

/* The slot of obj and key, 0 if there is none; made when make is set. */
static uint32_t
slot_of(struct bindu_py *p, uint32_t obj, const char *key, bool make)
{
	struct py_obj *o = &p->obj[obj];
	size_t at;

	if (p->nslot == 0)
		p->nslot = 1; /* slot 0 means none */
	if (p->nslot * 2 >= p->nhash)
		rehash(p);
	for (at = hash_of(obj, key); p->hash[at & (p->nhash - 1)]; at++) {
		uint32_t i = p->hash[at & (p->nhash - 1)];

		if (p->slot[i].obj == obj && strcmp(p->slot[i].key, key) == 0)
			return i;
	}
	if (!make)
		return 0;
	bindu_grow(&p->slot, &p->slotcap, p->nslot + 1, sizeof *p->slot);
	p->slot[p->nslot] =
	    (struct slot){ .obj = obj, .key = py_strn(p, key, strlen(key)) };
	p->hash[at & (p->nhash - 1)] = (uint32_t)p->nslot;
	if (o->last)
		p->slot[o->last].next = (uint32_t)p->nslot;
	else
		o->first = (uint32_t)p->nslot;
	o->last = (uint32_t)p->nslot;
	return (uint32_t)p->nslot++;
}

const struct val *
py_get(struct bindu_py *p, uint32_t obj, const char *key)
{
	uint32_t i = slot_of(p, obj, key, false);

	return i ? p->slot[i].v : NULL;
}

const struct val *
py_wild(struct bindu_py *p, uint32_t obj)
{
	return py_get(p, obj, WILD);
}

const struct val *
py_entry(struct bindu_py *p, uint32_t obj, const char *key)
{
	const struct val *v = py_get(p, obj, key);

	return v ? v : py_wild(p, obj);
}

uint32_t
py_next(struct bindu_py *p, uint32_t obj, uint32_t i)
{
	for (i = i ? p->slot[i].next : p->obj[obj].first; i && py_step(p);
	     i = p->slot[i].next)
		if (p->slot[i].v && p->slot[i].key[0] != '\x02')
			return i;
	return 0;
}

static void
change(struct bindu_py *p, uint32_t slot, const struct val *v)
{
	py_step(p);
	bindu_grow(&p->trail, &p->trailcap, p->ntrail + 1, sizeof *p->trail);
	p->trail[p->ntrail++] = (struct trail){ slot, p->slot[slot].v };
	p->slot[slot].v = v;
}

void
py_set(struct bindu_py *p, uint32_t obj, const char *key, const struct val *v)
{
	change(p, slot_of(p, obj, key, true), v);
}

void
py_blur(struct bindu_py *p, uint32_t obj, const struct val *why)
{
	uint32_t i;

	for (i = p->obj[obj].first; i && !p->over; i = p->slot[i].next)
		change(p, i, why);
	py_set(p, obj, WILD, why);
}

size_t
py_mark(const struct bindu_py *p)
{
	return p->ntrail;
}

static int
by_slot(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

struct change *
py_take_back(struct bindu_py *p, size_t mark, size_t *n)
{
	struct change *c = py_alloc(p, (p->ntrail - mark + 1) * sizeof *c);
	size_t i, k = 0;

	for (i = mark; i < p->ntrail; i++)
		c[i - mark] = (struct change){ p->trail[i].slot,
			p->slot[p->trail[i].slot].v };
	*n = p->ntrail - mark;
	qsort(c, *n, sizeof *c, by_slot);
	for (i = 0; i < *n; i++)
		if (k == 0 || c[k - 1].slot != c[i].slot)
			c[k++] = c[i];
	*n = k;
	while (p->ntrail > mark) {
		p->ntrail--;
		p->slot[p->trail[p->ntrail].slot].v = p->trail[p->ntrail].old;
	}
	return c;
}

void
py_redo(struct bindu_py *p, const struct change *c, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		change(p, c[i].slot, c[i].v);
}

bool
py_equal(struct bindu_py *p, const struct val *a, const struct val *b,
    int depth)
{
	uint32_t i;

	if (a == b)
		return true;
	if (!a || !b || a->k != b->k || a->k == V_UNKNOWN || depth > 8)
		return false;
	switch (a->k) {
	case V_NONE:
		return true;
	case V_BOOL:
	case V_INT:
		return a->i == b->i;
	case V_FUNC:
		return a->func == b->func;
	case V_DICT:
	case V_LIST:
		if (a->obj == b->obj)
			return true;
		for (i = p->obj[a->obj].first; i; i = p->slot[i].next)
			if (!py_step(p) ||
			    !py_equal(p, p->slot[i].v,
				py_get(p, b->obj, p->slot[i].key), depth + 1))
				return false;
		for (i = p->obj[b->obj].first; i; i = p->slot[i].next)
			if (p->slot[i].v && !py_get(p, a->obj, p->slot[i].key))
				return false;
		return true;
	case V_CLASS:
	case V_INST:
	case V_MODULE:
		return a->obj == b->obj;
	case V_METHOD:
		return false;
	default:
		return strcmp(a->s, b->s) == 0;
	}
}

/* A new object with what a and b agree on. */
static const struct val *
merge_objects(struct bindu_py *p, const struct val *a, const struct val *b,
    unsigned line, int depth)
{
	uint32_t o = py_obj_new(p), i;
	const struct val *v;

	for (i = p->obj[a->obj].first; i && py_step(p); i = p->slot[i].next) {
		v = py_get(p, b->obj, p->slot[i].key);
		v = py_merge_val(p, p->slot[i].v, v, line, depth + 1);
		py_set(p, o, p->slot[i].key, v);
	}
	for (i = p->obj[b->obj].first; i && py_step(p); i = p->slot[i].next)
		if (!py_get(p, o, p->slot[i].key))
			py_set(p, o, p->slot[i].key,
			    py_merge_val(p, NULL, p->slot[i].v, line,
				depth + 1));
	return py_objval(p, a->k, o);
}

const struct val *
py_merge_val(struct bindu_py *p, const struct val *a, const struct val *b,
    unsigned line, int depth)
{
	if (py_equal(p, a, b, 0))
		return a;
	if (a && b && a->k == b->k && depth < 8 &&
	    (a->k == V_DICT || a->k == V_LIST || a->k == V_INST))
		return merge_objects(p, a, b, line, depth);
	if (a && a->k == V_UNKNOWN)
		return a;
	if (b && b->k == V_UNKNOWN)
		return b;
	return py_unknown(p, "it depends on the condition in line %u", line);
}

static const struct val *
after(const struct bindu_py *p, const struct change *c, size_t n, uint32_t slot)
{
	const struct change key = { slot, NULL };
	const struct change *at = n ? bsearch(&key, c, n, sizeof *c, by_slot) :
				      NULL;

	return at ? at->v : p->slot[slot].v;
}

/* Objects born in a branch are known to that branch only: their slots are
 * taken over first, so that the merge of dicts can read them. */
void
py_merge(struct bindu_py *p, size_t mark, size_t nobj, const struct change *a,
    size_t na, unsigned line)
{
	size_t nb, i;
	struct change *b = py_take_back(p, mark, &nb);

	for (i = 0; i < na; i++)
		if (p->slot[a[i].slot].obj >= nobj)
			change(p, a[i].slot, a[i].v);
	for (i = 0; i < nb; i++)
		if (p->slot[b[i].slot].obj >= nobj)
			change(p, b[i].slot, b[i].v);
	for (i = 0; i < na; i++)
		if (p->slot[a[i].slot].obj < nobj)
			change(p, a[i].slot,
			    py_merge_val(p, a[i].v, after(p, b, nb, a[i].slot),
				line, 0));
	for (i = 0; i < nb; i++)
		if (p->slot[b[i].slot].obj < nobj &&
		    !(na && bsearch(&b[i], a, na, sizeof *a, by_slot)))
			change(p, b[i].slot,
			    py_merge_val(p, b[i].v, p->slot[b[i].slot].v, line,
				0));
}

void
py_store_free(struct bindu_py *p)
{
	struct chunk *c;

	while ((c = p->chunk)) {
		p->chunk = c->next;
		free(c);
	}
	free(p->slot);
	free(p->hash);
	free(p->obj);
	free(p->trail);
}

/* wildmatch.c - globs of ignore rules: a list of steps, two retry points.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "wildmatch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"

enum step_kind {
	STEP_BYTE, /* exactly this byte */
	STEP_SET, /* one byte of a set */
	STEP_STAR, /* any bytes, no slash among them */
	STEP_ALL, /* any bytes */
	STEP_DIRS, /* nothing, or any bytes that end in a slash */
	STEP_NEVER, /* malformed from here on */
};

struct step {
	uint8_t kind;
	uint8_t byte;
	uint16_t set; /* index into sets */
};

struct set {
	uint64_t bit[4];
};

struct bindu_wild {
	struct step *step;
	size_t n, cap;
	struct set *set;
	size_t nset, setcap;
	unsigned flags;
};

static uint8_t
fold_byte(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static void
push_step(struct bindu_wild *w, enum step_kind kind, uint8_t byte)
{
	bindu_grow(&w->step, &w->cap, w->n + 1, sizeof *w->step);
	w->step[w->n++] = (struct step){ .kind = kind, .byte = byte };
}

static void
push_set(struct bindu_wild *w, const struct set *s)
{
	/* The index is 16 bits wide; no sane rule has 65,536 brackets. */
	if (w->nset > UINT16_MAX) {
		push_step(w, STEP_NEVER, 0);
		return;
	}
	bindu_grow(&w->set, &w->setcap, w->nset + 1, sizeof *w->set);
	w->set[w->nset] = *s;
	push_step(w, STEP_SET, 0);
	w->step[w->n - 1].set = (uint16_t)w->nset++;
}

static void
set_add(struct set *s, unsigned c)
{
	s->bit[c >> 6] |= 1ull << (c & 63);
}

static bool
set_has(const struct set *s, uint8_t c)
{
	return s->bit[c >> 6] >> (c & 63) & 1;
}

/* git's own ctype: ASCII, and [:space:] lacks \v and \f.  -1: no such class. */
static int
in_class(const char *name, size_t n, unsigned c, bool fold)
{
	bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';
	bool digit = c >= '0' && c <= '9', print = c >= 0x20 && c <= 0x7e;
	bool alnum = lower || upper || digit;
	bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
	const struct {
		const char *name;
		bool in;
	} classes[] = {
		{ "alnum", alnum },
		{ "alpha", lower || upper },
		{ "blank", c == ' ' || c == '\t' },
		{ "cntrl", c < 0x20 || c == 0x7f },
		{ "digit", digit },
		{ "graph", print && !space },
		{ "lower", lower },
		{ "print", print },
		{ "punct", print && !alnum && c != ' ' },
		{ "space", space },
		{ "upper", upper || (fold && lower) },
		{ "xdigit",
		    digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') },
	};

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
		if (strlen(classes[i].name) == n &&
		    memcmp(classes[i].name, name, n) == 0)
			return classes[i].in;
	return -1;
}

static int
add_class(struct set *s, const char *name, size_t n, bool fold)
{
	for (unsigned c = 0; c < 256; c++) {
		int in = in_class(name, n, c, fold);

		if (in == -1)
			return -1;
		if (in)
			set_add(s, c);
	}
	return 0;
}

/* A range compares folded text; a lower-case byte also counts as its upper
 * case then, while single members compare as written. */
static void
add_range(struct set *s, uint8_t from, uint8_t to, bool fold)
{
	for (unsigned c = 0; c < 256; c++) {
		bool low = c >= 'a' && c <= 'z';

		if ((c >= from && c <= to) ||
		    (fold && low && c - 32u >= from && c - 32u <= to))
			set_add(s, c);
	}
}

/* With folding the text is lowered before it is looked up: move what the
 * set says of a lower-case letter onto its upper case. */
static void
fold_set(struct set *s)
{
	struct set out = { { 0 } };

	for (unsigned c = 0; c < 256; c++)
		if (set_has(s, fold_byte((uint8_t)c)))
			set_add(&out, c);
	*s = out;
}

/* The "[:name:]" at p, which starts after "[:".  Returns the bytes used, 0
 * when it is no class but a plain "[", -1 when it makes the glob void. */
static ptrdiff_t
read_class(struct set *s, const char *p, const char *end, bool fold)
{
	const char *close = memchr(p, ']', (size_t)(end - p));

	if (close == NULL)
		return -1;
	if (close == p || close[-1] != ':')
		return 0;
	if (add_class(s, p, (size_t)(close - p - 1), fold) == -1)
		return -1;
	return close - p + 1;
}

/* The bracket whose first byte after "[" is p.  Returns the byte after the
 * closing "]", NULL when the bracket is malformed. */
static const char *
read_bracket(struct set *s, const char *p, const char *end, bool fold)
{
	bool negate = p < end && (*p == '!' || *p == '^'), first = true;
	int prev = 0; /* 0: no byte that could start a range */

	for (p += negate; p < end && (first || *p != ']'); first = false) {
		uint8_t c = (uint8_t)*p++;
		ptrdiff_t used;

		if (c == '\\') {
			if (p == end)
				return NULL;
			prev = (uint8_t)*p++;
			set_add(s, (unsigned)prev);
		} else if (c == '-' && prev && p < end && *p != ']') {
			if (*p == '\\' && ++p == end)
				return NULL;
			add_range(s, (uint8_t)prev, (uint8_t)*p++, fold);
			prev = 0;
		} else if (c == '[' && p < end && *p == ':') {
			used = read_class(s, p + 1, end, fold);
			if (used == -1)
				return NULL;
			if (used == 0)
				set_add(s, '[');
			prev = used ? 0 : '[';
			p += used ? used + 1 : 0;
		} else {
			set_add(s, c);
			prev = c;
		}
	}
	if (p == end)
		return NULL;
	if (fold)
		fold_set(s);
	for (int i = 0; negate && i < 4; i++)
		s->bit[i] = ~s->bit[i];
	return p + 1;
}

/* One or more stars at p.  start: nothing stands before them, or a slash. */
static const char *
read_stars(struct bindu_wild *w, const char *p, const char *end, bool start)
{
	const char *q = p;
	bool bound;

	while (q < end && *q == '*')
		q++;
	bound = start &&
	    (q == end || *q == '/' ||
		(q + 1 < end && q[0] == '\\' && q[1] == '/'));
	if (!(w->flags & BINDU_WILD_PATH)) {
		push_step(w, STEP_ALL, 0);
	} else if (q - p >= 2 && bound && q < end && *q == '/') {
		push_step(w, STEP_DIRS, 0);
		q++;
	} else {
		push_step(w, q - p >= 2 && bound ? STEP_ALL : STEP_STAR, 0);
	}
	return q;
}

struct bindu_wild *
bindu_wild_new(const char *p, size_t n, unsigned flags)
{
	struct bindu_wild *w = xcalloc(1, sizeof *w);
	const char *begin = p, *end = p + n;
	bool fold = flags & BINDU_WILD_FOLD;

	w->flags = flags;
	while (p != NULL && p < end) {
		struct set s = { { 0 } };

		switch (*p) {
		case '*':
			p = read_stars(w, p, end, p == begin || p[-1] == '/');
			break;
		case '?':
			memset(&s, 0xff, sizeof s);
			if (flags & BINDU_WILD_PATH)
				s.bit[0] &= ~(1ull << '/');
			push_set(w, &s);
			p++;
			break;
		case '[':
			p = read_bracket(&s, p + 1, end, fold);
			if (flags & BINDU_WILD_PATH)
				s.bit[0] &= ~(1ull << '/');
			if (p != NULL)
				push_set(w, &s);
			break;
		case '\\':
			/* An escaped byte is compared as written, even
			 * when the text is folded. */
			p = p + 1 < end ? p + 1 : NULL;
			if (p != NULL)
				push_step(w, STEP_BYTE, (uint8_t)*p++);
			break;
		default:
			push_step(w, STEP_BYTE,
			    fold ? fold_byte((uint8_t)*p) : (uint8_t)*p);
			p++;
		}
	}
	if (p == NULL)
		push_step(w, STEP_NEVER, 0);
	return w;
}

void
bindu_wild_free(struct bindu_wild *w)
{
	if (w == NULL)
		return;
	free(w->step);
	free(w->set);
	free(w);
}

static bool
step_takes(const struct bindu_wild *w, const struct step *s, uint8_t c)
{
	if (s->kind == STEP_SET)
		return set_has(&w->set[s->set], c);
	if (s->kind != STEP_BYTE)
		return false;
	return s->byte == (w->flags & BINDU_WILD_FOLD ? fold_byte(c) : c);
}

/* Where to go on after a mismatch: at step i with the text from t on. */
struct retry {
	size_t i, t;
	bool set;
};

/* The next text position a "**" can hand over to; false when there is none. */
static inline bool
advance_wide(const struct bindu_wild *w, struct retry *r, const char *text,
    size_t n, size_t *steps)
{
	const char *slash;

	++*steps;
	if (r->t >= n)
		return false;
	if (w->step[r->i - 1].kind == STEP_ALL) {
		r->t++;
		return true;
	}
	slash = memchr(text + r->t, '/', n - r->t);
	if (slash == NULL)
		return false;
	*steps += (size_t)(slash - text) - r->t;
	r->t = (size_t)(slash - text) + 1;
	return true;
}

/* The next text position a "*" can hand over to, one where the step after it
 * can match. */
static inline bool
advance_star(const struct bindu_wild *w, struct retry *r, const char *text,
    size_t n, size_t *steps)
{
	const struct step *s = r->i < w->n ? &w->step[r->i] : NULL;

	do
		if (r->t >= n || text[r->t] == '/')
			return false;
	while (++*steps && ++r->t < n && s != NULL && s->kind == STEP_BYTE &&
	    !step_takes(w, s, (uint8_t)text[r->t]));
	return true;
}

/* A star that comes later never needs an earlier one tried again: the
 * earlier attempt already reached it at the first place possible, and both
 * end in the same segment.  The same holds for "**".  So two retry points do,
 * and that bounds the time. */
static inline bool
match(const struct bindu_wild *w, const char *text, size_t n, size_t *steps)
{
	struct retry star = { 0 }, wide = { 0 };
	size_t i = 0, t = 0;

	for (;;) {
		const struct step *s = i < w->n ? &w->step[i] : NULL;

		++*steps;
		if (s == NULL && t == n)
			return true;
		if (s != NULL && s->kind == STEP_STAR) {
			star = (struct retry){ ++i, t, true };
			continue;
		}
		if (s != NULL &&
		    (s->kind == STEP_ALL || s->kind == STEP_DIRS)) {
			if (s->kind == STEP_ALL && i + 1 == w->n)
				return true;
			wide = (struct retry){ ++i, t, true };
			star.set = false;
			continue;
		}
		if (s != NULL && t < n && step_takes(w, s, (uint8_t)text[t])) {
			i++, t++;
			continue;
		}
		if (star.set && advance_star(w, &star, text, n, steps)) {
			i = star.i;
			t = star.t;
			continue;
		}
		if (!wide.set || !advance_wide(w, &wide, text, n, steps))
			return false;
		star.set = false;
		i = wide.i;
		t = wide.t;
	}
}

bool
bindu_wild_count(const struct bindu_wild *w, const char *text, size_t n,
    size_t *steps)
{
	*steps = 0;
	return match(w, text, n, steps);
}

bool
bindu_wild_match(const struct bindu_wild *w, const char *text, size_t n)
{
	size_t steps;

	return bindu_wild_count(w, text, n, &steps);
}

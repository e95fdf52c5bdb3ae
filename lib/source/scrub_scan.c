/* scrub_scan.c - one stream of bytes: blocks, candidates, overlaps.
 *
 * The buffer holds SCRUB_BACK bytes already judged, the core, and SCRUB_AHEAD
 * bytes that candidates of the core may look into.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "scrub_priv.h"

enum { MAX_FOUND = 20000, MAX_DEPTH = 2, PRAGMA_AHEAD = 512, ALIGN = 4096 };
/* Runs, UTF-16, escapes, quoted-printable. */
enum { DECODERS = 4 };

struct scrub_scan {
	uint8_t *mem, *buf; /* buf is mem, aligned */
	size_t len, cap, block;
	size_t done; /* buf[0..done) is judged */
	uint64_t base; /* stream offset of buf[0] */
	uint64_t lines; /* newlines before buf[0] */
	uint64_t bol; /* stream offset where buf[0]'s line begins */
	bool weak, overflow, unopened;
	unsigned depth;
	struct scrub_cand *cand;
	size_t n, ncap;
	struct scrub_masks mask;
	struct scrub_decoder decoder[DECODERS];
	struct scrub_packed packed[SCRUB_PACKED_COUNT];
	size_t npacked;
	struct scrub_starts starts;
	/* The last place whose line was asked for. */
	size_t seen_at;
	uint64_t seen_lines, seen_bol;
};

struct scrub_scan *
scrub_scan_new(void)
{
	struct scrub_scan *s = xcalloc(1, sizeof *s);

	scrub_scan_block(s, SCRUB_BLOCK);
	scrub_starts_init(&s->starts);
	return s;
}

static void
free_masks(struct scrub_scan *s)
{
	free(s->mask.run);
	free(s->mask.escape);
	free(s->mask.wide);
}

void
scrub_scan_block(struct scrub_scan *s, size_t block)
{
	size_t words;

	s->block = block;
	s->cap = SCRUB_BACK + SCRUB_AHEAD + block;
	words = s->cap / 64 + 2;
	free(s->mem);
	free_masks(s);
	/* Where a file's pages go to pages: the kernel copies faster. */
	s->mem = xmalloc(s->cap + ALIGN + SCRUB_PAD);
	s->buf = s->mem + (ALIGN - (uintptr_t)s->mem % ALIGN);
	s->mask.run = xcalloc(words, sizeof *s->mask.run);
	s->mask.escape = xcalloc(words, sizeof *s->mask.escape);
	s->mask.wide = xcalloc(words / 64 + 2, sizeof *s->mask.wide);
}

static void
clear_found(struct scrub_scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->cand[i].pragma);
	s->n = 0;
	while (s->npacked)
		free(s->packed[--s->npacked].bytes);
}

void
scrub_scan_free(struct scrub_scan *s)
{
	if (!s)
		return;
	clear_found(s);
	for (int i = 0; i < DECODERS; i++) {
		scrub_scan_free(s->decoder[i].child);
		bindu_buf_fini(&s->decoder[i].packed);
	}
	free(s->cand);
	free(s->mem);
	free_masks(s);
	free(s);
}

void
scrub_scan_begin(struct scrub_scan *s, bool weak)
{
	clear_found(s);
	s->len = s->done = s->seen_at = 0;
	s->base = s->lines = s->bol = s->seen_lines = s->seen_bol = 0;
	s->weak = weak;
	s->overflow = s->unopened = false;
	for (int i = 0; i < DECODERS; i++) {
		s->decoder[i].active = false;
		s->decoder[i].next = 0;
		s->decoder[i].is_packed = false;
		bindu_buf_fini(&s->decoder[i].packed);
	}
}

bool
scrub_scan_deep(const struct scrub_scan *s)
{
	return s->depth >= MAX_DEPTH;
}

struct scrub_decoder *
scrub_scan_decoder(struct scrub_scan *s, int which)
{
	return &s->decoder[which];
}

struct scrub_scan *
scrub_scan_child(struct scrub_scan *s)
{
	struct scrub_scan *c = scrub_scan_new();

	scrub_scan_block(c, s->block < 65536 ? s->block : 65536);
	c->depth = s->depth + 1;
	return c;
}

/* Line and column of a place inside the buffer. */
static void
where(struct scrub_scan *s, size_t at, uint32_t *line, uint32_t *col)
{
	const uint8_t *last;

	if (at < s->seen_at || !s->seen_at) {
		s->seen_at = 0;
		s->seen_lines = s->lines;
		s->seen_bol = s->bol;
	}
	s->seen_lines +=
	    scrub_count_lines(s->buf + s->seen_at, at - s->seen_at, &last);
	if (last)
		s->seen_bol = s->base + (size_t)(last + 1 - s->buf);
	s->seen_at = at;
	*line = (uint32_t)(s->seen_lines + 1);
	*col = (uint32_t)(s->base + at - s->seen_bol + 1);
}

void
scrub_scan_where(const struct scrub_scan *s, uint64_t abs, uint32_t *line,
    uint32_t *col)
{
	where((struct scrub_scan *)(uintptr_t)s, (size_t)(abs - s->base), line,
	    col);
}

/* Drop what is judged but for the look-back. */
static void
cut_front(struct scrub_scan *s)
{
	size_t cut = s->done > SCRUB_BACK ? s->done - SCRUB_BACK : 0;
	const uint8_t *last;

	if (!cut)
		return;
	s->lines += scrub_count_lines(s->buf, cut, &last);
	if (last)
		s->bol = s->base + (size_t)(last + 1 - s->buf);
	memmove(s->buf, s->buf + cut, s->len - cut);
	s->len -= cut;
	s->done -= cut;
	s->base += cut;
	s->seen_at = 0;
}

/* "bindu:allow RULE reason" on the line of text[start) or the one above. */
static char *
find_pragma(const struct scrub_text *t, size_t start, size_t end, bool *foreign)
{
	static const char *const others[] = { "gitleaks:allow",
		"pragma: allowlist", "trufflehog:ignore", "ggignore",
		"betterleaks:allow", "secretlint-disable" };
	size_t from = start, to = end, newlines = 0, stop;
	const uint8_t *at;

	while (from > 0 && (t->p[from - 1] != '\n' || !newlines++))
		from--;
	stop = t->n - end > PRAGMA_AHEAD ? end + PRAGMA_AHEAD : t->n;
	while (to < stop && t->p[to] != '\n')
		to++;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (memmem(t->p + from, to - from, others[i],
			strlen(others[i])))
			*foreign = true;
	at = memmem(t->p + from, to - from, "bindu:allow ", 12);
	if (!at)
		return NULL;
	at += 12;
	stop = 0;
	while (at + stop < t->p + to && at[stop] != '\n' && stop < 200)
		stop++;
	return xstrndup((const char *)at, stop);
}

/* At most four characters, and none of a short secret; never a quarter. */
static void
mask(const uint8_t *s, size_t n, char out[24])
{
	size_t show = n >= 20 ? 4 : 0;

	for (size_t i = 0; i < show; i++)
		out[i] = scrub_class[s[i]] & CH_DOTTED || s[i] == '-' ||
			s[i] == '/' || s[i] == ':' ?
		    (char)s[i] :
		    '?';
	snprintf(out + show, 24 - show, "...(%zu)", n);
}

static struct scrub_cand *
new_cand(struct scrub_scan *s)
{
	if (s->n == MAX_FOUND) {
		s->overflow = true;
		return NULL;
	}
	bindu_grow(&s->cand, &s->ncap, s->n + 1, sizeof *s->cand);
	return &s->cand[s->n++];
}

void
scrub_add(struct scrub_scan *s, const struct scrub_text *t, size_t start,
    size_t end, const char *rule, int level, uint8_t prio)
{
	struct scrub_cand *c;
	bool foreign = false;

	if (level < BINDU_SCRUB_WARN)
		return;
	for (size_t i = s->n; i-- > 0 && i + 8 > s->n;)
		if (s->cand[i].start == t->abs + start &&
		    s->cand[i].end == t->abs + end && s->cand[i].rule == rule)
			return;
	c = new_cand(s);
	if (!c)
		return;
	*c = (struct scrub_cand){ .start = t->abs + start,
		.end = t->abs + end,
		.rule = rule,
		.level = (enum bindu_scrub_level)level,
		.prio = prio };
	where(s, (size_t)(c->start - s->base), &c->line, &c->col);
	mask(t->p + start, end - start, c->masked);
	bindu_digest_bytes(t->p + start, end - start, c->sha256);
	c->pragma = find_pragma(t, start, end, &foreign);
	if (foreign && c->level == BINDU_SCRUB_BLOCK)
		c->level = BINDU_SCRUB_WARN;
}

void
scrub_adopt(struct scrub_scan *s, struct scrub_cand *from, uint64_t start,
    uint64_t end, uint32_t line, uint32_t col)
{
	struct scrub_cand *c = new_cand(s);

	if (!c)
		return;
	*c = *from;
	c->pragma = bindu_steal(&from->pragma);
	c->start = start;
	c->end = end;
	c->line = line;
	c->col = col;
}

static struct scrub_text
text_at(const struct scrub_scan *s, size_t at, size_t *rel)
{
	size_t lo = at > SCRUB_BACK ? at - SCRUB_BACK : 0;
	size_t hi = s->len - at > SCRUB_AHEAD ? at + SCRUB_AHEAD : s->len;

	*rel = at - lo;
	return (struct scrub_text){ s->buf + lo, hi - lo, s->base + lo };
}

static void
on_hit(void *ctx, size_t literal, size_t at)
{
	struct scrub_scan *s = ctx;
	const struct scrub_literal *l;
	struct scrub_text t;
	size_t rel, len;
	bool caseless;

	t = text_at(s, at, &rel);
	if (literal < scrub_nrules) {
		scrub_judge_rule(s, &t, rel, &scrub_rules[literal]);
		return;
	}
	l = &scrub_literals[literal - scrub_nrules];
	scrub_literal_get(literal, &len, &caseless);
	switch (l->trig) {
	case TRIG_URL:
		scrub_judge_url(s, &t, rel + 1, s->weak);
		break;
	case TRIG_CONN:
		scrub_judge_conn(s, &t, rel);
		break;
	case TRIG_COMMAND:
		scrub_judge_command(s, &t, rel);
		break;
	case TRIG_CALL:
		scrub_judge_call(s, &t, rel, len);
		break;
	case TRIG_WORD:
		scrub_judge_word(s, &t, rel, len, s->weak);
		break;
	case TRIG_QUOTED:
		scrub_judge_quoted(s, &t, rel);
		break;
	case TRIG_SEED:
		scrub_judge_seed(s, &t, rel);
		break;
	default:
		scrub_judge_key(s, &t, rel, l->trig);
	}
}

/* A key without a name is all that its file holds. */
static void
judge_begin(struct scrub_scan *s)
{
	struct scrub_text t;
	size_t rel;

	if (s->base || s->done || !s->len || s->buf[0] != '[')
		return;
	t = text_at(s, 0, &rel);
	scrub_judge_key(s, &t, rel, TRIG_KEYPAIR);
}

/* End of the run that starts at bit i; n bits are valid. */
static size_t
run_end(const uint64_t *m, size_t i, size_t n)
{
	while (i < n) {
		uint64_t w = ~m[i / 64] >> i % 64;

		if (w)
			return i + (size_t)__builtin_ctzll(w) < n ?
			    i + (size_t)__builtin_ctzll(w) :
			    n;
		i = (i / 64 + 1) * 64;
	}
	return n;
}

static void
judge_run(struct scrub_scan *s, const struct scrub_view *v, size_t at,
    size_t end)
{
	struct scrub_text t;
	size_t rel;

	t = text_at(s, at, &rel);
	if (end - at > SCRUB_AHEAD)
		end = at + SCRUB_AHEAD;
	scrub_judge_start(s, &s->starts, &t, rel, rel + end - at);
	scrub_judge_run(s, &t, rel, rel + end - at, s->weak);
	if (!scrub_scan_deep(s) && end - at >= 24)
		scrub_decode_run(s, v, at, end);
}

/* Bits where a run of 16 or more starts; before is set when the byte before
 * m belongs to a run. */
static inline uint64_t
long_starts(uint64_t m, uint64_t after, uint64_t before)
{
	uint64_t x = m & m >> 1, top = 0;

	x &= x >> 2;
	x &= x >> 4;
	x &= x >> 8;
	if (m >> 63 && ~m) { /* one that goes on in the next word */
		int here = __builtin_clzll(~m);
		int there = ~after ? __builtin_ctzll(~after) : 64;

		if (here < 16 && here + there >= 16)
			top = (uint64_t)1 << (64 - here);
	}
	x |= top;
	return x ? x & ~(m << 1 | before) : 0;
}

/* What word w of the masks, at buf[at), holds besides runs: text in wide
 * characters, escapes. */
static void
decode_word(struct scrub_scan *s, const struct scrub_view *v, size_t w,
    size_t at)
{
	uint64_t escapes = s->mask.escape[w];

	if (s->mask.wide[w / 64] >> w % 64 & 1)
		scrub_decode_wide(s, v, at);
	if (v->abs + at + 64 <= s->decoder[2].next)
		return;
	for (; escapes; escapes &= escapes - 1)
		scrub_decode_escape(s, v,
		    at + (size_t)__builtin_ctzll(escapes));
}

/* Every run of 16 token characters that starts in the core. */
static void
judge_runs(struct scrub_scan *s, const struct scrub_view *v)
{
	/* Words begin at multiples of 64 in the stream, whatever the blocks. */
	size_t skip = (s->base + s->done) % 64, from = s->done - skip;
	size_t n = s->len - from, words = (n + 63) / 64;
	uint64_t before = from && scrub_class[s->buf[from - 1]] & CH_RUN;
	uint64_t starts, *run = s->mask.run;

	scrub_masks(s->buf + from, n, &s->mask);
	run[words] = 0;
	words = (v->limit - from + 63) / 64;
	for (size_t w = 0; w < words; w++) {
		if ((s->mask.wide[w / 64] || s->mask.escape[w]) &&
		    !scrub_scan_deep(s) && (w || !skip))
			decode_word(s, v, w, from + w * 64);
		starts = long_starts(run[w], run[w + 1], before);
		before = run[w] >> 63;
		if (!w)
			starts &= ~(uint64_t)0 << skip;
		for (; starts; starts &= starts - 1) {
			size_t i = w * 64 + (size_t)__builtin_ctzll(starts);

			if (from + i >= v->limit)
				break;
			judge_run(s, v, from + i, from + run_end(run, i, n));
		}
	}
}

static void
process(struct scrub_scan *s, bool final)
{
	size_t limit = final ? s->len : s->len - SCRUB_AHEAD;
	struct scrub_view v = { s->buf, s->len, s->base, limit, final };

	if (limit <= s->done && !final)
		return;
	if (!scrub_prefilter_hs(s->buf, s->len, s->done, limit, on_hit, s))
		scrub_prefilter_portable(s->buf, s->len, s->done, limit, on_hit,
		    s);
	judge_begin(s);
	scrub_decode_continue(s, &v);
	judge_runs(s, &v);
	if (final) {
		v.limit = v.n;
		scrub_decode_continue(s, &v);
	}
	s->done = limit;
}

uint8_t *
scrub_scan_room(struct scrub_scan *s, size_t *n)
{
	*n = s->cap - s->len;
	return s->buf + s->len;
}

void
scrub_scan_added(struct scrub_scan *s, size_t n)
{
	s->len += n;
	if (s->len < s->cap)
		return;
	process(s, false);
	cut_front(s);
}

void
scrub_scan_add(struct scrub_scan *s, const uint8_t *p, size_t n)
{
	size_t room;

	while (n) {
		uint8_t *to = scrub_scan_room(s, &room);

		room = room < n ? room : n;
		memcpy(to, p, room);
		scrub_scan_added(s, room);
		p += room;
		n -= room;
	}
}

void
scrub_scan_end(struct scrub_scan *s)
{
	memset(s->buf + s->len, 0, SCRUB_PAD);
	process(s, true);
}

/* All of them are held at once: together they may be as large as one. */
void
scrub_keep_packed(struct scrub_scan *s, const struct scrub_packed *k)
{
	size_t sum = k->n;

	for (size_t i = 0; i < s->npacked; i++)
		sum += s->packed[i].n;
	if (s->npacked == SCRUB_PACKED_COUNT || sum > SCRUB_PACKED_MAX + 4) {
		free(k->bytes);
		s->unopened = true;
		return;
	}
	s->unopened |= !k->bytes;
	if (k->bytes)
		s->packed[s->npacked++] = *k;
}

bool
scrub_scan_packed(struct scrub_scan *s, struct scrub_packed *k)
{
	if (!s->npacked)
		return false;
	*k = s->packed[--s->npacked];
	return true;
}

bool
scrub_scan_unopened(const struct scrub_scan *s)
{
	return s->unopened;
}

bool
scrub_scan_overflow(const struct scrub_scan *s)
{
	return s->overflow;
}

struct scrub_cand *
scrub_scan_found(struct scrub_scan *s, size_t *n)
{
	if (s->n)
		s->n = scrub_settle(s->cand, s->n);
	*n = s->n;
	return s->n ? s->cand : NULL;
}

/* ignore_rules.c - parse an ignore file, find the rule that decides.
 *
 * Most rules are a plain name or "*.ext".  Those are found by hash; what is
 * left is tried in order, from the end of the file upwards.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ignore_rules.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "lib/base/mem.h"
#include "wildmatch.h"

enum {
	RULE_NEGATED = 1,
	RULE_DIR = 2, /* directories only */
	RULE_NAME = 4, /* matches the last component */
	RULE_SUFFIX = 8, /* "*" and then a literal */
};

struct rule {
	uint32_t line_at; /* the line in text */
	uint32_t at, len; /* the pattern in it */
	uint32_t prefix; /* literal bytes it starts with */
	uint32_t line;
	uint32_t next; /* earlier rule with the same key, +1 */
	uint32_t flags;
	struct bindu_wild *wild; /* made when first needed */
};

struct bindu_rules {
	char *text;
	char *source;
	struct rule *rule;
	size_t n, cap;
	uint32_t *bucket; /* last rule of a key, +1; 0: empty */
	uint64_t seen[2]; /* names, extensions: key_bit of every key */
	size_t mask;
	uint32_t *rest; /* rules without a key, in order */
	size_t nrest, restcap;
	bool fold;
};

static uint8_t
fold_byte(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool
same_bytes(const struct bindu_rules *r, const char *a, const char *b, size_t n)
{
	if (!r->fold)
		return memcmp(a, b, n) == 0;
	while (n-- > 0)
		if (fold_byte((uint8_t)*a++) != fold_byte((uint8_t)*b++))
			return false;
	return true;
}

static size_t
literal_length(const char *p, size_t n)
{
	size_t i = 0;

	while (
	    i < n && p[i] != '*' && p[i] != '?' && p[i] != '[' && p[i] != '\\')
		i++;
	return i;
}

/* Cut unescaped spaces at the end; tabs stay. */
static size_t
trim_spaces(const char *p, size_t n)
{
	size_t keep = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == ' ')
			continue;
		if (p[i] == '\\' && ++i == n)
			return n;
		keep = i + 1;
	}
	return keep;
}

static void
add_rule(struct bindu_rules *r, size_t at, size_t n, unsigned line)
{
	const char *p = r->text + at;
	struct rule rule = { .line_at = (uint32_t)at, .line = line };
	const char *begin = p;

	if (n > 0 && *p == '!') {
		rule.flags |= RULE_NEGATED;
		p++, n--;
	}
	if (n > 0 && p[n - 1] == '/') {
		rule.flags |= RULE_DIR;
		n--;
	}
	if (n == 0)
		return; /* an empty pattern matches nothing */
	if (memchr(p, '/', n) == NULL)
		rule.flags |= RULE_NAME;
	rule.prefix = (uint32_t)literal_length(p, n);
	if (rule.flags & RULE_NAME && *p == '*' &&
	    literal_length(p + 1, n - 1) == n - 1)
		rule.flags |= RULE_SUFFIX;
	if (!(rule.flags & RULE_NAME) && *p == '/') {
		p++, n--;
		rule.prefix -= rule.prefix > 0;
	}
	rule.at = (uint32_t)(at + (size_t)(p - begin));
	rule.len = (uint32_t)n;
	bindu_grow(&r->rule, &r->cap, r->n + 1, sizeof *r->rule);
	r->rule[r->n++] = rule;
}

static void
parse_lines(struct bindu_rules *r, size_t n)
{
	size_t at = n >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (unsigned line = 1; at < n; line++) {
		char *p = r->text + at;
		char *nl = memchr(p, '\n', n - at);
		size_t len = nl ? (size_t)(nl - p) : n - at, use = len;

		if (len > 0 && p[0] != '#') {
			use -= p[len - 1] == '\r';
			use = strnlen(p, use);
			use = trim_spaces(p, use);
			p[use] = '\0';
			add_rule(r, at, use, line);
		}
		at += len + 1;
	}
}

static size_t
hash_key(const struct bindu_rules *r, char kind, const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u ^ (uint8_t)kind;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)p[i];

		h = (h ^ (r->fold ? fold_byte(c) : c)) * 0x100000001b3u;
	}
	return (size_t)(h ^ h >> 32);
}

/* Most names share neither first byte nor length with any key: a look at one
 * bit spares their hash. */
static uint64_t
key_bit(const struct bindu_rules *r, const char *p, size_t n)
{
	uint8_t c = (uint8_t)p[p[0] == '.' && n > 1];

	return 1ull << (((r->fold ? fold_byte(c) : c) + 7 * n) & 63);
}

/* The bytes a rule is found by: 'n' and its name, '.' and its extension; 0
 * when it has to be tried. */
static char
rule_key(const struct bindu_rules *r, const struct rule *u, const char **key,
    size_t *n)
{
	const char *p = r->text + u->at;

	if (!(u->flags & RULE_NAME))
		return 0;
	if (u->prefix == u->len) {
		*key = p;
		*n = u->len;
		return 'n';
	}
	if (u->flags & RULE_SUFFIX && u->len > 1 && p[1] == '.' &&
	    memchr(p + 2, '.', u->len - 2) == NULL) {
		*key = p + 1;
		*n = u->len - 1;
		return '.';
	}
	return 0;
}

static uint32_t *
find_bucket(const struct bindu_rules *r, char kind, const char *key, size_t n)
{
	size_t i = hash_key(r, kind, key, n) & r->mask;

	for (; r->bucket[i] != 0; i = (i + 1) & r->mask) {
		const char *k = NULL;
		size_t kn = 0;

		if (rule_key(r, &r->rule[r->bucket[i] - 1], &k, &kn) == kind &&
		    kn == n && same_bytes(r, k, key, n))
			break;
	}
	return &r->bucket[i];
}

static void
index_rules(struct bindu_rules *r)
{
	size_t slots = 16;

	while (slots < r->n * 2)
		slots *= 2;
	r->bucket = xcalloc(slots, sizeof *r->bucket);
	r->mask = slots - 1;
	for (size_t i = 0; i < r->n; i++) {
		const char *key = NULL;
		size_t n = 0;
		char kind = rule_key(r, &r->rule[i], &key, &n);
		uint32_t *b;

		if (kind == 0) {
			bindu_grow(&r->rest, &r->restcap, r->nrest + 1,
			    sizeof *r->rest);
			r->rest[r->nrest++] = (uint32_t)i;
			continue;
		}
		r->seen[kind == '.'] |= key_bit(r, key, n);
		b = find_bucket(r, kind, key, n);
		r->rule[i].next = *b;
		*b = (uint32_t)i + 1;
	}
}

struct bindu_rules *
bindu_rules_new(char *text, size_t n, const char *source, bool fold)
{
	struct bindu_rules *r = xcalloc(1, sizeof *r);

	/* Room for the NUL that ends the last line. */
	r->text = xreallocarray(text, n + 1, 1);
	r->source = xstrdup(source);
	r->fold = fold;
	parse_lines(r, n);
	index_rules(r);
	return r;
}

void
bindu_rules_free(struct bindu_rules *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		bindu_wild_free(r->rule[i].wild);
	free(r->rule);
	free(r->bucket);
	free(r->rest);
	free(r->text);
	free(r->source);
	free(r);
}

const char *
bindu_rules_source(const struct bindu_rules *r)
{
	return r->source;
}

/* A glob that ends in a plain byte only matches what ends in it: enough to
 * spare most globs their compilation. */
static bool
ends_otherwise(const struct bindu_rules *r, const struct rule *u,
    const char *text, size_t n)
{
	const char *last = r->text + u->at + u->len - 1;

	return u->len > 1 && strchr("*?]\\", *last) == NULL &&
	    last[-1] != '\\' &&
	    (n == 0 || !same_bytes(r, last, text + n - 1, 1));
}

/* git compares the literal start first and takes it off, so what follows
 * stands at the start of its own pattern. */
static bool
rule_matches(struct bindu_rules *r, struct rule *u, const char *text, size_t n)
{
	const char *p = r->text + u->at;
	unsigned flags = r->fold ? BINDU_WILD_FOLD : 0;

	if (u->flags & RULE_SUFFIX)
		return n >= u->len - 1 &&
		    same_bytes(r, p + 1, text + n - (u->len - 1), u->len - 1);
	if (u->prefix > n || !same_bytes(r, p, text, u->prefix))
		return false;
	if (u->prefix == u->len)
		return n == u->len;
	if (ends_otherwise(r, u, text, n))
		return false;
	if (u->wild == NULL) {
		flags |= u->flags & RULE_NAME ? 0 : BINDU_WILD_PATH;
		u->wild =
		    bindu_wild_new(p + u->prefix, u->len - u->prefix, flags);
	}
	return bindu_wild_match(u->wild, text + u->prefix, n - u->prefix);
}

/* The last rule under a key, +1; 0: none. */
static uint32_t
find_keyed(const struct bindu_rules *r, char kind, const char *key, size_t n,
    bool is_dir)
{
	uint32_t i;

	if (!(r->seen[kind == '.'] & key_bit(r, key, n)))
		return 0;
	i = *find_bucket(r, kind, key, n);
	while (i != 0 && r->rule[i - 1].flags & RULE_DIR && !is_dir)
		i = r->rule[i - 1].next;
	return i;
}

bool
bindu_rules_find(struct bindu_rules *r, const char *path, size_t n, size_t base,
    bool is_dir, struct bindu_rule *out)
{
	const char *name = path + base, *dot;
	size_t len = n - base;
	uint32_t best = find_keyed(r, 'n', name, len, is_dir), ext;

	dot = memrchr(name, '.', len);
	if (dot != NULL) {
		ext =
		    find_keyed(r, '.', dot, len - (size_t)(dot - name), is_dir);
		best = ext > best ? ext : best;
	}
	for (size_t i = r->nrest; i-- > 0 && r->rest[i] + 1 > best;) {
		struct rule *u = &r->rule[r->rest[i]];

		if (u->flags & RULE_DIR && !is_dir)
			continue;
		if (u->flags & RULE_NAME ? rule_matches(r, u, name, len) :
					   rule_matches(r, u, path, n))
			best = r->rest[i] + 1;
	}
	if (best == 0)
		return false;
	out->text = r->text + r->rule[best - 1].line_at;
	out->line = r->rule[best - 1].line;
	out->negated = r->rule[best - 1].flags & RULE_NEGATED;
	return true;
}

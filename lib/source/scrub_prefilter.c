/* scrub_prefilter.c - where do literals occur?  Our own filter: the first
 * four bytes, folded, pick a bit; what passes is compared.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "scrub_priv.h"

int scrub_engine;

enum { BITS = 16, CHAINS = 1024 };

struct filter {
	uint64_t bit[(1 << BITS) / 64];
	uint16_t chain[CHAINS]; /* index of a literal + 1 */
	uint16_t *next;
};

static uint32_t
hash(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return (v | 0x20202020) * 0x9e3779b1u >> (32 - BITS);
}

static struct filter *
make(void)
{
	size_t n = scrub_literal_count(), len;
	struct filter *f = xcalloc(1, sizeof *f);
	bool caseless;

	f->next = xcalloc(n, sizeof *f->next);
	for (size_t i = 0; i < n; i++) {
		const char *s = scrub_literal_get(i, &len, &caseless);
		uint32_t h;

		if (!s)
			continue;
		h = hash((const uint8_t *)s);
		f->bit[h / 64] |= (uint64_t)1 << h % 64;
		f->next[i] = f->chain[h % CHAINS];
		f->chain[h % CHAINS] = (uint16_t)(i + 1);
	}
	return f;
}

/* Made once; a second maker in another thread gives its copy back. */
static const struct filter *
get(void)
{
	static struct filter *made;
	struct filter *f = __atomic_load_n(&made, __ATOMIC_ACQUIRE),
		      *none = NULL;

	if (f)
		return f;
	f = make();
	if (__atomic_compare_exchange_n(&made, &none, f, false,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return f;
	free(f->next);
	free(f);
	return none;
}

static bool
is_equal(const uint8_t *p, const char *s, size_t len, bool caseless)
{
	if (!caseless)
		return !memcmp(p, s, len);
	for (size_t i = 0; i < len; i++) {
		uint8_t a = p[i], b = (uint8_t)s[i];

		a = a >= 'A' && a <= 'Z' ? a | 0x20 : a;
		b = b >= 'A' && b <= 'Z' ? b | 0x20 : b;
		if (a != b)
			return false;
	}
	return true;
}

static void
compare(const struct filter *f, uint32_t h, const uint8_t *p, size_t n,
    size_t at, scrub_hit_fn *hit, void *ctx)
{
	size_t len;
	bool caseless;

	for (size_t i = f->chain[h % CHAINS]; i; i = f->next[i - 1]) {
		const char *s = scrub_literal_get(i - 1, &len, &caseless);

		if (len <= n - at && is_equal(p + at, s, len, caseless))
			hit(ctx, i - 1, at);
	}
}

void
scrub_prefilter_portable(const uint8_t *p, size_t n, size_t from, size_t to,
    scrub_hit_fn *hit, void *ctx)
{
	const struct filter *f = get();

	if (n < 4)
		return;
	if (to > n - 3)
		to = n - 3;
	for (size_t i = from; i < to; i++) {
		uint32_t h = hash(p + i);

		if (f->bit[h / 64] >> h % 64 & 1)
			compare(f, h, p, n, i, hit, ctx);
	}
}

/* scrub_hs.c - the prefilter by vectorscan; its database was compiled when
 * the program was (mk/self/scrub.mk).
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include "scrub_priv.h"

#ifdef BINDU_HS
#include <hs/hs_runtime.h>

extern const char scrub_hs_db[], scrub_hs_db_end[];

struct call {
	scrub_hit_fn *hit;
	void *ctx;
	size_t from, to; /* a literal must start here */
};

static hs_database_t *database;

static void
load(void)
{
	size_t n = (size_t)(scrub_hs_db_end - scrub_hs_db);

#ifdef __x86_64__
	if (!__builtin_cpu_supports("sse4.2")) /* what the library needs */
		return;
#endif
	if (hs_deserialize_database(scrub_hs_db, n, &database) != HS_SUCCESS)
		database = NULL;
}

static int
on_match(unsigned int id, unsigned long long from, unsigned long long end,
    unsigned int flags, void *ctx)
{
	struct call *c = ctx;
	size_t len, start;
	bool caseless;

	(void)from;
	(void)flags;
	scrub_literal_get(id, &len, &caseless);
	start = c->from + (size_t)end - len;
	if (start < c->to)
		c->hit(c->ctx, id, start);
	return 0;
}

bool
scrub_prefilter_hs(const uint8_t *p, size_t n, size_t from, size_t to,
    scrub_hit_fn *hit, void *ctx)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static __thread hs_scratch_t *scratch;
	struct call c = { hit, ctx, from, to };
	size_t end = n - to > SCRUB_LIT_MAX ? to + SCRUB_LIT_MAX : n;

	if (scrub_engine)
		return false;
	pthread_once(&once, load);
	if (!database)
		return false;
	if (!scratch && hs_alloc_scratch(database, &scratch) != HS_SUCCESS)
		return false;
	/* hit() does not scan again with this scratch: children are fed after
	 * the prefilter has returned. */
	return hs_scan(database, (const char *)p + from, (unsigned)(end - from),
		   0, scratch, on_match, &c) == HS_SUCCESS;
}
#else
bool
scrub_prefilter_hs(const uint8_t *p, size_t n, size_t from, size_t to,
    scrub_hit_fn *hit, void *ctx)
{
	(void)p, (void)n, (void)from, (void)to, (void)hit, (void)ctx;
	return false;
}
#endif

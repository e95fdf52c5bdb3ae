/* scrub_masks.c - which bytes are token characters, 64 at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_priv.h"
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* UTF-16 of ASCII: zeros at one parity only, many of them.  UTF-32: zeros at
 * all but one place in four. */
static inline __attribute__((always_inline)) bool
is_wide(uint64_t zeros)
{
	int odd = __builtin_popcountll(zeros & 0xaaaaaaaaaaaaaaaa);
	int even = __builtin_popcountll(zeros & 0x5555555555555555);

	if ((odd >= 8 && odd > 4 * even) || (even >= 8 && even > 4 * odd))
		return true;
	for (int k = 0; k < 4 && odd + even >= 24; k++) {
		uint64_t text = (uint64_t)0x1111111111111111 << k;

		if (__builtin_popcountll(~zeros & text) >= 8 &&
		    __builtin_popcountll(zeros & ~text) >= 24)
			return true;
	}
	return false;
}

static uint64_t
mask_plain(const uint8_t *p, size_t n, uint64_t *zeros, uint64_t *escape)
{
	uint64_t m = 0;

	*zeros = *escape = 0;
	for (size_t i = 0; i < n; i++) {
		m |= (uint64_t) !!(scrub_class[p[i]] & CH_RUN) << i;
		*zeros |= (uint64_t)!p[i] << i;
		*escape |=
		    (uint64_t)(p[i] == '\\' || p[i] == '&' || p[i] == '%') << i;
	}
	return m;
}

static inline __attribute__((always_inline)) void
store_wide(uint64_t *wide, size_t w, uint64_t zeros)
{
	if (w % 64 == 0)
		wide[w / 64] = 0;
	if (zeros && is_wide(zeros))
		wide[w / 64] |= (uint64_t)1 << w % 64;
}

#ifdef __x86_64__
/* Bit k of low[c & 15] is set when the character whose high nibble is k + 2
 * is a token character. */
static const uint8_t low_nibble[16] = {
	0x2a,
	0x3e,
	0x3e,
	0x3e,
	0x3e,
	0x3f,
	0x3e,
	0x3e,
	0x3e,
	0x3e,
	0x3c,
	0x15,
	0x14,
	0x15,
	0x34,
	0x1d,
};
static const uint8_t high_nibble[16] = { 0, 0, 1, 2, 4, 8, 16, 32 };

__attribute__((target("avx2,popcnt"))) static inline uint32_t
mask32(const uint8_t *p, uint32_t *zeros, uint32_t *escape)
{
	const __m256i lo = _mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const __m128i *)low_nibble));
	const __m256i hi = _mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const __m128i *)high_nibble));
	const __m256i nibble = _mm256_set1_epi8(15);
	const __m256i none = _mm256_setzero_si256();
	__m256i v = _mm256_loadu_si256((const __m256i *)p);
	__m256i a = _mm256_shuffle_epi8(lo, v); /* bit 7 of v: 0 */
	__m256i b = _mm256_shuffle_epi8(hi,
	    _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
	__m256i miss = _mm256_cmpeq_epi8(_mm256_and_si256(a, b), none);

	__m256i e =
	    _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')),
		_mm256_cmpeq_epi8(v, _mm256_set1_epi8('&')));

	e = _mm256_or_si256(e, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('%')));
	*escape = (uint32_t)_mm256_movemask_epi8(e);
	*zeros = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, none));
	return ~(uint32_t)_mm256_movemask_epi8(miss);
}

__attribute__((target("avx2,popcnt"))) static size_t
masks_avx2(const uint8_t *p, size_t words, const struct scrub_masks *m)
{
	for (size_t w = 0; w < words; w++, p += 64) {
		uint32_t z0, z1, e0, e1;
		uint64_t run = mask32(p, &z0, &e0);

		m->run[w] = run | (uint64_t)mask32(p + 32, &z1, &e1) << 32;
		m->escape[w] = (uint64_t)e1 << 32 | e0;
		store_wide(m->wide, w, (uint64_t)z1 << 32 | z0);
	}
	return words;
}

__attribute__((target("avx2,popcnt"))) static size_t
lines_avx2(const uint8_t *p, size_t n, uint64_t *lines)
{
	const __m256i nl = _mm256_set1_epi8('\n');
	size_t i = 0;

	for (; i + 32 <= n; i += 32) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(p + i));

		*lines += (unsigned)__builtin_popcount(
		    (unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, nl)));
	}
	return i;
}
#endif

void
scrub_masks(const uint8_t *p, size_t n, const struct scrub_masks *m)
{
	size_t w = 0;
	uint64_t zeros;

#ifdef __x86_64__
	if (scrub_engine == 0 && __builtin_cpu_supports("avx2"))
		w = masks_avx2(p, n / 64, m);
#endif
	for (; w * 64 < n; w++) {
		m->run[w] = mask_plain(p + w * 64,
		    n - w * 64 < 64 ? n - w * 64 : 64, &zeros, &m->escape[w]);
		store_wide(m->wide, w, zeros);
	}
}

uint64_t
scrub_count_lines(const uint8_t *p, size_t n, const uint8_t **last)
{
	uint64_t lines = 0;
	size_t i = 0;

	*last = n ? memrchr(p, '\n', n) : NULL;
	if (!*last)
		return 0;
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		i = lines_avx2(p, n, &lines);
#endif
	for (; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

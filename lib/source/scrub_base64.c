/* scrub_base64.c - base64 of either alphabet, 32 characters at a time; digits
 * of hex.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scrub_priv.h"
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Both alphabets: + and -, / and _. */
const int8_t scrub_digits64[256] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, 62, -1,
	63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
	20, 21, 22, 23, 24, 25, -1, -1, -1, -1, 63, -1, 26, 27, 28, 29, 30, 31,
	32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
	50, 51, -1, -1, -1, -1, -1, [128 ... 255] = -1 };

const int8_t scrub_digits16[256] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1, -1, 10, 11,
	12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
	-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 10, 11, 12, 13, 14, 15,
	[103 ... 255] = -1 };

size_t
scrub_base64(const uint8_t *s, size_t n, uint8_t *out, size_t max, size_t *used)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t len = 0, i;
	int d;

	for (i = 0; i < n && (d = scrub_digits64[s[i]]) >= 0 && len < max;
	     i++) {
		acc = acc << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[len++] = (uint8_t)(acc >> bits);
		}
	}
	if (used)
		*used = i;
	return len;
}

#ifdef __x86_64__
#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* The characters' values; false when one is foreign.  The high nibble picks
 * what to add; it and the low one share a bit when they do not go together
 * (after W. Mula). */
__attribute__((target("avx2"))) static inline bool
values32(__m256i *v)
{
	const __m256i low = TWICE(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
	    0x11, 0x11, 0x11, 0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
	const __m256i high = TWICE(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04,
	    0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
	const __m256i add =
	    TWICE(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
	const __m256i slash = _mm256_set1_epi8('/');
	__m256i c = *v, hi, lo;

	c = _mm256_blendv_epi8(c, _mm256_set1_epi8('+'),
	    _mm256_cmpeq_epi8(c, _mm256_set1_epi8('-')));
	c = _mm256_blendv_epi8(c, slash,
	    _mm256_cmpeq_epi8(c, _mm256_set1_epi8('_')));
	hi = _mm256_and_si256(_mm256_srli_epi32(c, 4), slash);
	lo = _mm256_and_si256(c, slash);
	if (!_mm256_testz_si256(_mm256_shuffle_epi8(low, lo),
		_mm256_shuffle_epi8(high, hi)))
		return false;
	*v = _mm256_add_epi8(c,
	    _mm256_shuffle_epi8(add,
		_mm256_add_epi8(_mm256_cmpeq_epi8(c, slash), hi)));
	return true;
}

__attribute__((target("avx2"))) static size_t
blocks_avx2(const uint8_t *p, size_t n, uint8_t *out)
{
	const __m256i order =
	    TWICE(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
	size_t i = 0;

	for (; i + 32 <= n; i += 32, out += 24) {
		__m256i v = _mm256_loadu_si256((const __m256i *)(p + i));

		if (!values32(&v))
			break;
		v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
		v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
		v = _mm256_shuffle_epi8(v, order);
		v = _mm256_permutevar8x32_epi32(v,
		    _mm256_setr_epi32(0, 1, 2, 4, 5, 6, -1, -1));
		_mm256_storeu_si256((__m256i *)out, v);
	}
	return i;
}
#endif

size_t
scrub_base64_blocks(const uint8_t *p, size_t n, uint8_t *out)
{
	size_t i = 0;

#ifdef __x86_64__
	if (scrub_engine == 0 && __builtin_cpu_supports("avx2"))
		return blocks_avx2(p, n, out);
#endif
	for (; i + 4 <= n; i += 4) {
		const int8_t *d = scrub_digits64;
		int a = d[p[i]], b = d[p[i + 1]], c = d[p[i + 2]];
		int e = d[p[i + 3]];

		if ((a | b | c | e) < 0)
			break;
		*out++ = (uint8_t)(a << 2 | b >> 4);
		*out++ = (uint8_t)(b << 4 | c >> 2);
		*out++ = (uint8_t)(c << 6 | e);
	}
	return i;
}

/* scrub_text.c - is a value random, or made up for a page of documentation?
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "scrub_priv.h"

static unsigned
pair_index(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		return c - 'a';
	if (c >= 'A' && c <= 'Z')
		return 26 + c - 'A';
	if (c >= '0' && c <= '9')
		return 52 + c - '0';
	return c == '_' || c == '-' ? 62 : 63;
}

/* How many different characters the alphabet of s has. */
static double
alphabet_bits(const uint8_t *s, size_t n)
{
	bool lower = false, upper = false, digit = false, other = false;
	bool hex = true;

	for (size_t i = 0; i < n; i++) {
		lower |= s[i] >= 'a' && s[i] <= 'z';
		upper |= s[i] >= 'A' && s[i] <= 'Z';
		digit |= s[i] >= '0' && s[i] <= '9';
		other |= !(scrub_class[s[i]] & CH_WORD);
		hex &= (scrub_class[s[i]] & CH_XHEX) != 0;
	}
	if (hex && lower != upper)
		return 4;
	return log2((lower ? 26 : 0) + (upper ? 26 : 0) + (digit ? 10 : 0) +
	    (other ? 2 : 0) + 1e-9);
}

double
scrub_randomness(const uint8_t *s, size_t n)
{
	double bits = 0;

	if (n < 2)
		return -1;
	for (size_t i = 1; i < n; i++)
		bits += scrub_pairs[pair_index(s[i - 1]) * 64 + pair_index(s[i])];
	return bits / 16 / (double)(n - 1) - alphabet_bits(s, n);
}

double
scrub_entropy(const uint8_t *s, size_t n)
{
	uint32_t count[256] = { 0 };
	double e = 0;

	for (size_t i = 0; i < n; i++)
		count[s[i]]++;
	for (int c = 0; c < 256; c++)
		if (count[c])
			e -= count[c] * log2((double)count[c] / (double)n);
	return n ? e / (double)n : 0;
}

static const char *const made_up[] = {
	"example", "xxxx", "placeholder", "changeme", "change_me", "change-me",
	"replace", "insert", "your-", "your_", "yourkey", "yourtoken",
	"yoursecret", "yourpass", "yourapi", "dummy", "redacted", "sample",
	"<your", "todo", "fixme", "not-a-real", "notreal", "not_real", "fake",
	"secret-key", "secret_key", "my-secret", "my_secret", "mysecret",
	"test-key", "test_key", "testkey", "test-token", "test_token",
	"enter-", "enter_", "-here", "_here", "foobar", "abcdef", "123456789",
	"qwerty", "deadbeef", "lorem", "....", "****", "----", "____",
	"0000000", NULL
};

static bool
has_folded(const uint8_t *s, size_t n, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= n; i++) {
		size_t k = 0;

		while (k < len && tolower(s[i + k]) == word[k])
			k++;
		if (k == len)
			return true;
	}
	return false;
}

/* Rows of equal characters, counting rows (abcdef, 4321) and few different
 * characters for the length. */
static bool
is_monotone(const uint8_t *s, size_t n)
{
	size_t same = 1, up = 1, down = 1, longest = 1, kinds = 0;
	bool seen[256] = { false };

	for (size_t i = 0; i < n; i++) {
		kinds += !seen[s[i]];
		seen[s[i]] = true;
		if (!i)
			continue;
		same = s[i] == s[i - 1] ? same + 1 : 1;
		up = s[i] == s[i - 1] + 1 ? up + 1 : 1;
		down = s[i] + 1 == s[i - 1] ? down + 1 : 1;
		longest = same > longest ? same : longest;
		longest = up > longest ? up : longest;
		longest = down > longest ? down : longest;
	}
	return longest >= 7 || (n >= 8 && longest * 2 >= n) ||
	    (n >= 12 && kinds < 5) || (n >= 20 && kinds < 7);
}

/* The same piece over and over: abcabcabc. */
static bool
is_periodic(const uint8_t *s, size_t n)
{
	for (size_t k = 1; k <= 12 && 2 * k <= n; k++)
		if (n >= 8 && !memcmp(s, s + k, n - k))
			return true;
	return false;
}

bool
scrub_is_placeholder(const uint8_t *s, size_t n)
{
	size_t look = n > 200 ? 200 : n;

	for (const char *const *w = made_up; *w; w++)
		if (has_folded(s, look, *w))
			return true;
	return is_monotone(s, look) || is_periodic(s, look);
}

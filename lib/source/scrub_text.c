/* scrub_text.c - is a value random, or made up for a page of documentation?
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <math.h>
#include <string.h>
#include "scrub_priv.h"

/* Row and column of the pair table. */
static const uint8_t pair_index[256] = { 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 62,
	63, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 63, 63, 63, 63, 63, 63,
	63, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,
	43, 44, 45, 46, 47, 48, 49, 50, 51, 63, 63, 63, 63, 62, 63, 0, 1, 2, 3,
	4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
	23, 24, 25, 63, 63, 63, 63, 63, [128 ... 255] = 63 };

/* Bits of one character drawn evenly from the alphabet s seems to have:
 * lower 26, upper 26, digits 10, others 2. */
static double
alphabet_bits(const uint8_t *s, size_t n)
{
	static const float bits[16] = { 0, 4.70f, 4.70f, 5.70f, 3.32f, 5.17f,
		5.17f, 5.95f, 1, 4.81f, 4.81f, 5.75f, 3.58f, 5.25f, 5.25f, 6 };
	unsigned all = 0xffff, any = 0, kind;

	for (size_t i = 0; i < n; i++) {
		unsigned x = pair_index[s[i]];

		any |= x < 26 ? 1 : x < 52 ? 2 : x < 62 ? 4 : 8;
		all &= scrub_class[s[i]];
	}
	kind = any & 3;
	if (all & CH_XHEX && kind && kind != 3)
		return 4;
	return bits[any];
}

double
scrub_randomness(const uint8_t *s, size_t n)
{
	unsigned bits = 0, last;

	if (n < 2)
		return -1;
	last = pair_index[s[0]];
	for (size_t i = 1; i < n; i++) {
		unsigned x = pair_index[s[i]];

		bits += scrub_pairs[last * 64 + x];
		last = x;
	}
	return bits / 16.0 / (double)(n - 1) - alphabet_bits(s, n);
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

static const char *const made_up[] = { "example", "xxxx", "placeholder",
	"changeme", "change_me", "change-me", "replace", "insert", "your-",
	"your_", "yourkey", "yourtoken", "yoursecret", "yourpass", "yourapi",
	"dummy", "redacted", "sample", "<your", "todo", "fixme", "not-a-real",
	"notreal", "not_real", "fake", "secret-key", "secret_key", "my-secret",
	"my_secret", "mysecret", "test-key", "test_key", "testkey",
	"test-token", "test_token", "enter-", "enter_", "-here", "_here",
	"foobar", "abcdef", "123456789", "qwerty", "deadbeef", "lorem", "....",
	"****", "----", "____", "0000000",
	/* Values of RFC 5849, RFC 6749 and jwt.io, which everyone quotes. */
	"dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk",
	"pfkkdhi9sl3r4s00", "hh5s93j4hdidpola", "hdhd0244k9j7ao03",
	"9djdj82h48djs9d2", "j49sk3j29djd", "kkk9d7dh3k39sjv7", "dh893hdasih9",
	"74knzjedhnmbp0emj9zht", "byt5cmsgcbgudfhobymefcx6bsw",
	"gkgrfcywp7ro0oxsjdot", "2yotnfzfejr1zcsicmwpaa",
	"tgzv3jokf0xg5qx2tlkwia", "czzcagrsa3f0mzpnwdfmqmf0m2jw",
	"45ghiukldjahdnhzdauz", "7fjfp0zbr1ktdrbnfvdmiw",
	"sflkxwrjsmekkf2qt4fwpmejf36pok6yjv_adqssw5c",
	/* Of the pages of Stripe, GitHub, Discord, FastAPI and Flask; the keys
	 * of Azure's emulators; user:password in base64. */
	"4ec39hqlyjwdarjtt1zdp7dc", "bqokikjovbii2hlwgh4olfq2",
	"1b4a2e77838347a7e420ce178f2e7c69", "zncjm1xvw7vrze4b7cq4se7kkws",
	"09d25e094faa6ca2556c818166b7a956", "192b9bdd22ab9ed4d12e236c78afcb9a",
	"eby8vdm02xnocqflquwjpllmetlcdxj1", "c2y6ydjf5/r+ob0n8a7cgv30vrdjiweh",
	"dxnlcjpwyxnzd29yza",
	/* RFC 5849's verifier, and the login of MinIO's playground. */
	"hfdp7dh39dks9884", "q3am3uq867spqqa43p2f",
	"zuf+tfteslswru7bj86wekitnifilbzam1kyy3tg", NULL };

/* Rows of equal characters, counting rows (abcdef, 4321, and two that take
 * turns: a1b2c3d4) and few different characters for the length. */
static bool
is_monotone(const uint8_t *s, size_t n)
{
	size_t same = 1, up = 1, down = 1, longest = 1, kinds = 0, turns = 0;
	bool seen[256] = { false };

	for (size_t i = 0; i < n; i++) {
		kinds += !seen[s[i]];
		seen[s[i]] = true;
		if (!i)
			continue;
		turns = i > 1 && s[i] == s[i - 2] + 1 ? turns + 1 : 0;
		longest = turns > longest ? turns : longest;
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

/* Fingers that went up and down where they lie: asldkfjasdlkfj. */
static bool
is_mashed(const char *s, size_t n)
{
	static const char row[] = "asdfghjkl";
	bool seen[sizeof row] = { false };
	size_t letters = 0, resting = 0, kinds = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = s[i] ? strchr(row, s[i]) : NULL;

		letters += isalpha((unsigned char)s[i]) != 0;
		if (!at)
			continue;
		resting++;
		kinds += !seen[at - row];
		seen[at - row] = true;
	}
	return letters >= 16 && resting * 5 >= letters * 4 && kinds > 4;
}

bool
scrub_is_placeholder(const uint8_t *s, size_t n)
{
	char folded[201], plain[201];
	uint32_t set = 0;
	size_t len = 0;

	n = n > 200 ? 200 : n;
	for (size_t i = 0; i < n; i++) {
		folded[i] = (char)tolower(s[i]);
		set |= (uint32_t)1 << (folded[i] & 31);
		if (isalnum(s[i]))
			plain[len++] = folded[i];
	}
	folded[n] = '\0';
	for (const char *const *w = made_up; *w; w++)
		if (set >> (**w & 31) & set >> ((*w)[1] & 31) &
			set >> ((*w)[2] & 31) & 1 &&
		    memmem(folded, n, *w, strlen(*w)) &&
		    /* Four letters come up by chance in a random value. */
		    (**w != 'x' || n < 40 || memmem(folded, n, "xxxxxx", 6)) &&
		    ((*w)[4] || !islower(**w) || **w == 'x' ||
			scrub_randomness(s, n) < 1))
			return true;
	/* abcd-efgh-ijkl: the marks do not count. */
	return is_monotone(s, n) || is_periodic(s, n) || is_mashed(folded, n) ||
	    (len < n && is_monotone((uint8_t *)plain, len));
}

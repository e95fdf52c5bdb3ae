/* scrub_check.c - credentials that carry their own proof: checksums, JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <zlib.h>
#include "scrub_priv.h"

/* PREFIX_ + 30 random characters + their CRC-32 in six base62 digits. */
static enum scrub_verdict
check_crc62(const uint8_t *s, size_t n, size_t prefix)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz";
	unsigned long c;

	if (n < prefix + 12)
		return SCRUB_FAILED;
	c = crc32_z(0, s + prefix, n - prefix - 6);
	for (size_t i = 0; i < 6; i++, c /= 62)
		if (s[n - 1 - i] != (uint8_t)digits[c % 62])
			return SCRUB_FAILED;
	return SCRUB_GOOD;
}

enum scrub_verdict
scrub_check_github(const uint8_t *s, size_t n)
{
	return check_crc62(s, n, 4);
}

enum scrub_verdict
scrub_check_npm(const uint8_t *s, size_t n)
{
	return check_crc62(s, n, 4);
}

/* Routable tokens: ...LLCCCCCCC, the length of the base64 part and the CRC-32
 * of all before it, in base 36.  Only the CRC is looked at. */
enum scrub_verdict
scrub_check_gitlab(const uint8_t *s, size_t n)
{
	unsigned long c;

	if (n < 16)
		return SCRUB_FAILED;
	c = crc32_z(0, s, n - 7);
	for (size_t i = 0; i < 7; i++, c /= 36)
		if (s[n - 1 - i] !=
		    (uint8_t) "0123456789abcdefghijklmnopqrstuvwxyz"[c % 36])
			return SCRUB_FAILED;
	return SCRUB_GOOD;
}

/* glsa_SECRET_CCCCCCCC: the CRC-32 of what stands before the last mark, its
 * bytes from the lowest. */
enum scrub_verdict
scrub_check_grafana(const uint8_t *s, size_t n)
{
	unsigned long c = crc32_z(0, s, n - 9);

	for (size_t i = 0; i < 8; i++) {
		unsigned long d = c >> (i % 2 ? i * 4 - 4 : i * 4 + 4) & 15;
		uint8_t x = s[n - 8 + i];

		if ((x >= 'A' && x <= 'F' ? x | 0x20 : x) !=
		    (uint8_t) "0123456789abcdef"[d])
			return SCRUB_FAILED;
	}
	return SCRUB_GOOD;
}

enum { JWT_MAX = 9200 };

static void
hmac(const char *key, const uint8_t *s, size_t n, uint8_t sum[BINDU_SHA256])
{
	uint8_t in[64 + JWT_MAX] = { 0 }, out[64 + BINDU_SHA256] = { 0 };

	memcpy(in, key, strlen(key));
	memcpy(out, key, strlen(key));
	for (size_t i = 0; i < 64; i++) {
		in[i] ^= 0x36;
		out[i] ^= 0x5c;
	}
	memcpy(in + 64, s, n);
	bindu_digest_bytes(in, 64 + n, out + 64);
	bindu_digest_bytes(out, sizeof out, sum);
}

/* Signed with a secret that every manual uses: it opens nothing. */
static bool
is_sample_jwt(const uint8_t *s, size_t n, const uint8_t *sig, size_t len)
{
	static const char *const keys[] = { "secret", "your-256-bit-secret",
		"key", "test" };
	uint8_t got[48], sum[BINDU_SHA256];

	if (n > JWT_MAX || len != 43 ||
	    scrub_base64(sig, len, got, sizeof got, NULL) != BINDU_SHA256)
		return false;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		hmac(keys[i], s, n, sum);
		if (!memcmp(got, sum, sizeof sum))
			return true;
	}
	return false;
}

/* The header must be JSON that names an algorithm, the body an object. */
enum scrub_verdict
scrub_check_jwt(const uint8_t *s, size_t n)
{
	const uint8_t *dot = memchr(s, '.', n), *second;
	uint8_t head[600], body[16];
	size_t len;

	if (!dot)
		return SCRUB_NO;
	second = memchr(dot + 1, '.', n - (size_t)(dot + 1 - s));
	if (!second)
		return SCRUB_NO;
	len = scrub_base64(s, (size_t)(dot - s), head, sizeof head, NULL);
	if (len < 8 || head[0] != '{' || !memmem(head, len, "\"alg\"", 5))
		return SCRUB_NO;
	if (memmem(head, len, "\"none\"", 6))
		return SCRUB_NO;
	if (!memmem(head, len, "\"enc\"", 5)) {
		len = scrub_base64(dot + 1, (size_t)(second - dot - 1), body,
		    sizeof body, NULL);
		if (len < 2 || body[0] != '{')
			return SCRUB_NO;
	}
	len = n - (size_t)(second + 1 - s);
	if (scrub_is_placeholder(second + 1, len))
		return SCRUB_NO;
	return is_sample_jwt(s, (size_t)(second - s), second + 1, len) ?
	    SCRUB_FAILED :
	    SCRUB_GOOD;
}

/* Base58 with a double SHA-256 checksum; payload bytes or 0. */
static size_t
base58check(const uint8_t *s, size_t n, uint8_t *out, size_t max)
{
	static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
				     "abcdefghijkmnopqrstuvwxyz";
	uint8_t sum[BINDU_SHA256], big[128] = { 0 };
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		const char *d = memchr(digits, s[i], 58);
		unsigned carry;

		if (!d || !s[i])
			return 0;
		carry = (unsigned)(d - digits);
		for (size_t k = 0; k < len || carry; k++) {
			if (k == sizeof big)
				return 0;
			carry += k < len ? big[k] * 58u : 0;
			big[k] = carry & 0xff;
			carry >>= 8;
			len = k + 1 > len ? k + 1 : len;
		}
	}
	if (len < 5 || len > max)
		return 0;
	for (size_t i = 0; i < len; i++)
		out[i] = big[len - 1 - i];
	bindu_digest_bytes(out, len - 4, sum);
	bindu_digest_bytes(sum, sizeof sum, sum);
	return memcmp(sum, out + len - 4, 4) ? 0 : len - 4;
}

/* A Bitcoin wallet key: 0x80, 32 bytes, perhaps a 1. */
enum scrub_verdict
scrub_check_wif(const uint8_t *s, size_t n)
{
	uint8_t key[64];
	size_t len = base58check(s, n, key, sizeof key);

	if ((len != 33 && len != 34) || (key[0] != 0x80 && key[0] != 0xef))
		return SCRUB_NO;
	return SCRUB_GOOD;
}

enum scrub_verdict
scrub_check_xprv(const uint8_t *s, size_t n)
{
	uint8_t key[100];

	return base58check(s, n, key, sizeof key) == 78 ? SCRUB_GOOD :
							  SCRUB_FAILED;
}

/* Base32 of len - 2 bytes and their CRC-16, lower byte first; false when that is
 * not right. */
static bool
base32_crc16(const uint8_t *s, size_t n, uint8_t *raw, size_t len)
{
	uint32_t acc = 0, crc = 0;
	unsigned bits = 0;
	size_t k = 0;

	for (size_t i = 0; i < n && k < len; i++) {
		acc = acc << 5 |
		    (uint32_t)(s[i] >= 'A' ? s[i] - 'A' : s[i] - '2' + 26);
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			raw[k++] = (uint8_t)(acc >> bits);
		}
	}
	if (k < len)
		return false;
	for (size_t i = 0; i < len - 2; i++) {
		crc ^= (uint32_t)raw[i] << 8;
		for (k = 0; k < 8; k++)
			crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
	}
	return raw[len - 2] == (crc & 0xff) && raw[len - 1] == crc >> 8;
}

/* A Stellar seed: 0x90 and 32 bytes. */
enum scrub_verdict
scrub_check_stellar(const uint8_t *s, size_t n)
{
	uint8_t raw[35];

	return base32_crc16(s, n, raw, sizeof raw) && raw[0] == 0x90 ?
	    SCRUB_GOOD :
	    SCRUB_NO;
}

/* A seed of NATS: five bits that say so, what it is for, and 32 bytes. */
enum scrub_verdict
scrub_check_nats(const uint8_t *s, size_t n)
{
	uint8_t raw[36];

	return base32_crc16(s, n, raw, sizeof raw) && (raw[0] & 0xf8) == 0x90 ?
	    SCRUB_GOOD :
	    SCRUB_NO;
}

/* scrub_der.c - is a DER structure, an OpenSSH blob or a PGP packet a
 * private key?  Only what tells a key is read.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_priv.h"

size_t
scrub_der_size(const uint8_t *p)
{
	if (p[1] < 0x80)
		return 2 + (size_t)p[1];
	if (p[1] == 0x81)
		return 3 + (size_t)p[2];
	return 4 + ((size_t)p[2] << 8 | p[3]);
}

struct der {
	const uint8_t *p, *end;
};

/* The next element: its tag, content in *c; -1 when malformed.  Content may
 * be cut short by the end of what we see. */
static int
next(struct der *d, struct der *c)
{
	size_t len, n;
	int tag;

	if (d->end - d->p < 2)
		return -1;
	tag = *d->p++;
	len = *d->p++;
	if (len & 0x80) {
		n = len & 0x7f;
		if (!n || n > 3 || (size_t)(d->end - d->p) < n)
			return -1;
		for (len = 0; n; n--)
			len = len << 8 | *d->p++;
	}
	c->p = d->p;
	c->end = len > (size_t)(d->end - d->p) ? d->end : d->p + len;
	d->p = c->end;
	return tag;
}

/* A SEC1 key: version 1, an octet string of a curve's size. */
static const char *
ec_key(struct der c)
{
	struct der v;
	size_t n;

	if (next(&c, &v) != 4)
		return NULL;
	n = (size_t)(v.end - v.p);
	if (c.p < c.end && *c.p != 0xa0 && *c.p != 0xa1)
		return NULL;
	return n >= 20 && n <= 66 ? "private-key/ec" : NULL;
}

/* After a version 0: RSA has n, e, d ...; DSA p, q, g, y, x. */
static const char *
rsa_or_dsa(struct der c)
{
	struct der v;
	size_t first, second;

	if (next(&c, &v) != 2)
		return NULL;
	first = (size_t)(v.end - v.p);
	if (next(&c, &v) != 2)
		return NULL;
	second = (size_t)(v.end - v.p);
	if (first < 32 || next(&c, &v) != 2)
		return NULL;
	if (second <= 8)
		return "private-key/rsa";
	return second >= 20 && second <= 33 ? "private-key/dsa" : NULL;
}

/* PKCS#8: version, algorithm, octet string. */
static const char *
pkcs8_key(struct der c)
{
	struct der alg, oid;
	static const uint8_t rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7 };
	static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d };

	if (next(&c, &alg) != 0x30 || next(&alg, &oid) != 6)
		return NULL;
	if (next(&c, &alg) != 4 || alg.end - alg.p < 16)
		return NULL;
	if (oid.end - oid.p > 5 && !memcmp(oid.p, rsa, 5))
		return "private-key/rsa";
	if (oid.end - oid.p > 5 && !memcmp(oid.p, ec, 5))
		return "private-key/ec";
	return "private-key/pkcs8";
}

/* Encrypted PKCS#8: an algorithm of PKCS#5 or #12, an octet string. */
static bool
is_encrypted(struct der alg, struct der c)
{
	struct der v;

	return next(&alg, &v) == 6 && v.end - v.p >= 8 && v.p[0] == 0x2a &&
	    next(&alg, &v) == 0x30 && next(&c, &v) == 4 && v.end - v.p >= 32;
}

static const char *
openssh_key(const uint8_t *p, size_t n, bool *encrypted)
{
	uint32_t len;

	if (n < 60)
		return NULL;
	len = (uint32_t)p[15] << 24 | (uint32_t)p[16] << 16 |
	    (uint32_t)p[17] << 8 | p[18];
	if (len < 3 || len > 40)
		return NULL;
	*encrypted = len != 4 || memcmp(p + 19, "none", 4) != 0;
	return "private-key/openssh";
}

/* A secret key or subkey packet (tags 5, 7) of a known version. */
static const char *
pgp_key(const uint8_t *p, size_t n, bool *encrypted)
{
	size_t at, tag;

	if (n < 40 || !(p[0] & 0x80))
		return NULL;
	tag = p[0] & 0x40 ? p[0] & 0x3f : p[0] >> 2 & 0xf;
	if (tag != 5)
		return NULL;
	if (p[0] & 0x40)
		at = p[1] < 192 ? 2 : p[1] < 224 ? 3 : 6;
	else
		at = (p[0] & 3) == 0 ? 2 : (p[0] & 3) == 1 ? 3 : 5;
	if (p[at] < 3 || p[at] > 6)
		return NULL;
	*encrypted = true; /* the S2K octet lies behind the public part */
	return "private-key/pgp";
}

const char *
scrub_der_key(const uint8_t *p, size_t n, bool *encrypted)
{
	struct der d = { p, p + n }, c, v;

	*encrypted = false;
	if (n >= 15 && !memcmp(p, "openssh-key-v1", 15))
		return openssh_key(p, n, encrypted);
	if (n && p[0] & 0x80)
		return pgp_key(p, n, encrypted);
	if (next(&d, &c) != 0x30)
		return NULL;
	d = c;
	switch (next(&c, &v)) {
	case 0x30:
		*encrypted = is_encrypted(v, c);
		return *encrypted ? "private-key/encrypted" : NULL;
	case 2:
		break;
	default:
		return NULL;
	}
	if (v.end - v.p != 1 || v.p[0] > 1)
		return NULL;
	if (c.p < c.end && *c.p == 0x30)
		return pkcs8_key(c);
	if (v.p[0] == 1)
		return ec_key(c);
	return rsa_or_dsa(c);
}

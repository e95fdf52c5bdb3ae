/* scrub_der: keys as openssl writes them are known, all else is not, and no
 * bytes lead a look beyond their end.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "lib/source/scrub_priv.h"
#include "tap.h"

#define RSA "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 "
#define P256 "openssl ecparam -name prime256v1 -genkey -noout "
#define ED "openssl genpkey -algorithm ED25519 "
#define LOCK \
	"| openssl pkcs8 -topk8 -outform DER -passout pass:x -v2 aes-256-cbc"

static const struct {
	const char *what, *command; /* writes it */
	const char *rule; /* NULL: no private key */
	bool encrypted;
} made[] = {
	{ "RSA in PKCS#8", RSA "-outform DER", "private-key/rsa", false },
	{ "RSA of old", RSA "| openssl rsa -traditional -outform DER",
	    "private-key/rsa", false },
	{ "a curve's, SEC1", P256 "-outform DER", "private-key/ec", false },
	{ "a curve's, PKCS#8", P256 "| openssl pkey -outform DER",
	    "private-key/ec", false },
	{ "Ed25519", ED "-outform DER", "private-key/pkcs8", false },
	{ "an encrypted one", ED LOCK, "private-key/encrypted", true },
	{ "an encrypted RSA", RSA LOCK, "private-key/encrypted", true },
	{ "a public RSA key", RSA "| openssl pkey -pubout -outform DER", NULL,
	    false },
	{ "a public curve's", P256 "| openssl pkey -pubout -outform DER", NULL,
	    false },
	{ "a request",
	    ED "| openssl req -new -key /dev/stdin -subj /CN=x -outform DER",
	    NULL, false },
	{ "a certificate",
	    ED "| openssl req -x509 -key /dev/stdin -subj /CN=x -outform DER",
	    NULL, false },
};

#define SSH(len, cipher) \
	"openssh-key-v1\0\0\0\0" len cipher \
	"0123456789012345678901234567890123456789"
#define PGP(head) \
	head "\4\0\0\0\0\1\0" \
	     "0123456789012345678901234567890123456789"
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *what;
	const char *p;
	size_t n;
	const char *rule;
	bool encrypted;
} given[] = {
	{ "nothing", BYTES(""), NULL, false },
	{ "OpenSSH", BYTES(SSH("\4", "none")), "private-key/openssh", false },
	{ "OpenSSH with a passphrase", BYTES(SSH("\12", "aes256-ctr")),
	    "private-key/openssh", true },
	{ "OpenSSH's name of a cipher without end",
	    BYTES("openssh-key-v1\0\177\377\377\377"
		  "0123456789012345678901234567890123456789"),
	    NULL, false },
	{ "OpenSSH cut short", BYTES("openssh-key-v1\0\0\0\0\4none"), NULL,
	    false },
	{ "an old PGP secret key", BYTES(PGP("\x95\1\0")), "private-key/pgp",
	    true },
	{ "a new one", BYTES(PGP("\xc5\x64")), "private-key/pgp", true },
	{ "a PGP public key", BYTES(PGP("\x99\1\0")), NULL, false },
	{ "PGP cut short", BYTES("\x95\1\0\4"), NULL, false },
	{ "a sequence alone", BYTES("\x30"), NULL, false },
	{ "of no length", BYTES("\x30\x80\2\1\0"), NULL, false },
	{ "of a length in four bytes", BYTES("\x30\x84\377\377\377\377\2\1\0"),
	    NULL, false },
	{ "of a length that is not there", BYTES("\x30\x83\377"), NULL, false },
	{ "a version of two bytes", BYTES("\x30\4\2\2\0\0"), NULL, false },
	{ "version 2", BYTES("\x30\3\2\1\2"), NULL, false },
	{ "a version and no more", BYTES("\x30\3\2\1\0"), NULL, false },
	{ "two small numbers", BYTES("\x30\11\2\1\0\2\1\1\2\1\1"), NULL,
	    false },
};

/* In memory that ends where the bytes do. */
static const char *
look(const uint8_t *p, size_t n, bool *encrypted)
{
	AUTO_FREE uint8_t *copy = xmalloc(n != 0 ? n : 1);

	memcpy(copy, p, n);
	return scrub_der_key(copy, n, encrypted);
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && !strcmp(a, b));
}

/* Every beginning, and every byte changed to what may mislead. */
static bool
holds(const uint8_t *p, size_t n)
{
	static const uint8_t bad[] = { 0, 1, 0x30, 0x7f, 0x80, 0x83, 0xff };
	AUTO_FREE uint8_t *copy = xmalloc(n);
	bool encrypted;

	memcpy(copy, p, n);
	for (size_t i = 0; i < n; i++) {
		const char *rule = look(p, i, &encrypted);

		if (rule != NULL && strncmp(rule, "private-key/", 12) != 0)
			return false;
		for (size_t k = 0; k < sizeof bad; k++) {
			copy[i] = bad[k];
			rule = look(copy, n, &encrypted);
			if (rule != NULL && strncmp(rule, "private-key/", 12))
				return false;
		}
		copy[i] = p[i];
	}
	return true;
}

/* What the command writes, at most max bytes. */
static size_t
output(const char *command, uint8_t *bytes, size_t max)
{
	AUTO_FREE char *line =
	    xasprintf("(%s) 2>/dev/null | od -An -v -tx1", command);
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_FREE char *hex = NULL;
	char *at, *end;
	size_t n = 0;

	o.argv = (const char *[]){ "sh", "-c", line, NULL };
	if (bindu_proc_capture(&o, 30000, 4 * max, &hex, NULL) == -1)
		return 0;
	for (at = hex; n < max; at = end) {
		bytes[n] = (uint8_t)strtoul(at, &end, 16);
		if (end == at)
			break;
		n++;
	}
	return n;
}

static void
openssl(size_t i)
{
	uint8_t bytes[4096];
	size_t n = output(made[i].command, bytes, sizeof bytes);
	bool encrypted = !made[i].encrypted;
	const char *rule = look(bytes, n, &encrypted);

	ok(n > 0 && same(rule, made[i].rule) && encrypted == made[i].encrypted,
	    "%s (%zu bytes) is %s", made[i].what, n,
	    rule != NULL ? rule : "none");
	ok(holds(bytes, n), "changed and cut short it does no harm");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof made / sizeof *made; i++)
		openssl(i);
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		const uint8_t *p = (const uint8_t *)given[i].p;
		bool encrypted = !given[i].encrypted;
		const char *rule = look(p, given[i].n, &encrypted);

		ok(same(rule, given[i].rule) &&
			encrypted == given[i].encrypted && holds(p, given[i].n),
		    "%s is %s", given[i].what, rule != NULL ? rule : "none");
	}
	return done();
}

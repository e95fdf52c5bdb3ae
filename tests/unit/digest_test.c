/* digest_test.c - SHA-256 by NIST's vectors, and in pieces of every size.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/source/digest.h"
#include "tap.h"

/* FIPS 180-4 examples, and NIST's "additional" ones: text, times over. */
static const struct {
	const char *text;
	size_t len, times;
	const char *hex;
} nist[] = {
	{ "", 0, 1,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", 3, 1,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 1,
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
	  "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	    112, 1,
	    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	{ "a", 1, 1000000,
	    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "\xbd", 1, 1,
	    "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b" },
	{ "\xc9\x8c\x8e\x55", 4, 1,
	    "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504" },
	{ "", 1, 55,
	    "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7" },
	{ "", 1, 56,
	    "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb" },
	{ "", 1, 57,
	    "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785" },
	{ "", 1, 64,
	    "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b" },
	{ "", 1, 1000,
	    "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53" },
	{ "A", 1, 1000,
	    "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4" },
	{ "\x55", 1, 1005,
	    "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0" },
	{ "", 1, 1000000,
	    "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025" },
};

/* Digests of bytes 7i + n, i < n, as Python's hashlib gives them. */
static const struct {
	size_t n;
	const char *hex;
} sizes[] = {
	{ 4095,
	    "2a37c9cecea9397e269f15d981dfee1856c524402a5a9c2e5c363f0fdc164bce" },
	{ 4096,
	    "d010f6d76d0eb4dce5d5b5b34014a8a157ec4380a66c24d7d455a9bf652db14a" },
	{ 4097,
	    "4ef3d8e05f2e1e9b2da79d218f7a74e538198d77bbb81c6c8c4464b4d4db2f4b" },
	/* Around one read of bindu_digest_fd. */
	{ 131071,
	    "a67545375b372699761a40afc9a731b3730b730384c4e7907dede92f838c30bc" },
	{ 131072,
	    "377c7b0cc229f4705670d63d544c275b663df6e8c831b09846a5c48cca08b848" },
	{ 131073,
	    "599b1dc6e3d7d88a511c91fee4cebc82bbc37d46f71baaf95830c44aed3f5254" },
	{ 1 << 20,
	    "1d7368ef6f59e0c704a978b815288f1e464037959645bbfd79348d330269480d" },
};
/* The digest of all digests of such bytes for n from 0 to 257. */
static const char all[] =
    "20cbd727cf88cf378289b88c715b382f14c0d53d49ff3365e37dbdf4337f9c11";

static void
fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 7 + n);
}

static bool
is_hex(const uint8_t sum[BINDU_SHA256], const char *want)
{
	char hex[65];

	bindu_str_hex(sum, BINDU_SHA256, hex);
	return strcmp(hex, want) == 0;
}

/* One call, pieces of step bytes, and a descriptor all agree. */
static bool
agree(struct bindu_digest *d, const char *p, size_t n, size_t step,
    const char *want)
{
	uint8_t one[BINDU_SHA256], pieces[BINDU_SHA256], fd_sum[BINDU_SHA256];
	AUTO_CLOSE int fd = memfd_create("digest", MFD_CLOEXEC);
	uint64_t size = 0;

	bindu_digest_bytes(p, n, one);
	for (size_t at = 0; at < n; at += step)
		bindu_digest_add(d, p + at, n - at < step ? n - at : step);
	bindu_digest_end(d, pieces);
	if (bindu_fd_write(fd, p, n) == -1 || lseek(fd, 0, SEEK_SET) != 0 ||
	    bindu_digest_fd(fd, fd_sum, &size, NULL) == -1)
		return false;
	return size == n && memcmp(one, pieces, sizeof one) == 0 &&
	    memcmp(one, fd_sum, sizeof one) == 0 &&
	    (want == NULL || is_hex(one, want));
}

static void
check_borders(struct bindu_digest *d)
{
	struct bindu_digest *of_all = bindu_digest_new();
	uint8_t sum[BINDU_SHA256];
	bool same = true;
	char buf[258];

	for (size_t n = 0; n < 258; n++) {
		fill(buf, n);
		for (size_t step = 1; step <= 65; step += 8)
			same &= agree(d, buf, n, step, NULL);
		bindu_digest_bytes(buf, n, sum);
		bindu_digest_add(of_all, sum, sizeof sum);
	}
	bindu_digest_end(of_all, sum);
	bindu_digest_free(of_all);
	ok(same, "0 to 257 bytes: at once, in pieces and from a descriptor");
	ok(is_hex(sum, all), "0 to 257 bytes: as hashlib's");
}

int
main(void)
{
	struct bindu_digest *d = bindu_digest_new();
	AUTO_FREE char *buf = xmalloc(1 << 20);
	uint8_t sum[BINDU_SHA256];
	struct bindu_err err = { 0 };

	for (size_t i = 0; i < sizeof nist / sizeof *nist; i++) {
		size_t n = nist[i].len * nist[i].times;

		for (size_t at = 0; at < n; at += nist[i].len)
			memcpy(buf + at, nist[i].text, nist[i].len);
		ok(agree(d, buf, n, 1000, nist[i].hex), "vector of %zu bytes",
		    n);
	}
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		fill(buf, sizes[i].n);
		ok(agree(d, buf, sizes[i].n, 4097, sizes[i].hex), "%zu bytes",
		    sizes[i].n);
	}
	check_borders(d);
	bindu_digest_free(d);
	ok(bindu_digest_fd(-1, sum, NULL, &err) == -1 && err.code == BINDU_E_IO,
	    "a descriptor that cannot be read: %s", err.msg);
	return done();
}

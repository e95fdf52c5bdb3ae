/* manifest_test.c - manifests written, parsed, and refused.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/source/manifest.h"
#include "tap.h"

#define SUM "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static const struct {
	const char *what, *text;
	size_t n;
	bool good;
} rows[] = {
#define ROW(what, text, good) \
	{ \
		what, text, sizeof text - 1, good \
	}
	ROW("an empty manifest", "", true),
	ROW("a file", "0644 f 3 " SUM " a\0", true),
	ROW("a link and an empty directory",
	    "0755 d 0 " SUM " d\0"
	    "0777 l 1 " SUM " l\0",
	    true),
	ROW("blanks and newlines in a name", "0644 f 3 " SUM " a b\nc\0", true),
	ROW("no NUL at the end", "0644 f 3 " SUM " a", false),
	ROW("an unknown mode", "0600 f 3 " SUM " a\0", false),
	ROW("a setuid mode", "4755 f 3 " SUM " a\0", false),
	ROW("an unknown type", "0644 p 3 " SUM " a\0", false),
	ROW("a mode of another type", "0777 f 3 " SUM " a\0", false),
	ROW("a size that is no number", "0644 f -3 " SUM " a\0", false),
	ROW("a short digest", "0644 f 3 ba78 a\0", false),
	ROW("an absolute path", "0644 f 3 " SUM " /a\0", false),
	ROW("a path that climbs", "0644 f 3 " SUM " a/../../b\0", false),
	ROW("a path with a dot", "0644 f 3 " SUM " a/./b\0", false),
	ROW("an empty component", "0644 f 3 " SUM " a//b\0", false),
	ROW("a slash at the end", "0644 f 3 " SUM " a/\0", false),
	ROW("an empty path", "0644 f 3 " SUM " \0", false),
	ROW("paths out of order",
	    "0644 f 3 " SUM " b\0"
	    "0644 f 3 " SUM " a\0",
	    false),
	ROW("a path twice",
	    "0644 f 3 " SUM " a\0"
	    "0644 f 3 " SUM " a\0",
	    false),
};

int
main(void)
{
	uint8_t sum[BINDU_SHA256];
	char hex[65];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 20);
		struct bindu_tree *t = NULL;
		struct bindu_err err = { 0 };
		char id[65];
		int rc =
		    bindu_manifest_parse(rows[i].text, rows[i].n, &t, &err);

		if (!rows[i].good) {
			ok(rc == -1 && err.code == BINDU_E_DATA,
			    "%s is refused", rows[i].what);
			continue;
		}
		ok(rc == 0 && bindu_manifest_write(t, &b, id, &err) == 0 &&
			b.len == rows[i].n &&
			memcmp(b.p ? b.p : "", rows[i].text, b.len) == 0,
		    "%s comes back as it was", rows[i].what);
		bindu_tree_free(t);
	}
	bindu_digest_bytes("abc", 3, sum);
	bindu_str_hex(sum, sizeof sum, hex);
	ok(strcmp(hex, SUM) == 0, "SHA-256 of abc");
	return done();
}

/* Fields of a message, also of a hostile one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "boxd/daemon/pbscan.h"
#include "tap.h"

static const struct {
	const char *what;
	const char *bytes;
	size_t n;
	int fields; /* -1: malformed */
} rows[] = {
	{ "nothing is no field", "", 0, 0 },
	{ "a varint", "\x10\x01", 2, 1 },
	{ "bytes, then a varint", "\x0a\x02hi\x10\x01", 6, 2 },
	{ "fixed 64 and 32 are skipped",
	    "\x09"
	    "12345678"
	    "\x15"
	    "1234",
	    14, 2 },
	{ "bytes longer than the message", "\x0a\x05hi", 4, -1 },
	{ "a length of 2^63", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10,
	    -1 },
	{ "a varint that does not end", "\x10\xff\xff", 3, -1 },
	{ "a varint of eleven bytes",
	    "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, -1 },
	{ "field number 0", "\x02\x00", 2, -1 },
	{ "a group", "\x0b\x0c", 2, -1 },
};

static int
count(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	struct pb_field f;
	int fields = 0, got;

	while ((got = pb_next(&p, end, &f)) == 1)
		fields++;
	return got == 0 ? fields : -1;
}

int
main(void)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 65536, 1 << 20 };
	static uint8_t room[PB_HEAD_MAX + (1 << 20)];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ok(count((const uint8_t *)rows[i].bytes, rows[i].n) ==
			rows[i].fields,
		    "%s", rows[i].what);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		uint8_t *data = room + PB_HEAD_MAX;
		const uint8_t *p = pb_bytes_head(data, 2, sizes[i]);
		struct pb_field f;

		ok(p >= room && pb_next(&p, data + sizes[i], &f) == 1 &&
			f.number == 2 && f.p == data && f.n == sizes[i],
		    "the head of %zu bytes is read back", sizes[i]);
	}
	return done();
}

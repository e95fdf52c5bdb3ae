/* buf: grows, stops at its cap with the content as it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "lib/base/buf.h"
#include "tap.h"

int
main(void)
{
	struct bindu_buf b = BINDU_BUF_INIT(10);
	struct bindu_buf big = BINDU_BUF_INIT(1 << 20);
	struct bindu_err e = { 0 };
	char *s;
	int bad = 0;

	s = bindu_buf_steal(&b);
	ok(!strcmp(s, ""), "stealing from an empty buffer gives \"\"");
	free(s);
	ok(bindu_buf_adds(&b, "12345", &e) == 0 && !strcmp(b.p, "12345"),
	    "what was added reads as a string");
	ok(bindu_buf_addf(&b, &e, "%05d", 7) == 0 && !strcmp(b.p, "1234500007"),
	    "exactly the cap fits");
	ok(bindu_buf_addc(&b, 'x', &e) == -1 && e.code == BINDU_E_DATA,
	    "one byte over the cap is bad data");
	ok(bindu_buf_addf(&b, &e, "%s", "yy") == -1 && b.len == 10 &&
		!strcmp(b.p, "1234500007"),
	    "a refused add changes nothing");
	bindu_buf_cut_front(&b, 4);
	ok(!strcmp(b.p, "500007") && b.len == 6, "the front is cut off");
	bindu_buf_cut_front(&b, 99);
	ok(b.len == 0 && !strcmp(b.p, ""), "cutting more than all empties");
	ok(bindu_buf_room(&b, SIZE_MAX, &e) == NULL,
	    "a size near SIZE_MAX is refused, not wrapped");
	bindu_buf_adds(&b, "abc", &e);
	bindu_buf_reset(&b);
	ok(b.len == 0 && b.cap > 0, "reset keeps the memory");
	bindu_buf_fini(&b);
	ok(b.p == NULL && b.len == 0 && b.cap == 0, "fini zeroes");

	for (int i = 0; i < 100000; i++)
		bad |= bindu_buf_addc(&big, (char)('a' + i % 26), &e);
	ok(!bad && big.len == 100000 && strlen(big.p) == 100000,
	    "100000 single bytes are all there");
	bindu_buf_fini(&big);
	return done();
}

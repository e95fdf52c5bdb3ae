/* release: the table of releases, also of a box that tells nonsense.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/remote/release.h"
#include "tap.h"

static const struct {
	const char *what, *json, *rows; /* below the head */
} cases[] = {
	{ "none is the head alone", "[]", "" },
	{ "live, healthy and neither are told apart; times add up",
	    "[{'release':'0123456789abcdef','live':true,'time':86400,"
	    "'by':'ann@here','commit':'v1','ms':{'box':120,'deps':2345}},"
	    "{'release':'b','healthy':true,'time':86401,'by':'','ms':{}},"
	    "{'release':'c'}]",
	    "* 0123456789ab  1970-01-02 00:00:00  ann@here  v1      "
	    "2.4 s: box 120 ms, deps 2.3 s\n"
	    "  b             1970-01-02 00:00:01  -         -       -\n"
	    "? c             -                    -         -       -\n" },
	{ "no byte of it reaches the terminal as a command",
	    "[{'release':'a','by':'\\u001b[2Jann','commit':'\\u009b1m',"
	    "'ms':{'\\u001b]0;x\\u0007':1}}]",
	    "? a        -           \\x1b[2Jann  \\xc2\\x9b1m    "
	    "0.0 s: \\x1b]0;x\\x07 1 ms\n" },
};

int
main(void)
{
	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(65536);
		AUTO_FREE char *json = xstrdup(cases[i].json);
		AUTO_JSON json_t *all = NULL;
		const char *rows;

		for (char *q = json; (q = strchr(q, '\'')) != NULL;)
			*q = '"';
		all = json_loads(json, 0, NULL);
		ok(bindu_releases_text(all, &b, NULL) == 0 &&
			strncmp(b.p, "  RELEASE", 9) == 0,
		    "%s: a head", cases[i].what);
		rows = strchr(b.p, '\n') + 1;
		if (!ok(strcmp(rows, cases[i].rows) == 0, "%s", cases[i].what))
			printf("# %s", rows);
	}
	return done();
}

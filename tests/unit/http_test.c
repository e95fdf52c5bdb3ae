/* http: what of a URL is shown.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/remote/http.h"
#include "tap.h"

static const struct {
	const char *url, *shown;
} rows[] = {
	{ "http://host", "http://host" },
	{ "http://host:1/a/b", "http://host:1/a/b" },
	{ "https://host/p?key=s", "https://host/p" },
	{ "https://host/p#f", "https://host/p" },
	{ "https://host?key=s@t", "https://host" },
	{ "http://me:pw@host/p", "http://host/p" },
	{ "http://me:p@w@host/p?q", "http://host/p" },
	{ "http://me@host", "http://host" },
	{ "http://host/a@b", "http://host/a@b" },
	{ "http://@", "http://" },
	{ "me:pw@host/p", "host/p" },
	{ "host", "host" },
	{ "", "" },
	{ "?q", "" },
	{ "://a@b", "://b" },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		AUTO_FREE char *got = bindu_http_shown(rows[i].url);

		ok(!strcmp(got, rows[i].shown), "\"%s\" is shown as \"%s\"",
		    rows[i].url, got);
	}
	return done();
}

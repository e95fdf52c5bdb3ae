/* endpoint_test.c - the plaintext rule and the exchange address.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/mem.h"
#include "lib/remote/endpoint.h"
#include "tap.h"

static const struct {
	const char *url;
	enum bindu_errc code; /* NONE: accepted */
	const char *host, *port;
	bool tls;
	const char *exchange;
} rows[] = {
	{ "https://boxd.sh:9443", BINDU_E_NONE, "boxd.sh", "9443", true,
	    "https://app.boxd.sh/api/v1/auth/token" },
	{ "http://boxd.sh:9443", BINDU_E_NONE, "boxd.sh", "9443", true,
	    "https://app.boxd.sh/api/v1/auth/token" },
	{ "https://app.example.test", BINDU_E_NONE, "app.example.test", "443",
	    true, "https://app.example.test:443/api/v1/auth/token" },
	{ "example.test:99", BINDU_E_NONE, "example.test", "99", true,
	    "https://app.example.test/api/v1/auth/token" },
	{ "10.1.2.3:99", BINDU_E_NONE, "10.1.2.3", "99", true,
	    "https://10.1.2.3:99/api/v1/auth/token" },
	{ "http://127.0.0.1:99/", BINDU_E_NONE, "127.0.0.1", "99", false,
	    "http://127.0.0.1:99/api/v1/auth/token" },
	{ "127.0.0.1:99", BINDU_E_NONE, "127.0.0.1", "99", false,
	    "http://127.0.0.1:99/api/v1/auth/token" },
	{ "localhost:99", BINDU_E_NONE, "localhost", "99", false,
	    "http://localhost:99/api/v1/auth/token" },
	{ "http://[::1]:99", BINDU_E_NONE, "::1", "99", false,
	    "http://[::1]:99/api/v1/auth/token" },
	{ "http://10.1.2.3:99", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "http://0.0.0.0:99", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "http://user@127.0.0.1:99", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "ftp://127.0.0.1:99", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "https://h:0", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "https://h:99999", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "https://h:9/path", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "https://:9", BINDU_E_CONFIG, NULL, NULL, false, NULL },
	{ "unix:relative", BINDU_E_CONFIG, NULL, NULL, false, NULL },
};

static void
check(size_t i)
{
	AUTO_ENDPOINT struct bindu_endpoint e = { 0 };
	struct bindu_err err = { 0 };
	int rc = bindu_endpoint_parse(rows[i].url, &e, &err);
	AUTO_FREE char *exchange = NULL;

	if (rows[i].code != BINDU_E_NONE) {
		ok(rc == -1 && err.code == rows[i].code, "%s is refused",
		    rows[i].url);
		return;
	}
	ok(rc == 0 && strcmp(e.host, rows[i].host) == 0 &&
		strcmp(e.port, rows[i].port) == 0 && e.tls == rows[i].tls,
	    "%s is %s", rows[i].url, rows[i].tls ? "TLS" : "this machine");
	exchange = rc == 0 ? bindu_endpoint_exchange(&e, &err) : NULL;
	ok(exchange != NULL && strcmp(exchange, rows[i].exchange) == 0,
	    "%s exchanges keys at %s", rows[i].url, rows[i].exchange);
}

static void
check_exchange(const char *url, bool fine)
{
	AUTO_ENDPOINT struct bindu_endpoint e = { 0 };
	AUTO_FREE char *got = NULL;

	setenv("BOXD_EXCHANGE_URL", url, 1);
	bindu_endpoint_parse("https://h:1", &e, NULL);
	got = bindu_endpoint_exchange(&e, NULL);
	ok((got != NULL) == fine, "a key %s to %s",
	    fine ? "goes" : "never goes", url);
	unsetenv("BOXD_EXCHANGE_URL");
}

int
main(void)
{
	AUTO_ENDPOINT struct bindu_endpoint e = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(i);
	ok(bindu_endpoint_parse("unix:///run/x.sock", &e, NULL) == 0 &&
		strcmp(e.unix_path, "/run/x.sock") == 0,
	    "a unix socket is an address");
	check_exchange("https://x.test/y", true);
	check_exchange("http://127.0.0.1:9/y", true);
	check_exchange("http://10.0.0.1/y", false);
	check_exchange("http://boxd.sh:9443/y", false);
	check_exchange("x.test/y", false);
	return done();
}

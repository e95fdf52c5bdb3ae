/* The key of TCP clients and its tokens.
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boxd/daemon/auth.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "tap.h"

static void
wrong_tokens(struct auth *a, const char *token)
{
	int good = 0;

	for (size_t i = 0; token[i]; i++) {
		AUTO_FREE char *t = xstrdup(token);

		t[i] = t[i] == '0' ? '1' : '0';
		good += auth_token_ok(a, t);
	}
	ok(good == 0, "a token with any byte changed is refused");
	ok(!auth_token_ok(a, "") && !auth_token_ok(a, "bxt_"),
	    "a short token is refused");
}

int
main(void)
{
	char dir[] = "/tmp/auth_test.XXXXXX";
	AUTO_CLOSE int fd =
	    mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct bindu_err err = { 0 };
	struct auth *a = auth_open(fd, &err);
	AUTO_FREE char *key = auth_key(fd, &err);
	AUTO_FREE char *token = NULL;
	int64_t expires = 0;
	struct stat st;

	ok(a && key && !strncmp(key, "bxk_", 4), "a key is made");
	ok(fstatat(fd, "key", &st, 0) == 0 && (st.st_mode & 0777) == 0600,
	    "for its owner only");
	token = auth_exchange(a, key, &expires, &err);
	ok(token && auth_token_ok(a, token), "the key buys a token");
	ok(expires > bindu_clock_wall() + AUTH_TOKEN_SECS - 5,
	    "that is good for an hour");
	wrong_tokens(a, token);
	auth_close(a);
	a = auth_open(fd, &err);
	ok(auth_token_ok(a, token), "a token outlives the daemon");
	ok(!auth_exchange(a, "bxk_", &expires, &err) &&
		err.code == BINDU_E_AUTH,
	    "a wrong key is refused");
	for (int i = 0; i < 12; i++)
		ok(!auth_exchange(a, "x", &expires, &err), "and again");
	ok(err.code == BINDU_E_AGAIN && err.detail > 0 && err.detail <= 61,
	    "many wrong keys have to wait");
	bindu_free_secret(token);
	token = auth_exchange(a, key, &expires, &err);
	ok(token != NULL, "the right one does not");
	auth_close(a);
	bindu_fd_rmtree(AT_FDCWD, dir, NULL);
	return done();
}

/* transfer_cache.c - see transfer_cache.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "transfer_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"
#include "lib/source/manifest.h"

enum { CACHED = 32 };

static bool
is_id(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static char *
manifest_dir(void)
{
	AUTO_FREE char *cache = bindu_config_cache_dir();

	return bindu_path_join(cache, "manifests");
}

struct bindu_tree *
bindu_manifest_cached(const char *id)
{
	AUTO_FREE char *dir = manifest_dir();
	AUTO_FREE char *path = bindu_path_join(dir, id);
	AUTO_FREE char *text = NULL;
	struct bindu_tree *t = NULL;
	uint8_t sum[BINDU_SHA256];
	char hex[65];
	size_t n;

	if (bindu_fd_read_file(AT_FDCWD, path, BINDU_MANIFEST_MAX, &text, &n,
		NULL) == -1)
		return NULL;
	bindu_digest_bytes(text, n, sum);
	if (strcmp(bindu_str_hex(sum, BINDU_SHA256, hex), id) != 0 ||
	    bindu_manifest_parse(text, n, &t, NULL) == -1)
		return NULL;
	return t;
}

/* Remove the oldest when there are too many. */
static void
trim_cache(const char *dir)
{
	AUTO_FREE char *oldest = NULL;
	struct dirent *e;
	time_t when = 0;
	unsigned n = 0;
	struct stat st;
	DIR *d = opendir(dir);

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (!is_id(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			-1)
			continue;
		if (n++ == 0 || st.st_mtime < when) {
			free(oldest);
			oldest = xstrdup(e->d_name);
			when = st.st_mtime;
		}
	}
	if (n > CACHED)
		unlinkat(dirfd(d), oldest, 0);
	closedir(d);
}

void
bindu_manifest_remember(const char *id, const struct bindu_buf *text)
{
	AUTO_FREE char *dir = manifest_dir();
	AUTO_FREE char *path = bindu_path_join(dir, id);

	if (bindu_config_make_cache(dir, NULL) == -1)
		return;
	bindu_fd_replace(AT_FDCWD, path, 0600, text->p != NULL ? text->p : "",
	    text->len, NULL);
	trim_cache(dir);
}

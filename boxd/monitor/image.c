/* image.c - which image a box gets, and what it is stacked on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hub.h"
#include "image_priv.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"

#define DEFAULT_DEBIAN "debian:trixie"
#define PYTHON_MINOR 12 /* what bindu needs of Python 3 */

/* The minor version of python3 by the name its link leads to. */
static int
python_minor(void)
{
	AUTO_FREE char *link = hub_program("python3");
	AUTO_FREE char *real = link ? realpath(link, NULL) : NULL;
	const char *base = real ? bindu_path_base(real) : "";
	int minor = 0;

	return sscanf(base, "python3.%d", &minor) == 1 ? minor : 0;
}

const char *
image_default(const struct hub *h)
{
	return h->can.host_image.ok && python_minor() >= PYTHON_MINOR ?
	    "host" :
	    DEFAULT_DEBIAN;
}

json_t *
image_list(const struct hub *h)
{
	json_t *all = json_array();
	DIR *d = opendir(h->debians);
	struct dirent *e;

	if (h->can.host_image.ok)
		json_array_append_new(all, json_string("host"));
	while (d != NULL && (e = readdir(d)) != NULL)
		if (bindu_str_starts(e->d_name, "debian-") &&
		    strchr(e->d_name, '.') == NULL)
			json_array_append_new(all,
			    json_sprintf("debian:%s",
				e->d_name + strlen("debian-")));
	if (d != NULL)
		closedir(d);
	return all;
}

static int
resolve_host(struct hub *h, json_t *image, json_t *lower, struct bindu_err *err)
{
	AUTO_FREE char *layer = NULL;

	if (!h->can.host_image.ok)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE, "%s",
		    h->can.host_image.why);
	layer = image_host_layer(h, err);
	if (layer == NULL)
		return -1;
	json_array_append_new(lower, json_string(layer));
	json_object_set_new(image, "over",
	    json_pack("[s,s]", "/usr", "/var/lib/dpkg"));
	return 0;
}

static int
resolve_debian(struct hub *h, const json_t *image, json_t *lower,
    struct bindu_err *err)
{
	const char *suite = bindu_json_str(image, "suite");
	AUTO_FREE char *name = image_debian_name(suite, err);
	AUTO_FREE char *path = NULL;

	if (name == NULL)
		return -1;
	path = xasprintf("%s/%s", h->debians, name);
	if (access(path, F_OK) == -1)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "image debian:%s is not built yet", suite);
	json_array_append_new(lower, json_string(path));
	return 0;
}

int
image_resolve(struct hub *h, json_t *start, struct bindu_err *err)
{
	json_t *image = json_object_get(start, "image");
	const char *kind = bindu_json_str(image, "kind");
	AUTO_FREE char *settings = NULL;
	json_t *lower;
	int rc;

	if (kind == NULL)
		kind = "(none)";
	if (strcmp(kind, "layers") == 0)
		return 0;
	lower = json_array();
	settings = image_settings_layer(h, start, err);
	if (settings == NULL)
		rc = -1;
	else if (strcmp(kind, "host") == 0)
		rc = resolve_host(h, image, lower, err);
	else if (strcmp(kind, "debian") == 0)
		rc = resolve_debian(h, image, lower, err);
	else
		rc = bindu_err_set(err, BINDU_E_DATA,
		    "image kind %s is not known", kind);
	if (settings != NULL)
		json_array_insert_new(lower, 0, json_string(settings));
	json_object_set_new(image, "lower", lower);
	return rc;
}

void
image_warm(struct hub *h)
{
	AUTO_JSON json_t *start = json_pack("{s:{s:s}}", "image", "kind",
	    h->can.host_image.ok ? "host" : "none");
	AUTO_CLOSE int dir = -1;
	struct dirent **list = NULL;
	json_t *keep;
	int n;

	image_resolve(h, start, NULL); /* fails for "none": settings alone */
	keep = json_object_get(json_object_get(start, "image"), "lower");
	dir = open(h->images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n = dir == -1 ? 0 : scandirat(dir, ".", &list, NULL, NULL);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;
		bool stale = bindu_str_starts(name, "host-") ||
		    bindu_str_starts(name, "settings-");
		json_t *v;
		size_t k;

		json_array_foreach(keep, k,
		    v) if (strcmp(bindu_path_base(json_string_value(v)),
			       name) == 0) stale = false;
		if (stale)
			bindu_fd_rmtree(dir, name, NULL);
		free(list[i]);
	}
	free(list);
}

int
image_build(struct hub *h, const json_t *image, int client,
    struct bindu_err *err)
{
	const char *kind = bindu_json_str(image, "kind");
	AUTO_FREE char *layer = NULL;

	if (kind != NULL && strcmp(kind, "debian") == 0)
		return image_debian_build(h, bindu_json_str(image, "suite"),
		    client, err);
	if (kind == NULL || strcmp(kind, "host") != 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "image kind %s cannot be built", kind ? kind : "(none)");
	layer = image_host_layer(h, err);
	return layer == NULL ? -1 : 0;
}

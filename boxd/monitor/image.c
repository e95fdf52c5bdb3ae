/* image.c - which image a box gets, and what it is stacked on.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hub.h"
#include "image_priv.h"
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/str.h"

#define DEFAULT_DEBIAN "debian:trixie"
#define PYTHON_MINOR 12		/* what bindu needs of Python 3 */

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
	    "host" : DEFAULT_DEBIAN;
}

json_t *
image_list(const struct hub *h)
{
	AUTO_FREE char *dir = xasprintf("%s/images", h->state);
	json_t *all = json_array();
	DIR *d = opendir(dir);
	struct dirent *e;

	if (h->can.host_image.ok)
		json_array_append_new(all, json_string("host"));
	while (d != NULL && (e = readdir(d)) != NULL)
		if (bindu_str_starts(e->d_name, "debian-") &&
		    strchr(e->d_name, '.') == NULL)
			json_array_append_new(all, json_sprintf("debian:%s",
			    e->d_name + strlen("debian-")));
	if (d != NULL)
		closedir(d);
	return all;
}

static int
resolve_host(struct hub *h, json_t *image, struct bindu_err *err)
{
	AUTO_FREE char *layer = NULL;

	if (!h->can.host_image.ok)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE, "%s",
		    h->can.host_image.why);
	layer = image_host_layer(h, err);
	if (layer == NULL)
		return -1;
	json_object_set_new(image, "lower", json_pack("[s]", layer));
	json_object_set_new(image, "over", json_pack("[s,s]", "/usr",
	    "/var/lib/dpkg"));
	return 0;
}

int
image_resolve(struct hub *h, json_t *start, struct bindu_err *err)
{
	json_t *image = json_object_get(start, "image");
	const char *kind = bindu_json_str(image, "kind");

	if (kind != NULL && strcmp(kind, "host") == 0)
		return resolve_host(h, image, err);
	if (kind != NULL && strcmp(kind, "layers") == 0)
		return 0;
	return bindu_err_set(err, BINDU_E_DATA, "image kind %s is not known",
	    kind ? kind : "(none)");
}

int
image_build(struct hub *h, const json_t *image, int client,
    struct bindu_err *err)
{
	const char *kind = bindu_json_str(image, "kind");
	AUTO_FREE char *layer = NULL;

	(void)client;
	if (kind == NULL || strcmp(kind, "host") != 0)
		return bindu_err_set(err, BINDU_E_DATA,
		    "image kind %s cannot be built", kind ? kind : "(none)");
	layer = image_host_layer(h, err);
	return layer == NULL ? -1 : 0;
}

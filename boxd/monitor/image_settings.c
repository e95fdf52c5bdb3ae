/* image_settings.c - what a box's installers must know of this machine.
 *
 * Package index, proxy and certificates as they hold here and now become the
 * topmost layer, STATE/images/settings-HASH, and variables of the box.  What
 * names a file or address of this machine cannot work in a box: it is left
 * out, and said so in the log.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "hub.h"
#include "image_layer.h"
#include "image_pip.h"
#include "image_priv.h"
#include "lib/base/buf.h"
#include "lib/base/config.h"
#include "lib/base/fd.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"
#define BUNDLE_MAX (4 * 1024 * 1024)
#define TEXT_MAX (64 * 1024)

/* Passed on as they are. */
static const char *const proxies[] = {
	"http_proxy",
	"https_proxy",
	"ftp_proxy",
	"all_proxy",
	"no_proxy",
	"HTTP_PROXY",
	"HTTPS_PROXY",
	"ALL_PROXY",
	"NO_PROXY",
};
/* What uv of any version reads; uv.toml's word for the same has two names,
 * and neither does for all. */
#define BUNDLE_VAR "SSL_CERT_FILE"
/* Set here to a file of certificates, there to the bundle. */
static const char *const bundles[] = {
	BUNDLE_VAR,
	"REQUESTS_CA_BUNDLE",
	"CURL_CA_BUNDLE",
	"PIP_CERT",
	"NODE_EXTRA_CA_CERTS",
	"GIT_SSL_CAINFO",
	"AWS_CA_BUNDLE",
	"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
};

struct settings {
	struct bindu_buf pip, uv, env, certs;
	struct bindu_strv vars; /* "K=V" for the box's processes */
	bool secret; /* some URL holds a password */
};

static void
settings_fini(struct settings *s)
{
	bindu_buf_fini(&s->pip);
	bindu_buf_fini(&s->uv);
	bindu_buf_fini(&s->env);
	bindu_buf_fini(&s->certs);
	bindu_strv_fini(&s->vars);
}

/* Of this machine alone: its loopback, whatever the port. */
static bool
is_local_url(const char *url)
{
	const char *host = strstr(url, "://");
	const char *at;

	host = host ? host + 3 : url;
	at = strchr(host, '@');
	if (at != NULL && at < host + strcspn(host, "/"))
		host = at + 1;
	return bindu_str_starts(host, "127.") ||
	    bindu_str_starts(host, "[::1]") ||
	    (bindu_str_starts(host, "localhost") &&
		strchr(":/", host[strlen("localhost")]) != NULL);
}

static bool
has_password(const char *url)
{
	const char *host = strstr(url, "://");
	const char *at = host ? strchr(host + 3, '@') : NULL;

	return at != NULL && at < host + 3 + strcspn(host + 3, "/");
}

static int
add_proxies(struct settings *s, struct bindu_err *err)
{
	for (size_t i = 0; i < sizeof proxies / sizeof *proxies; i++) {
		const char *v = bindu_config_env(proxies[i]);

		if (v == NULL || strpbrk(v, "\n\"") != NULL)
			continue;
		if (bindu_str_icmp(proxies[i], "no_proxy") != 0 &&
		    is_local_url(v)) {
			bindu_log(BINDU_WARN,
			    "%s is an address of this "
			    "machine, which no box can reach; left out",
			    proxies[i]);
			continue;
		}
		s->secret |= has_password(v);
		bindu_strv_addf(&s->vars, "%s=%s", proxies[i], v);
		if (bindu_buf_addf(&s->env, err, "%s=\"%s\"\n", proxies[i],
			v) == -1)
			return -1;
	}
	return 0;
}

/* Append the file at path unless its text is in the bundle already. */
static int
add_bundle(struct settings *s, const char *path, struct bindu_err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n;

	if (fd == -1 ||
	    bindu_fd_read_all(fd, BUNDLE_MAX, &text, &n, NULL) == -1 ||
	    strlen(text) != n) {
		bindu_log(BINDU_WARN,
		    "certificates in %s cannot be read; "
		    "left out",
		    path);
		return 0;
	}
	if (s->certs.len > 0 && strstr(s->certs.p, text) != NULL)
		return 0;
	if (s->certs.len > 0 && s->certs.p[s->certs.len - 1] != '\n' &&
	    bindu_buf_addc(&s->certs, '\n', err) == -1)
		return -1;
	return bindu_buf_add(&s->certs, text, n, err);
}

static int
add_certs(struct settings *s, const char *pip_cert, struct bindu_err *err)
{
	if (access(BUNDLE, R_OK) == 0 && add_bundle(s, BUNDLE, err) == -1)
		return -1;
	if (pip_cert != NULL && add_bundle(s, pip_cert, err) == -1)
		return -1;
	for (size_t i = 0; i < sizeof bundles / sizeof *bundles; i++) {
		const char *v = bindu_config_env(bundles[i]);

		if (v != NULL && add_bundle(s, v, err) == -1)
			return -1;
		if (v == NULL &&
		    (s->certs.len == 0 || strcmp(bundles[i], BUNDLE_VAR) != 0))
			continue;
		bindu_strv_addf(&s->vars, "%s=" BUNDLE, bundles[i]);
		if (bindu_buf_addf(&s->env, err, "%s=" BUNDLE "\n",
			bundles[i]) == -1)
			return -1;
	}
	return 0;
}

/* [global] of pip.conf and uv.toml from what pip would use here. */
static int
add_index(struct settings *s, struct pip *pip, struct bindu_err *err)
{
	for (size_t i = 0; i < pip->n; i++) {
		const struct pip_row *r = &pip->rows[i];

		if (is_local_url(r->value) ||
		    (r->is_url && strstr(r->value, "://") == NULL)) {
			bindu_log(BINDU_WARN,
			    "pip's %s names a place of this "
			    "machine, which no box can reach; left out",
			    r->key);
			continue;
		}
		s->secret |= r->is_url && has_password(r->value);
		if (pip_add_line(&s->pip, r, err) == -1 ||
		    pip_add_uv(&s->uv, r, err) == -1)
			return -1;
	}
	if (s->certs.len > 0 &&
	    bindu_buf_adds(&s->pip, "cert = " BUNDLE "\n", err) == -1)
		return -1;
	return 0;
}

static int
settings_read(struct settings *s, struct bindu_err *err)
{
	struct pip pip = { 0 };
	int rc;

	rc = pip_read(&pip, err);
	if (rc == 0)
		rc = add_proxies(s, err);
	if (rc == 0)
		rc = add_certs(s, pip.cert, err);
	if (rc == 0)
		rc = bindu_buf_adds(&s->pip, "[global]\n", err);
	if (rc == 0)
		rc = add_index(s, &pip, err);
	if (rc == 0)
		rc = bindu_buf_adds(&s->pip,
		    "disable-pip-version-check = true\n", err);
	pip_fini(&pip);
	return rc;
}

static int
make_settings(int to, void *ctx, struct bindu_err *err)
{
	static const char *const dirs[] = { "etc", "etc/ssl", "etc/ssl/certs",
		"etc/uv" };
	struct settings *s = ctx;
	mode_t mode = s->secret ? 0600 : 0644;
	uid_t uid = s->secret ? BOXD_UID : 0;

	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (layer_dir(to, dirs[i], 0755, 0, err) == -1)
			return -1;
	if (layer_file(to, "etc/pip.conf", mode, uid, s->pip.p, err) == -1)
		return -1;
	if (s->uv.len > 0 &&
	    layer_file(to, "etc/uv/uv.toml", mode, uid, s->uv.p, err) == -1)
		return -1;
	if (s->env.len > 0 &&
	    layer_file(to, "etc/environment", mode, uid, s->env.p, err) == -1)
		return -1;
	return s->certs.len == 0 ?
	    0 :
	    layer_file(to, &BUNDLE[1], 0644, 0, s->certs.p, err);
}

static uint64_t
hash_buf(uint64_t h, const struct bindu_buf *b)
{
	for (size_t i = 0; i <= b->len; i++)
		h = (h ^ (i < b->len ? (unsigned char)b->p[i] : 0)) *
		    0x100000001b3u;
	return h;
}

/* Add the variables that start does not set itself. */
static void
merge_env(json_t *start, const struct bindu_strv *vars)
{
	json_t *env = json_object_get(start, "env");

	if (!json_is_array(env)) {
		env = json_array();
		json_object_set_new(start, "env", env);
	}
	for (size_t i = 0; i < vars->n; i++) {
		size_t len = strcspn(vars->v[i], "=") + 1, k;
		bool set = false;
		json_t *e;

		json_array_foreach(env, k, e) set |= json_is_string(e) &&
		    strncmp(vars->v[i], json_string_value(e), len) == 0;
		if (!set)
			json_array_append_new(env, json_string(vars->v[i]));
	}
}

char *
image_settings_layer(const struct hub *h, json_t *start, struct bindu_err *err)
{
	struct settings s = { .pip = BINDU_BUF_INIT(TEXT_MAX),
		.uv = BINDU_BUF_INIT(TEXT_MAX),
		.env = BINDU_BUF_INIT(TEXT_MAX),
		.certs = BINDU_BUF_INIT(2 * BUNDLE_MAX) };
	char name[40], *layer = NULL;
	uint64_t hash = 0xcbf29ce484222325u;

	if (settings_read(&s, err) == 0) {
		hash = hash_buf(hash, &s.pip);
		hash = hash_buf(hash, &s.uv);
		hash = hash_buf(hash, &s.env);
		hash = hash_buf(hash, &s.certs);
		snprintf(name, sizeof name, "settings-%016llx",
		    (unsigned long long)hash);
		layer = layer_get(h->images, name, make_settings, &s, err);
	}
	if (layer != NULL)
		merge_env(start, &s.vars);
	settings_fini(&s);
	return layer;
}

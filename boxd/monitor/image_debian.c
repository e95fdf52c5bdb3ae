/* image_debian.c - a small Debian of any suite, built once by mmdebstrap.
 *
 * mmdebstrap runs outside (outside.h), where the network is, and writes a
 * tar; it is unpacked here, where root and its ids are the boxes'.  Mirror
 * and apt's proxy and certificate settings are those of this machine's apt;
 * without a Debian mirror of its own mmdebstrap decides.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "boxd/wire.h"
#include "hub.h"
#include "image_layer.h"
#include "image_priv.h"
#include "lib/base/clock.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "outside.h"

#define BUILD_LIMIT_MS (30 * 60 * 1000)
#define APT_LIMIT_MS 20000
#define APT_MAX (1024 * 1024)
#define LINE_MAX_BYTES 4096

/* Runs in mmdebstrap with the new root as $1. */
static const char hook[] =
    "set -e\n"
    "for f in /usr/local/share/ca-certificates/*.crt; do\n"
    "[ ! -r \"$f\" ] || "
    "cp \"$f\" \"$1/usr/local/share/ca-certificates/\"; done\n"
    "chroot \"$1\" update-ca-certificates >/dev/null 2>&1\n"
    "chroot \"$1\" useradd -m -u 1000 -U -G sudo -s /bin/bash boxd\n"
    "printf 'boxd ALL=(ALL:ALL) NOPASSWD:ALL\\n' "
    ">\"$1/etc/sudoers.d/boxd\"\n"
    "chmod 0440 \"$1/etc/sudoers.d/boxd\"\n"
    "printf 'nameserver 10.0.2.3\\n' >\"$1/etc/resolv.conf\"\n"
    "rm -f \"$1/etc/hostname\"\n";

static const char *const fixed[] = { "mmdebstrap", "--variant=minbase",
	"--format=tar",
	"--include=python3,python3-venv,python3-pip,sudo,ca-certificates,"
	"curl,procps",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/info/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*",
	"--dpkgopt=path-exclude=/usr/share/doc/*",
	"--dpkgopt=path-include=/usr/share/doc/*/copyright", NULL };

struct build {
	struct hub *h;
	const char *suite;
	int client;
	int job, messages; /* mmdebstrap and its stderr; -1: closed */
	pid_t tar;
	char line[LINE_MAX_BYTES];
	size_t len;
	char last[400]; /* its last complaint */
	struct bindu_buf secret; /* apt.conf lines with passwords */
};

static volatile sig_atomic_t cancelled;

static void
on_term(int sig)
{
	(void)sig;
	cancelled = 1;
}

void
image_on_term(void)
{
	struct sigaction sa = { .sa_handler = on_term };

	sigaction(SIGTERM, &sa, NULL); /* no SA_RESTART: poll returns */
}

static int
tell(const struct build *b, const char *text)
{
	AUTO_JSON json_t *ev = json_pack("{s:s}", "event", "progress");

	bindu_json_set_str(ev, "text", text);
	return boxd_wire_send(b->client, ev, NULL, 0, NULL);
}

/* Lines of a program's output, "" when it cannot run. */
static char *
capture(const char *const *argv)
{
	struct bindu_proc_opts po = BINDU_PROC_OPTS;
	char *out = NULL;

	po.argv = argv;
	if (bindu_proc_capture(&po, APT_LIMIT_MS, APT_MAX, &out, NULL) == -1)
		return xstrdup("");
	return out;
}

/* "user:password@" in the first URL of text: no place for it in an argv. */
static bool
has_password(const char *text)
{
	const char *host = strstr(text, "://");
	const char *at = host ? strchr(host + 3, '@') : NULL;

	return at != NULL && at < host + 3 + strcspn(host + 3, "/");
}

/* A line of apt's settings that holds a password: into a file of the image,
 * and for the build itself into the environment, if it is a proxy. */
static void
keep_secret(struct build *b, struct bindu_strv *env, const char *line)
{
	const char *url = strchr(line, '"');
	const char *name = NULL;

	bindu_buf_addf(&b->secret, NULL, "%s\n", line);
	if (bindu_str_starts(line, "Acquire::http::Proxy "))
		name = "http_proxy";
	if (bindu_str_starts(line, "Acquire::https::Proxy "))
		name = "https_proxy";
	if (name != NULL && url != NULL)
		bindu_strv_addf(env, "%s=%.*s", name,
		    (int)strcspn(url + 1, "\""), url + 1);
}

/* The settings of this machine's apt that decide how it reaches a mirror. */
static void
add_apt_options(struct build *b, struct bindu_strv *argv,
    struct bindu_strv *env)
{
	static const char *const ask[] = { "apt-config", "dump", NULL };
	static const char *const want[] = { "Acquire::http::",
		"Acquire::https::", "Acquire::Retries ", "Acquire::ForceIPv4 ",
		"Acquire::ForceIPv6 ", NULL };
	AUTO_FREE char *text = capture(ask);
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save))
		for (int i = 0; want[i] != NULL; i++) {
			/* A program that finds a proxy is not in the image. */
			if (!bindu_str_starts(l, want[i]) ||
			    strstr(l, "Auto") != NULL ||
			    bindu_str_ends(l, " \"\";"))
				continue;
			if (has_password(l))
				keep_secret(b, env, l);
			else
				bindu_strv_addf(argv, "--aptopt=%s", l);
		}
}

/* The value of NAME= in os-release; caller frees; NULL. */
static char *
os_release(const char *name)
{
	FILE *f = fopen("/etc/os-release", "re");
	char line[256];
	char *value = NULL;
	size_t n = strlen(name);

	while (f != NULL && value == NULL && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, name, n) == 0 && line[n] == '=')
			value = xstrdup(line + n + 1);
	}
	if (f != NULL)
		fclose(f);
	return value;
}

/* This machine's Debian mirrors with its suite replaced by ours. */
static void
add_mirrors(struct build *b, struct bindu_strv *argv, const char *suite)
{
	static const char *const ask[] = { "apt-get", "indextargets",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
		"Created-By: Packages", NULL };
	AUTO_FREE char *id = os_release("ID");
	AUTO_FREE char *own = os_release("VERSION_CODENAME");
	AUTO_FREE char *text = NULL;
	AUTO_STRV struct bindu_strv seen = { 0 };
	char *save = NULL;
	bool base = false;

	if (id == NULL || own == NULL || strcmp(id, "debian") != 0)
		return;
	text = capture(ask);
	for (char *l = strtok_r(text, "\n", &save); l != NULL;
	     l = strtok_r(NULL, "\n", &save)) {
		char uri[1024], release[128], component[64];
		AUTO_FREE char *source = NULL;
		const char *tail = release + strlen(own);

		if (sscanf(l, "%1023s %127s %63s", uri, release, component) !=
			3 ||
		    strcmp(component, "main") != 0 ||
		    !bindu_str_starts(release, own) ||
		    (*tail && strcmp(tail, "-updates") &&
			strcmp(tail, "-security")))
			continue;
		if (*tail &&
		    (!strcmp(suite, "sid") || !strcmp(suite, "unstable")))
			continue; /* it has neither */
		if (has_password(uri)) {
			tell(b,
			    "this machine's mirror needs a password and "
			    "is not used; put it into apt's auth.conf there");
			continue;
		}
		base |= *tail == '\0';
		source = xasprintf("deb %s %s%s main", uri, suite, tail);
		if (!bindu_strv_has(&seen, source))
			bindu_strv_add(&seen, source);
	}
	for (size_t i = 0; base && i < seen.n; i++)
		bindu_strv_add(argv, seen.v[i]);
}

static int
start_mmdebstrap(struct build *b, int *tar, struct bindu_err *err)
{
	AUTO_STRV struct bindu_strv argv = { 0 };
	AUTO_STRV struct bindu_strv env = { 0 };
	AUTO_CLOSE int out = -1, msg = -1;
	static const int at[2] = { 1, 2 };
	int p[2], q[2], fds[2];

	for (int i = 0; fixed[i] != NULL; i++)
		bindu_strv_add(&argv, fixed[i]);
	bindu_strv_addf(&argv, "--mode=%s", b->h->rootful ? "root" : "unshare");
	bindu_strv_addf(&argv, "--customize-hook=%s", hook);
	add_apt_options(b, &argv, &env);
	bindu_strv_add(&argv, b->suite);
	bindu_strv_add(&argv, "-");
	add_mirrors(b, &argv, b->suite);
	if (pipe2(p, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	*tar = p[0];
	out = fds[0] = p[1];
	if (pipe2(q, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	b->messages = q[0];
	msg = fds[1] = q[1];
	b->job = outside_run(b->h->outside, (const char *const *)argv.v,
	    (const char *const *)env.v, fds, at, false, err);
	return b->job == -1 ? -1 : 0;
}

static int
start_tar(struct build *b, int in, int to, struct bindu_err *err)
{
	AUTO_FREE char *dir = xasprintf("/proc/%d/fd/%d", (int)getpid(), to);
	const char *const argv[] = { "tar", "--extract", "--file=-",
		"--numeric-owner", "--preserve-permissions", "--xattrs",
		"--xattrs-include=security.capability", "--exclude=./dev/*",
		"--exclude=./proc/*", "--exclude=./sys/*", "--directory", dir,
		NULL };
	struct bindu_proc_opts po = BINDU_PROC_OPTS;

	po.argv = argv;
	po.in = in;
	b->tar = bindu_proc_spawn(&po, err);
	return b->tar == -1 ? -1 : 0;
}

static void
on_line(struct build *b)
{
	b->line[b->len] = '\0';
	if (bindu_str_starts(b->line, "I: running --customize-hook"))
		tell(b, "setting up the user boxd and certificates");
	else if (bindu_str_starts(b->line, "I: "))
		tell(b, b->line + 3);
	else if (bindu_str_starts(b->line, "E: "))
		snprintf(b->last, sizeof b->last, "%.*s",
		    (int)sizeof b->last - 1, b->line + 3);
	b->len = 0;
}

static void
on_messages(struct build *b)
{
	char buf[4096];
	ssize_t n = read(b->messages, buf, sizeof buf);

	if (n == -1 && errno == EINTR)
		return;
	if (n <= 0) {
		close(b->messages);
		b->messages = -1;
	}
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] == '\n')
			on_line(b);
		else if (b->len < sizeof b->line - 1)
			b->line[b->len++] = buf[i];
}

/* Pass messages on until mmdebstrap ended; the client's going away or the
 * time limit end it. */
static int
follow(struct build *b, struct bindu_err *err)
{
	int64_t end = bindu_clock_deadline(BUILD_LIMIT_MS);

	while (b->messages != -1) {
		struct pollfd p[2] = { { .fd = b->messages, .events = POLLIN },
			{ .fd = b->client, .events = POLLRDHUP } };
		int n = poll(p, 2, bindu_clock_left(end));

		if (n == -1 && errno != EINTR)
			return bindu_err_sys(err, "cannot wait");
		if (n == 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "the build is not done after 30 minutes");
		if (cancelled || (n > 0 && p[1].revents))
			return bindu_err_set(err, BINDU_E_SIGNAL,
			    "the build was cancelled");
		if (n > 0 && p[0].revents)
			on_messages(b);
	}
	return outside_wait(b->job, bindu_clock_left(end), err);
}

static int
run_build(struct build *b, int to, struct bindu_err *err)
{
	AUTO_CLOSE int tar = -1;
	int status, tar_status = 0;

	if (start_mmdebstrap(b, &tar, err) == -1 ||
	    start_tar(b, tar, to, err) == -1)
		return -1;
	bindu_cleanup_close(&tar);
	tar = -1;
	status = follow(b, err);
	if (status == -1) {
		bindu_proc_stop(b->tar, false, 1000);
		return -1;
	}
	if (bindu_proc_wait(b->tar, 60000, &tar_status, err) != 0)
		return bindu_err_set(err, BINDU_E_IO, "tar does not end");
	if (status == 127)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "mmdebstrap is "
		    "not installed: apt-get install mmdebstrap");
	if (status != 0)
		return bindu_err_set(err, BINDU_E_IO, "mmdebstrap failed: %s",
		    *b->last ? b->last : "no reason given");
	if (tar_status != 0)
		return bindu_err_set(err, BINDU_E_IO,
		    "cannot unpack the "
		    "image; tar's message is in the log (disk full?)");
	return 0;
}

static int
make_debian(int to, void *ctx, struct bindu_err *err)
{
	struct build *b = ctx;
	int rc = run_build(b, to, err);

	if (rc == 0 && b->secret.len > 0)
		rc = layer_file(to, "etc/apt/apt.conf.d/90host", 0600, 0,
		    b->secret.p, err);
	bindu_buf_fini(&b->secret);
	bindu_cleanup_close(&b->job);
	bindu_cleanup_close(&b->messages);
	return rc;
}

char *
image_debian_name(const char *suite, struct bindu_err *err)
{
	size_t n = suite ? strspn(suite,
			       "abcdefghijklmnopqrstuvwxyz"
			       "0123456789-") :
			   0;

	if (n == 0 || n > 32 || suite[n] != '\0' || *suite == '-') {
		bindu_err_set(err, BINDU_E_DATA,
		    "%s is not the name of a "
		    "Debian suite",
		    suite ? suite : "(none)");
		return NULL;
	}
	return xasprintf("debian-%s", suite);
}

int
image_debian_build(struct hub *h, const char *suite, int client,
    struct bindu_err *err)
{
	struct build b = { .h = h,
		.suite = suite,
		.client = client,
		.job = -1,
		.messages = -1,
		.secret = BINDU_BUF_INIT(LINE_MAX_BYTES) };
	AUTO_FREE char *name = image_debian_name(suite, err);
	AUTO_FREE char *layer = NULL;

	if (name == NULL)
		return -1;
	layer = layer_get(h->debians, name, make_debian, &b, err);
	return layer == NULL ? -1 : 0;
}

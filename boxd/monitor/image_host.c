/* image_host.c - this machine's programs in a box, by an allow-list.
 *
 * /usr and the package database come in as views (image_view.c).  All else a
 * system needs around them is this small layer: links, empty directories, an
 * /etc of listed files that the world may read, accounts of its own.  It is
 * named by what it was made from, so a change on the host makes another.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hub.h"
#include "ids.h"
#include "image_layer.h"
#include "image_priv.h"
#include "lib/base/fd.h"
#include "lib/base/mem.h"

#define FILE_MAX ((off_t)16 * 1024 * 1024)
#define DEPTH_MAX 8
#define PROBE_BASE 0x20000000u

/* Patterns of names in /etc; directories are taken whole. */
static const char *const etc_files[] = { "adduser.conf", "alternatives",
	"bash.bashrc", "ca-certificates", "ca-certificates.conf",
	"debconf.conf", "debian_version", "deluser.conf", "dpkg", "fonts",
	"gai.conf", "host.conf", "inputrc", "issue", "java-*", "ld.so.cache",
	"ld.so.conf", "ld.so.conf.d", "libaudit.conf", "locale.alias",
	"locale.conf", "locale.gen", "localtime", "login.defs", "lsb-release",
	"magic", "magic.mime", "mailcap", "manpath.config", "mime.types",
	"netconfig", "networks", "nsswitch.conf", "os-release", "pam.conf",
	"pam.d", "perl", "profile", "profile.d", "protocols", "python*", "rpc",
	"security", "services", "shells", "skel", "sudo.conf", "terminfo",
	"timezone", "ucf.conf", "xattr.conf", NULL };
/* More of them, one level down. */
static const char *const etc_below[][2] = {
	{ "apt", "apt.conf" },
	{ "apt", "apt.conf.d" },
	{ "apt", "keyrings" },
	{ "apt", "preferences" },
	{ "apt", "preferences.d" },
	{ "apt", "sources.list" },
	{ "apt", "sources.list.d" },
	{ "apt", "trusted.gpg" },
	{ "apt", "trusted.gpg.d" },
	{ "default", "locale" },
	{ "default", "useradd" },
	{ "ssl", "certs" },
	{ "ssl", "openssl.cnf" },
};

static const struct {
	const char *path;
	mode_t mode;
	uid_t uid;
} dirs[] = {
	{ "boot", 0755, 0 },
	{ "dev", 0755, 0 },
	{ "etc", 0755, 0 },
	{ "home", 0755, 0 },
	{ "home/boxd", 0755, BOXD_UID },
	{ "media", 0755, 0 },
	{ "mnt", 0755, 0 },
	{ "opt", 0755, 0 },
	{ "proc", 0555, 0 },
	{ "root", 0700, 0 },
	{ "run", 0755, 0 },
	{ "srv", 0755, 0 },
	{ "sys", 0555, 0 },
	{ "tmp", 01777, 0 },
	{ "usr", 0755, 0 },
	{ "var", 0755, 0 },
	{ "var/backups", 0755, 0 },
	{ "var/cache", 0755, 0 },
	{ "var/cache/apt", 0755, 0 },
	{ "var/cache/apt/archives", 0755, 0 },
	{ "var/cache/apt/archives/partial", 0700, 0 },
	{ "var/cache/debconf", 0755, 0 },
	{ "var/lib", 0755, 0 },
	{ "var/lib/apt", 0755, 0 },
	{ "var/lib/apt/lists", 0755, 0 },
	{ "var/lib/apt/lists/partial", 0700, 0 },
	{ "var/lib/dpkg", 0755, 0 },
	{ "var/lib/pam", 0755, 0 },
	{ "var/lib/ucf", 0755, 0 },
	{ "var/local", 02755, 0 },
	{ "var/log", 0755, 0 },
	{ "var/log/apt", 0755, 0 },
	{ "var/mail", 02755, 0 },
	{ "var/opt", 0755, 0 },
	{ "var/spool", 0755, 0 },
	{ "var/tmp", 01777, 0 },
};

/* One walk makes the layer's name (to == -1) or the layer. */
struct walk {
	uint64_t hash;
	int to;
};

static void
mix(uint64_t *h, const void *p, size_t n)
{
	for (const unsigned char *c = p; n > 0; c++, n--)
		*h = (*h ^ *c) * 0x100000001b3u;
}

static int
take_link(struct walk *w, int from, int to, const char *name,
    struct bindu_err *err)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof target - 1);

	if (n == -1)
		return bindu_err_sys(err, "cannot read link %s", name);
	target[n] = '\0';
	mix(&w->hash, target, (size_t)n + 1);
	if (w->to != -1 && symlinkat(target, to, name) == -1)
		return bindu_err_sys(err, "cannot make link %s", name);
	return 0;
}

static int
take_file(struct walk *w, int from, int to, const char *name,
    const struct stat *st, struct bindu_err *err)
{
	AUTO_CLOSE int in = -1, out = -1;

	if (!(st->st_mode & S_IROTH) || st->st_size > FILE_MAX)
		return 0;
	mix(&w->hash, &st->st_size, sizeof st->st_size);
	mix(&w->hash, &st->st_mtim, sizeof st->st_mtim);
	if (w->to == -1)
		return 0;
	in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (in == -1)
		return bindu_err_sys(err, "cannot open %s", name);
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out == -1)
		return bindu_err_sys(err, "cannot make %s", name);
	if (bindu_fd_copy(in, out, err) == -1)
		return -1;
	return fchmod(out, st->st_mode & 0755) == -1 ?
	    bindu_err_sys(err, "cannot set the mode of %s", name) :
	    0;
}

static int take_any(struct walk *, int from, int to, const char *name,
    int depth, struct bindu_err *);

/* Every entry of from/name that a pattern names (NULL: every one). */
static int
take_dir(struct walk *w, int from, int to, const char *name,
    const char *const *patterns, int depth, struct bindu_err *err)
{
	AUTO_CLOSE int into = -1;
	struct dirent **list;
	int n, rc = 0, fd;

	if (w->to != -1) {
		if (mkdirat(to, name, 0755) == -1 && errno != EEXIST)
			return bindu_err_sys(err, "cannot make %s", name);
		into = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (into == -1)
			return bindu_err_sys(err, "cannot open %s", name);
	}
	n = scandirat(from, name, &list, NULL, alphasort);
	fd =
	    openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		const char *e = list[i]->d_name;
		bool want = patterns == NULL;

		for (int k = 0; !want && patterns[k] != NULL; k++)
			want = fnmatch(patterns[k], e, 0) == 0;
		if (want && rc == 0 && strcmp(e, ".") && strcmp(e, ".."))
			rc = take_any(w, fd, into, e, depth + 1, err);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	bindu_cleanup_close(&fd);
	return rc;
}

static int
take_any(struct walk *w, int from, int to, const char *name, int depth,
    struct bindu_err *err)
{
	struct stat st;

	if (depth > DEPTH_MAX ||
	    fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;
	mix(&w->hash, name, strlen(name) + 1);
	if (S_ISLNK(st.st_mode))
		return take_link(w, from, to, name, err);
	if (S_ISREG(st.st_mode))
		return take_file(w, from, to, name, &st, err);
	if (S_ISDIR(st.st_mode) && (st.st_mode & 05) == 05)
		return take_dir(w, from, to, name, NULL, depth, err);
	return 0;
}

static int
take_etc(struct walk *w, struct bindu_err *err)
{
	AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *below[2] = { NULL, NULL };
	int rc = take_dir(w, root, w->to, "etc", etc_files, 0, err);

	for (size_t i = 0; rc == 0 && i < sizeof etc_below / sizeof *etc_below;
	     i++) {
		AUTO_FREE char *dir = xasprintf("etc/%s", etc_below[i][0]);

		if (faccessat(root, dir, F_OK, 0) == -1)
			continue;
		below[0] = etc_below[i][1];
		rc = take_dir(w, root, w->to, dir, below, 1, err);
	}
	return rc;
}

/* /bin, /lib64 and the like, as links or not at all. */
static int
take_links(struct walk *w, struct bindu_err *err)
{
	static const char *const want[] = { "bin", "sbin", "lib", "lib32",
		"lib64", "libx32", "libo32" };
	AUTO_CLOSE int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		if (fstatat(root, want[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISLNK(st.st_mode) &&
		    take_link(w, root, w->to, want[i], err) == -1)
			return -1;
	return 0;
}

static int
make_layer(int to, void *ctx, struct bindu_err *err)
{
	struct walk w = { .to = to };

	(void)ctx;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		if (layer_dir(to, dirs[i].path, dirs[i].mode, dirs[i].uid,
			err) == -1)
			return -1;
	if (take_links(&w, err) == -1 || take_etc(&w, err) == -1 ||
	    layer_accounts(to, err) == -1)
		return -1;
	return layer_file(to, "etc/hosts", 0644, 0, "127.0.0.1 localhost\n",
	    err);
}

char *
image_host_layer(const struct hub *h, struct bindu_err *err)
{
	struct walk w = { .hash = 0xcbf29ce484222325u, .to = -1 };
	char name[32];

	if (take_links(&w, err) == -1 || take_etc(&w, err) == -1 ||
	    layer_accounts_hash(&w.hash, err) == -1)
		return NULL;
	snprintf(name, sizeof name, "host-%016llx", (unsigned long long)w.hash);
	return layer_get(h->images, name, make_layer, NULL, err);
}

static int
probe_view(const char *images, struct bindu_err *err)
{
	AUTO_FREE char *at = xasprintf("%s/.probe", images);
	AUTO_CLOSE int ns = -1;

	if (bindu_fd_mkdirs(at, 0700, err) == -1)
		return -1;
	ns = ids_userns(PROBE_BASE, err);
	if (ns == -1 || image_view_mount("/usr", at, ns, err) == -1)
		return -1;
	umount2(at, MNT_DETACH);
	rmdir(at);
	return 0;
}

int
image_host_check(bool rootful, const char *images, struct bindu_err *err)
{
	AUTO_FREE char *python = hub_program("python3");
	AUTO_FREE char *sudo = hub_program("sudo");
	struct stat st;

	if (!rootful)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "image host "
		    "needs root (idmapped mounts of /usr): use an image like "
		    "debian:trixie, or use the tools with sudo");
	if (lstat("/bin", &st) == -1 || !S_ISLNK(st.st_mode))
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "image host "
		    "needs /bin to be a link into /usr (apt-get install "
		    "usrmerge)");
	if (python == NULL || sudo == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "image host "
		    "needs %s on this machine: apt-get install %s",
		    python ? "sudo" : "python3", python ? "sudo" : "python3");
	return probe_view(images, err) == -1 ?
	    bindu_err_wrap(err, "image host") :
	    0;
}

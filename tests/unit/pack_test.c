/* pack_test.c - the tar of a small tree header by header; the same bytes from
 * any number of threads; limits; trees that change meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>
#include "fixture.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/source/pack.h"
#include "tap.h"

#define X10(s) s s s s s s s s s s
#define N50 X10("abcde")
#define N99 \
	N50 "123456789012345678901234567890123456789012345678" \
	    "x"

static const struct row {
	const char *what;
	struct item item[6];
	const char *want; /* "type mode size path[>target]|" of each entry */
} rows[] = {
	{ "an empty tree", { { 0 } }, "" },
	{ "files, a program, a link, an empty directory",
	    { { 'f', "b", "hello" }, { 'x', "a/run", "#!" },
		{ 'l', "a/l", "run" }, { 'd', "e", NULL } },
	    "2 0777 0 a/l>run|0 0755 2 a/run|0 0644 5 b|5 0755 0 e/|" },
	{ "an empty file, one of a block, one of a byte more",
	    { { 'f', "a", "" }, { 'f', "b", X10(N50) "123456789012" },
		{ 'f', "c", X10(N50) "1234567890123" } },
	    "0 0644 0 a|0 0644 512 b|0 0644 513 c|" },
	{ "a name of 99 bytes", { { 'f', N99, "" } }, "0 0644 0 " N99 "|" },
	{ "a name of 100 bytes", { { 'f', N99 "y", "" } },
	    "0 0644 0 " N99 "y|" },
	{ "a name of 101 bytes", { { 'f', N99 "yz", "" } },
	    "0 0644 0 " N99 "yz|" },
	{ "a path of 301 bytes", { { 'f', N99 "/" N99 "/" N99 "/z", "1" } },
	    "0 0644 1 " N99 "/" N99 "/" N99 "/z|" },
	{ "a link to a name of 150 bytes", { { 'l', "l", N99 "/" N50 } },
	    "2 0777 0 l>" N99 "/" N50 "|" },
	{ "names that are no text",
	    { { 'f', "\xff\xfe", "" }, { 'f', "\xc3\xa9", "" },
		{ 'f', "n\nl", "" }, { 'f', " ", "" } },
	    "0 0644 0  |0 0644 0 n\nl|0 0644 0 \xc3\xa9|0 0644 0 \xff\xfe|" },
};

static unsigned long long
octal(const char *p, size_t n)
{
	char text[16] = "";

	memcpy(text, p, n < sizeof text ? n : sizeof text - 1);
	return strtoull(text, NULL, 8);
}

/* What a header must be beside its name: no owner, one time, its own sum. */
static bool
is_clean(const char *h, int64_t mtime)
{
	unsigned long sum = 0;

	for (int i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : (unsigned char)h[i];
	return octal(h + 108, 8) == 0 && octal(h + 116, 8) == 0 &&
	    (h[156] == 'L' || h[156] == 'K' ||
		(octal(h + 136, 12) == (unsigned long long)mtime &&
		    h[265] == '\0' && h[297] == '\0')) &&
	    octal(h + 148, 8) == sum && memcmp(h + 257, "ustar  ", 8) == 0;
}

/* The entries of a tar as text; false when a header is not as it should be. */
static bool
read_tar(const char *p, size_t n, int64_t mtime, struct bindu_buf *b)
{
	AUTO_FREE char *name = NULL, *target = NULL;

	while (n >= 512 && *p != '\0') {
		size_t size = octal(p + 124, 12);
		size_t whole = 512 + (size + 511) / 512 * 512;
		char **longer = p[156] == 'L' ? &name :
		    p[156] == 'K'	      ? &target :
						NULL;

		if (!is_clean(p, mtime) || whole > n)
			return false;
		if (longer != NULL) {
			free(*longer);
			*longer = xstrndup(p + 512, size);
		} else {
			bindu_buf_addf(b, NULL, "%c %04llo %zu ", p[156],
			    octal(p + 100, 8), size);
			bindu_buf_addf(b, NULL, name ? "%s" : "%.100s",
			    name ? name : p);
			if (p[156] == '2')
				bindu_buf_addf(b, NULL,
				    target ? ">%s" : ">%.100s",
				    target ? target : p + 157);
			bindu_buf_addc(b, '|', NULL);
			free(bindu_steal(&name));
			free(bindu_steal(&target));
		}
		p += whole;
		n -= whole;
	}
	/* Two blocks of zeros end it. */
	return n >= 1024 && p[0] == '\0' && memcmp(p, p + 1, n - 1) == 0;
}

static struct bindu_tree *
load(const char *root)
{
	static const struct bindu_walk_opts o = { .no_deny = true };
	struct bindu_tree *t = NULL;

	if (bindu_tree_load(root, &o, NULL, &t, NULL) == -1)
		abort();
	return t;
}

/* Pack into memory: 0 and the bytes, or -1 and err. */
static int
pack(struct bindu_tree *t, const struct bindu_pack_opts *o,
    struct bindu_buf *out, struct bindu_err *err)
{
	AUTO_CLOSE int fd = memfd_create("pack", MFD_CLOEXEC);
	struct bindu_pack_stats s = { 0 };
	struct stat st;
	char *room;

	if (bindu_pack_write(t, fd, o, &s, NULL, err) == -1)
		return -1;
	if (fstat(fd, &st) == -1 || s.out_bytes != (uint64_t)st.st_size)
		abort();
	bindu_buf_reset(out);
	room = bindu_buf_room(out, (size_t)st.st_size, NULL);
	if (pread(fd, room, (size_t)st.st_size, 0) != st.st_size)
		abort();
	out->len += (size_t)st.st_size;
	return 0;
}

static void
check_row(const struct row *r)
{
	static const struct bindu_pack_opts o;
	AUTO_BUF struct bindu_buf tar = BINDU_BUF_INIT(1 << 24);
	AUTO_BUF struct bindu_buf got = BINDU_BUF_INIT(1 << 20);
	struct bindu_tree *t = load(fixture_tree(r->item, 6));
	struct bindu_err err = { 0 };
	bool hashed = true;

	ok(pack(t, &o, &tar, &err) == 0, "%s is packed %s", r->what, err.msg);
	ok(read_tar(tar.p, tar.len, bindu_pack_mtime(), &got) &&
		strcmp(got.p ? got.p : "", r->want) == 0,
	    "%s: its entries", r->what);
	for (size_t i = 0; i < t->n; i++)
		hashed &= t->entry[i].hashed;
	ok(hashed, "%s: every digest is known then", r->what);
	bindu_tree_free(t);
}

static void
check_mtime(void)
{
	static const struct {
		const char *text;
		int64_t want;
	} times[] = {
		{ NULL, 499162500 },
		{ "0", 0 },
		{ "1700000000", 1700000000 },
		{ "8589934591", 8589934591 }, /* what 11 octal digits hold */
		{ "8589934592", -1 },
		{ "-1", -1 },
		{ "1e9", -1 },
		{ "12 ", -1 },
		{ "99999999999999999999", -1 },
	};

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		if (times[i].text != NULL)
			setenv("SOURCE_DATE_EPOCH", times[i].text, 1);
		ok(bindu_pack_mtime() == times[i].want, "SOURCE_DATE_EPOCH %s",
		    times[i].text ? times[i].text : "");
	}
	unsetenv("SOURCE_DATE_EPOCH");
}

/* Lines that compress, and a part that does not: over several slices. */
static const char *
large_tree(void)
{
	const char *root = fixture_tree(NULL, 0);
	AUTO_BUF struct bindu_buf b = BINDU_BUF_INIT(1 << 24);
	AUTO_CLOSE int at = open(root, O_RDONLY | O_DIRECTORY);
	unsigned seed = 1;

	for (int i = 0; b.len < 4000000; i++)
		bindu_buf_addf(&b, NULL, "line %d of %d\n", i, i * 7919 % 1000);
	make_item(at, &(struct item){ 'f', "text", b.p });
	for (int i = 0; i < 3000000; i++) {
		seed = seed * 1103515245u + 12345u;
		b.p[i] = (char)(1 + (seed >> 16) % 255);
	}
	b.p[3000000] = '\0';
	make_item(at, &(struct item){ 'f', "noise", b.p });
	return root;
}

static void
check_threads(void)
{
	static const char *const kinds[] = { "tar", "gzip", "zstd" };
	struct bindu_tree *t = load(large_tree());

	for (int k = 0; k < 3; k++) {
		struct bindu_pack_opts o = { .compress = (enum bindu_compress)k,
			.threads = 1 };
		AUTO_BUF struct bindu_buf one = BINDU_BUF_INIT(1 << 24);
		AUTO_BUF struct bindu_buf more = BINDU_BUF_INIT(1 << 24);

		pack(t, &o, &one, NULL);
		for (o.threads = 0; o.threads <= 8;
		     o.threads += o.threads < 4 ? 1 : 4)
			ok(pack(t, &o, &more, NULL) == 0 &&
				more.len == one.len &&
				memcmp(one.p, more.p, one.len) == 0,
			    "%s by %u threads: the same %zu bytes", kinds[k],
			    o.threads, one.len);
		o.max_size = one.len;
		ok(pack(t, &o, &more, NULL) == 0,
		    "%s: a limit of just its size holds it", kinds[k]);
	}
	bindu_tree_free(t);
}

static void
check_refused(void)
{
	static const struct {
		const char *what;
		struct bindu_pack_opts o;
		enum bindu_errc code;
	} wrong[] = {
		{ "gzip 13", { .compress = BINDU_GZIP, .level = 13 },
		    BINDU_E_USAGE },
		{ "gzip -1", { .compress = BINDU_GZIP, .level = -1 },
		    BINDU_E_USAGE },
		{ "zstd 20", { .compress = BINDU_ZSTD, .level = 20 },
		    BINDU_E_USAGE },
		{ "zstd -8", { .compress = BINDU_ZSTD, .level = -8 },
		    BINDU_E_USAGE },
		{ "a tar over its limit", { .max_size = 9000000 / 2 },
		    BINDU_E_DATA },
		{ "a tar just over its limit", { .max_size = 7002624 - 1 },
		    BINDU_E_DATA },
		{ "a gzip over its limit",
		    { .compress = BINDU_GZIP, .max_size = 3100000 },
		    BINDU_E_DATA },
		{ "a gzip over a hopeless limit",
		    { .compress = BINDU_GZIP, .max_size = 1000 },
		    BINDU_E_DATA },
	};
	struct bindu_tree *t = load(large_tree());
	AUTO_BUF struct bindu_buf out = BINDU_BUF_INIT(1 << 24);

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct bindu_err err = { 0 };

		ok(pack(t, &wrong[i].o, &out, &err) == -1 &&
			err.code == wrong[i].code &&
			(err.code == BINDU_E_USAGE ||
			    strstr(err.msg, "largest file is text")),
		    "%s: %s", wrong[i].what, err.msg);
	}
	setenv("SOURCE_DATE_EPOCH", "soon", 1);
	ok(pack(t, &(struct bindu_pack_opts){ 0 }, &out, NULL) == -1,
	    "a SOURCE_DATE_EPOCH that is no number");
	unsetenv("SOURCE_DATE_EPOCH");
	bindu_tree_free(t);
}

/* The file "b" between load and pack, under each policy. */
static void
check_changed(void)
{
	static const struct item items[] = { { 'f', "a", "1" },
		{ 'f', "b", "22" }, { 'f', "c", "333" } };
	static const struct {
		const char *what;
		struct item now; /* kind 0: gone */
		bool hash, strict;
		enum bindu_errc code;
		const char *want;
	} changes[] = {
		{ "gone", { 0 }, false, false, BINDU_E_NONE,
		    "0 0644 1 a|0 0644 3 c|" },
		{ "gone, strict", { 0 }, false, true, BINDU_E_DATA, NULL },
		{ "a link now", { 'l', "b", "a" }, false, false, BINDU_E_NONE,
		    "0 0644 1 a|0 0644 3 c|" },
		{ "a FIFO now", { 'p', "b", NULL }, false, false, BINDU_E_NONE,
		    "0 0644 1 a|0 0644 3 c|" },
		{ "a directory now", { 'f', "b/b", "" }, false, false,
		    BINDU_E_NONE, "0 0644 1 a|0 0644 3 c|" },
		{ "another file, no digest yet", { 'x', "b", "4444" }, false,
		    false, BINDU_E_NONE, "0 0644 1 a|0 0755 4 b|0 0644 3 c|" },
		{ "another file, digest taken", { 'f', "b", "xx" }, true, false,
		    BINDU_E_AGAIN, NULL },
		{ "the same content again, digest taken", { 'f', "b", "22" },
		    true, false, BINDU_E_NONE,
		    "0 0644 1 a|0 0644 2 b|0 0644 3 c|" },
	};

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct bindu_pack_opts o = { .strict = changes[i].strict };
		AUTO_BUF struct bindu_buf tar = BINDU_BUF_INIT(1 << 20);
		AUTO_BUF struct bindu_buf got = BINDU_BUF_INIT(1 << 20);
		struct bindu_tree *t = load(fixture_tree(items, 3));
		struct bindu_err err = { 0 };
		bool good;
		int rc;

		for (size_t k = 0; changes[i].hash && k < t->n; k++) {
			bindu_digest_bytes(items[k].text, k + 1,
			    t->entry[k].sha256);
			t->entry[k].hashed = true;
		}
		unlinkat(t->rootfd, "b", 0);
		if (changes[i].now.kind != 0)
			make_item(t->rootfd, &changes[i].now);
		rc = pack(t, &o, &tar, &err);
		good = rc == 0 ?
		    read_tar(tar.p, tar.len, bindu_pack_mtime(), &got) &&
			changes[i].want != NULL &&
			strcmp(got.p, changes[i].want) == 0 :
		    changes[i].code != BINDU_E_NONE &&
			err.code == changes[i].code;
		ok(good, "%s: %s", changes[i].what, got.p ? got.p : err.msg);
		bindu_tree_free(t);
	}
}

/* A large file, of which only a part is held at a time, grows in between. */
static void
grow_file(void *ctx, const char *phase, uint64_t done, uint64_t total,
    const char *unit)
{
	const struct bindu_tree *t = ctx;
	AUTO_CLOSE int fd = openat(t->rootfd, "big", O_WRONLY | O_APPEND);

	(void)phase, (void)done, (void)total, (void)unit;
	if (write(fd, "x", 1) != 1)
		abort();
}

static void
check_changes_meanwhile(void)
{
	static const struct {
		const char *what;
		bool hash;
		enum bindu_errc code;
	} cases[] = {
		{ "a large file grows while it is packed", false,
		    BINDU_E_NONE },
		{ "and after its digest was taken", true, BINDU_E_AGAIN },
	};
	AUTO_FREE char *text = xmalloc(700001);

	memset(text, 'a', 700000);
	text[700000] = '\0';
	for (size_t i = 0; i < 2; i++) {
		struct item big = { 'f', "big", text };
		AUTO_CLOSE int fd = open("/dev/null", O_WRONLY);
		struct bindu_tree *t = load(fixture_tree(&big, 1));
		struct bindu_report report = { .ctx = t,
			.progress = grow_file };
		struct bindu_pack_opts o = { 0 };
		struct bindu_err err = { 0 };

		if (cases[i].hash) {
			bindu_digest_bytes(text, 700000, t->entry[0].sha256);
			t->entry[0].hashed = true;
		}
		bindu_pack_write(t, fd, &o, NULL, &report, &err);
		ok(err.code == cases[i].code, "%s: %s", cases[i].what, err.msg);
		bindu_tree_free(t);
	}
}

int
main(void)
{
	fixture_begin();
	unsetenv("SOURCE_DATE_EPOCH");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		check_row(&rows[i]);
	check_mtime();
	check_threads();
	check_refused();
	check_changed();
	check_changes_meanwhile();
	fixture_end();
	return done();
}

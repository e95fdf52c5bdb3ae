/* pack_probe.c - the floor bindu-pack is measured against: the same system
 * calls with no rules, no sorting of options, no checks, one thread but for
 * the compressor.
 *
 *   pack_probe walk|stat|hash|tar|zstd|gzip DIR [LEVEL]
 *
 * walk reads names, stat lstats every file, hash adds read and SHA-256, tar
 * makes the archive's bytes in memory order of the walk, zstd and gzip
 * compress them (2 MiB and 1 MiB slices on as many threads as cores).
 * SPDX-License-Identifier: Apache-2.0 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <dirent.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum what { WALK, STAT, HASH, TAR, ZSTD, GZIP };

static enum what what;
static int level;
static char *tar;
static size_t tarlen, tarcap, files;
static unsigned char sum[32];
static char buf[1 << 20];

static void
put(const void *p, size_t n)
{
	if (tarlen + n > tarcap) {
		tarcap = (tarlen + n) * 2;
		tar = realloc(tar, tarcap);
	}
	memcpy(tar + tarlen, p, n);
	tarlen += n;
}

static void
take_file(int dir, const char *name)
{
	char head[512] = "";
	SHA256_CTX ctx;
	struct stat st;
	ssize_t n;
	int fd;

	files++;
	if (what == WALK || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    what == STAT)
		return;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return;
	SHA256_Init(&ctx);
	strncpy(head, name, 99);
	if (what >= TAR)
		put(head, sizeof head);
	while ((n = read(fd, buf, sizeof buf)) > 0) {
		SHA256_Update(&ctx, buf, (size_t)n);
		if (what >= TAR)
			put(buf, (size_t)n);
		if (n < (ssize_t)sizeof buf)
			break;
	}
	if (what >= TAR)
		put("\0", 1), tarlen = (tarlen + 511) & ~511ul;
	SHA256_Final(sum, &ctx);
	close(fd);
}

static void
take_dir(int fd)
{
	char *list = malloc(65536);
	ssize_t n;

	while ((n = getdents64(fd, list, 65536)) > 0)
		for (ssize_t at = 0; at < n;) {
			struct dirent64 *d = (void *)(list + at);
			int sub;

			at += d->d_reclen;
			if (d->d_name[0] == '.' &&
			    (!d->d_name[1] ||
				(d->d_name[1] == '.' && !d->d_name[2]) ||
				!strcmp(d->d_name, ".git")))
				continue;
			if (d->d_type != DT_DIR) {
				take_file(fd, d->d_name);
				continue;
			}
			sub = openat(fd, d->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			take_dir(sub);
			close(sub);
		}
	free(list);
}

static atomic_size_t next;
static size_t slice;
static char **out;
static size_t *outlen;

static void *
compress_slices(void *arg)
{
	struct libdeflate_compressor *d = libdeflate_alloc_compressor(
	    level ? level : 6);
	ZSTD_CCtx *z = ZSTD_createCCtx();
	size_t i;

	(void)arg;
	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, level ? level : 3);
	while ((i = next++) * slice < tarlen) {
		size_t n = tarlen - i * slice < slice ? tarlen - i * slice :
							slice,
		       cap = ZSTD_compressBound(slice) + 4096;

		out[i] = malloc(cap);
		outlen[i] = what == ZSTD ?
		    ZSTD_compress2(z, out[i], cap, tar + i * slice, n) :
		    libdeflate_gzip_compress(d, tar + i * slice, n, out[i],
			cap);
	}
	libdeflate_free_compressor(d);
	ZSTD_freeCCtx(z);
	return NULL;
}

static void
compress_all(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t t[64];
	size_t n;

	slice = what == ZSTD ? 2 << 20 : 1 << 20;
	n = tarlen / slice + 1;
	out = calloc(n, sizeof *out);
	outlen = calloc(n, sizeof *outlen);
	for (long i = 0; i < cores && i < 64; i++)
		pthread_create(&t[i], NULL, compress_slices, NULL);
	for (long i = 0; i < cores && i < 64; i++)
		pthread_join(t[i], NULL);
	for (size_t i = 0; i < n; i++)
		if (outlen[i] && write(1, out[i], outlen[i]) < 0)
			exit(1);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = { "walk", "stat", "hash", "tar",
		"zstd", "gzip" };
	int i = 0;

	if (argc < 3)
		return 2;
	while (i < 5 && strcmp(argv[1], names[i]) != 0)
		i++;
	what = (enum what)i;
	level = argc > 3 ? atoi(argv[3]) : 0;
	take_dir(open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (what == TAR && write(1, tar, tarlen) < 0)
		return 1;
	if (what >= ZSTD)
		compress_all();
	fprintf(stderr, "%zu files\n", files);
	return 0;
}

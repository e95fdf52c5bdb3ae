/* Feeds the script reader and the TOML reader; each must end soon and clean.
 *
 * With libFuzzer:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -DFUZZER \
 *	    -DBINDU_{LIBEXECDIR,DATADIR,PREFIX,VERSION}='""' \
 *	    -I. tests/fuzz/fuzz_py.c lib/source/py*.c lib/source/toml.c \
 *	    lib/base/{err,mem,buf,str,path,fd,json,clock,rmtree,config}.c \
 *	    -ljansson -o fuzz_py && ./fuzz_py -timeout=5 CORPUS
 * Without it the program replays the files it is given.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/source/py.h"
#include "lib/source/toml.h"

static char dir[] = "/tmp/fuzz_py.XXXXXX";

static void
leave(void)
{
	bindu_fd_rmtree(AT_FDCWD, dir, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct bindu_py_query q = {
		.callee = "bindufy",
		.want = { "config.name", "config.id", "config.deployment.url" },
	};
	static int rootfd = -1;
	struct bindu_py *py = NULL;
	int fd;

	if (rootfd == -1) {
		if (!mkdtemp(dir))
			abort();
		atexit(leave);
		rootfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	fd = openat(rootfd, "a.py", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	if (fd == -1 || bindu_fd_write(fd, data, n) == -1)
		abort();
	close(fd);
	if (bindu_py_follow(rootfd, dir, "a.py", &q, &py, NULL) == 0)
		bindu_py_free(py);
	json_decref(bindu_toml_parse((const char *)data, n, "fuzz", NULL));
	return 0;
}

#ifndef FUZZER
int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		char *text = NULL;
		size_t n;

		if (bindu_fd_read_file(AT_FDCWD, argv[i], 1 << 20, &text, &n,
			NULL) == -1)
			return 1;
		LLVMFuzzerTestOneInput((const uint8_t *)text, n);
		free(text);
	}
	return 0;
}
#endif

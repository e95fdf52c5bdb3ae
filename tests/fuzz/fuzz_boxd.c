/* Feeds what comes from other programs to the daemon's readers: the first
 * byte chooses between fields of a message, an HTTP/1.1 message, HTTP/2
 * frames and a message of the monitor.
 *
 * With libFuzzer:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -DFUZZER \
 *	    -I. tests/fuzz/fuzz_boxd.c boxd/wire.c \
 *	    boxd/daemon/{pbscan,message,gate_count}.c \
 *	    lib/base/{err,mem,buf,str,json,fd,path,clock,rmtree,config}.c \
 *	    -ljansson -o fuzz_boxd && ./fuzz_boxd -timeout=5 CORPUS
 * Without it the program replays the files it is given.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "boxd/daemon/gate.h"
#include "boxd/daemon/message.h"
#include "boxd/daemon/pbscan.h"
#include "boxd/wire.h"
#include "lib/base/fd.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
fields(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	volatile uint8_t sum = 0;
	struct pb_field f;

	while (pb_next(&p, end, &f) == 1)
		for (size_t i = 0; i < f.n; i++)
			sum ^= f.p[i];
}

/* Whole and byte by byte it must be the same message. */
static void
http(const uint8_t *p, size_t n, bool request)
{
	const char *text = (const char *)p;
	struct message whole, bits;
	size_t used, at = 0;

	message_init(&whole, request);
	message_init(&bits, request);
	used = message_feed(&whole, text, n);
	while (at < n && message_feed(&bits, text + at, 1) == 1)
		at++;
	if (used > n || used != at || whole.state != bits.state)
		abort();
}

static void
frames(const uint8_t *p, size_t n)
{
	struct gate_count whole, bits;
	int a, b = 0;

	gate_count_init(&whole, 0);
	gate_count_init(&bits, 0);
	a = gate_count(&whole, p, n, 0);
	for (size_t i = 0; b == 0 && i < n; i++)
		b = gate_count(&bits, p + i, 1, 0);
	if (a != b)
		abort();
}

static void
monitor(const uint8_t *p, size_t n)
{
	int pair[2], fds[BOXD_WIRE_FDS];
	struct bindu_err err = { 0 };
	json_t *msg = NULL;

	if (n == 0 || n > 100000 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1)
		return;
	if (send(pair[0], p, n, 0) == (ssize_t)n &&
	    boxd_wire_recv(pair[1], &msg, fds, &err) == 1) {
		if (bindu_json_str(msg, "op"))
			boxd_wire_check(msg, &err);
		json_decref(msg);
	}
	close(pair[0]);
	close(pair[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n == 0)
		return 0;
	switch (data[0] % 5) {
	case 0:
		fields(data + 1, n - 1);
		break;
	case 1:
	case 2:
		http(data + 1, n - 1, data[0] % 5 == 1);
		break;
	case 3:
		frames(data + 1, n - 1);
		break;
	default:
		monitor(data + 1, n - 1);
	}
	return 0;
}

#ifndef FUZZER
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		char *text = NULL;
		size_t n;

		if (fd == -1 ||
		    bindu_fd_read_all(fd, 1 << 20, &text, &n, NULL) == -1)
			return 1;
		LLVMFuzzerTestOneInput((const uint8_t *)text, n);
		free(text);
		close(fd);
	}
	return 0;
}
#endif

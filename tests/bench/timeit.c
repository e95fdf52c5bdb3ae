/* timeit: run a command N times, print the median wall-clock milliseconds.
 *
 * usage: timeit [-p PARALLEL] N COMMAND [ARG...]   (its output: /dev/null)
 * With -p: start so many at once, N in all; prints the wall time of the whole.
 * A run that fails ends everything with status 1: a figure of a failing command
 * is no figure.  SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "lib/base/clock.h"
#include "lib/base/proc.h"

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static pid_t
start(char **argv)
{
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	struct bindu_err err = { 0 };
	static FILE *null;
	pid_t pid;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	o.argv = (const char *const *)argv;
	o.out = o.err = null != NULL ? fileno(null) : -1;
	pid = bindu_proc_spawn(&o, &err);
	if (pid == -1) {
		fprintf(stderr, "timeit: %s\n", err.msg);
		exit(1);
	}
	return pid;
}

static void
finish(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, 0) == -1 || status != 0) {
		fprintf(stderr, "timeit: the command failed (%d)\n",
		    bindu_proc_exit(status));
		exit(1);
	}
}

static void
run_serial(int n, char **argv)
{
	int64_t *us = calloc((size_t)n, sizeof *us);

	if (us == NULL)
		exit(1);
	for (int i = 0; i < n; i++) {
		int64_t t = bindu_clock_us();

		finish(start(argv));
		us[i] = bindu_clock_us() - t;
	}
	qsort(us, (size_t)n, sizeof *us, compare);
	printf("%.2f\n", (double)us[n / 2] / 1000);
	free(us);
}

static void
run_parallel(int n, int width, char **argv)
{
	int64_t t = bindu_clock_us();
	int live = 0, status = 0;

	while (n > 0 || live > 0) {
		while (n > 0 && live < width) {
			start(argv);
			live++;
			n--;
		}
		if (wait(&status) == -1 || status != 0) {
			fprintf(stderr, "timeit: a command failed\n");
			exit(1);
		}
		live--;
	}
	printf("%.2f\n", (double)(bindu_clock_us() - t) / 1000);
}

int
main(int argc, char **argv)
{
	int width = 0, n;

	if (argc > 3 && strcmp(argv[1], "-p") == 0) {
		width = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	if (argc < 3 || (n = atoi(argv[1])) < 1) {
		fprintf(stderr, "usage: timeit [-p PARALLEL] N COMMAND...\n");
		return 2;
	}
	if (width > 0)
		run_parallel(n, width, argv + 2);
	else
		run_serial(n, argv + 2);
	return 0;
}

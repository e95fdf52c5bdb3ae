/* What a box may do, as crun and as execs are told it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "boxd/monitor/bundle.h"
#include "boxd/monitor/seccomp.h"
#include "tap.h"

static const struct monitor_env env = {
	.rootful = true,
	.limits = true,
	.tag = "0123abcd",
	.init_path = "/x/init",
	.uid_base = 300000,
};

static json_t *
start(void)
{
	return json_pack("{s:s,s:s,s:i,s:I,s:i,s:[s,s],s:[s]}", "id", "b1",
	    "hostname", "one", "vcpu", 2, "memory_bytes", (json_int_t)536870912,
	    "pids", 99, "cmd", "sleep", "1", "env", "A=b");
}

/* The value at a path of keys; NULL when there is none. */
static json_t *
at(json_t *o, const char *path)
{
	char copy[200], *save, *key;

	strncpy(copy, path, sizeof copy - 1);
	copy[sizeof copy - 1] = '\0';
	for (key = strtok_r(copy, "/", &save); key && o;
	     key = strtok_r(NULL, "/", &save))
		o = json_is_array(o) ? json_array_get(o, (size_t)atoi(key)) :
				       json_object_get(o, key);
	return o;
}

static void
test_rootful(void)
{
	AUTO_JSON json_t *req = start();
	AUTO_JSON json_t *o = bundle_json(&env, req, "/stage");

	ok(o != NULL, "a document is made");
	ok(json_integer_value(at(o, "linux/uidMappings/0/hostID")) == 300000 &&
		json_integer_value(at(o, "linux/uidMappings/0/size")) == 65536,
	    "ids are mapped to the box's range");
	ok(!strcmp(json_string_value(at(o, "linux/cgroupsPath")),
	       "/boxd-0123abcd/b1"),
	    "cgroups carry the instance's tag");
	ok(json_integer_value(at(o, "linux/resources/memory/limit")) ==
		    536870912 &&
		json_integer_value(at(o, "linux/resources/pids/limit")) == 99 &&
		json_integer_value(at(o, "linux/resources/cpu/quota")) ==
		    200000,
	    "limits are the request's");
	ok(json_array_size(at(o, "linux/namespaces")) == 7 &&
		at(o, "linux/namespaces/6/path") &&
		!at(o, "linux/namespaces/5/path"),
	    "all seven namespaces are its own, the user namespace ready made");
	ok(json_array_size(at(o, "process/capabilities/bounding")) == 14 &&
		!at(o, "process/capabilities/inheritable") &&
		!at(o, "process/capabilities/ambient"),
	    "fourteen capabilities, none inheritable or ambient");
	ok(!strcmp(json_string_value(at(o, "process/args/0")), "/.boxd/init") &&
		!strcmp(json_string_value(at(o, "process/args/1")), "sleep"),
	    "init comes first, then the image's command");
	ok(!strcmp(json_string_value(at(o, "mounts/1/destination")), "/dev") &&
		!strcmp(json_string_value(at(o, "mounts/1/type")), "tmpfs"),
	    "/dev is a tmpfs, whatever the image holds");
}

static void
test_user(void)
{
	struct monitor_env user = env;
	AUTO_JSON json_t *req = start();
	AUTO_JSON json_t *o = NULL;

	user.rootful = user.limits = false;
	o = bundle_json(&user, req, "/stage");
	ok(json_array_size(at(o, "linux/namespaces")) == 5 &&
		!at(o, "linux/uidMappings") && !at(o, "linux/resources") &&
		!at(o, "linux/cgroupsPath"),
	    "an ordinary user's box has no ids, limits or cgroups of its own");
	ok(json_integer_value(at(o, "process/rlimits/1/hard")) == BUNDLE_PIDS,
	    "without cgroups its processes are limited as best can be");
	ok(at(o, "linux/seccomp/syscalls") != NULL,
	    "but the same system call filter");
}

/* errno of a call under the filter, in a process of its own. */
static int
filtered(const struct sock_fprog *prog, long nr, long a, long b, long c)
{
	int st;
	pid_t pid = fork();

	if (pid == 0) {
		if (seccomp_install(prog) == -1)
			_exit(255);
		_exit(syscall(nr, a, b, c) == -1 ? errno : 0);
	}
	waitpid(pid, &st, 0);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void
test_filter(void)
{
	static const struct {
		const char *what;
		long nr, a, b;
		int want;
	} rows[] = {
		{ "getpid", SYS_getpid, 0, 0, 0 },
		{ "io_uring_setup", SYS_io_uring_setup, 8, 0, EPERM },
		{ "bpf", SYS_bpf, 0, 0, EPERM },
		{ "unshare of a user namespace", SYS_unshare, 0x10000000, 0,
		    EPERM },
		{ "clone3", SYS_clone3, 0, 0, ENOSYS },
		{ "an AF_PACKET socket", SYS_socket, 17, 3, EAFNOSUPPORT },
		{ "an AF_TIPC pair", SYS_socketpair, 30, 5, EAFNOSUPPORT },
		{ "an AF_ALG socket", SYS_socket, 38, 5, EAFNOSUPPORT },
		{ "an AF_VSOCK socket", SYS_socket, 40, 1, EAFNOSUPPORT },
		{ "a Unix socket", SYS_socket, 1, 1, 0 },
		{ "personality of another age", SYS_personality, 0x0400000, 0,
		    ENOSYS },
		{ "the question for the personality", SYS_personality,
		    0xffffffff, 0, 0 },
		{ "a number nobody knows", 999, 0, 0, ENOSYS },
	};
	struct sock_fprog prog = { 0 };
	struct bindu_err e = { 0 };

	ok(seccomp_compile(&prog, &e) == 0, "the filter compiles");
	if (geteuid() != 0) {
		ok(1, "calls # SKIP not possible here: needs root");
		return;
	}
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int got = filtered(&prog, rows[i].nr, rows[i].a, rows[i].b, 0);

		ok(got == rows[i].want, "%s gives %s", rows[i].what,
		    rows[i].want ? strerror(rows[i].want) : "success");
	}
	free(prog.filter);
}

int
main(void)
{
	test_rootful();
	test_user();
	test_filter();
	return done();
}

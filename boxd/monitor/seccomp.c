/* seccomp.c - see seccomp.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "seccomp_table.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define PROGRAM_MAX (1 << 20)

static const struct {
	enum scmp_compare cmp;
	const char *json;
} ops[] = {
	[IS] = { SCMP_CMP_EQ, "SCMP_CMP_EQ" },
	[MASKED_ZERO] = { SCMP_CMP_MASKED_EQ, "SCMP_CMP_MASKED_EQ" },
	[ABOVE] = { SCMP_CMP_GT, "SCMP_CMP_GT" },
	[BELOW] = { SCMP_CMP_LT, "SCMP_CMP_LT" },
};

static json_t *
names_rule(const char *const *names, size_t n, const char *action)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (seccomp_syscall_resolve_name(names[i]) != __NR_SCMP_ERROR)
			json_array_append_new(list, json_string(names[i]));
	return json_pack("{s:o,s:s}", "names", list, "action", action);
}

/* MASKED_EQ takes the mask first and compares with valueTwo. */
static json_t *
conditional_rule(size_t i)
{
	json_t *rule = json_pack("{s:[s],s:s,s:[{s:i,s:I,s:I,s:s}]}", "names",
	    conditional[i].name, "action",
	    conditional[i].errnum ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW", "args",
	    "index", 0, "value", (json_int_t)conditional[i].value, "valueTwo",
	    (json_int_t)0, "op", ops[conditional[i].op].json);

	if (conditional[i].errnum)
		json_object_set_new(rule, "errnoRet",
		    json_integer(conditional[i].errnum));
	return rule;
}

json_t *
seccomp_json(void)
{
	json_t *rules = json_array();
	json_t *no = names_rule(refused, COUNT(refused), "SCMP_ACT_ERRNO");

	json_object_set_new(no, "errnoRet", json_integer(EPERM));
	json_array_append_new(rules,
	    names_rule(allowed, COUNT(allowed), "SCMP_ACT_ALLOW"));
	json_array_append_new(rules, no);
	for (size_t i = 0; i < COUNT(conditional); i++)
		json_array_append_new(rules, conditional_rule(i));
	return json_pack("{s:s,s:i,s:o}", "defaultAction", "SCMP_ACT_ERRNO",
	    "defaultErrnoRet", ENOSYS, "syscalls", rules);
}

static int
add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]), rc;

		if (nr == __NR_SCMP_ERROR)
			continue;
		rc = seccomp_rule_add(ctx, action, nr, 0);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Every condition is on argument 0. */
static int
add_rules(scmp_filter_ctx ctx)
{
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_ERRNO(ENOSYS));

	if (rc == 0)
		rc = add_names(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (rc == 0)
		rc = add_names(ctx, SCMP_ACT_ERRNO(EPERM), refused,
		    COUNT(refused));
	for (size_t i = 0; rc == 0 && i < COUNT(conditional); i++) {
		struct scmp_arg_cmp cmp = { .op = ops[conditional[i].op].cmp,
			.datum_a = conditional[i].value };

		rc = seccomp_rule_add_array(ctx,
		    conditional[i].errnum ?
			SCMP_ACT_ERRNO((uint32_t)conditional[i].errnum) :
			SCMP_ACT_ALLOW,
		    seccomp_syscall_resolve_name(conditional[i].name), 1, &cmp);
	}
	return rc;
}

int
seccomp_compile(struct sock_fprog *prog, struct bindu_err *err)
{
	AUTO_CLOSE int fd = memfd_create("seccomp", MFD_CLOEXEC);
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	char *bytes = NULL;
	size_t n = 0;
	int rc = -ENOMEM;

	if (fd != -1 && ctx)
		rc = add_rules(ctx);
	if (rc == 0)
		rc = seccomp_export_bpf(ctx, fd);
	if (ctx)
		seccomp_release(ctx);
	if (rc < 0) {
		errno = -rc;
		return bindu_err_sys(err, "cannot make the system call filter");
	}
	lseek(fd, 0, SEEK_SET);
	if (bindu_fd_read_all(fd, PROGRAM_MAX, &bytes, &n, err) == -1)
		return -1;
	prog->filter = (struct sock_filter *)(void *)bytes;
	prog->len = (unsigned short)(n / sizeof *prog->filter);
	return 0;
}

int
seccomp_install(const struct sock_fprog *prog)
{
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, prog);
}

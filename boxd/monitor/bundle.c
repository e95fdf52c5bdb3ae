/* bundle.c - see bundle.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "bundle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "lib/base/fd.h"
#include "lib/base/mem.h"
#include "seccomp.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define CPU_PERIOD 100000

static const char *const cap_names[] = { "CAP_CHOWN", "CAP_DAC_OVERRIDE",
	"CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE" };

static const char *const masked[] = { "/proc/acpi", "/proc/asound",
	"/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
	"/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
	"/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	"/sys/fs/cgroup" };
static const char *const readonly[] = { "/proc/bus", "/proc/fs", "/proc/irq",
	"/proc/sys", "/proc/sysrq-trigger" };

static const struct {
	const char *at, *type, *source, *options;
} mounts[] = {
	{ "/proc", "proc", "proc", "nosuid,noexec,nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts",
	    "nosuid,noexec,newinstance,"
	    "ptmxmode=0666,mode=0620,gid=5" },
	{ "/dev/shm", "tmpfs", "shm",
	    "nosuid,noexec,nodev,mode=1777,size=67108864" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/run", "tmpfs", "tmpfs", "nosuid,nodev,mode=755,size=67108864" },
};

static json_t *
strings(const char *const *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(v[i]));
	return list;
}

static json_t *
split(const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	json_t *list = json_array();
	char *save;

	for (char *s = strtok_r(copy, ",", &save); s;
	     s = strtok_r(NULL, ",", &save))
		json_array_append_new(list, json_string(s));
	return list;
}

static json_t *
mounts_json(const char *stage)
{
	AUTO_FREE char *init = xasprintf("%s/init", stage);
	json_t *list = json_array();

	for (size_t i = 0; i < COUNT(mounts); i++)
		json_array_append_new(list,
		    json_pack("{s:s,s:s,s:s,s:o}", "destination", mounts[i].at,
			"type", mounts[i].type, "source", mounts[i].source,
			"options", split(mounts[i].options)));
	json_array_append_new(list,
	    json_pack("{s:s,s:s,s:s,s:o}", "destination", "/.boxd/init", "type",
		"bind", "source", init, "options",
		split("bind,ro,nosuid,nodev")));
	return list;
}

/* crun fails when it may not set what it is told. */
static json_t *
rlimit(const char *name, int what, rlim_t value)
{
	struct rlimit r;

	if (getrlimit(what, &r) == 0 && r.rlim_max < value)
		value = r.rlim_max;
	return json_pack("{s:s,s:I,s:I}", "type", name, "soft",
	    (json_int_t)value, "hard", (json_int_t)value);
}

static json_t *
rlimits_json(const struct monitor_env *env)
{
	json_t *list =
	    json_pack("[o]", rlimit("RLIMIT_CORE", RLIMIT_CORE, BUNDLE_CORE));

	if (!env->rootful)
		json_array_append_new(list,
		    rlimit("RLIMIT_NPROC", RLIMIT_NPROC, BUNDLE_PIDS));
	return list;
}

static json_t *
process_json(const struct monitor_env *env, const json_t *start)
{
	json_t *args = json_pack("[s]", "/.boxd/init");
	json_t *vars = json_pack("[s,s]", "PATH=" BUNDLE_PATH, "HOME=/root");
	json_t *caps = json_object();

	json_array_extend(args, json_object_get(start, "cmd"));
	json_array_extend(vars, json_object_get(start, "env"));
	json_object_set_new(caps, "bounding",
	    strings(cap_names, COUNT(cap_names)));
	json_object_set(caps, "effective", json_object_get(caps, "bounding"));
	json_object_set(caps, "permitted", json_object_get(caps, "bounding"));
	return json_pack("{s:b,s:{s:i,s:i},s:o,s:s,s:o,s:b,s:o,s:o}",
	    "terminal", 0, "user", "uid", 0, "gid", 0, "args", args, "cwd", "/",
	    "env", vars, "noNewPrivileges", 0, "capabilities", caps, "rlimits",
	    rlimits_json(env));
}

static json_t *
device_rule(int allow, int major, int minor)
{
	json_t *o = json_pack("{s:b,s:s}", "allow", allow, "access", "rwm");

	if (!allow)
		return o;
	json_object_set_new(o, "type", json_string("c"));
	json_object_set_new(o, "major", json_integer(major));
	if (minor >= 0)
		json_object_set_new(o, "minor", json_integer(minor));
	return o;
}

/* null zero full random urandom tty console ptmx, and every pty. */
static json_t *
devices_json(void)
{
	static const int list[][2] = { { 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 },
		{ 1, 9 }, { 5, 0 }, { 5, 1 }, { 5, 2 }, { 136, -1 } };
	json_t *rules = json_pack("[o]", device_rule(0, 0, 0));

	for (size_t i = 0; i < COUNT(list); i++)
		json_array_append_new(rules,
		    device_rule(1, list[i][0], list[i][1]));
	return rules;
}

/* Swap counts where the kernel keeps the account: else a box would write the
 * host's swap full. */
static json_t *
memory_json(int64_t bytes)
{
	json_t *o = json_pack("{s:I}", "limit", (json_int_t)bytes);

	if (access("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", F_OK) ==
		0 ||
	    access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		json_object_set_new(o, "swap", json_integer(bytes));
	return o;
}

static json_t *
resources_json(const json_t *start)
{
	int64_t vcpu = bindu_json_int(start, "vcpu", 0);
	int64_t bytes = bindu_json_int(start, "memory_bytes", 0);
	int64_t pids = bindu_json_int(start, "pids", 0);
	json_t *o = json_pack("{s:o,s:{s:I}}", "devices", devices_json(),
	    "pids", "limit", (json_int_t)(pids > 0 ? pids : BUNDLE_PIDS));

	if (bytes > 0)
		json_object_set_new(o, "memory", memory_json(bytes));
	if (vcpu > 0)
		json_object_set_new(o, "cpu",
		    json_pack("{s:I,s:I,s:I}", "shares",
			(json_int_t)(vcpu * 1024), "quota",
			(json_int_t)(vcpu * CPU_PERIOD), "period",
			(json_int_t)CPU_PERIOD));
	return o;
}

/* All new but the user namespace, which is this process's descriptor. */
static json_t *
namespaces_json(const struct monitor_env *env)
{
	static const char *const types[] = { "pid", "ipc", "uts", "mount",
		"network", "cgroup" };
	AUTO_FREE char *path =
	    xasprintf("/proc/%d/fd/%d", (int)getpid(), env->userns);
	json_t *list = json_array();

	/* An ordinary user's boxes share the outer user namespace, and have
	 * no cgroup to hide. */
	for (size_t i = 0; i < COUNT(types) - (env->rootful ? 0 : 1); i++)
		json_array_append_new(list,
		    json_pack("{s:s}", "type", types[i]));
	if (env->rootful)
		json_array_append_new(list,
		    json_pack("{s:s,s:s}", "type", "user", "path", path));
	return list;
}

static json_t *
linux_json(const struct monitor_env *env, const json_t *start)
{
	json_t *o = json_pack("{s:o,s:o,s:o,s:o,s:s}", "namespaces",
	    namespaces_json(env), "maskedPaths", strings(masked, COUNT(masked)),
	    "readonlyPaths", strings(readonly, COUNT(readonly)), "seccomp",
	    seccomp_json(), "rootfsPropagation", "private");
	json_t *map;
	AUTO_FREE char *path = NULL;

	if (!env->rootful)
		return o;
	map = json_pack("[{s:i,s:I,s:i}]", "containerID", 0, "hostID",
	    (json_int_t)env->uid_base, "size", 65536);
	json_object_set(o, "uidMappings", map);
	json_object_set_new(o, "gidMappings", map);
	path = xasprintf("/boxd-%s/%s", env->tag, bindu_json_str(start, "id"));
	json_object_set_new(o, "cgroupsPath", json_string(path));
	if (env->limits)
		json_object_set_new(o, "resources", resources_json(start));
	return o;
}

json_t *
bundle_json(const struct monitor_env *env, const json_t *start,
    const char *stage)
{
	AUTO_FREE char *root = xasprintf("%s/root", stage);

	return json_pack("{s:s,s:s,s:o,s:{s:s,s:b},s:o,s:o}", "ociVersion",
	    "1.0.0", "hostname", bindu_json_str(start, "hostname"), "process",
	    process_json(env, start), "root", "path", root, "readonly", 0,
	    "mounts", mounts_json(stage), "linux", linux_json(env, start));
}

int
bundle_write(const struct monitor_env *env, const json_t *start,
    const char *stage, int dirfd, struct bindu_err *err)
{
	AUTO_JSON json_t *o = bundle_json(env, start, stage);
	AUTO_FREE char *text = NULL;

	if (!o)
		return bindu_err_set(err, BINDU_E_DATA,
		    "the box's settings hold a text that is not UTF-8");
	text = bindu_json_text(o);
	return bindu_fd_replace(dirfd, "config.json", 0600, text, strlen(text),
	    err);
}

/* seccomp_table.h - the names; included by seccomp.c alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_SECCOMP_TABLE_H
#define BOXD_SECCOMP_TABLE_H

#include <errno.h>
#include <stdint.h>

/* clang-format off */
/* Names this libseccomp does not know, or that this processor does not have,
 * are skipped. */
static const char *const allowed[] = {
	/* files */
	"access", "cachestat", "chdir", "chmod", "chown", "chown32", "chroot",
	"close", "close_range", "copy_file_range", "creat", "dup", "dup2",
	"dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
	"fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
	"fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr",
	"flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstat64",
	"fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
	"ftruncate64", "futimesat", "getcwd", "getdents", "getdents64",
	"getxattr", "getxattrat", "ioctl", "lchown", "lchown32", "lgetxattr",
	"link", "linkat", "listxattr", "listxattrat", "llistxattr", "_llseek",
	"lremovexattr", "lseek", "lsetxattr", "lstat", "lstat64", "mkdir",
	"mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat",
	"open", "openat", "openat2", "pread64", "preadv", "preadv2",
	"pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink",
	"readlinkat", "readv", "removexattr", "removexattrat", "rename",
	"renameat", "renameat2", "rmdir", "sendfile", "sendfile64",
	"setxattr", "setxattrat", "splice", "stat", "stat64", "statfs",
	"statfs64", "statx", "symlink", "symlinkat", "sync",
	"sync_file_range", "syncfs", "tee", "truncate", "truncate64", "umask",
	"unlink", "unlinkat", "utime", "utimensat", "utimensat_time64",
	"utimes", "vmsplice", "write", "writev",
	/* watching and waiting */
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old",
	"epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old",
	"eventfd", "eventfd2", "fanotify_mark", "inotify_add_watch",
	"inotify_init", "inotify_init1", "inotify_rm_watch", "_newselect",
	"poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64",
	"select", "signalfd", "signalfd4", "timerfd_create",
	"timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
	"timerfd_settime64",
	/* memory */
	"brk", "madvise", "map_shadow_stack", "membarrier", "memfd_create",
	"memfd_secret", "mincore", "mlock", "mlock2", "mlockall", "mmap",
	"mmap2", "mprotect", "mremap", "mseal", "msync", "munlock",
	"munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
	"process_mrelease", "remap_file_pages", "get_mempolicy", "mbind",
	"set_mempolicy", "set_mempolicy_home_node",
	/* processes */
	"arch_prctl", "capget", "capset", "execve", "execveat", "exit",
	"exit_group", "fork", "get_robust_list", "get_thread_area",
	"getcpu", "getegid", "getegid32", "geteuid", "geteuid32", "getgid",
	"getgid32", "getgroups", "getgroups32", "getpgid", "getpgrp",
	"getpid", "getppid", "getpriority", "getresgid", "getresgid32",
	"getresuid", "getresuid32", "getrlimit", "getrusage", "getsid",
	"gettid", "getuid", "getuid32", "ioprio_get", "ioprio_set", "kcmp",
	"kill", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "modify_ldt", "pidfd_getfd", "pidfd_open",
	"pidfd_send_signal", "prctl", "prlimit64", "process_madvise",
	"process_vm_readv", "process_vm_writev", "ptrace", "restart_syscall",
	"riscv_flush_icache", "riscv_hwprobe", "rseq", "sched_get_priority_max",
	"sched_get_priority_min", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
	"sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr",
	"sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
	"set_robust_list", "set_thread_area", "set_tid_address", "setfsgid",
	"setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32",
	"setgroups", "setgroups32", "setitimer", "setpgid", "setpriority",
	"setregid", "setregid32", "setresgid", "setresgid32", "setresuid",
	"setresuid32", "setreuid", "setreuid32", "setrlimit", "setsid",
	"setuid", "setuid32", "tgkill", "times", "tkill", "ugetrlimit",
	"vfork", "wait4", "waitid", "waitpid", "getitimer",
	/* signals, time, the rest */
	"adjtimex", "alarm", "clock_adjtime", "clock_adjtime64",
	"clock_getres", "clock_getres_time64", "clock_gettime",
	"clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64",
	"futex", "futex_requeue", "futex_time64", "futex_wait", "futex_waitv",
	"futex_wake", "getrandom", "gettimeofday", "io_cancel", "io_destroy",
	"io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup",
	"io_submit", "nanosleep", "pause", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn",
	"rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
	"rt_tgsigqueueinfo", "sigaction", "sigaltstack", "sigpending",
	"sigprocmask", "sigreturn", "sigsuspend", "sysinfo", "time",
	"timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
	"timer_gettime64", "timer_settime", "timer_settime64", "uname",
	"sethostname",
	/* sockets and System V */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname",
	"getsockopt", "ipc", "listen", "mq_getsetattr", "mq_notify",
	"mq_open", "mq_timedreceive", "mq_timedreceive_time64",
	"mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl",
	"msgget", "msgrcv", "msgsnd", "pipe", "pipe2", "recv", "recvfrom",
	"recvmmsg", "recvmmsg_time64", "recvmsg", "semctl", "semget", "semop",
	"semtimedop", "semtimedop_time64", "send", "sendmmsg", "sendmsg",
	"sendto", "setsockopt", "shmat", "shmctl", "shmdt", "shmget",
	"shutdown",
};

/* Known, and not for boxes. */
static const char *const refused[] = {
	"acct", "add_key", "bpf", "clock_settime", "clock_settime64",
	"create_module", "delete_module", "fanotify_init", "finit_module",
	"fsconfig", "fsmount", "fsopen", "fspick", "get_kernel_syms",
	"init_module", "io_uring_enter", "io_uring_register",
	"io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load",
	"keyctl", "listmount", "lookup_dcookie", "lsm_get_self_attr",
	"lsm_list_modules", "lsm_set_self_attr", "migrate_pages", "mount",
	"mount_setattr", "move_mount", "move_pages", "nfsservctl",
	"open_by_handle_at", "open_tree", "perf_event_open", "pivot_root",
	"query_module", "quotactl", "quotactl_fd", "reboot", "request_key",
	"setdomainname", "setns", "settimeofday", "statmount", "stime",
	"swapoff", "swapon", "_sysctl", "sysfs", "syslog", "umount", "umount2",
	"unshare", "uselib", "userfaultfd", "ustat", "vhangup", "vm86",
	"vm86old",
};

/* By one argument: allowed (errnum 0) or refused with errnum.  When no row of
 * the name holds it is ENOSYS, as is clone3, which hides its flags in memory:
 * the C library then takes clone. */
static const struct {
	const char *name;
	enum { IS, MASKED_ZERO, ABOVE, BELOW } op;
	uint64_t value;
	int errnum;
} conditional[] = {
	/* Linux, Linux 32 bit, both with fixed addresses, and the question */
	{ "personality", IS, 0x0, 0 }, { "personality", IS, 0x0008, 0 },
	{ "personality", IS, 0x20000, 0 }, { "personality", IS, 0x20008, 0 },
	{ "personality", IS, 0xffffffff, 0 },
	/* none of NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET */
	{ "clone", MASKED_ZERO, 0x7e020000, 0 },
	/* Unix, IP and netlink (16) are all a box needs.  AF_PACKET (17) takes
	 * memory that no cgroup counts, AF_VSOCK (40) reaches past the host.  The
	 * kernel reads 32 bits, the filter all 64: "not 40" would let 1<<32|40
	 * through. */
	{ "socket", BELOW, 17, 0 }, { "socket", ABOVE, 16, EAFNOSUPPORT },
	{ "socketpair", BELOW, 17, 0 },
	{ "socketpair", ABOVE, 16, EAFNOSUPPORT },
};
#endif

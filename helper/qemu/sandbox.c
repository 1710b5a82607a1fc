/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox - let QEMU open the checked files only.
 *
 * The headers have been checked, but QEMU reads them again: in between, a
 * writer of an image could name any file or server there. So the kernel
 * restricts QEMU to the checked files.
 */
#include "sandbox.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define NOBODY 65534 /* the kernel's overflowuid, which owns nothing */

/* --- files: Landlock --- */

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14) /* Landlock version 3, Linux 6.2 */
#endif

#define LIBRARIES (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUN	  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE)
#define TREE	  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define READ	  LANDLOCK_ACCESS_FS_READ_FILE
#define WRITE	  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
/* All of version 1. Handled accesses are denied unless a rule allows them. */
#define HANDLED ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

struct rule {
	const char *path;
	unsigned long long access;
};

/* Program code, which is public. QEMU tests its locks on /dev/null. */
static const struct rule for_all[] = {
	{ "/lib", LIBRARIES },		 { "/lib32", LIBRARIES },      { "/lib64", LIBRARIES },
	{ "/usr/lib", LIBRARIES },	 { "/usr/lib32", LIBRARIES },  { "/usr/lib64", LIBRARIES },
	{ "/usr/local/lib", LIBRARIES }, { "/etc/ld.so.cache", READ }, { "/etc/ld.so.preload", READ },
	{ "/dev/null", WRITE },		 { "/dev/urandom", READ },     { NULL, 0 },
};

/* For remote servers: the resolver's files, those of Ceph (rbd) and CA certificates (https). */
static const struct rule for_servers[] = {
	{ "/etc/resolv.conf", READ },
	{ "/etc/hosts", READ },
	{ "/etc/host.conf", READ },
	{ "/etc/nsswitch.conf", READ },
	{ "/etc/gai.conf", READ },
	{ "/etc/services", READ },
	{ "/etc/protocols", READ },
	{ "/run/systemd/resolve", TREE },
	{ "/run/resolvconf", TREE },
	{ "/etc/ceph", TREE },
	{ "/etc/ssl/certs", TREE },
	{ "/etc/ssl/openssl.cnf", READ },
	{ "/etc/pki", TREE },
	{ "/usr/share/ca-certificates", TREE },
	{ NULL, 0 },
};

static int add_rule(int ruleset, int fd, unsigned long long access)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = fd, .allowed_access = access };

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

/* Add rules for the paths that exist on this host. Returns 0 or -errno. */
static int add_rules(int ruleset, const struct rule *rules)
{
	int r = 0;

	for (; r == 0 && rules->path; rules++) {
		_cleanup_close_ int fd = open(rules->path, O_PATH | O_CLOEXEC);

		if (fd >= 0)
			r = add_rule(ruleset, fd, rules->access);
		else if (errno != ENOENT && errno != ENOTDIR)
			r = -errno;
	}
	return r;
}

static int add_files(int ruleset, const struct sandbox *sandbox, unsigned long long truncate)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sandbox->nfiles; i++)
		r = add_rule(ruleset, sandbox->first + (int)i, i < sandbox->nwritten ? WRITE | truncate : READ);
	return r;
}

/* Make the ruleset of a sandbox. Returns its fd; -EOPNOTSUPP: the kernel has no Landlock; or another -errno. */
static int make_ruleset(const struct sandbox *sandbox)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	unsigned long long truncate = version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
	struct landlock_ruleset_attr attr = { .handled_access_fs = HANDLED | truncate };
	const struct rule program[] = { { sandbox->program, RUN }, { NULL, 0 } };
	_cleanup_close_ int ruleset = -EBADF;
	int r;

	if (version < 0)
		return errno == ENOSYS ? -EOPNOTSUPP : -errno;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return -errno;
	r = add_rules(ruleset, for_all);
	if (r == 0)
		r = add_rules(ruleset, program);
	if (r == 0 && sandbox->network)
		r = add_rules(ruleset, for_servers);
	if (r == 0)
		r = add_files(ruleset, sandbox, truncate);
	return r < 0 ? r : TAKE_FD(ruleset);
}

static int restrict_files(int ruleset)
{
	return ruleset >= 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}

/* --- sockets, signals and user ids: seccomp --- */

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif
#define NR_fchmodat2   452	  /* since Linux 6.6, on all architectures */
#define X32_BIT	       0x40000000 /* x86-64 only: other numbers of the same calls */

#define LOAD(field)    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define DENIED	       (SECCOMP_RET_ERRNO | EPERM)
/* Deny the call if the loaded word is this value. */
#define DENY(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), RETURN(DENIED)
/* Skip n statements unless the loaded word is this value. */
#define UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)

static bool has_filters(void)
{
	unsigned int action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/*
 * Deny the system calls that the real user id 0, which drop_privileges() leaves, makes dangerous: signals to other
 * processes, also through a descriptor's owner, and becoming user 0 again. Deny new sockets unless the image is on a
 * server: QEMU gets its only socket as a descriptor. Deny calls of other architectures, which have other numbers.
 * Returns 0 or -errno.
 */
static int restrict_calls(bool sockets)
{
	struct sock_filter filter[] = {
#ifdef NATIVE
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0),
		RETURN(DENIED),
#endif
		LOAD(nr),
#ifdef __x86_64__
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
		RETURN(DENIED),
#endif
		DENY(SYS_kill),
		DENY(SYS_tkill),
		DENY(SYS_rt_sigqueueinfo),
		DENY(SYS_rt_tgsigqueueinfo),
		DENY(SYS_pidfd_send_signal),
		DENY(SYS_setuid),
		DENY(SYS_setreuid),
		DENY(SYS_setresuid),
		DENY(SYS_setfsuid),
		DENY(SYS_ptrace),
		DENY(SYS_process_vm_readv),
		DENY(SYS_process_vm_writev),
#ifdef SYS_chmod
		DENY(SYS_chmod),
#endif
		DENY(SYS_fchmod),
		DENY(SYS_fchmodat),
		DENY(NR_fchmodat2),
		UNLESS(SYS_tgkill, 3), /* its own threads */
		LOAD(args[0]),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)getpid(), 1, 0),
		RETURN(DENIED),
		LOAD(nr),
		UNLESS(SYS_fcntl, 6),
		LOAD(args[1]),
		DENY(F_SETOWN),
		DENY(F_SETOWN_EX),
		LOAD(nr),
		UNLESS(SYS_ioctl, 6),
		LOAD(args[1]),
		DENY(FIOSETOWN),
		DENY(SIOCSPGRP),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		RETURN(sockets ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EACCES),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(filter), .filter = filter };

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

/* --- user and capabilities --- */

/* Set this process's capabilities to a single one (0 to 31) or none (-1). Returns 0 or -errno. */
static int set_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (capability >= 0)
		data[0].effective = data[0].permitted = data[0].inheritable = 1U << capability;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Set only the effective capabilities in this way; permitted ones can be added again. Returns 0 or -errno. */
static int set_effective(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	data[0].effective = capability < 0 ? 0 : 1U << capability;
	data[1].effective = 0;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Return whether this process can now open all files as QEMU will. */
static bool can_open_files(const struct sandbox *sandbox)
{
	for (size_t i = 0; i < sandbox->nfiles; i++) {
		char name[32];
		_cleanup_close_ int fd = -EBADF;

		(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", sandbox->first + (int)i);
		fd = open(name, (i < sandbox->nwritten ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			return false;
	}
	return true;
}

/*
 * Find the least privileges with which QEMU can open its files: it opens /proc/self/fd/N again, so their permissions
 * count. These are no capability, CAP_DAC_OVERRIDE, or that with user 0, for file servers that check permissions
 * themselves (NFS) and for FUSE. A remote server's image may need a key or socket that only root can open. Returns 0 or
 * -errno.
 */
static int find_least(const struct sandbox *sandbox, uid_t *ret_uid, int *ret_capability)
{
	int r = 0;

	*ret_uid = NOBODY;
	*ret_capability = sandbox->network ? CAP_DAC_OVERRIDE : -1;
	if (seteuid(NOBODY) < 0)
		return -errno;
	if (*ret_capability < 0 && !can_open_files(sandbox))
		*ret_capability = CAP_DAC_OVERRIDE;
	if (*ret_capability >= 0)
		r = set_effective(*ret_capability);
	if (r == 0 && *ret_capability >= 0 && !can_open_files(sandbox))
		*ret_uid = 0;
	return seteuid(0) < 0 ? -errno : r;
}

/* Limit the capabilities of executed programs to this one. Returns 0 or -errno. */
static int limit_capabilities(int kept)
{
	for (int i = 0; i < 64; i++)
		if (i != kept && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return errno == EINVAL ? 0 : -errno; /* EINVAL: the kernel has no more capabilities */
	return 0;
}

/*
 * Drop privileges; returns 0 or -errno. The real user id stays 0 where seccomp and Landlock make that harmless
 * (keep_real): at poweroff systemd kills all processes but those that have it and '@' in argv[0]
 * (src/shared/killall.c), and the file systems on the image are unmounted only after that. User 0 has no capabilities
 * of its own any more (SECBIT_NOROOT). The effective id is that of another user, unless a capability is needed: kernels
 * up to 6.12 at least take ambient ones away from a program whose two ids differ, and with no_new_privs set the
 * effective id to the real one (security/commoncap.c).
 */
static int drop_privileges(const struct sandbox *sandbox, bool keep_real)
{
	int capability, r;
	uid_t uid;

	if (geteuid() != 0)
		return 0;
	r = find_least(sandbox, &uid, &capability);
	if (r == 0)
		r = limit_capabilities(capability);
	if (r < 0)
		return r;
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS, 0, 0, 0) < 0 ||
	    setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0)
		return -errno;
	if (keep_real && capability >= 0)
		uid = 0;
	if (setresuid(keep_real ? 0 : uid, uid, uid) < 0)
		return -errno;
	r = set_capability(capability);
	if (r == 0 && capability >= 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
		r = -errno;
	return r;
}

int sandbox_enter(const struct sandbox *sandbox, const char **ret_what)
{
	_cleanup_close_ int ruleset = make_ruleset(sandbox);
	bool filters = has_filters();
	int r = ruleset < 0 && ruleset != -EOPNOTSUPP ? ruleset : 0;

	*ret_what = "restrict its files (Landlock)";
	if (r < 0)
		return r;
	*ret_what = "drop its privileges";
	r = drop_privileges(sandbox, filters && ruleset >= 0);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r < 0)
		return r;
	*ret_what = "restrict its files (Landlock)";
	r = restrict_files(ruleset);
	if (r < 0 || !filters)
		return r;
	*ret_what = "restrict its system calls (seccomp)";
	return restrict_calls(sandbox->network);
}

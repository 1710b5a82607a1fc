/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill-at [-w] N COMMAND... - SIGKILL it when it enters its N-th system call, which is then not made. Exit status 137
 * if it came to that, else the command's own. (strace counts each system call by itself, so cannot do it.)
 *
 * kill-at [-w] -e ERRNO [-o FILE] N COMMAND... - let its N-th system call fail with that error instead, once. The exit
 * status is the command's own. FILE then has the number of that system call, or is empty if it came to none. System
 * calls of child processes count, too, in the order in which they are made; those that cannot fail, and the writing of
 * messages to stderr, do not.
 *
 * Calls count from main() on, which first opens /dev/null for reading and writing. Those before it are the dynamic
 * linker's.
 *
 * -w: do not count those that only look, or change nothing but the process's memory and descriptors. Killed at one of
 * them, it leaves what it leaves when killed at the next that counts.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct way {
	int writes;	  /* -w */
	int error;	  /* -e; 0: kill */
	const char *file; /* -o */
	long n, entered;
	int begun;     /* main() has */
	pid_t failing; /* whose call is to fail when it returns; 0: none */
};

static int is_one_of(long nr, const long *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (nr == list[i])
			return 1;
	return 0;
}

#define IS_ONE_OF(nr, list) is_one_of((long)(nr), list, sizeof(list) / sizeof(*(list)))

static int only_looks(const struct __ptrace_syscall_info *info)
{
	static const long looks[] = {
		SYS_read,
		SYS_pread64,
		SYS_newfstatat,
		SYS_fstat,
		SYS_statx,
		SYS_readlinkat,
		SYS_getdents64,
		SYS_lseek,
		SYS_close,
		SYS_faccessat2,
		SYS_brk,
		SYS_mmap,
		SYS_munmap,
		SYS_mprotect,
		SYS_getrandom,
		SYS_getpid,
		SYS_getppid,
		SYS_geteuid,
		SYS_getegid,
		SYS_flistxattr,
		SYS_fgetxattr,
		SYS_fcntl,
		SYS_uname,
		SYS_umask,
		SYS_getcwd,
		SYS_fstatfs,
		SYS_lgetxattr,
		SYS_llistxattr,
		SYS_dup,
		SYS_prlimit64,
		SYS_rseq,
		SYS_set_robust_list,
		SYS_set_tid_address,
		SYS_rt_sigprocmask,
#ifdef SYS_readlink
		SYS_readlink,
		SYS_stat,
		SYS_access,
		SYS_arch_prctl,
#endif
	};

	return IS_ONE_OF(info->entry.nr, looks) || (info->entry.nr == SYS_openat && !(info->entry.args[2] & O_CREAT));
}

/* It never fails in the ways that we inject, or nobody could say that it did. */
static int cannot_fail(const struct __ptrace_syscall_info *info)
{
	static const long never[] = {
		SYS_exit,
		SYS_exit_group,
		SYS_close,
		SYS_brk,
		SYS_munmap,
		SYS_mprotect,
		SYS_getpid,
		SYS_getppid,
		SYS_gettid,
		SYS_getuid,
		SYS_geteuid,
		SYS_getgid,
		SYS_getegid,
		SYS_umask,
		SYS_uname,
		SYS_prlimit64,
		SYS_rseq,
		SYS_rt_sigaction,
		SYS_setsid,
		SYS_rt_sigprocmask,
		SYS_set_robust_list,
		SYS_set_tid_address,
		SYS_rt_sigreturn,
		SYS_nanosleep,
		SYS_clock_nanosleep,
		SYS_futex,
		SYS_restart_syscall,
		SYS_lseek,
#ifdef SYS_arch_prctl
		SYS_arch_prctl,
#endif
	};

	return IS_ONE_OF(info->entry.nr, never) ||
	       (info->entry.nr == SYS_write && info->entry.args[0] == STDERR_FILENO) ||
	       (info->entry.nr == SYS_fcntl && info->entry.args[1] == F_GETFL);
}

/* Is this main()'s first call? */
static int is_main(pid_t pid, const struct __ptrace_syscall_info *info)
{
	char path[sizeof("/dev/null")] = "";
	struct iovec here = { path, sizeof(path) }, there = { (void *)info->entry.args[1], sizeof(path) };

	return info->entry.nr == SYS_openat && (info->entry.args[2] & O_ACCMODE) == O_RDWR &&
	       process_vm_readv(pid, &here, 1, &there, 1, 0) == sizeof(path) &&
	       memcmp(path, "/dev/null", sizeof(path)) == 0;
}

/* The call that the process enters becomes none; when it returns, its result is ours. */
static int set_call(pid_t pid, long nr)
{
#ifdef __x86_64__
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), nr) < 0;
#else
	int call = (int)nr;
	struct iovec data = { &call, sizeof(call) };

	return ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &data) < 0;
#endif
}

static int set_result(pid_t pid, long result)
{
#ifdef __x86_64__
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result) < 0;
#else
	struct user_regs_struct regs;
	struct iovec data = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &data) < 0)
		return 1;
	regs.regs[0] = (unsigned long long)result;
	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &data) < 0;
#endif
}

/* At the entry or the return of a system call. 1: it was killed. */
static int at_call(struct way *way, pid_t pid)
{
	struct __ptrace_syscall_info info;
	FILE *f;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return 0;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && way->failing == pid) {
		way->failing = 0;
		if (set_result(pid, -way->error))
			exit(2);
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !way->begun)
		way->begun = is_main(pid, &info);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !way->begun || (way->writes && only_looks(&info)) ||
	    (way->error && cannot_fail(&info)) || ++way->entered != way->n)
		return 0;
	if (!way->error) {
		(void)kill(pid, SIGKILL);
		return 1;
	}
	f = way->file ? fopen(way->file, "we") : NULL;
	if (f)
		(void)(fprintf(f, "%d\n", (int)info.entry.nr), fclose(f));
	way->failing = pid;
	if (set_call(pid, -1))
		exit(2);
	return 0;
}

/* Until the first process ends: its exit status. Children that are left go on without us. */
static int trace(struct way *way, pid_t first)
{
	int deliver = 0, status;
	pid_t pid = first;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0 && errno != ESRCH)
			return 2;
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0)
			return 2;
		deliver = 0;
		if (pid == first && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (pid == first && WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (at_call(way, pid)) {
				(void)waitpid(pid, &status, __WALL);
				return 137;
			}
		} else if (status >> 16 == 0 && !(WSTOPSIG(status) == SIGSTOP && pid != first)) {
			deliver = WSTOPSIG(status); /* not an event of ptrace's, nor a new child's first stop */
		}
	}
}

static int error_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = { { "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EIO", EIO },
		       { "EACCES", EACCES }, { "ENOSPC", ENOSPC }, { "EINTR", EINTR } };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(name, errors[i].name) == 0)
			return errors[i].number;
	return 0;
}

static int truncate_file(const char *path)
{
	int fd = creat(path, 0600);

	return fd < 0 || close(fd) < 0;
}

int main(int argc, char **argv)
{
	struct way way = { 0 };
	int letter, status;
	long options = PTRACE_O_TRACESYSGOOD;
	pid_t pid;

	while ((letter = getopt(argc, argv, "+we:o:")) != -1) {
		if (letter == 'w')
			way.writes = 1;
		else if (letter == 'e')
			way.error = error_number(optarg);
		else if (letter == 'o')
			way.file = optarg;
		if (letter == '?' || (letter == 'e' && !way.error))
			return 2;
	}
	way.n = argc - optind >= 2 ? atol(argv[optind]) : 0;
	if (way.n < 1 || (way.file && truncate_file(way.file)))
		return 2;
	options |= way.error ? PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE : PTRACE_O_EXITKILL;
	pid = fork();
	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(argv[optind + 1], argv + optind + 1);
		_exit(127);
	}
	/* The first stop is execve's, after it. */
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options) < 0)
		return 2;
	return trace(&way, pid);
}

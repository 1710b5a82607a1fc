/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill-at [-w] N COMMAND... - SIGKILL it when it enters its N-th system call, which is then not made. Exit status 137
 * if it came to that, else the command's own. (strace counts each system call by itself, so cannot do it.)
 *
 * -w: do not count those that only look, or change nothing but the process's memory and descriptors. Killed at one of
 * them, it leaves what it leaves when killed at the next that counts.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int only_looks(pid_t pid)
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
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return 0;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++)
		if ((long)info.entry.nr == looks[i])
			return 1;
	return info.entry.nr == SYS_openat && !(info.entry.args[2] & O_CREAT);
}

int main(int argc, char **argv)
{
	int writes = argc > 1 && strcmp(argv[1], "-w") == 0;
	long n, entered = 0;
	int status, entry = 1, deliver = 0;
	pid_t pid;

	argv += writes;
	argc -= writes;
	n = argc > 2 ? atol(argv[1]) : 0;
	if (n < 1)
		return 2;
	pid = fork();
	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	/* The first stop is execve's, after it. */
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		return 2;
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, deliver) < 0 || waitpid(pid, &status, 0) < 0)
			return 2;
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (WIFSIGNALED(status))
			return 128 + WTERMSIG(status);
		deliver = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			deliver = WSTOPSIG(status);
			continue;
		}
		if (entry && !(writes && only_looks(pid)) && ++entered == n) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return 137;
		}
		entry = !entry;
	}
}

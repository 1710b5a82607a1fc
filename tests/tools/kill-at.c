/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kill-at N COMMAND... - SIGKILL it when it enters its N-th system call, which is then not made. Exit status 137 if it
 * came to that, else the command's own. (strace counts each system call by itself, so cannot do it.)
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[1]) : 0, entered = 0;
	int status, entry = 1, deliver = 0;
	pid_t pid;

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
		if (entry && ++entered == n) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return 137;
		}
		entry = !entry;
	}
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake-aufs OPTIONS N ERRNO LOG COMMAND... - run it on a kernel that seems to have aufs.
 *
 * mount(2) of an aufs becomes one of an overlay with OPTIONS, its file system says that it is aufs, and each MS_REMOUNT
 * of it succeeds and does nothing; a byte 1 that it reads from then on is a comma, so that OPTIONS can put an `si=`
 * into mountinfo. The N-th call of all these (from 1; 0: none) fails with ERRNO. LOG gets them, and each umount2(2),
 * one a line. (x86-64.)
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUFS_SUPER_MAGIC 0x61756673
#define TEXT		 8192

static void copy(pid_t pid, unsigned long at, void *buffer, size_t n, int out)
{
	struct iovec here = { buffer, n }, there = { (void *)at, n };

	if (out)
		(void)process_vm_writev(pid, &here, 1, &there, 1, 0);
	else
		(void)process_vm_readv(pid, &here, 1, &there, 1, 0);
}

/* A string of the process; one that ends near an unmapped page is read up to there. */
static const char *text(pid_t pid, unsigned long at, char *buffer)
{
	memset(buffer, 0, TEXT);
	for (size_t n = 0; at && n < TEXT - 1; n++) {
		copy(pid, at + n, buffer + n, 1, 0);
		if (!buffer[n])
			break;
	}
	return buffer;
}

int main(int argc, char **argv)
{
	static char buffer[TEXT], type[TEXT];
	int status, entry = 1, calls = 0, result = 0, fail, pending = 0;
	struct user_regs_struct regs;
	FILE *log;
	pid_t pid;

	if (argc < 6)
		return 2;
	fail = atoi(argv[2]);
	log = fopen(argv[4], "w");
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execv(argv[5], argv + 5);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;; entry = !entry) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			entry = !entry;
			continue;
		}
		ptrace(PTRACE_GETREGS, pid, NULL, &regs);
		if (!entry) {
			if (pending) { /* it was made a call that does nothing */
				regs.rax = (unsigned long)(long)result;
				ptrace(PTRACE_SETREGS, pid, NULL, &regs);
			} else if (regs.orig_rax == SYS_fstatfs && regs.rax == 0) {
				struct statfs st;

				copy(pid, regs.rsi, &st, sizeof(st), 0);
				if (st.f_type == OVERLAYFS_SUPER_MAGIC)
					st.f_type = AUFS_SUPER_MAGIC;
				copy(pid, regs.rsi, &st, sizeof(st), 1);
			} else if (calls && regs.orig_rax == SYS_read && (long)regs.rax > 0 &&
				   regs.rax <= sizeof(buffer)) {
				copy(pid, regs.rsi, buffer, regs.rax, 0);
				for (char *c = buffer; (c = memchr(c, 1, regs.rax - (size_t)(c - buffer))); c++)
					*c = ',';
				copy(pid, regs.rsi, buffer, regs.rax, 1);
			}
			pending = 0;
			continue;
		}
		if (regs.orig_rax == SYS_umount2)
			fprintf(log, "umount2 %s\n", text(pid, regs.rdi, buffer));
		if (regs.orig_rax != SYS_mount || strcmp(text(pid, regs.rdx, type), "aufs") != 0)
			continue;
		fprintf(log, "mount %s%s%s\n", regs.r10 & MS_RDONLY ? "ro " : "",
			regs.r10 & MS_REMOUNT ? "remount " : "", text(pid, regs.r8, buffer));
		calls++;
		if (calls == fail || regs.r10 & MS_REMOUNT) {
			result = calls == fail ? -atoi(argv[3]) : 0;
			regs.orig_rax = SYS_getpid;
			pending = 1;
		} else {
			unsigned long room = regs.rsp - 3 * TEXT;
			char overlay[] = "overlay";

			(void)rename("/sys/fs/aufs/next", "/sys/fs/aufs/si_feed");
			copy(pid, room, overlay, sizeof(overlay), 1);
			copy(pid, room + TEXT, argv[1], strlen(argv[1]) + 1, 1);
			regs.rdx = room;
			regs.r8 = room + TEXT;
		}
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
	(void)fclose(log);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

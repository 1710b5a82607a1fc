/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake-aufs OPTIONS N ERRNO LOG COMMAND... - run it on a kernel that seems to have aufs.
 *
 * mount(2) of an aufs becomes one of an overlay with OPTIONS and the source "lxc-b", its file system says that it is
 * aufs, and each MS_REMOUNT of it succeeds and does nothing. In what it reads, a byte 1 is a comma, so that OPTIONS can
 * put an `si=` into mountinfo, and "overlay lxc-b" is "aufs lxc-bdev". The N-th mount(2) of all these (from 1; 0: none)
 * fails with ERRNO. LOG gets them, each umount2(2), and each read(2) of a branch in /sys/fs/aufs: "branch held" if a
 * file of an overlay was open meanwhile. The first FAKE_BUSY (in the environment) reads of branches fail with EBUSY.
 * (x86-64.)
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

/* A descriptor of the process is of an overlay. */
static int holds_overlay(pid_t pid)
{
	char path[64];
	struct statfs st;

	for (int fd = 3; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		if (statfs(path, &st) == 0 && st.f_type == OVERLAYFS_SUPER_MAGIC)
			return 1;
	}
	return 0;
}

static int is_branch(pid_t pid, unsigned long fd)
{
	char path[64], target[4096] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%lu", (int)pid, fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "/sys/fs/aufs/si_") &&
	       strstr(target, "/br");
}

/* What the process has read, as a kernel with aufs would have it. */
static void disguise(pid_t pid, const struct user_regs_struct *regs, char *text)
{
	static const char overlay[] = "overlay lxc-b ", aufs[] = "aufs lxc-bdev ";
	size_t n = regs->rax;
	char *end = text + n;

	copy(pid, regs->rsi, text, n, 0);
	/* The dynamic linker reads, too. */
	if (n >= 4 && memcmp(text, "\177ELF", 4) == 0)
		return;
	for (char *c = text; (c = memchr(c, 1, (size_t)(end - c))); c++)
		*c = ',';
	for (char *c = text; (c = memmem(c, (size_t)(end - c), overlay, sizeof(overlay) - 1)); c++)
		(void)memcpy(c, aufs, sizeof(aufs) - 1);
	copy(pid, regs->rsi, text, n, 1);
}

int main(int argc, char **argv)
{
	static char buffer[TEXT], type[TEXT];
	int status, entry = 1, calls = 0, result = 0, fail, pending = 0, busy = atoi(getenv("FAKE_BUSY") ?: "0");
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
			} else if (regs.orig_rax == SYS_read && (long)regs.rax > 0 && regs.rax <= sizeof(buffer)) {
				disguise(pid, &regs, buffer);
			}
			pending = 0;
			continue;
		}
		if (regs.orig_rax == SYS_read && is_branch(pid, regs.rdi)) {
			fprintf(log, "branch %s\n", holds_overlay(pid) ? "held" : "not held");
			if (busy-- > 0) {
				result = -EBUSY;
				regs.orig_rax = SYS_getpid;
				pending = 1;
				ptrace(PTRACE_SETREGS, pid, NULL, &regs);
			}
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
			char overlay[] = "overlay", source[] = "lxc-b";

			(void)rename("/sys/fs/aufs/next", "/sys/fs/aufs/si_feed");
			copy(pid, room, overlay, sizeof(overlay), 1);
			copy(pid, room + TEXT, argv[1], strlen(argv[1]) + 1, 1);
			copy(pid, room + 2 * TEXT, source, sizeof(source), 1);
			regs.rdi = room + 2 * TEXT;
			regs.rdx = room;
			regs.r8 = room + TEXT;
		}
		ptrace(PTRACE_SETREGS, pid, NULL, &regs);
	}
	(void)fclose(log);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process in the sandbox cannot do, although its real user is 0.
 */
#include "unit.h"

#include "qemu/sandbox.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Run the checks in a confined child, and take over its failures. */
static void confined(bool network, void (*checks)(void))
{
	const struct sandbox sandbox = { .program = "/bin/true", .network = network };
	const char *what = "";
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int r = sandbox_enter(&sandbox, &what);

		if (r < 0)
			printf("# %s: %s\n", what, strerror(-r));
		CHECK(r == 0);
		checks();
		(void)fflush(stdout);
		_exit(unit_failed);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool denied(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

static void no_signals(void)
{
	int pipes[2] = { -1, -1 };

	CHECK(denied(kill(getppid(), 0)));
	CHECK(denied(kill(1, 0)));
	CHECK(denied(syscall(SYS_tkill, getppid(), 0)));
	CHECK(denied(syscall(SYS_tgkill, getppid(), getppid(), 0)));
	CHECK(pipe(pipes) == 0);
	CHECK(denied(fcntl(pipes[0], F_SETOWN, getppid())));
	CHECK(denied(ioctl(pipes[0], FIOSETOWN, pipes)));
	/* What a library's abort() and its timers need. */
	CHECK(syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
	CHECK(fcntl(pipes[0], F_GETFD) == 0);
}

static void no_other_user(void)
{
	CHECK(getuid() == 0 && geteuid() != 0);
	CHECK(denied(setuid(0)));
	CHECK(denied(seteuid(0)));
	CHECK(denied(setresuid(0, 0, 0)));
	CHECK(setfsuid(0) != 0 && setfsuid(0) != 0);
}

static void no_files(void)
{
	CHECK(denied(open("/etc/shadow", O_RDONLY)));
	CHECK(denied(open("/proc/1/environ", O_RDONLY)));
	/* A kernel without Landlock has the permissions of files alone. */
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0)
		CHECK(denied(open("/dev/zero", O_RDONLY)));
}

static void no_modes(void)
{
	CHECK(denied(chmod("roots", 0666)));
	CHECK(denied(syscall(SYS_fchmodat, AT_FDCWD, "roots", 0666)));
	CHECK(denied(syscall(SYS_ptrace, 16 /* PTRACE_ATTACH */, getppid(), 0, 0)));
}

static void no_sockets(void)
{
	CHECK(denied(socket(AF_INET, SOCK_STREAM, 0)));
	CHECK(denied(socket(AF_UNIX, SOCK_STREAM, 0)));
}

static void test_signals_to_others_are_denied(void)
{
	confined(false, no_signals);
	confined(true, no_signals);
}
static void test_becoming_user_0_again_is_denied(void)
{
	confined(false, no_other_user);
}
static void test_files_are_denied(void)
{
	confined(false, no_files);
}
static void test_modes_of_files_are_not_changed(void)
{
	int fd = open("roots", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	(void)close(fd);
	/* The effective user is 0 where a capability is needed: then the filter alone is in the way. */
	confined(true, no_modes);
	confined(false, no_modes);
}
static void test_sockets_are_denied(void)
{
	confined(false, no_sockets);
}

static const struct unit_test tests[] = {
	TEST(test_signals_to_others_are_denied),
	TEST(test_becoming_user_0_again_is_denied),
	TEST(test_files_are_denied),
	TEST(test_modes_of_files_are_not_changed),
	TEST(test_sockets_are_denied),
};

int main(void)
{
	return unit_run(tests, ARRAY_SIZE(tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * together - run N commands at once.
 *
 *   together N COMMAND...
 *
 * `%` in an argument becomes 1 to N. Prints the microseconds until all have
 * ended, and how many of them succeeded.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void become(char **command, int number)
{
	int null = open("/dev/null", O_RDWR);

	for (char **arg = command; *arg; arg++) {
		char *percent = strchr(*arg, '%');

		if (percent && asprintf(arg, "%.*s%d%s", (int)(percent - *arg), *arg, number, percent + 1) < 0)
			_exit(127);
	}
	/* Some are expected to fail, and are counted. */
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execvp(*command, command);
	_exit(127);
}

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[1]) : 0, good = 0, status;
	long long start = now();

	if (n < 1)
		return fprintf(stderr, "usage: together N COMMAND...\n"), 2;
	for (int i = 1; i <= n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			become(argv + 2, i);
		if (pid < 0)
			perror("together: fork");
	}
	while (wait(&status) > 0)
		good += status == 0;
	printf("%lld %d\n", now() - start, good);
	return 0;
}

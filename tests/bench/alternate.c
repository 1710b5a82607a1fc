/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * alternate - time commands against each other.
 *
 *   alternate ROUNDS IDLE_MS COMMAND... , AFTER... [, COMMAND... , AFTER...]...
 *
 * Each round runs each COMMAND once: idle for IDLE_MS, time COMMAND from its
 * start to its end, run AFTER untimed. Cases alternate, so that what disturbs
 * the machine disturbs all of them. Prints each case's median in microseconds.
 *
 * A COMMAND that fails is tried again: LXC's own loop backend may lose its
 * device to anybody on the machine who wants one at that moment.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASES_MAX 8
#define TRIES 5

extern char **environ;

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Microseconds until the command has ended, or -1: it failed, and said why if it may speak. */
static long long run(char **command, int speak)
{
	posix_spawn_file_actions_t quiet;
	long long start = now();
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	if (!speak)
		posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, *command, &quiet, NULL, command, environ) == 0)
		waitpid(pid, &status, 0);
	start = now() - start;
	posix_spawn_file_actions_destroy(&quiet);
	return status == 0 ? start : -1;
}

static void give_up(char **command)
{
	fprintf(stderr, "alternate: failed:");
	for (; *command; command++)
		fprintf(stderr, " %s", *command);
	fprintf(stderr, "\n");
	exit(1);
}

/* One round of a case. */
static long long measure(int idle, char **command, char **after)
{
	for (int i = 0; i < TRIES; i++) {
		long long took;

		usleep((useconds_t)idle * 1000);
		took = run(command, i == TRIES - 1);
		if (took < 0)
			continue;
		if (run(after, 1) < 0)
			give_up(after);
		return took;
	}
	give_up(command);
	return -1;
}

static int ascending(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int rounds = argc > 3 ? atoi(argv[1]) : 0, idle = argc > 3 ? atoi(argv[2]) : 0, parts = 0;
	char **commands[2 * CASES_MAX];
	long long *times;

	for (int i = 3; i < argc && parts < 2 * CASES_MAX; i++) {
		if (i == 3 || !argv[i - 1])
			commands[parts++] = argv + i;
		if (strcmp(argv[i], ",") == 0)
			argv[i] = NULL;
	}
	if (rounds < 1 || parts < 2 || parts % 2)
		return fprintf(stderr, "usage: alternate ROUNDS IDLE_MS COMMAND... , AFTER... [, ...]\n"), 2;
	times = calloc((size_t)parts * (size_t)rounds, sizeof(*times));
	if (!times)
		return 1;
	/* Round -1 warms up. */
	for (int round = -1; round < rounds; round++) {
		for (int i = 0; i < parts; i += 2) {
			long long took = measure(idle, commands[i], commands[i + 1]);

			if (round >= 0)
				times[i * rounds + round] = took;
		}
	}
	for (int i = 0; i < parts; i += 2) {
		qsort(times + i * rounds, (size_t)rounds, sizeof(*times), ascending);
		printf("%lld\n", times[i * rounds + rounds / 2]);
	}
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peak - run a command and print its peak memory in KiB.
 *
 * exec keeps the peak of what ran before it in the process, which is a copy of
 * this program: it is linked statically to stay far below what it measures.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;
	pid_t pid;

	if (argc < 2)
		return fprintf(stderr, "usage: peak COMMAND...\n"), 2;
	pid = fork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0)
		return fprintf(stderr, "peak: failed: %s\n", argv[1]), 1;
	printf("%ld\n", usage.ru_maxrss);
	return 0;
}

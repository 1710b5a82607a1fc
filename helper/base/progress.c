/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * progress - show the progress of a copy. LXC reads stdout and stderr of its
 * hooks, so it is written to the terminal itself.
 */
#include "progress.h"
#include "cleanup.h"
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>

#define PROGRESS_MS   500
#define FIRST_SHOW_MS 1000

static bool hidden;

void progress_hide(void)
{
	hidden = true;
}

void progress_begin(struct progress *progress, const char *what, struct copy *copy)
{
	*progress = (struct progress){ .what = what, .since = process_clock(), .terminal = -EBADF };
	copy->arg = progress;
	copy->tick = progress_tick;
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

void progress_catch(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	const struct sigaction action = { .sa_handler = interrupt, .sa_flags = SA_RESTART };
	struct sigaction before;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(signals[i], &action, NULL);
}

int progress_tick(struct copy *copy)
{
	struct progress *progress = copy->arg;
	long long now = process_clock();

	if (interrupted)
		return -EINTR;
	if (hidden || now - progress->since < FIRST_SHOW_MS || now - progress->shown < PROGRESS_MS)
		return 0;
	if (!progress->shown)
		progress->terminal = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	progress->shown = now;
	if (progress->terminal < 0)
		return 0;
	(void)dprintf(progress->terminal, "\r\033[Klxc-bdev: %s ", progress->what);
	if (copy->bytes)
		(void)dprintf(progress->terminal, "%llu MiB, ", (unsigned long long)(copy->bytes >> 20));
	(void)dprintf(progress->terminal, "%llu files ", (unsigned long long)copy->files);
	return 0;
}

void progress_end(struct progress *progress)
{
	if (progress->terminal < 0)
		return;
	(void)dprintf(progress->terminal, "\r\033[K");
	cleanup_close(&progress->terminal);
	progress->terminal = -EBADF;
}

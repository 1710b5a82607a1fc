/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * progress - of long work. LXC has our stdout and stderr when we are its hook,
 * so it goes to the terminal itself.
 */
#include "progress.h"
#include "cleanup.h"
#include "proc.h"

#include <fcntl.h>

#define PROGRESS_MS   500
#define FIRST_SHOW_MS 1000

void progress_begin(struct progress *progress, const char *what, struct copy *copy)
{
	*progress = (struct progress){ .what = what, .since = proc_now(), .terminal = -EBADF };
	copy->arg = progress;
	copy->tick = progress_tick;
}

void progress_tick(struct copy *copy)
{
	struct progress *progress = copy->arg;
	long long now = proc_now();

	if (now - progress->since < FIRST_SHOW_MS || now - progress->shown < PROGRESS_MS)
		return;
	if (!progress->shown)
		progress->terminal = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	progress->shown = now;
	if (progress->terminal < 0)
		return;
	(void)dprintf(progress->terminal, "\r\033[Klxc-bdev: %s ", progress->what);
	if (copy->bytes)
		(void)dprintf(progress->terminal, "%llu MiB, ", (unsigned long long)(copy->bytes >> 20));
	(void)dprintf(progress->terminal, "%llu files ", (unsigned long long)copy->files);
}

void progress_end(struct progress *progress)
{
	if (progress->terminal < 0)
		return;
	(void)dprintf(progress->terminal, "\r\033[K");
	cleanup_close(&progress->terminal);
	progress->terminal = -EBADF;
}

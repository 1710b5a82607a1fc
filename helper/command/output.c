/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * output - write to stdout, or to a file that gets its name when it is complete.
 *
 * Until then the file has no name, if the file system supports that, so that nothing is left whatever happens;
 * otherwise a handler of signals that end the process removes it.
 */
#include "output.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "verb.h"

#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>

static const char *volatile unfinished;

static void remove_unfinished(int number)
{
	if (unfinished)
		(void)unlink(unfinished);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* Note that the output has the name `temp` from now on. */
static void set_named(struct output *output)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	unfinished = output->temp;
	output->named = true;
	/* An ignored signal stays ignored. */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (signal(signals[i], remove_unfinished) == SIG_IGN)
			(void)signal(signals[i], SIG_IGN);
}

static int open_new(struct output *output)
{
	_cleanup_free_ char *copy = xstrdup(output->file);

	output->temp = xasprintf("%s.XXXXXX", output->file);
	output->fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (output->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return output->fd;
	output->fd = mkostemp(output->temp, O_CLOEXEC);
	if (output->fd >= 0)
		set_named(output);
	return output->fd;
}

int output_open(const char *file, struct output *ret)
{
	struct stat st;

	*ret = (struct output){ .file = file, .fd = -EBADF };
	if (!file || strcmp(file, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return log_refuse(EXIT_USAGE, "refusing to write a tar to a terminal; use --output=FILE");
		ret->fd = dup(STDOUT_FILENO);
	} else if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		ret->fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else {
		(void)open_new(ret);
	}
	return ret->fd < 0 ? log_errno(-errno, "write '%s'", file ?: "stdout") : 0;
}

/* Give a file without a name one: its own, or a temporary one if its own is taken. Returns 0 or -errno. */
static int give_name(struct output *output)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", output->fd);
	if (linkat(AT_FDCWD, path, AT_FDCWD, output->file, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	do {
		unsigned int random = 0;

		free(output->temp);
		(void)!getrandom(&random, sizeof(random), 0);
		output->temp = xasprintf("%s.%08x", output->file, random);
		errno = 0;
	} while (linkat(AT_FDCWD, path, AT_FDCWD, output->temp, AT_SYMLINK_FOLLOW) < 0 && errno == EEXIST);
	if (errno)
		return -errno;
	set_named(output);
	return 0;
}

int output_close(struct output *output, int r)
{
	if (output->temp && r == 0) {
		r = fsync(output->fd) < 0 ? -errno : output->named ? 0 : give_name(output);
		if (r == 0 && output->named && rename(output->temp, output->file) < 0)
			r = -errno;
		if (r < 0)
			(void)log_errno(r, "write '%s'", output->file);
	}
	if (output->named && output->temp && r != 0)
		(void)unlink(output->temp);
	unfinished = NULL;
	/* Some file systems report a failed write only at close. */
	if (output->fd >= 0 && close(TAKE_FD(output->fd)) < 0 && r == 0)
		r = log_errno(-errno, "write '%s'", output->file ?: "stdout");
	free(output->temp);
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config-edit - change lines of a container's config and leave the others as
 * they are.
 */
#include "config-edit.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Copy all lines, as edit->line() replaces them, and append the new ones. Returns 0 or -errno. */
static int copy_lines(struct config_edit *edit, FILE *from, FILE *to)
{
	_cleanup_free_ char *line = NULL;
	unsigned int number = 0;
	size_t size = 0;
	char last = '\n';
	ssize_t n;

	while (errno = 0, (n = getline(&line, &size, from)) > 0) {
		char *other = edit->line(edit, ++number, line);

		/* An unchanged line may have any bytes in it. */
		if (other == line) {
			(void)fwrite(line, 1, (size_t)n, to);
			last = line[n - 1];
		} else if (other && *other) {
			(void)fwrite(other, 1, strlen(other), to);
			last = other[strlen(other) - 1];
		}
		if (other != line)
			free(other);
	}
	if (!feof(from))
		return errno ? -errno : -EIO;
	if (edit->append)
		(void)fprintf(to, "%s%s", last == '\n' ? "" : "\n", edit->append);
	return ferror(to) ? -EIO : 0;
}

/* Write the new file with the owner and mode of the old one, and sync it. Returns 0 or -errno. */
static int write_new(struct config_edit *edit, FILE *from, FILE *to)
{
	struct stat st;
	int r;

	if (fstat(fileno(from), &st) < 0 || fchown(fileno(to), st.st_uid, st.st_gid) < 0 ||
	    fchmod(fileno(to), st.st_mode & 07777) < 0)
		return -errno;
	r = copy_lines(edit, from, to);
	if (r < 0)
		return r;
	return fflush(to) != 0 || fsync(fileno(to)) < 0 ? -errno : 0;
}

/* Create the new file, and remove the leftover of an interrupted change. Returns the file, or NULL with errno set. */
static FILE *create(const char *path)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

/* Sync the directory, and so the file's new name. Returns 0 or -errno. */
static int sync_directory(const char *file)
{
	_cleanup_free_ char *dir = xstrndup(file, (size_t)(strrchr(file, '/') + 1 - file));
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Make the path of the new file. Returns it, for the caller to free. */
static char *fresh_name(const char *file)
{
	const char *base = strrchr(file, '/') + 1;

	return xasprintf("%.*s.%s.lxc-bdev-new", (int)(base - file), file, base);
}

static int change(struct config_edit *edit, const char *file)
{
	_cleanup_free_ char *fresh = fresh_name(file);
	FILE *from = fopen(file, "re"), *to = from ? create(fresh) : NULL;
	int r = to ? write_new(edit, from, to) : -errno;

	if (from)
		(void)fclose(from);
	if (to && fclose(to) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(fresh, file) < 0)
		r = -errno;
	if (r < 0 && to)
		(void)unlink(fresh);
	return r ?: sync_directory(file);
}

int config_edit(struct config_edit *edit)
{
	/* A config that is a symlink stays one: the file that it leads to is changed. */
	_cleanup_free_ char *file = realpath(edit->file, NULL);
	int r = file ? change(edit, file) : -errno;

	return r < 0 ? log_errno(r, "write '%s'", edit->file) : 0;
}

int config_edit_check(const char *path)
{
	_cleanup_free_ char *file = realpath(path, NULL), *fresh = file ? fresh_name(file) : NULL;
	FILE *f = file && access(file, W_OK) == 0 ? create(fresh) : NULL;

	if (!f)
		return log_errno(-errno, "write '%s'", path);
	(void)fclose(f);
	(void)unlink(fresh);
	return 0;
}

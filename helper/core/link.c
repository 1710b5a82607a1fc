/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link - clones that stand on their source.
 */
#include "link.h"
#include "depends.h"
#include "cleanup.h"
#include "log.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Is this line a `bdev.rootfs`? */
static bool is_stack_line(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "bdev.rootfs", strlen("bdev.rootfs")) != 0)
		return false;
	line += strlen("bdev.rootfs");
	return line[strspn(line, " \t")] == '=';
}

/* All lines but the stack's. */
static void copy_lines(FILE *from, FILE *to)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, from) > 0)
		if (!is_stack_line(line))
			(void)fprintf(to, "%s%s", line, strchr(line, '\n') ? "" : "\n");
	free(line);
}

/* The same config for another stack. 0 or -errno. */
static int write_config(FILE *from, FILE *to, const char *on)
{
	_cleanup_free_ char *escaped = spec_escape(on);
	struct stat st;

	if (fstat(fileno(from), &st) < 0 || fchown(fileno(to), st.st_uid, st.st_gid) < 0 ||
	    fchmod(fileno(to), st.st_mode & 07777) < 0)
		return -errno;
	copy_lines(from, to);
	(void)fprintf(to, "bdev.rootfs = container:%s\nbdev.rootfs = overlay:delta0\n", escaped);
	return ferror(from) || fflush(to) != 0 || ferror(to) ? -EIO : 0;
}

/* The config with another stack, beside it; then in its place. 0 or -errno (logged). */
static int rewrite(const struct container *container, const char *on)
{
	_cleanup_free_ char *fresh = xasprintf("%s.new", container->config);
	FILE *from = fopen(container->config, "re"), *to = fopen(fresh, "we");
	int r = from && to ? write_config(from, to, on) : -errno;

	if (from)
		(void)fclose(from);
	if (to && fclose(to) != 0 && r == 0)
		r = -errno;
	if (r == 0 && rename(fresh, container->config) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(fresh);
	return r < 0 ? log_errno(r, "write '%s'", container->config) : 0;
}

int link_container(const struct container *container, const struct container *source)
{
	_cleanup_free_ char *dir = container_called(container);
	struct conf conf = { 0 };
	int r;

	r = depends_record(dir, source->dir);
	if (r < 0)
		return log_errno(r, "record that '%s' stands on '%s'", dir, source->dir);
	r = rewrite(container, source->dir);
	if (r == 0)
		r = conf_read(container->config, &conf);
	if (r == 0 && conf.stack.n != 2)
		r = log_refuse(-EINVAL,
			       "%s: bdev.clone = link, but there are bdev.rootfs lines in an included file: they "
			       "must be in the container's own config",
			       source->config);
	conf_clear(&conf);
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * link - clones that stand on their source.
 */
#include "link.h"
#include "base.h"
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

static char *escape(const char *path)
{
	char *out = xcalloc(strlen(path) * 2 + 1, 1), *p = out;

	for (; *path; path++) {
		if (strchr(":,\\ ", *path))
			*p++ = '\\';
		*p++ = *path;
	}
	return out;
}

/* The config with another stack, beside it; then in its place. 0 or -errno (logged). */
static int rewrite(const struct container *container, const char *on)
{
	_cleanup_free_ char *fresh = xasprintf("%s.new", container->config), *line = NULL, *escaped = escape(on);
	FILE *from = fopen(container->config, "re"), *to = from ? fopen(fresh, "we") : NULL;
	size_t size = 0;
	struct stat st;
	int r = !from || !to || fstat(fileno(from), &st) < 0 ? -errno : 0;

	while (r == 0 && getline(&line, &size, from) > 0)
		if (!is_stack_line(line))
			(void)fprintf(to, "%s%s", line, strchr(line, '\n') ? "" : "\n");
	if (r == 0 && (fprintf(to, "bdev.rootfs = container:%s\nbdev.rootfs = overlay:delta0\n", escaped) < 0 ||
		       fflush(to) != 0 || ferror(to) || ferror(from) || fchown(fileno(to), st.st_uid, st.st_gid) < 0 ||
		       fchmod(fileno(to), st.st_mode & 07777) < 0))
		r = errno ? -errno : -EIO;
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
	struct conf conf = { 0 };
	int r = rewrite(container, source->dir);

	if (r == 0)
		r = conf_read(container->config, &conf);
	if (r == 0 && conf.stack.n != 2)
		r = log_refuse(-EINVAL,
			       "%s: bdev.clone = link, but there are bdev.rootfs lines in an included file: they "
			       "must be in the container's own config",
			       source->config);
	conf_clear(&conf);
	if (r == 0) {
		r = base_record(container->dir, source->dir);
		if (r < 0)
			(void)log_errno(r, "record that '%s' stands on '%s'", container->dir, source->dir);
	}
	return r;
}

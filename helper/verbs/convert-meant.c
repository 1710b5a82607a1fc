/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-meant - refuse a directory that contains the delta instead of being it.
 *
 * A delta holds the files of a container, so its names can be any; but its top directory has marks of aufs or overlay.
 */
#include "convert-meant.h"
#include "../config/lxcpath.h"
#include "../delta/aufs-store.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../base/log.h"
#include "../base/path.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Test whether aufs or an overlay has written here. Returns 1, 0 or -errno. */
static int is_delta(int fd)
{
	const struct delta formats[] = {
		{ .format = DELTA_AUFS },
		{ .format = DELTA_OVERLAY },
		{ .format = DELTA_OVERLAY, .user = true },
	};
	const char *own;
	int r = delta_aufs_own(fd, &own);

	for (size_t i = 0; i < ARRAY_SIZE(formats) && r == 0; i++)
		r = delta_is_marked(&formats[i], fd);
	return r;
}

/* Test whether the directory has a file `config` with an LXC line. Returns 1, 0 or -errno. */
static int is_container(int fd)
{
	int r = path_has(fd, "config", S_IFREG), config;
	char line[256];
	FILE *f;

	if (r <= 0)
		return r;
	config = openat(fd, "config", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (config < 0)
		return -errno;
	f = must(fdopen(config, "re"));
	r = 0;
	/* Longer lines are read in parts; no real config has only such lines. */
	for (int i = 0; r == 0 && i < 1000 && fgets(line, sizeof(line), f); i++)
		r = strncmp(line + strspn(line, " \t"), "lxc.", 4) == 0;
	if (r == 0 && ferror(f))
		r = -EIO;
	(void)fclose(f);
	return r;
}

static int refuse_container(const char *dir, const char *form)
{
	const char *slash = strrchr(dir, '/');
	_cleanup_free_ char *lxcpath = xstrndup(dir, (size_t)(slash - dir)), *usual = lxcpath_default(),
			    *real = usual ? realpath(usual, NULL) : NULL;

	if (real && strcmp(real, lxcpath) == 0)
		return log_refuse(-EINVAL, "'%s' is a container's directory: lxc-bdev convert -n %s %s", dir, slash + 1,
				  form);
	return log_refuse(-EINVAL, "'%s' is a container's directory: lxc-bdev convert -P '%s' -n %s %s", dir, lxcpath,
			  slash + 1, form);
}

static int check_store(const char *dir)
{
	_cleanup_free_ char *more = NULL;
	int r = aufsstore_more(dir, &more);

	if (r < 0)
		return log_errno(r, "read '%s'", dir);
	return r ? log_refuse(
			   -EINVAL,
			   "'%s' is a store of the aufs driver (layers, diff, mnt), but contains '%s' too; move that "
			   "away",
			   dir, more)
		 : 0;
}

int convert_meant(const char *dir, enum whiteout_format to, bool *ret_store)
{
	const char *form = to == DELTA_AUFS ? "aufs" : "overlay";
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *below = xasprintf("%s/aufs", dir);
	int r;

	*ret_store = false;
	if (fd < 0)
		return log_errno(-errno, "directory '%s'", dir);
	r = is_delta(fd);
	if (r)
		return r < 0 ? log_errno(r, "directory '%s'", dir) : 0;
	r = aufsstore_is(dir);
	if (r < 0)
		return log_errno(r, "look at '%s'", dir);
	*ret_store = r;
	if (*ret_store)
		return check_store(dir);
	r = aufsstore_is(below);
	if (r < 0)
		return log_errno(r, "look at '%s'", below);
	if (r > 0)
		return log_refuse(-EINVAL, "'%s' holds a store: lxc-bdev convert %s %s", dir, form, below);
	r = path_has(fd, "diff", S_IFDIR);
	if (r > 0)
		r = path_has(fd, "mnt", S_IFDIR);
	if (r > 0)
		return log_refuse(
			-EINVAL,
			"'%s' has the diff and mnt of a store, but not its 'layers', which records the lower layers",
			dir);
	if (r == 0)
		r = is_container(fd);
	if (r < 0)
		return log_errno(r, "look at what is in '%s'", dir);
	return r ? refuse_container(dir, form) : 0;
}

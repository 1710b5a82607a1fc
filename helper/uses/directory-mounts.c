/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * directory-mounts - find the mounts that use a directory.
 *
 * The kernel protects the upper of an overlay, but not its lowers, and does not tell who has bind-mounted a directory:
 * renaming it succeeds, and a later removal deletes the root of those mounts. So this file searches all mounts of the
 * host. Our own mounts show no paths in mount tables, as they are built from detached mounts; the journals name their
 * directories.
 */
#include "directory-mounts.h"
#include "../kernel/all-mounts.h"
#include "../base/cleanup.h"
#include "../base/text.h"
#include "../base/path.h"

#include <fcntl.h>
#include <sys/stat.h>

#define UNKNOWN "by an unknown user: " /* follows "is in use " */

struct search {
	unsigned int id; /* the mount that contains the directory */
	const char *path;
	dev_t dev;  /* of the file system, as mountinfo has it; 0: not found */
	char *root; /* the directory's path from the root of the file system */
	struct stat st;
	dev_t *overlays; /* those already checked: an overlay may be in many namespaces */
	size_t n;
	int unknown; /* -errno: a lower could not be looked up */
	char *found;
};

static bool find_own(const struct mount_entry *entry, void *arg)
{
	struct search *search = arg;
	const char *rest = entry->id == search->id ? path_below(search->path, entry->target) : NULL;

	if (!rest)
		return false;
	search->dev = entry->dev;
	search->root = path_absolute(entry->root, rest);
	return true;
}

/*
 * Test whether a path of a mount's options leads to the directory or below it, as text or when followed from here. In
 * another namespace the path may lead elsewhere, but the process that mounted it was here. Also true if it cannot be
 * looked up: search->unknown is the reason.
 */
static bool is_there(struct search *search, const struct mount_seen *mount, const char *path)
{
	_cleanup_free_ char *clean = *path == '/' ? path_absolute("", path) : NULL, *leads = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* A path below /proc/self was valid only for the process that mounted it. */
	if (!clean || path_below(clean, "/proc/self") || path_below(clean, "/proc/thread-self"))
		return false;
	/* In a user namespace of another owner, any path can be faked. */
	if (mount->foreign)
		return mount_leads_to(mount, path_below(clean, search->path) ? search->path : clean, &search->st);
	if (path_below(clean, search->path))
		return true;
	fd = open(clean, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		/* A path that is gone, or is no directory, leads nowhere. */
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ESTALE)
			search->unknown = -errno;
		return search->unknown < 0;
	}
	leads = path_of(fd);
	return (st.st_dev == search->st.st_dev && st.st_ino == search->st.st_ino) || path_below(leads, search->path);
}

/* Test the paths of a list "A:B::C", in which `\` escapes the next character. */
static bool names_one(struct search *search, const struct mount_seen *mount, const char *list)
{
	_cleanup_free_ char *path = xcalloc(strlen(list) + 1, 1);
	char *end = path;
	bool found = false;

	for (; !found; list++) {
		if (*list && *list != ':') {
			list += *list == '\\' && list[1];
			*end++ = *list;
			continue;
		}
		*end = '\0';
		found = is_there(search, mount, path);
		end = path;
		if (!*list)
			break;
	}
	return found;
}

static bool names(struct search *search, const struct mount_seen *mount)
{
	_cleanup_free_ char *copy = xstrdup(mount->entry->options);
	char *option, *options = copy;

	while ((option = strsep(&options, ","))) {
		char *value = strchr(option, '=');
		size_t n = value ? (size_t)(value - option) : 0;

		if (!value)
			continue;
		value = text_unescape(value + 1);
		if (strncmp(option, "lowerdir=", n + 1) == 0) {
			if (names_one(search, mount, value))
				return true;
		} else if (strncmp(option, "lowerdir+=", n + 1) == 0 || strncmp(option, "datadir+=", n + 1) == 0 ||
			   strncmp(option, "upperdir=", n + 1) == 0) {
			if (is_there(search, mount, value))
				return true;
		}
	}
	return false;
}

static bool is_known(struct search *search, dev_t overlay)
{
	for (size_t i = 0; i < search->n; i++)
		if (search->overlays[i] == overlay)
			return true;
	*ARRAY_ADD(search->overlays, search->n) = overlay;
	return false;
}

static bool uses(const struct mount_seen *mount, void *arg)
{
	const struct mount_entry *entry = mount->entry;
	static const char gone[] = "//deleted";
	size_t n = strlen(entry->root);
	struct search *search = arg;
	bool lower = false, bound = entry->dev == search->dev && path_below(entry->root, search->root) &&
				    (n < strlen(gone) || strcmp(entry->root + n - strlen(gone), gone) != 0);

	if (!bound && strcmp(entry->type, "overlay") == 0 && !is_known(search, entry->dev))
		lower = names(search, mount);
	if (!bound && !lower)
		return false;
	if (search->unknown < 0)
		search->found = xasprintf(UNKNOWN "cannot look up a lower of the mount on '%s': %s", entry->target,
					  strerror(-search->unknown));
	else if (mount->pid)
		search->found =
			xasprintf("%sby the mount on '%s' in the mount namespace of process %d; stop that first",
				  lower ? "as a lower " : "", entry->target, (int)mount->pid);
	else
		search->found = xasprintf("%sby the mount on '%s'; unmount it first", lower ? "as a lower " : "",
					  entry->target);
	return true;
}

int directory_mounts_find(int dir, const char *path, char **ret_user)
{
	struct search search = { .path = path };
	struct statx st;
	int r;

	if (fstat(dir, &search.st) < 0 || statx(dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0) {
		r = -errno;
		*ret_user = xasprintf(UNKNOWN "it cannot be looked at: %s", strerror(-r));
		return r;
	}
	search.id = (unsigned int)st.stx_mnt_id;
	r = mount_table_each(MOUNT_TABLE_OWN, find_own, &search);
	if (r == 0)
		search.root = xstrdup(path);
	if (r >= 0)
		r = mounts_each(true, uses, &search);
	if (r < 0)
		search.found = xasprintf(UNKNOWN "not all mounts could be read: %s", strerror(-r));
	if (r > 0 && search.unknown < 0)
		r = search.unknown;
	free(search.overlays);
	free(search.root);
	*ret_user = search.found;
	return r;
}

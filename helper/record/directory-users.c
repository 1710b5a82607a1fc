/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * directory-users - who uses a directory.
 *
 * The kernel keeps an overlay's upper to itself, but not its lowers, and says
 * nothing of who has a directory bound; a rename of it succeeds, and what is
 * then removed was their root. So all mounts are looked through, and as ours
 * name nothing there (they are made of detached mounts), the journals.
 */
#include "directory-users.h"
#include "../kernel/all-mounts.h"
#include "aufs-users.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../kernel/overlay.h"
#include "../base/path.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define UNKNOWN "or not: " /* goes on after "is in use " */

/* --- records --- */

static bool is_running(const struct journal *journal)
{
	struct process monitor;

	return !journal_monitor(journal, &monitor) || proc_alive(&monitor);
}

/* The record is of the directory, or of one in it; `around`: or of one that it lies in. */
static bool has(const struct record *record, const char *inode, const char *path, bool around)
{
	const char *recorded = record->n > 1 && *record->fields[1] == '/' ? record->fields[1] : NULL;

	return record->n && (strcmp(record->fields[0], inode) == 0 ||
			     (recorded && (path_below(recorded, path) || (around && path_below(path, recorded)))));
}

static char *find_record(const struct journal *journal, const char *inode, const char *path)
{
	const char *name = journal_get(journal, "container", 0);
	/* aufs keeps what it has looked up, and gives ESTALE for a directory in a branch that is another one by now. */
	bool around = journal_get(journal, "aufs", 0);

	for (size_t i = 0; i < journal->n; i++) {
		const struct record *record = &journal->records[i];
		bool lower = strcmp(record->kind, "lower") == 0;

		if (!lower && strcmp(record->kind, "upper") != 0 && strcmp(record->kind, "branch") != 0)
			continue;
		if (!has(record, inode, path, around) || !is_running(journal))
			continue;
		return xasprintf("%sby %s '%s': %s it first", lower ? "as a lower " : "", name ? "container" : "mount on",
				 name ?: journal_get(journal, "target", 0) ?: "?", name ? "stop" : "umount");
	}
	return NULL;
}

static char *find_journal(const char *inode, const char *path)
{
	char **ids, *found = NULL;
	size_t n;
	int r = rundir_ids(&ids, &n);

	if (r < 0)
		return xasprintf(UNKNOWN "cannot list '%s': %s", RUN_DIR, strerror(-r));
	for (size_t i = 0; i < n && !found; i++) {
		struct journal journal;

		r = journal_peek(ids[i], &journal);
		if (r < 0 && r != -ENOENT)
			found = xasprintf(UNKNOWN "cannot read '%s/%s/journal': %s", RUN_DIR, ids[i], strerror(-r));
		if (r < 0)
			continue;
		found = find_record(&journal, inode, path);
		journal_close(&journal);
	}
	rundir_list_free(ids, n);
	return found;
}

/* --- mounts --- */

struct search {
	unsigned long long id; /* the mount that it lies on */
	const char *path;
	char *dev, *root; /* its file system, and where it is there */
	struct stat st;
	char **overlays; /* that were looked at: one is in many namespaces */
	size_t n;
	int unknown; /* why it cannot be said where a lower leads: -errno */
	char *found;
};

static bool find_own(struct mount_seen *mount, void *arg)
{
	struct search *search = arg;
	const char *rest = mount->id == search->id ? path_below(search->path, mount->at) : NULL;

	if (!rest)
		return false;
	search->dev = xstrdup(mount->dev);
	search->root = path_absolute(mount->root, rest);
	return true;
}

/*
 * As text, or where it leads from here; in other namespaces it may lead elsewhere, but who mounted it was here. Also
 * true when that cannot be looked up: search->unknown says why.
 */
static bool is_there(struct search *search, const struct mount_seen *mount, const char *path)
{
	_cleanup_free_ char *clean = *path == '/' ? path_absolute("", path) : NULL, *leads = NULL;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* What a descriptor of the process that mounted it was; here it is one of ours, if anything. */
	if (!clean || path_below(clean, "/proc/self") || path_below(clean, "/proc/thread-self"))
		return false;
	/* There, anybody may write any path. */
	if (mount->foreign)
		return mount_leads_to(mount, path_below(clean, search->path) ? search->path : clean, &search->st);
	if (path_below(clean, search->path))
		return true;
	fd = open(clean, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		/* What is not there any more, or no directory, leads nowhere. */
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != ESTALE)
			search->unknown = -errno;
		return search->unknown < 0;
	}
	leads = path_of(fd);
	return (st.st_dev == search->st.st_dev && st.st_ino == search->st.st_ino) || path_below(leads, search->path);
}

/* "A:B::C", where `\` makes the next one ordinary. */
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
	char *option, *options = mount->options;

	while ((option = strsep(&options, ","))) {
		char *value = strchr(option, '=');
		size_t n = value ? (size_t)(value - option) : 0;

		if (!value)
			continue;
		value = mount_unescape(value + 1);
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

static bool is_known(struct search *search, const char *overlay)
{
	for (size_t i = 0; i < search->n; i++)
		if (strcmp(search->overlays[i], overlay) == 0)
			return true;
	*ARRAY_ADD(search->overlays, search->n) = xstrdup(overlay);
	return false;
}

static bool uses(struct mount_seen *mount, void *arg)
{
	static const char gone[] = "//deleted";
	size_t n = strlen(mount->root);
	struct search *search = arg;
	bool lower = false, bound = strcmp(mount->dev, search->dev) == 0 && path_below(mount->root, search->root) &&
				    (n < strlen(gone) || strcmp(mount->root + n - strlen(gone), gone) != 0);

	if (!bound && strcmp(mount->type, "overlay") == 0 && !is_known(search, mount->dev))
		lower = names(search, mount);
	if (!bound && !lower)
		return false;
	if (search->unknown < 0)
		search->found = xasprintf(UNKNOWN "cannot look up a lower of the mount on '%s': %s", mount->at,
					  strerror(-search->unknown));
	else if (mount->pid)
		search->found =
			xasprintf("%sby the mount on '%s' in the mount namespace of process %d: stop that first",
				  lower ? "as a lower " : "", mount->at, (int)mount->pid);
	else
		search->found =
			xasprintf("%sby the mount on '%s': umount it first", lower ? "as a lower " : "", mount->at);
	return true;
}

static char *find_mount(int dir, const char *path)
{
	struct search search = { .path = path };
	struct statx st;
	int r;

	if (fstat(dir, &search.st) < 0 || statx(dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return xasprintf(UNKNOWN "it cannot be looked at: %s", strerror(errno));
	search.id = st.stx_mnt_id;
	r = mounts_each(false, find_own, &search);
	if (r == 0) {
		search.dev = xstrdup("");
		search.root = xstrdup(path);
	}
	if (r >= 0)
		r = mounts_each(true, uses, &search);
	if (r < 0)
		search.found = xasprintf(UNKNOWN "not all mounts could be read: %s", strerror(-r));
	for (size_t i = 0; i < search.n; i++)
		free(search.overlays[i]);
	free(search.overlays);
	free(search.dev);
	free(search.root);
	return search.found;
}

char *dirinuse_by(int dir)
{
	_cleanup_free_ char *inode = path_inode(dir), *path = path_of(dir);
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *found = find_journal(inode, path) ?: find_mount(dir, path);
	int r = found ? 0 : overlayfs_in_use(dir, root);

	if (r)
		found = r > 0 ? xstrdup("by another mount: umount that first")
			      : xasprintf(UNKNOWN "cannot ask the kernel whether it is an overlay's upper: %s",
					  strerror(-r));
	if (!found)
		(void)aufs_uses(dir, false, &found); /* also says what is unknown */
	return found;
}

int dirinuse_record(struct journal *journal, int dir, int dirfd, const char *source, const char *where, int wait_ms)
{
	_cleanup_close_ int lock = path_reopen(dir, O_RDONLY | O_DIRECTORY), again = -EBADF;
	_cleanup_free_ char *inode = path_inode(dir), *path = path_of(dir), *still = NULL;
	long long until = proc_now() + wait_ms;

	if (lock < 0)
		return log_errno(lock, "%s: open '%s'", where, source);
	/* Not all file systems have it; those that cannot be locked are not converted. */
	while (flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		if (proc_now() >= until)
			return log_refuse(-EBUSY, "%s: '%s' is locked by another process, which may be converting it",
					  where, source);
		proc_sleep(5);
	}
	again = path_open(dirfd, source, O_PATH | O_DIRECTORY);
	if (again < 0 && again != -ENOENT)
		return log_errno(again, "%s: open '%s'", where, source);
	still = again < 0 ? NULL : path_inode(again);
	if (!still || strcmp(still, inode) != 0)
		return log_refuse(-EBUSY, "%s: '%s' was replaced just now; start it again", where, source);
	return journal_add(journal, "lower", inode, path, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* claim - reserve an image, a directory or a container for a stack. */
#include "claim.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"
#include "../kernel/aufs-info.h"
#include "../kernel/image.h"
#include "../kernel/overlay.h"
#include "../record-kinds/container.h"
#include "../record-kinds/image.h"
#include "aufs-users.h"

#include <fcntl.h>
#include <sys/file.h>

int uses_claim_image(const struct spec *spec, struct journal *journal, int image, const char *name, bool readonly,
		     bool served, int wait_ms, bool *ret_shared)
{
	_cleanup_free_ char *inode = path_inode(image), *holder = NULL;
	const struct claim claim = { .object = CLAIM_IMAGE, .mode = CLAIM_READ | CLAIM_WRITE, .id = inode };
	int r = image_record(journal, image, !readonly);

	if (r < 0)
		return r;
	r = image_lock(image, readonly, served, wait_ms, ret_shared);
	if (r == 0)
		return 0;
	if (r == -EBUSY)
		return spec_refuse(spec, r, "image '%s' is in use by QEMU or one of its tools", name);
	if (r != -EWOULDBLOCK)
		return log_errno(r, "%s: lock image '%s'", spec->where, name);
	(void)uses_who(&claim, false, journal->dir, &holder);
	return spec_refuse(spec, -EBUSY, "image '%s' is in use%s by %s; %s", name, readonly ? " for writing" : "",
			   holder ?: "another process",
			   readonly ? "a writer excludes all other users" : "only readers (,ro) can share it");
}

/* Lock the directory, which a conversion locks exclusively. Returns an fd or -errno (logged). */
static int lock_directory(const struct uses_directory *claim, long long until)
{
	_cleanup_close_ int lock = path_reopen(claim->dir, O_RDONLY | O_DIRECTORY);
	bool writes = claim->role != DIRECTORY_LOWER;

	if (lock < 0)
		return log_errno(lock, "%s: open %s", claim->spec->where, claim->what);
	while (flock(lock, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
		/* Not all file systems have locks. A directory that cannot be locked is never converted. */
		if (errno != EWOULDBLOCK)
			return writes ? log_errno(-errno, "%s: lock %s", claim->spec->where, claim->what)
				      : TAKE_FD(lock);
		if (process_clock() >= until)
			return spec_refuse(claim->spec, -EBUSY,
					   "%s is locked by another process, which may be converting it", claim->what);
		process_sleep(5);
	}
	return TAKE_FD(lock);
}

/*
 * Check that the path of the spec still leads to the directory, which a conversion replaces by another one. Returns 0
 * or -errno (logged).
 */
static int look_again(const struct uses_directory *claim)
{
	_cleanup_close_ int again = path_open(claim->dirfd, claim->source, O_PATH | O_DIRECTORY);
	_cleanup_free_ char *inode = path_inode(claim->dir), *still = NULL;

	if (again < 0 && again != -ENOENT)
		return log_errno(again, "%s: open %s", claim->spec->where, claim->what);
	still = again < 0 ? NULL : path_inode(again);
	if (!still || strcmp(still, inode) != 0)
		return spec_refuse(claim->spec, -EBUSY, "%s was replaced concurrently; try again", claim->what);
	return 0;
}

/*
 * Look for another union that writes to the directory. The kernel detects it, but only the journals know names. Returns
 * 1: *ret_user; 0; or -errno: *ret_user or NULL.
 */
static int find_writer(const struct uses_directory *claim, const char *own, char **ret_user)
{
	_cleanup_free_ char *inode = path_inode(claim->dir);
	struct claim writer = { .object = CLAIM_DIRECTORY, .mode = CLAIM_WRITE, .id = inode, .branch = true };
	int r = aufs_is_loaded() ? uses_who(&writer, true, own, ret_user) : 0;

	if (r)
		return r;
	r = overlayfs_in_use(claim->dir, claim->lower) ?: aufs_in_use(claim->dir);
	if (r <= 0)
		return r;
	writer.branch = false;
	if (uses_who(&writer, false, own, ret_user) == 0)
		*ret_user = xstrdup("another mount");
	return 1;
}

int uses_claim_directory(const struct uses_directory *claim, struct journal *journal, int *ret_lock)
{
	long long until = process_clock() + claim->wait_ms;
	_cleanup_close_ int lock = lock_directory(claim, until);
	int r = lock < 0 ? lock : look_again(claim);

	while (r == 0 && claim->role != DIRECTORY_LOWER) {
		_cleanup_free_ char *user = NULL;
		int used = find_writer(claim, journal->dir, &user);

		if (used == 0)
			break;
		if (used < 0 && !user)
			return log_errno(used, "%s: find out whether %s is in use", claim->spec->where, claim->what);
		if (used < 0 || process_clock() >= until)
			return spec_refuse(claim->spec, -EBUSY, "%s is in use by %s", claim->what, user);
		process_sleep(20);
	}
	if (r == 0)
		r = directory_record(journal, claim->dir, claim->role);
	if (r == 0 && ret_lock)
		*ret_lock = TAKE_FD(lock);
	return r;
}

int uses_claim_container(struct journal *journal, const char *dir, enum claim_mode mode, char **ret_user)
{
	int r = container_record(journal, dir, mode == CLAIM_WRITE);

	*ret_user = NULL;
	return r ?: uses_container(dir, mode == CLAIM_WRITE ? CLAIM_VIEW : CLAIM_WRITE, journal->dir, ret_user);
}

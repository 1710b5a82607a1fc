/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image-users - find foreign users of an image file, which ignore our locks: loop devices and processes of others.
 * Our own users are in the journals; record/uses.c finds them.
 */
#include "image-users.h"
#include "../base/cleanup.h"
#include "../base/process.h"
#include "../kernel/image.h"
#include "../kernel/loop.h"
#include "../kernel/mount-table.h"

#include <sys/file.h>
#include <sys/stat.h>

#define FOREIGN_WAIT_MS 200 /* for a user that is just closing the image, as an ending loop device does */

struct mount_search {
	dev_t dev;
	char *text;
};

static bool is_mount_of(const struct mount_entry *entry, void *arg)
{
	struct mount_search *search = arg;

	if (entry->dev != search->dev)
		return false;
	search->text = xasprintf(" (mounted on '%s')", entry->target);
	return true;
}

/*
 * Describe the mount of the device, as " (mounted on '/mnt')", or "" without a mount in this namespace. Returns the
 * text, for the caller to free.
 */
static char *describe_mount(const char *node)
{
	struct mount_search search = { 0 };
	struct stat st;

	if (stat(node, &st) == 0) {
		search.dev = st.st_rdev;
		(void)mount_table_each(MOUNT_TABLE_OWN, is_mount_of, &search);
	}
	return search.text ?: xstrdup("");
}

/*
 * Look for a foreign user. Returns 0: there is none; -EBUSY: a process has the image open for writing; or another
 * -errno (logged).
 */
static int find_foreign(const struct spec *spec, int image, const char *name, bool readonly)
{
	_cleanup_free_ char *node = NULL, *at = NULL;
	int r = loop_find_foreign(image, readonly, &node);

	if (r < 0)
		return spec_refuse(spec, r, "image '%s': cannot find out whether %s uses it: %s", name,
				   node ?: "a loop device", strerror(-r));
	if (r == 0) {
		r = image_is_written(image);
		if (r < 0 && r != -EOPNOTSUPP)
			return spec_refuse(spec, r, "image '%s': cannot find out whether it has a writer: %s", name,
					   strerror(-r));
		return r > 0 ? -EBUSY : 0;
	}
	at = describe_mount(node);
	return spec_refuse(spec, -ETXTBSY, "image '%s' is in use by %s%s%s; unmount or detach that first", name, node,
			   at, readonly ? ", which can write it" : "");
}

/* Test whether a writer of ours holds the lock; uses_claim_image() will name it. */
static bool is_ours(int image)
{
	if (flock(image, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)flock(image, LOCK_UN);
	return false;
}

int image_users_refuse(const struct spec *spec, int image, const char *name, bool readonly, int wait_ms)
{
	long long until = process_clock() + (wait_ms > FOREIGN_WAIT_MS ? wait_ms : FOREIGN_WAIT_MS);

	for (;;) {
		int r = find_foreign(spec, image, name, readonly);

		if (r != -EBUSY || is_ours(image) || image_qemu_writes(image))
			return r == -EBUSY ? 0 : r;
		if (process_clock() >= until)
			return spec_refuse(spec, r,
					   "image '%s' is open for writing by another process, or by the kernel; "
					   "fuser -v and losetup -j show which",
					   name);
		process_sleep(5);
	}
}

bool image_users_has_readers(int image)
{
	_cleanup_free_ char *node = NULL;

	return image_qemu_reads(image) || loop_find_foreign(image, false, &node) != 0;
}

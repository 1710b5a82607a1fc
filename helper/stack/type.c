/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * type - the table of backing store types.
 */
#include "type.h"
#include "../kernel/aufs-info.h"
#include "../kernel/image.h"
#include "../kernel/loop.h"

#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define FOREIGN_WAIT_MS 200 /* whoever is just closing it, as an ending loop device does */

#define DECLARE(type)	extern const struct bdev_type bdev_##type;
BDEV_TYPES(DECLARE)

#define ENTRY(type) &bdev_##type,
const struct bdev_type *const bdev_types[] = { BDEV_TYPES(ENTRY) };
const size_t bdev_ntypes = ARRAY_SIZE(bdev_types);

const struct bdev_type *bdev_find(const char *name)
{
	for (size_t i = 0; i < bdev_ntypes; i++)
		if (strcmp(name, bdev_types[i]->name) == 0 ||
		    (bdev_types[i]->alias && strcmp(name, bdev_types[i]->alias) == 0))
			return bdev_types[i];
	return NULL;
}

static const struct bdev_option *find_option(const struct bdev_type *type, const char *name)
{
	for (const struct bdev_option *o = type->options; o && o->name; o++)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

const struct bdev_type *bdev_check(const struct spec *spec)
{
	const struct bdev_type *type = bdev_find(spec->type);

	if (!type) {
		(void)spec_refuse(spec, -EINVAL, "unknown type '%s'; see lxc-bdev types", spec->type);
		return NULL;
	}
	for (size_t i = 0; i < spec->noptions; i++) {
		const struct spec_option *given = &spec->options[i];
		const struct bdev_option *known = find_option(type, given->name);

		if (!known) {
			(void)spec_refuse(spec, -EINVAL, "unknown option '%s' for %s; see lxc-bdev types", given->name,
					  type->name);
			return NULL;
		}
		if (!known->value != !given->value || (given->value && !*given->value)) {
			(void)spec_refuse(spec, -EINVAL,
					  known->value ? "option '%s' needs a value" : "option '%s' takes no value",
					  given->name);
			return NULL;
		}
	}
	return type;
}

int bdev_depth(const struct spec *spec, int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return log_errno(-errno, "%s: ask for the file system of '%s'", spec->where, spec->sources[0]);
	return st.f_type == OVERLAYFS_SUPER_MAGIC || st.f_type == AUFS_SUPER_MAGIC;
}

struct mount_search {
	const char *dev;
	char *text;
};

static bool is_mount_of(const char *id, const char *dev, char *at, void *arg)
{
	struct mount_search *search = arg;

	(void)id;
	if (strcmp(dev, search->dev) != 0)
		return false;
	search->text = xasprintf(" (mounted on '%s')", at);
	return true;
}

/*
 * Where the device is mounted, as " (mounted on '/mnt')", for the caller to free; "" if that is not
 * in this namespace.
 */
static char *describe_mount(const char *node)
{
	struct stat st = { 0 };
	_cleanup_free_ char *dev =
		stat(node, &st) == 0 ? xasprintf("%u:%u", major(st.st_rdev), minor(st.st_rdev)) : xstrdup("");
	struct mount_search search = { .dev = dev };

	(void)mount_each(is_mount_of, &search);
	return search.text ?: xstrdup("");
}

/* 0: nobody; -EBUSY: somebody has it open for writing; or another -errno (logged). */
static int find_foreign(const struct spec *spec, int image, const char *name, bool readonly)
{
	_cleanup_free_ char *node = NULL, *at = NULL;
	int r = loopdev_find_foreign(image, readonly, &node);

	if (r < 0)
		return spec_refuse(spec, r, "image '%s': cannot read whether %s has it: %s", name,
				   node ?: "a loop device", strerror(-r));
	if (r == 0) {
		r = image_is_written(image);
		if (r < 0 && r != -EOPNOTSUPP)
			return spec_refuse(spec, r, "image '%s': cannot find out whether somebody writes to it: %s",
					   name, strerror(-r));
		return r > 0 ? -EBUSY : 0;
	}
	at = describe_mount(node);
	return spec_refuse(spec, -ETXTBSY, "image '%s' is in use by %s%s%s; unmount or detach that first", name, node,
			   at, readonly ? ", which can write it" : "");
}

/* A writer of ours has it locked: bdev_lock_image() will say which. */
static bool is_ours(int image)
{
	if (flock(image, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	(void)flock(image, LOCK_UN);
	return false;
}

int bdev_refuse_foreign(const struct spec *spec, struct build *build, int image, const char *name, bool readonly)
{
	long long until = proc_now() + (build->wait_ms > FOREIGN_WAIT_MS ? build->wait_ms : FOREIGN_WAIT_MS);

	for (;;) {
		int r = find_foreign(spec, image, name, readonly);

		if (r != -EBUSY || is_ours(image) || image_qemu_writes(image))
			return r == -EBUSY ? 0 : r;
		if (proc_now() >= until)
			return spec_refuse(spec, r,
					   "image '%s' is open for writing by another process, or by the kernel; "
					   "fuser -v and losetup -j tell by which",
					   name);
		proc_sleep(5);
	}
}

bool bdev_has_readers(int image)
{
	_cleanup_free_ char *node = NULL;

	return image_qemu_reads(image) || loopdev_find_foreign(image, false, &node) != 0;
}

int bdev_lock_image(const struct spec *spec, struct build *build, int image, const char *name, bool readonly,
		    bool served, bool *ret_shared)
{
	_cleanup_free_ char *inode = path_inode(image), *path = path_of(image), *holder = NULL;
	int r;

	r = journal_add(build->journal, "image", inode, path, readonly ? "ro" : "rw", NULL);
	if (r < 0)
		return r;
	r = image_lock(image, readonly, served, build->wait_ms, ret_shared);
	if (r == 0)
		return 0;
	if (r == -EBUSY)
		return spec_refuse(spec, r, "image '%s' is in use by QEMU or one of its tools", name);
	if (r != -EWOULDBLOCK)
		return log_errno(r, "%s: lock image '%s'", spec->where, name);
	holder = journal_find_holder("image", inode, build->journal->dir);
	return spec_refuse(spec, -EBUSY, "image '%s' is in use%s by %s; %s", name, readonly ? " for writing" : "",
			   holder ?: "another process",
			   readonly ? "a writer shares with nobody" : "only readers (,ro) can share it");
}

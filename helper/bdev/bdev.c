/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bdev - the table of backing store types.
 */
#include "bdev.h"
#include "../core/aufsinfo.h"
#include "../core/image.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#define DECLARE(type) extern const struct bdev_type bdev_##type;
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

int bdev_depth(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && (st.f_type == OVERLAYFS_SUPER_MAGIC || st.f_type == AUFS_SUPER_MAGIC);
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

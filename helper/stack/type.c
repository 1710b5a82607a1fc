/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * type - the table of backing store types.
 */
#include "type.h"
#include "../kernel/aufs-info.h"

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
		(void)spec_refuse(spec, -EMALFORMED, "unknown type '%s'; see lxc-bdev types", spec->type);
		return NULL;
	}
	for (size_t i = 0; i < spec->noptions; i++) {
		const struct spec_option *given = &spec->options[i];
		const struct bdev_option *known = find_option(type, given->name);

		if (!known) {
			(void)spec_refuse(spec, -EMALFORMED, "unknown option '%s' for %s; see lxc-bdev types",
					  given->name, type->name);
			return NULL;
		}
		if (!known->value != !given->value || (given->value && !*given->value)) {
			(void)spec_refuse(spec, -EMALFORMED,
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
		return log_errno(-errno, "%s: look up the file system of '%s'", spec->where, spec->sources[0]);
	return st.f_type == OVERLAYFS_SUPER_MAGIC || st.f_type == AUFS_SUPER_MAGIC;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container - a view of another container's root, for an overlay above it.
 *
 * The spec is replaced by the specs of that container's stack. So its stack
 * may be of any type, and all readers share its images.
 */
#include "../stack/type.h"
#include "../config/dependencies.h"
#include "../stack/container-view.h"

static int container_expand(const struct spec *spec, struct stack *out)
{
	if (spec->nsources != 1 || *spec->sources[0] != '/')
		return spec_refuse(spec, -EMALFORMED, "not the absolute path of a container's directory");
	return container_view(spec, spec->sources[0], out);
}

/* Record that the copy, too, depends on the base. Returns 0 or -errno (logged). */
static int container_clone(const struct spec *spec, struct clone *clone)
{
	_cleanup_free_ char *base = realpath(spec->sources[0], NULL);
	int r = !base ? -errno : clone->dry ? 0 : dependencies_record(clone->called, base);

	return r < 0 ? log_errno(r, "%s: record that '%s' depends on '%s'", spec->where, clone->called,
				 spec->sources[0])
		     : 0;
}

const struct bdev_type bdev_container = {
	.name = "container",
	.source = "DIR",
	.summary = "a read-only view of the container in that directory",
	.undo = "the kernel, with the mount",
	.expand = container_expand,
	.clone = container_clone,
};

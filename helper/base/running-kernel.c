/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * running-kernel - the version of the running kernel and its modules.
 */
#include "running-kernel.h"
#include "cleanup.h"
#include "text.h"

#include <sys/utsname.h>

bool kernel_before(unsigned int major, unsigned int minor)
{
	unsigned int a = 0, b = 0;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &a, &b) != 2)
		return true;
	return a < major || (a == major && b < minor);
}

int kernel_has_module(const char *name)
{
	static const char *const lists[] = { "modules.dep", "modules.builtin" };
	_cleanup_free_ char *file = xasprintf("/%s.ko", name);
	struct utsname kernel;
	int r = 0;

	if (uname(&kernel) < 0)
		return -errno;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++) {
		_cleanup_free_ char *path = xasprintf("/lib/modules/%s/%s", kernel.release, lists[i]);

		r = text_has(path, file);
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

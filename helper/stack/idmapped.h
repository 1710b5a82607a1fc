/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan.h"

/* The kernel's name of the file system of the open file, for the ones that are known here; or NULL. 0 or -errno. */
int idmapped_fstype(int fd, const char **ret);

/*
 * Refuse a planned root whose file system the running kernel cannot mount with mapped ids, as lxc.rootfs.options =
 * idmap= asks. A file system that is not known here is left to the kernel. 0, or -EOPNOTSUPP or -EINVAL (logged).
 */
int idmapped_check(const struct plan *plan);

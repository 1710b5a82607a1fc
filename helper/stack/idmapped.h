/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "plan.h"

/* Find the kernel's name of an open file's file system; *ret is NULL if it is not in the table. Returns 0 or -errno. */
int idmapped_fstype(int fd, const char **ret);

/*
 * Refuse a planned root whose file system the running kernel cannot mount with mapped ids, for idmap= in
 * lxc.rootfs.options. One that is not in the table is left to the kernel. Returns 0, -EOPNOTSUPP or -EINVAL (logged).
 */
int idmapped_check(const struct plan *plan);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Refuse an option of lxc.rootfs.options that would have no effect on a stack. where: the config, for the message.
 * Returns 0 or -EINVAL (logged).
 */
int rootfs_options_check(const char *where, const char *options);

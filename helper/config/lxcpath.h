/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find LXC's lxcpath: lxc.lxcpath of LXC's own lxc.conf, else the one LXC was built with. Returns it, for the caller to
 * free. If lxc.conf exists and cannot be read, the process ends after an error line, since another lxcpath has other
 * containers.
 */
char *lxcpath_default(void);

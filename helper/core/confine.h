/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Leave the AppArmor profile that confines lxc-start, if we are in it: it lets hooks mount below /var/lib/lxc alone.
 * A failure shows later, as the mount that is denied.
 */
void confine_leave_lxc(void);

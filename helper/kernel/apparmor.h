/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a profile needs so that the hooks can leave it, and mount where they must. */
#define APPARMOR_RULE "change_profile -> unconfined,"

/*
 * Leave the AppArmor profile that this process is confined by, if there is one: that of lxc-start, which hooks inherit,
 * lets them mount below /var/lib/lxc alone. 0: not confined (any more). 1: still confined, *ret_profile is the
 * profile's name, for the caller to free. -errno: it could not be read whether we are confined.
 */
int apparmor_leave(char **ret_profile);

/*
 * Whether a hook could leave the profile that lxc-start runs in on this host, tried in a child process. Answers as
 * apparmor_leave does; -ENODATA when the loaded profiles cannot be listed.
 */
int apparmor_foresee(char **ret_profile);

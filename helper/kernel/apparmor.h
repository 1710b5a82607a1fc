/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rule that a profile needs so that hooks can leave it and mount where they must. */
#define APPARMOR_RULE "change_profile -> unconfined,"

/*
 * Leave the AppArmor profile that confines this process, if there is one: the profile of lxc-start, which hooks
 * inherit, lets them mount below /var/lib/lxc alone. Returns 0: not confined (any more); 1: still confined,
 * *ret_profile is the profile's name, for the caller to free; or -errno: the state could not be read.
 */
int apparmor_leave(char **ret_profile);

/*
 * Test in a child process whether a hook could leave the profile that lxc-start runs in on this host. Returns the same
 * as apparmor_leave(), and -ENODATA when the loaded profiles cannot be listed.
 */
int apparmor_foresee(char **ret_profile);

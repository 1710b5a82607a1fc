/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Compare the running kernel's version. Returns whether it is less than major.minor; true if it cannot be told. */
bool kernel_before(unsigned int major, unsigned int minor);

/*
 * Look for a module of this name that belongs to the running kernel, to load or built in. Returns 1, 0, or -errno when
 * the lists of modules cannot be read. As a condition, unknown is true: whatever needs the module then fails, and says
 * why.
 */
int kernel_has_module(const char *name);

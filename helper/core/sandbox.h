/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * From now on this process, and what it executes, opens no files but programs, libraries, configuration, and those
 * given. Where the kernel cannot do that (Landlock, Linux 5.13), nothing changes.
 */
void sandbox_enter(const int *files, size_t n);

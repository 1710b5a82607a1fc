/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/*
 * What the bytes at offset in the open file look like, if not like a file system, and what to do with such a file: a
 * text for the end of an error line, a constant. NULL: like nothing known, or they cannot be read. It is advice alone:
 * nothing is ever opened by it, since a container may have written those bytes.
 */
const char *content_advice(int fd, uint64_t offset);

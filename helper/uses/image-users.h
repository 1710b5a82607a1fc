/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

/*
 * Refuse an image with a foreign user, which ignores our locks: a writer always; a loop device that reads it, if we are
 * to write. image is open for reading only, and we have it open for writing nowhere; uses_claim_image() follows. Waits
 * at most wait_ms. Returns 0 or -errno (logged).
 */
int image_users_refuse(const struct spec *spec, int image, const char *name, bool readonly, int wait_ms);

/* Test whether the image has another reader, before we use it. Unknown counts as true. */
bool image_users_has_readers(int image);

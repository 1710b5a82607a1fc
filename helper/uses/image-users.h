/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

/*
 * Refuse an image that somebody outside of this program uses, who knows nothing of our locks: a writer always, a loop
 * device that reads it when we are to write. image is open for reading only, and we have it open for writing nowhere;
 * uses_claim_image() follows. Waits at most wait_ms. 0 or -errno (logged).
 */
int image_users_refuse(const struct spec *spec, int image, const char *name, bool readonly, int wait_ms);

/* Whether anybody else reads the image, before we use it: also when that cannot be found out. */
bool image_users_has_readers(int image);

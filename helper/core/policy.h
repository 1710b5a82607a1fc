/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What the host's administrator lets images refer to, beyond what lies in their own directory. */
struct policy {
	char **dirs; /* backing files may lie below these */
	size_t ndirs;
	char **uris; /* what a URI may begin with */
	size_t nuris;
	bool data_file; /* qcow2 images may keep their data in another file */
};

/* Read LXC's bdev-policy.conf; without it, nothing is allowed. 0 or -errno (logged). policy_clear() in both cases. */
int policy_read(struct policy *ret);
void policy_clear(struct policy *policy);

/* A file that an image in `own` refers to, by its real path. */
bool policy_allows_file(const struct policy *policy, const char *path, const char *own);
bool policy_allows_uri(const struct policy *policy, const char *uri);

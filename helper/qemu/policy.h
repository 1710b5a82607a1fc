/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The files and servers that images may refer to, besides files in their own directory. */
struct policy {
	char **dirs; /* directories of allowed backing and data files */
	size_t ndirs;
	char **uris; /* lines for policy_uri_matches() */
	size_t nuris;
	bool data_file; /* qcow2 images may keep their data in another file */
};

/* Read LXC's bdev-policy.conf; without it, nothing is allowed. Returns 0 or -errno (logged). Call policy_clear() in
 * both cases. */
int policy_read(struct policy *ret);
/* Free what the policy holds. */
void policy_clear(struct policy *policy);

/* Return whether an image in the directory `own` may refer to the file with this real path. */
bool policy_allows_file(const struct policy *policy, const char *path, const char *own);
/* Return whether the URI is allowed; one with a fault never is. */
bool policy_allows_uri(const struct policy *policy, const char *uri);

/*
 * Return whether a bdev.policy.uri line allows the URI. Upper and lower case of scheme and host are the same. A missing
 * port is the scheme's default. The line's path matches itself and all paths below it, by whole components. nbd+unix
 * must be equal. A scheme alone ("nbd:") allows all its URIs. A URI with a fault is never allowed.
 */
bool policy_uri_matches(const char *line, const char *uri);
/* Return why the URI can never be allowed, a constant for after "URI: "; NULL: it can. */
const char *policy_uri_fault(const char *uri);

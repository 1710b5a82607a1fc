/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What the host's administrator lets images refer to, beyond what lies in their own directory. */
struct policy {
	char **dirs; /* backing files may lie below these */
	size_t ndirs;
	char **uris; /* of servers, as policy_uri_matches() compares them */
	size_t nuris;
	bool data_file; /* qcow2 images may keep their data in another file */
};

/* Read LXC's bdev-policy.conf; without it, nothing is allowed. 0 or -errno (logged). policy_clear() in both cases. */
int policy_read(struct policy *ret);
void policy_clear(struct policy *policy);

/* A file that an image in `own` refers to, by its real path. */
bool policy_allows_file(const struct policy *policy, const char *path, const char *own);
/* A URI of a server; one with a fault never is. */
bool policy_allows_uri(const struct policy *policy, const char *uri);

/*
 * Does this bdev.policy.uri line allow the URI? Scheme and host are compared in any case, the port with the scheme's
 * default for a missing one, and paths by whole components, of which the line may name the first only. Of nbd+unix all
 * is compared. A scheme alone ("nbd:") allows all of it. A URI with a fault is never allowed.
 */
bool policy_uri_matches(const char *line, const char *uri);
/* Say why the URI can never be allowed: a constant that goes on after "URI: ", or NULL: it can. */
const char *policy_uri_fault(const char *uri);

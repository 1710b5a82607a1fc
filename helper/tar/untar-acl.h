/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "untar-job.h"

/* Attributes whose values have IDs: ACLs and capabilities. */

/* Make the kernel's form of the entry's ACL of this type (ARCHIVE_ENTRY_ACL_TYPE_*): *ret, for the caller to free;
 * NULL: it has none. Returns 0 or -errno. */
int acl_from_entry(struct job *job, struct archive_entry *entry, int type, void **ret, size_t *ret_size);
/* Map the IDs in an attribute of the tar to those on disk: *ret, for the caller to free; NULL: the value is the same.
 * Returns 0 or -errno. */
int acl_map_ids(struct job *job, const char *key, const void *value, size_t size, void **ret, size_t *ret_size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-acl - extended attributes whose values have IDs: ACLs and capabilities.
 */
#include "untar-acl.h"
#include "../base/cleanup.h"

#include <endian.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#define ID_NONE UINT_MAX

static int map(struct job *job, bool user, long long inside, uint32_t *ret)
{
	unsigned int id;

	if (inside < 0 || inside >= ID_NONE ||
	    !idmap_out(job->untar->idmap, user ? 'u' : 'g', (unsigned int)inside, &id))
		return job_refuse(job, -EINVAL, "its ACL is for %s %lld, which is not an id of the layer",
				  user ? "user" : "group", inside);
	*ret = htole32(id);
	return 0;
}

/* The kinds of entries, in the order that the kernel requires. */
static const struct {
	int tag;
	uint16_t kernel;
} tags[] = {
	{ ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_USER_OBJ },	{ ARCHIVE_ENTRY_ACL_USER, ACL_USER },
	{ ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_GROUP_OBJ }, { ARCHIVE_ENTRY_ACL_GROUP, ACL_GROUP },
	{ ARCHIVE_ENTRY_ACL_MASK, ACL_MASK },		{ ARCHIVE_ENTRY_ACL_OTHER, ACL_OTHER },
};

int acl_from_entry(struct job *job, struct archive_entry *entry, int type, void **ret, size_t *ret_size)
{
	int n = archive_entry_acl_reset(entry, type), have, permset, tag, qualifier;
	_cleanup_free_ struct posix_acl_xattr_header *acl = NULL;
	struct posix_acl_xattr_entry *next;
	const char *name;

	*ret = NULL;
	if (n <= 0)
		return 0;
	/* Three more may come from the mode. */
	acl = xcalloc(1, sizeof(*acl) + ((size_t)n + 3) * sizeof(*next));
	acl->a_version = htole32(POSIX_ACL_XATTR_VERSION);
	next = (void *)(acl + 1);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		bool named = tags[i].kernel == ACL_USER || tags[i].kernel == ACL_GROUP;

		(void)archive_entry_acl_reset(entry, type);
		while (archive_entry_acl_next(entry, type, &have, &permset, &tag, &qualifier, &name) == ARCHIVE_OK) {
			int r = 0;

			if (tag != tags[i].tag)
				continue;
			next->e_tag = htole16(tags[i].kernel);
			next->e_perm = htole16((uint16_t)(permset & 7));
			next->e_id = htole32(ID_NONE);
			/* Only the machine that made the tar knows whose name that is. */
			if (named && qualifier == -1)
				return job_refuse(job, -EINVAL, "its ACL is for '%s', without the number", name ?: "");
			if (named)
				r = map(job, tags[i].kernel == ACL_USER, (unsigned int)qualifier, &next->e_id);
			if (r < 0)
				return r;
			next++;
		}
	}
	*ret_size = (size_t)((char *)next - (char *)acl);
	*ret = TAKE_PTR(acl);
	return 0;
}

/* Check an ACL: for one of another version the kernel says that the file system has none, and an empty one is no ACL.
 * Returns 0 or -EINVAL. */
static int acl_check(struct job *job, const void *value, size_t size)
{
	const struct posix_acl_xattr_header *header = value;
	const struct posix_acl_xattr_entry *entries = (const void *)(header + 1);
	bool fine = size > sizeof(*header) && (size - sizeof(*header)) % sizeof(*entries) == 0 &&
		    le32toh(header->a_version) == POSIX_ACL_XATTR_VERSION;

	for (size_t i = 0; fine && i < (size - sizeof(*header)) / sizeof(*entries); i++) {
		unsigned int tag = le16toh(entries[i].e_tag);

		fine = tag && tag <= ACL_OTHER && (tag & (tag - 1)) == 0 && le16toh(entries[i].e_perm) <= 7;
	}
	return fine ? 0 : job_refuse(job, -EINVAL, "its ACL is damaged");
}

static int acl_map(struct job *job, const void *value, size_t size, void **ret)
{
	struct posix_acl_xattr_entry *next;
	size_t n = (size - sizeof(struct posix_acl_xattr_header)) / sizeof(*next);

	*ret = memcpy(xcalloc(1, size), value, size);
	next = (void *)((char *)*ret + sizeof(struct posix_acl_xattr_header));
	for (; n; n--, next++) {
		bool user = le16toh(next->e_tag) == ACL_USER;
		int r;

		if (!user && le16toh(next->e_tag) != ACL_GROUP)
			continue;
		r = map(job, user, le32toh(next->e_id), &next->e_id);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Map the ID of the root that a capability is for. Returns 0 or -errno. */
static int capability_map(struct job *job, const void *value, size_t size, void **ret, size_t *ret_size)
{
	struct vfs_ns_cap_data *cap = xcalloc(1, sizeof(*cap));
	uint32_t version;
	unsigned int root;

	*ret = cap;
	(void)memcpy(cap, value, size < sizeof(*cap) ? size : sizeof(*cap));
	version = le32toh(cap->magic_etc) & VFS_CAP_REVISION_MASK;
	if (!(version == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) &&
	    !(version == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3))
		return job_refuse(job, -EINVAL, "unknown version of its capabilities");
	if (!idmap_out(job->untar->idmap, 'u', le32toh(cap->rootid), &root))
		return job_refuse(job, -EINVAL, "its capabilities are for user %u, which is not an id of the layer",
				  le32toh(cap->rootid));
	cap->rootid = htole32(root);
	cap->magic_etc = htole32((le32toh(cap->magic_etc) & ~(uint32_t)VFS_CAP_REVISION_MASK) |
				 (root ? VFS_CAP_REVISION_3 : VFS_CAP_REVISION_2));
	*ret_size = root ? XATTR_CAPS_SZ_3 : XATTR_CAPS_SZ_2;
	return 0;
}

int acl_map_ids(struct job *job, const char *key, const void *value, size_t size, void **ret, size_t *ret_size)
{
	bool acl = strncmp(key, "system.posix_acl_", 17) == 0;
	int r = acl ? acl_check(job, value, size) : 0;

	*ret = NULL;
	*ret_size = size;
	if (r < 0)
		return r;
	if (!job->untar->idmap || !job->untar->idmap->n)
		return 0;
	if (strcmp(key, "security.capability") == 0)
		return capability_map(job, value, size, ret, ret_size);
	return acl ? acl_map(job, value, size, ret) : 0;
}

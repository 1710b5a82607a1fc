/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar-attributes - write extended attributes to a tar.
 *
 * ACLs are written twice: containers/storage reads the kernel's value among the
 * other attributes only, GNU tar and libarchive read text. Both have IDs, as have
 * capabilities.
 */
#include "tar-attributes.h"
#include "../base/cleanup.h"
#include "../delta/xattr.h"

#include <endian.h>
#include <limits.h>
#include <linux/capability.h>
#include <sys/xattr.h>

#define ACL	"system.posix_acl_"
#define ACL_MAX 128 /* more than one entry's text */

struct tarattr {
	const struct delta *delta;
	const struct idmap *idmap;
	size_t escaped; /* attributes that overlay escaped, and the tar has not */
	const char *keys[XATTR_LIST_MAX / 2];
	char list[XATTR_LIST_MAX + 1], value[XATTR_SIZE_MAX], text[XATTR_SIZE_MAX * 4];
};

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct tarattr *tarattr_new(const struct delta *delta, const struct idmap *idmap)
{
	struct tarattr *attr = xcalloc(1, sizeof(*attr));

	attr->delta = delta;
	attr->idmap = idmap;
	return attr;
}

void tarattr_free(struct tarattr *attr)
{
	free(attr);
}

size_t tarattr_escaped(const struct tarattr *attr)
{
	return attr->escaped;
}

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Return whether the attribute has a meaning on this host only. */
static bool is_hosts(const char *key)
{
	return strcmp(key, "security.selinux") == 0 || strcmp(key, "security.evm") == 0 ||
	       strcmp(key, "system.nfs4_acl") == 0;
}

/* Return whether the tar must not have the attribute; *ret_why: and not the file without it, either. */
static bool is_overlays(struct tarattr *attr, const char *key, const char **ret_why)
{
	const char *name = strstr(key, "overlay.");

	if (!begins(key, "trusted.overlay.") && !(attr->delta && attr->delta->user && begins(key, "user.overlay.")))
		return false;
	name += strlen("overlay.");
	if (!attr->delta || !xattr_is_own(attr->delta, key))
		*ret_why = "it has an attribute that means something to overlay";
	else if (xattr_is_escaped(name)) /* of an overlay in the container, and without a meaning outside */
		attr->escaped++;
	else
		*ret_why = xattr_not_representable(name);
	return true;
}

/* Map the IDs of the ACL in attr->value to those of the tar, and write its text. Returns 0 or -errno. */
static int map_acl(struct tarattr *attr, size_t size, const char **ret_why)
{
	static const char *const names[] = { "user:", "user", "group:", "group", "mask:", "other:" };
	size_t n = (size - sizeof(uint32_t)) / sizeof(struct acl_entry), at = 0;

	for (size_t i = 0; i < n; i++) {
		struct acl_entry entry;
		char *place = attr->value + sizeof(uint32_t) + i * sizeof(entry), id[16] = "";
		unsigned int tag, perm, outside, inside;

		(void)memcpy(&entry, place, sizeof(entry));
		tag = le16toh(entry.tag);
		perm = le16toh(entry.perm);
		if (tag == 2 || tag == 8) {
			outside = le32toh(entry.id);
			if (!idmap_in(attr->idmap, tag == 2 ? 'u' : 'g', outside, &inside)) {
				*ret_why = "an id in its ACL has none in the tar";
				return -EOVERFLOW;
			}
			(void)snprintf(id, sizeof(id), ":%u", inside);
			entry.id = htole32(inside);
			(void)memcpy(place, &entry, sizeof(entry));
		}
		if (!tag || tag > 0x20 || (tag & (tag - 1)))
			return -EINVAL;
		at += (size_t)snprintf(attr->text + at, sizeof(attr->text) - at, "%s%s%s:%c%c%c", i ? "," : "",
				       names[__builtin_ctz(tag)], id, perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
				       perm & 1 ? 'x' : '-');
		if (at + ACL_MAX > sizeof(attr->text))
			return -E2BIG;
	}
	return 0;
}

/* Map the ID in a capability of a user namespace's root to the tar's, which may be root itself. Returns 0 or -errno. */
static int map_capability(struct tarattr *attr, size_t *size, const char **ret_why)
{
	struct vfs_ns_cap_data cap;
	unsigned int inside;

	if (!attr->idmap->n || *size != sizeof(cap))
		return 0;
	(void)memcpy(&cap, attr->value, sizeof(cap));
	if (!idmap_in(attr->idmap, 'u', le32toh(cap.rootid), &inside)) {
		*ret_why = "the owner of its capabilities has no id in the tar";
		return -EOVERFLOW;
	}
	cap.rootid = htole32(inside);
	if (!inside) {
		cap.magic_etc = htole32((le32toh(cap.magic_etc) & ~VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2);
		*size = sizeof(struct vfs_cap_data);
	}
	(void)memcpy(attr->value, &cap, *size);
	return 0;
}

static int put_one(struct tarattr *attr, struct tarfile *tar, const char *key, size_t size, const char **ret_why)
{
	int r = 0;

	if (begins(key, ACL) && size >= sizeof(uint32_t)) {
		r = map_acl(attr, size, ret_why);
		if (r == 0)
			r = tarfile_record(tar, "SCHILY.acl.", key + strlen(ACL), attr->text, strlen(attr->text));
	} else if (strcmp(key, "security.capability") == 0) {
		r = map_capability(attr, &size, ret_why);
	}
	if (r == 0)
		r = tarfile_record(tar, "SCHILY.xattr.", key, attr->value, size);
	if (r == -E2BIG)
		*ret_why = "it has more extended attributes than a tar can have";
	return r;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int tarattr_put(struct tarattr *attr, struct tarfile *tar, int fd, const char *path, const char **ret_why)
{
	ssize_t n = path ? listxattr(path, attr->list, XATTR_LIST_MAX) : flistxattr(fd, attr->list, XATTR_LIST_MAX);
	size_t nkeys = 0;
	int r = 0;

	*ret_why = NULL;
	if (n <= 0)
		return n == 0 || errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *key = attr->list; key < attr->list + n; key += strlen(key) + 1)
		attr->keys[nkeys++] = key;
	qsort(attr->keys, nkeys, sizeof(*attr->keys), compare);
	for (size_t i = 0; r == 0 && i < nkeys; i++) {
		const char *key = attr->keys[i];
		ssize_t size;

		if (is_overlays(attr, key, ret_why) || is_hosts(key)) {
			if (*ret_why)
				return -EINVAL;
			continue;
		}
		if (strchr(key, '=')) {
			*ret_why = "the name of an extended attribute has a '=', which no tar can have";
			return -EINVAL;
		}
		size = path ? getxattr(path, key, attr->value, sizeof(attr->value))
			    : fgetxattr(fd, key, attr->value, sizeof(attr->value));
		r = size < 0 ? -errno : put_one(attr, tar, key, (size_t)size, ret_why);
	}
	return r;
}

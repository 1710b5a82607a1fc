/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-attributes - owner, mode, times and extended attributes of an entry.
 */
#include "untar-attributes.h"
#include "untar-acl.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <limits.h>
#include <sys/xattr.h>

#define FILE_PATH   (sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1)
#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool is(const char *key, const char *const names[])
{
	for (; *names; names++)
		if (strcmp(key, *names) == 0)
			return true;
	return false;
}

/* Return whether a layer may have this attribute: not those by which overlay marks a delta. */
static bool allowed(const char *key)
{
	static const char *const spaces[] = { "user.", "trusted." };
	static const char *const some[] = { "security.capability", "security.ima", ACL_ACCESS, ACL_DEFAULT, NULL };

	if (begins(key, "trusted.overlay.") || begins(key, "user.overlay."))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++)
		if (begins(key, spaces[i]) && key[strlen(spaces[i])])
			return true;
	return is(key, some);
}

/* Return whether the attribute belongs to the machine that made the tar, and is left out silently. */
static bool of_machine(const char *key)
{
	static const char *const some[] = { "security.selinux", "security.evm", "security.apparmor", "system.nfs4_acl",
					    NULL };

	return is(key, some);
}

int attributes_read(struct job *job, struct archive_entry *entry, struct attributes *ret)
{
	la_int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	unsigned int u, g;

	if (uid < 0 || uid >= UINT_MAX || !idmap_out(job->untar->idmap, 'u', (unsigned int)uid, &u))
		return job_refuse(job, -EINVAL, "owner %lld is not an id of the layer", (long long)uid);
	if (gid < 0 || gid >= UINT_MAX || !idmap_out(job->untar->idmap, 'g', (unsigned int)gid, &g))
		return job_refuse(job, -EINVAL, "group %lld is not an id of the layer", (long long)gid);
	*ret = (struct attributes){ .uid = u, .gid = g, .mode = archive_entry_mode(entry) & 07777 };
	ret->times[1].tv_sec = archive_entry_mtime(entry);
	ret->times[1].tv_nsec = archive_entry_mtime_nsec(entry);
	ret->times[0] = ret->times[1];
	if (archive_entry_atime_is_set(entry)) {
		ret->times[0].tv_sec = archive_entry_atime(entry);
		ret->times[0].tv_nsec = archive_entry_atime_nsec(entry);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ret->times); i++)
		if (ret->times[i].tv_nsec < 0 || ret->times[i].tv_nsec > 999999999)
			return job_refuse(job, -EINVAL, "invalid time");
	return 0;
}

/* Set an attribute on fd or name. Only files and directories can have `user.*`: on others it comes from another system,
 * and is left out. */
static int set_one(struct job *job, int fd, const char *name, const char *key, const void *value, size_t size)
{
	char path[FILE_PATH];
	int r;

	if (name)
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", job_here(job)->fd, name);
	r = name ? lsetxattr(path, key, value, size, 0) : fsetxattr(fd, key, value, size, 0);
	if (r == 0)
		return 0;
	if (errno == EPERM && name && begins(key, "user.")) {
		job->untar->skipped++;
		return 0;
	}
	if (errno != EOPNOTSUPP)
		return job_refuse(job, -errno, "attribute %s: %s", key, strerror(errno));
	if (!job->warned)
		log_warn("%s: attribute %s: the file system has none of these; they are left out", job->name, key);
	job->warned = true;
	return 0;
}

static int keep_acl(struct node *node, void **acl, size_t size)
{
	free(node->acl);
	node->acl = TAKE_PTR(*acl);
	node->acl_size = size;
	return 0;
}

static int set_xattrs(struct job *job, struct archive_entry *entry, int fd, const char *name, struct node *node)
{
	size_t limit = job->untar->limits.attributes, sum = 0, size;
	const char *key;
	const void *value;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK) {
		_cleanup_free_ void *mapped = NULL;
		int r;

		if (!key)
			continue;
		sum += strlen(key) + size;
		if (limit && sum > limit)
			return job_refuse(job, -E2BIG, "more than %zu bytes of attributes", limit);
		if (!allowed(key)) {
			job->untar->skipped += !of_machine(key);
			continue;
		}
		r = acl_map_ids(job, key, value, size, &mapped, &size);
		if (r == 0 && node && strcmp(key, ACL_DEFAULT) == 0) {
			if (!mapped)
				mapped = memcpy(xcalloc(1, size + 1), value, size);
			r = keep_acl(node, &mapped, size);
		} else if (r == 0) {
			r = set_one(job, fd, name, key, mapped ?: value, size);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int set_acl(struct job *job, struct archive_entry *entry, int fd, const char *name, struct node *node)
{
	int types = archive_entry_acl_types(entry), r = 0;
	_cleanup_free_ void *acl = NULL;
	size_t size;

	if (types & ARCHIVE_ENTRY_ACL_TYPE_ACCESS) {
		r = acl_from_entry(job, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &acl, &size);
		if (r == 0 && acl)
			r = set_one(job, fd, name, ACL_ACCESS, acl, size);
	}
	if (r == 0 && types & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT && node) {
		free(TAKE_PTR(acl));
		r = acl_from_entry(job, entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, &acl, &size);
		if (r == 0 && acl)
			r = keep_acl(node, &acl, size);
	}
	return r;
}

int attributes_set_extended(struct job *job, struct archive_entry *entry, int fd, const char *name, struct node *node)
{
	int r = 0;

	if (archive_entry_xattr_count(entry))
		r = set_xattrs(job, entry, fd, name, node);
	if (r == 0 && archive_entry_acl_types(entry))
		r = set_acl(job, entry, fd, name, node);
	return r;
}

/* List all attributes: *ret, for the caller to free. Returns the length of the list, or -errno. */
static ssize_t list(int fd, char **ret)
{
	ssize_t n;

	*ret = NULL;
	while ((n = flistxattr(fd, NULL, 0)) > 0) {
		free(*ret);
		*ret = xcalloc(1, (size_t)n + 1);
		n = flistxattr(fd, *ret, (size_t)n);
		if (n >= 0 || errno != ERANGE)
			break;
	}
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	return n;
}

int attributes_copy(struct job *job, int from, struct node *to)
{
	_cleanup_free_ char *keys = NULL;
	ssize_t n = list(from, &keys);

	for (const char *key = keys; key && n > 0 && key < keys + n; key += strlen(key) + 1) {
		_cleanup_free_ void *value = NULL;
		ssize_t size;
		int r;

		if (!allowed(key))
			continue;
		value = xcalloc(1, XATTR_SIZE_MAX);
		size = fgetxattr(from, key, value, XATTR_SIZE_MAX);
		if (size < 0)
			return -errno;
		r = strcmp(key, ACL_DEFAULT) == 0 ? keep_acl(to, &value, (size_t)size)
						  : set_one(job, to->fd, NULL, key, value, (size_t)size);
		if (r < 0)
			return r;
	}
	return n < 0 ? (int)n : 0;
}

int attributes_clear(int fd)
{
	_cleanup_free_ char *keys = NULL;
	ssize_t n = list(fd, &keys);

	for (const char *key = keys; key && n > 0 && key < keys + n; key += strlen(key) + 1)
		if (allowed(key) && fremovexattr(fd, key) < 0 && errno != ENODATA)
			return -errno;
	return n < 0 ? (int)n : 0;
}

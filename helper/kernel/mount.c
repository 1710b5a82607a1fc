/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount - the kernel's mount interface, by descriptor.
 *
 * A mount is built detached and attached in one step when it is complete. If
 * this process is killed before, the kernel undoes everything as it closes our
 * descriptors; afterwards all parts live exactly as long as the attached mount.
 */
#include "mount.h"
#include "mount-table.h"
#include "../base/cleanup.h"
#include "../base/path.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U /* Linux 6.8 */
#endif

/* System calls by number: glibc 2.36 declares them in <sys/mount.h>, which clashes with <linux/mount.h>. */
static int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static int sys_fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, cmd, key, value, aux);
}

static int sys_mount(const char *source, const char *target, const char *type, unsigned long flags)
{
	return (int)syscall(SYS_mount, source, target, type, flags, NULL);
}

int fs_open(struct fs *fs, const char *type)
{
	*fs = (struct fs){ .fd = sys_fsopen(type) };
	return fs->fd < 0 ? -errno : 0;
}

void fs_close(struct fs *fs)
{
	cleanup_close(&fs->fd);
	fs->fd = -EBADF;
}

/* Keep the last error that the file system logged about a failed call ("e TEXT"). Returns r, or that call's -errno. */
static int fs_result(struct fs *fs, int r)
{
	char line[sizeof(fs->error)];
	ssize_t n;

	if (r >= 0)
		return r;
	r = -errno;
	while ((n = read(fs->fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (n > 2 && *line == 'e')
			(void)snprintf(fs->error, sizeof(fs->error), ": %s", line + 2);
	}
	return r;
}

int fs_set(struct fs *fs, const char *key, const char *value)
{
	return fs_result(fs, sys_fsconfig(fs->fd, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0));
}

int fs_set_fd(struct fs *fs, const char *key, int fd)
{
	return fs_result(fs, sys_fsconfig(fs->fd, FSCONFIG_SET_FD, key, NULL, fd));
}

int fs_mount(struct fs *fs, bool readonly)
{
	int r = fs_result(fs, sys_fsconfig(fs->fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));

	if (r < 0)
		return r;
	r = (int)syscall(SYS_fsmount, fs->fd, FSMOUNT_CLOEXEC, readonly ? MOUNT_ATTR_RDONLY : 0);
	return fs_result(fs, r);
}

int mount_clone(int fd, bool recursive)
{
	int tree = (int)syscall(SYS_open_tree, fd, "",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));

	return tree < 0 ? -errno : tree;
}

int mount_attach(int mount, int target)
{
	if (syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int mount_set_readonly(int mount, bool recursive, const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
		    sizeof(attr)) == 0)
		return 0;
	if (errno != ENOSYS || !path)
		return -errno;
	/* Linux 5.10: this mount alone. Callers there do not clone recursively. */
	return sys_mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY) < 0 ? -errno : 0;
}

int mount_set_writable(int mount)
{
	struct mount_attr attr = { .attr_clr = MOUNT_ATTR_RDONLY };

	return syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0 ? -errno : 0;
}

/*
 * The text is "ID:MAJOR:MINOR:UNIQUE:NAMESPACE". ID is the one in mountinfo, which the kernel soon uses again; UNIQUE
 * it never uses again, and is 0 before Linux 6.8.
 */
char *mount_id_text(int fd)
{
	struct statx st, unique;
	struct stat ns;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) < 0 ||
	    statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID_UNIQUE, &unique) < 0 ||
	    stat("/proc/self/ns/mnt", &ns) < 0)
		return NULL;
	return xasprintf("%llu:%u:%u:%llu:%llu", (unsigned long long)st.stx_mnt_id, st.stx_dev_major, st.stx_dev_minor,
			 unique.stx_mask & STATX_MNT_ID_UNIQUE ? (unsigned long long)unique.stx_mnt_id : 0,
			 (unsigned long long)ns.st_ino);
}

int mount_is(int fd, const char *text)
{
	_cleanup_free_ char *now = mount_id_text(fd);
	const char *namespace = now ? strrchr(now, ':') : NULL;
	struct statx st;

	if (!namespace || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0)
		return -errno;
	/* Leave the namespace out: it is that of the process which looks. */
	return strncmp(now, text, (size_t)(namespace - now) + 1) == 0 && (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mount_is_readonly(int fd)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return -errno;
	return (st.f_flag & ST_RDONLY) != 0;
}

struct description {
	unsigned int id;
	char *target, *options;
};

static bool describe(const struct mount_entry *entry, void *arg)
{
	struct description *description = arg;

	if (entry->id != description->id)
		return false;
	description->target = xstrdup(entry->target);
	description->options = xstrdup(entry->options);
	return true;
}

int mount_describe(int fd, char **ret_target, char **ret_options)
{
	struct description description = { 0 };
	struct statx st;
	int r;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) < 0)
		return -errno;
	description.id = (unsigned int)st.stx_mnt_id;
	r = mount_table_each(MOUNT_TABLE_OWN, describe, &description);
	if (r <= 0)
		return r ?: -ENOENT;
	*ret_target = description.target;
	*ret_options = description.options;
	return 0;
}

struct search {
	const char *path;
	char *found; /* is_below */
	unsigned int id;
	dev_t dev;
	bool foreign;
};

static bool is_below(const struct mount_entry *entry, void *arg)
{
	struct search *search = arg;

	if (!path_below(entry->target, search->path))
		return false;
	search->found = xstrdup(entry->target);
	return true;
}

int mount_find_below(const char *path, char **ret)
{
	struct search search = { .path = path };
	int r = mount_table_each(MOUNT_TABLE_OWN, is_below, &search);

	*ret = search.found;
	return r;
}

static bool is_at(const struct mount_entry *entry, void *arg)
{
	const struct search *search = arg;

	return strcmp(entry->target, search->path) == 0 && entry->dev == search->dev &&
	       (search->foreign || entry->id == search->id);
}

int mount_is_covered(const char *path, const char *text)
{
	struct search search = { .path = path };
	unsigned int major, minor;
	unsigned long long ns;
	struct stat own;
	int r;

	if (sscanf(text, "%u:%u:%u:%*u:%llu", &search.id, &major, &minor, &ns) != 4)
		return 0;
	if (stat("/proc/self/ns/mnt", &own) < 0)
		return -errno;
	search.dev = makedev(major, minor);
	/* An id of another namespace means nothing here. The mount may be a copy of that one's, so it is spared. */
	search.foreign = own.st_ino != ns;
	r = mount_table_each(MOUNT_TABLE_OWN, is_at, &search);
	return r > 0 ? 1 + search.foreign : r;
}

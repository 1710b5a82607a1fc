/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delta - what a directory of a delta says, in aufs' form and in overlay's.
 *
 * Names come from readdir, and are looked at one by one only where they may be
 * more than that: a device may be a whiteout, and any file may have attributes
 * that mean something to overlay.
 */
#include "delta.h"
#include "../base/cleanup.h"
#include "aufs-names.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define FILE_PATH (sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1)

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

const char *delta_prefix(const struct delta *delta)
{
	return delta->user ? "user.overlay." : "trusted.overlay.";
}

bool delta_owns_xattr(const struct delta *delta, const char *name)
{
	return delta->form == DELTA_OVERLAY && begins(name, delta_prefix(delta));
}

/* Of overlay's attributes (the name without prefix), why it cannot be left out. NULL: it can, or is read elsewhere. */
static const char *overlay_foreign(const char *name)
{
	static const char *const own[] = { "opaque", "origin", "impure", "nlink", "uuid", "protattr", "upper" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return NULL;
	if (strcmp(name, "redirect") == 0)
		return "overlay renamed it (redirect): its contents are below, under another name";
	if (strcmp(name, "metacopy") == 0)
		return "overlay copied its metadata only (metacopy): its data is below";
	if (begins(name, "overlay."))
		return "it has an attribute that overlay escaped";
	return strcmp(name, "whiteout") == 0 ? "it has overlay's attribute of a whiteout, and is none"
					     : "it has an attribute of overlay's whose meaning is not known";
}

/* What a file's, or directory's, attributes say. */
struct attributes {
	const char *foreign; /* the other form cannot say that, or would take it for its own */
	bool own, whiteout;
};

/* Overlay's attribute of the other kind, that says what is not there: whoever gave it meant the delta to be read so. */
static const char *other_foreign(const struct delta *delta, const char *key)
{
	static const char *const says[] = { "opaque", "whiteout", "redirect", "metacopy" };
	const struct delta other = { .user = !delta->user };
	size_t n = strlen(delta_prefix(&other));

	if (delta->form != DELTA_OVERLAY || !begins(key, delta_prefix(&other)))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (strcmp(key + n, says[i]) == 0)
			return delta->user ? "it has a meaning without --userxattr only (trusted.overlay.*)"
					   : "it has a meaning with --userxattr only (user.overlay.*)";
	return NULL;
}

static void read_list(const struct delta *delta, const char *list, ssize_t n, struct attributes *ret)
{
	const char *prefix = delta_prefix(delta);

	for (const char *key = list; key < list + n; key += strlen(key) + 1) {
		if (!begins(key, prefix)) {
			ret->foreign = ret->foreign ?: other_foreign(delta, key);
			continue;
		}
		ret->own = delta->form == DELTA_OVERLAY;
		if (!ret->own)
			ret->foreign = "it has an attribute that means something to overlay";
		else if (strcmp(key + strlen(prefix), "whiteout") == 0)
			ret->whiteout = true;
		else if (!ret->foreign)
			ret->foreign = overlay_foreign(key + strlen(prefix));
	}
}

/* Of what is at fd, or of the name in it. 0 or -errno. */
static int read_attributes(const struct delta *delta, int fd, const char *name, struct attributes *ret)
{
	_cleanup_free_ char *list = NULL;
	char path[FILE_PATH];
	ssize_t size, n;

	*ret = (struct attributes){ 0 };
	if (name)
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, name);
	/* Most have none, and to say so costs the kernel no memory. */
	while ((size = name ? llistxattr(path, NULL, 0) : flistxattr(fd, NULL, 0)) > 0) {
		free(list);
		list = xcalloc(1, (size_t)size + 1);
		n = name ? llistxattr(path, list, (size_t)size) : flistxattr(fd, list, (size_t)size);
		if (n < 0 && errno == ERANGE)
			continue; /* there are more now */
		read_list(delta, list, n, ret);
		size = n;
		break;
	}
	return size >= 0 || errno == EOPNOTSUPP ? 0 : -errno;
}

static void set(struct delta_entry *entry, enum delta_kind kind, const char *why)
{
	entry->kind = kind;
	entry->why = why;
}

/* A name that begins with `.wh.`. 0 or -errno; *ret_opaque: it makes the directory opaque, and is nothing else. */
static int read_wh(int fd, struct delta_entry *entry, bool *ret_opaque)
{
	const char *name = entry->name + strlen(WH);
	struct stat st;

	*ret_opaque = false;
	if (begins(entry->name, WH_DR)) {
		set(entry, DELTA_FOREIGN, "aufs renamed directories here (dirren), which only aufs can tell");
	} else if (strcmp(entry->name, WH_HINO) == 0) {
		if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISREG(st.st_mode) && st.st_size)
			set(entry, DELTA_FOREIGN, "aufs renamed directories (dirren), which only aufs can tell");
		else
			set(entry, DELTA_HIDDEN, NULL);
	} else if (begins(entry->name, WH_OWN) && strcmp(entry->name, WH_OPQ) != 0) {
		set(entry, DELTA_HIDDEN, NULL);
	} else if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		set(entry, DELTA_FOREIGN, "a whiteout without a name");
	} else if (entry->type != DT_REG) {
		set(entry, DELTA_FOREIGN, "a whiteout of aufs is a regular file, and this is not");
	} else if (strcmp(entry->name, WH_OPQ) == 0) {
		*ret_opaque = true;
	} else {
		set(entry, DELTA_WHITEOUT, NULL);
		(void)memmove(entry->name, name, strlen(name) + 1);
	}
	if (entry->kind == DELTA_HIDDEN)
		entry->why = "aufs' own";
	return 0;
}

/* A name that means what it is in aufs, but may mean something else to overlay. 0 or -errno. */
static int read_aufs(const struct delta *delta, int fd, struct delta_entry *entry)
{
	struct attributes attributes;
	struct stat st;
	int r;

	if (entry->type == DT_CHR) {
		if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0)) {
			set(entry, DELTA_FOREIGN, "a character device 0:0 is a whiteout to overlay");
			return 0;
		}
	}
	/* Directories are asked when they are read. Others than files cannot have user.*. */
	if (entry->type == DT_DIR || (delta->user && entry->type != DT_REG))
		return 0;
	r = read_attributes(delta, fd, entry->name, &attributes);
	if (r == 0 && attributes.foreign)
		set(entry, DELTA_FOREIGN, attributes.foreign);
	return r;
}

/* `exes`: the directory has whiteouts that are files with an attribute. */
static int read_overlay(const struct delta *delta, int fd, bool again, bool exes, struct delta_entry *entry)
{
	struct attributes attributes = { 0 };
	struct stat st;
	int r = 0;

	if (entry->type == DT_CHR || (exes && entry->type == DT_REG)) {
		if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
			set(entry, DELTA_WHITEOUT, NULL);
		exes &= S_ISREG(st.st_mode) && !st.st_size;
	}
	/* Directories are asked when they are read. Others than files cannot have user.*. */
	if (entry->kind == DELTA_FILE && (!delta->user || entry->type == DT_REG) && (!again || exes))
		r = read_attributes(delta, fd, entry->name, &attributes);
	entry->own = attributes.own;
	if (attributes.whiteout && exes && entry->type == DT_REG)
		set(entry, DELTA_WHITEOUT, NULL);
	else if (attributes.whiteout)
		attributes.foreign = overlay_foreign("whiteout");
	if (attributes.foreign)
		set(entry, DELTA_FOREIGN, attributes.foreign);
	else if (begins(entry->name, WH))
		set(entry, DELTA_FOREIGN, "aufs keeps names that begin with .wh. to itself");
	else if (strlen(entry->name) > AUFS_MAX)
		set(entry, DELTA_FOREIGN, "aufs takes no name of more than 242 bytes");
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct delta_entry *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ?: (y->kind == DELTA_WHITEOUT) - (x->kind == DELTA_WHITEOUT);
}

/* All names at fd, with their types. 0 or -errno. */
static int read_names(int fd, struct delta_dir *dir)
{
	_Alignas(struct dirent64) char buffer[32 << 10];
	struct stat st;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		for (const struct dirent64 *next = (void *)buffer; (char *)next < buffer + n;
		     next = (const void *)((const char *)next + next->d_reclen)) {
			struct delta_entry *entry;

			if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0)
				continue;
			entry = ARRAY_ADD(dir->entries, dir->n);
			entry->name = xstrdup(next->d_name);
			entry->type = next->d_type;
			if (entry->type == DT_UNKNOWN) {
				if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
					return -errno;
				entry->type = IFTODT(st.st_mode);
			}
			entry->kind = entry->type == DT_DIR ? DELTA_DIR : DELTA_FILE;
		}
	}
	return n < 0 ? -errno : 0;
}

/* aufs: what a whiteout hides in its own directory is not looked at any further. */
static int read_aufs_dir(const struct delta *delta, int fd, struct delta_dir *dir)
{
	struct attributes attributes;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < dir->n; i++) {
		bool opaque = false;

		if (r == 0 && begins(dir->entries[i].name, WH))
			r = read_wh(fd, &dir->entries[i], &opaque);
		dir->opaque |= opaque;
		if (opaque)
			free(dir->entries[i].name);
		else
			dir->entries[n++] = dir->entries[i];
	}
	dir->n = n;
	if (n)
		qsort(dir->entries, n, sizeof(*dir->entries), compare);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct delta_entry *entry = &dir->entries[i];

		if (entry->kind == DELTA_WHITEOUT || begins(entry->name, WH))
			continue;
		if (i && entry[-1].kind == DELTA_WHITEOUT && strcmp(entry[-1].name, entry->name) == 0)
			set(entry, DELTA_HIDDEN, "a whiteout in the same directory hides it");
		else if (!dir->again || entry->type == DT_CHR)
			r = read_aufs(delta, fd, entry);
	}
	if (r == 0)
		r = read_attributes(delta, fd, NULL, &attributes);
	if (r == 0)
		dir->foreign = attributes.foreign;
	return r;
}

int delta_mark(const struct delta *delta, int fd)
{
	char key[64], value = 0;
	ssize_t n;

	(void)snprintf(key, sizeof(key), "%sopaque", delta_prefix(delta));
	n = fgetxattr(fd, key, &value, 1);
	if (n >= 0)
		return n == 1 ? value : 0;
	/* Overlay takes no longer value for a mark. */
	return errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE ? 0 : -errno;
}

/* The directory was merged with one below when it was made: overlay noted its origin. 1, 0 or -errno. */
static int is_merged(const struct delta *delta, int fd)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "%sorigin", delta_prefix(delta));
	if (fgetxattr(fd, key, NULL, 0) >= 0)
		return 1;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

static int read_overlay_dir(const struct delta *delta, int fd, bool top, struct delta_dir *dir)
{
	int opaque = delta_mark(delta, fd), merged = is_merged(delta, fd);
	struct attributes attributes;
	int r = read_attributes(delta, fd, NULL, &attributes);

	r = opaque < 0 ? opaque : merged < 0 ? merged : r;
	dir->own = attributes.own;
	dir->foreign = attributes.whiteout ? overlay_foreign("whiteout") : attributes.foreign;
	dir->opaque = opaque == 'y' && !top;
	dir->merged = merged == 1;
	if (dir->n)
		qsort(dir->entries, dir->n, sizeof(*dir->entries), compare);
	for (size_t i = 0; r == 0 && i < dir->n; i++)
		r = read_overlay(delta, fd, dir->again, opaque == 'x', &dir->entries[i]);
	return r;
}

static int read_dir(const struct delta *delta, int fd, bool top, struct delta_dir *ret)
{
	int r = read_names(fd, ret);

	if (r < 0)
		return r;
	return delta->form == DELTA_AUFS ? read_aufs_dir(delta, fd, ret) : read_overlay_dir(delta, fd, top, ret);
}

int delta_read(const struct delta *delta, int fd, bool top, struct delta_dir *ret)
{
	*ret = (struct delta_dir){ 0 };
	return read_dir(delta, fd, top, ret);
}

int delta_read_again(const struct delta *delta, int fd, bool top, struct delta_dir *ret)
{
	*ret = (struct delta_dir){ .again = true };
	return read_dir(delta, fd, top, ret);
}

void delta_dir_clear(struct delta_dir *dir)
{
	for (size_t i = 0; i < dir->n; i++)
		free(dir->entries[i].name);
	free(dir->entries);
	*dir = (struct delta_dir){ 0 };
}

int delta_top_says(const struct delta *delta, int top)
{
	struct attributes attributes;
	struct stat st;
	int r;

	if (delta->form == DELTA_AUFS) {
		if (fstatat(top, WH_BASE, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return S_ISREG(st.st_mode);
		return errno == ENOENT ? 0 : -errno;
	}
	r = read_attributes(delta, top, NULL, &attributes);
	return r < 0 ? r : attributes.own;
}

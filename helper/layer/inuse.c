/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inuse - who uses a layer, as the kernel and the records of others say it.
 */
#include "inuse.h"
#include "../core/allmounts.h"
#include "../core/aufsinfo.h"
#include "../core/cleanup.h"
#include "../core/journal.h"
#include "../core/mount.h"
#include "../core/overlayfs.h"
#include "holders.h"

#include <fcntl.h>
#include <sys/stat.h>

struct search {
	char *at, *diff; /* mnt/ID and diff/ID, absolute */
	char *tail;	 /* of the latter, /diff/ID */
	struct stat st;	 /* of the latter */
	struct inuse *found;
};

/* The path is a value in overlay's options: of this key, or (NULL) of any. */
static bool names(const char *options, const char *key, const char *path)
{
	size_t n = strlen(path);

	for (const char *p = options; (p = strstr(p, path)); p++) {
		if (p == options || !strchr("=:", p[-1]) || !(p[n] == '\0' || p[n] == ',' || p[n] == ':'))
			continue;
		if (!key || (p - options >= (ptrdiff_t)strlen(key) && strncmp(p - strlen(key), key, strlen(key)) == 0))
			return true;
	}
	return false;
}

/*
 * An option of this key (NULL: any) names the layer's directory by another path: the store is reached by two, or was
 * moved. That is told by the inode; where it cannot be, as the path is of another namespace, the same end is enough.
 */
static bool names_inode(const struct search *search, const char *options, const char *key)
{
	size_t n = strlen(search->tail);

	for (const char *p = options; (p = strstr(p, search->tail)); p++) {
		_cleanup_free_ char *path = NULL;
		const char *begin = p;
		struct stat st;

		while (begin > options && !strchr("=:", begin[-1]))
			begin--;
		if (!(p[n] == '\0' || p[n] == ',' || p[n] == ':') ||
		    (key &&
		     (begin - options < (ptrdiff_t)strlen(key) || strncmp(begin - strlen(key), key, strlen(key)) != 0)))
			continue;
		path = xasprintf("%.*s", (int)(p + n - begin), begin);
		if (lstat(path, &st) < 0 || (st.st_dev == search->st.st_dev && st.st_ino == search->st.st_ino))
			return true;
	}
	return false;
}

static bool look_at(struct mount_seen *mount, void *arg)
{
	struct search *search = arg;
	struct inuse *found = search->found;
	char *options = mount_unescape(mount->options);
	bool at = strcmp(mount->at, search->at) == 0,
	     union_fs = strcmp(mount->type, "overlay") == 0 || strcmp(mount->type, "aufs") == 0,
	     upper = union_fs &&
		     (names(options, "upperdir=", search->diff) || names_inode(search, options, "upperdir="));

	if (at && !mount->pid) {
		/* The last one is on top. */
		found->mounted = true;
		found->ours = union_fs && strcmp(mount->source, "lxc-bdev") == 0;
		found->writable = found->ours && (strcmp(mount->type, "aufs") == 0 ? strncmp(options, "rw", 2) == 0
										   : !!strstr(options, "upperdir="));
	} else if (at || upper) {
		found->elsewhere = mount->pid ?: getpid();
	} else if (union_fs && (names(options, NULL, search->diff) || names_inode(search, options, NULL))) {
		found->shown = mount->pid ?: getpid();
	}
	return false;
}

void inuse_look(const struct store *store, const char *id, bool all, struct inuse *ret)
{
	_cleanup_free_ char *at = xasprintf("%s/mnt/%s", store->dir, id), *tail = xasprintf("/diff/%s", id),
			    *diff = xasprintf("%s%s", store->dir, tail);
	struct search search = { .at = at, .diff = diff, .tail = tail, .found = ret };

	/* Is there none, nothing is of its inode. */
	(void)fstatat(store->fd, diff + strlen(store->dir) + 1, &search.st, AT_SYMLINK_NOFOLLOW);
	*ret = (struct inuse){ 0 };
	(void)mounts_each(all, look_at, &search);
}

bool inuse_written(const struct store *store, int layer)
{
	if (store->delta.form == DELTA_AUFS)
		return aufs_is_loaded() && aufs_in_use(layer);
	return overlayfs_in_use(layer, store->fd);
}

char *inuse_by(const struct store *store, const char *id)
{
	_cleanup_free_ char *key = store_key(store, id);
	struct inuse inuse;
	char **holders, *by = NULL;
	size_t n;

	holders_living(store, id, true, &holders, &n);
	if (n)
		by = xasprintf("holder '%s'", holders[0]);
	strings_free(holders, n);
	if (!by)
		by = journal_find_running("layer", key, NULL);
	if (by)
		return by;
	inuse_look(store, id, true, &inuse);
	if (inuse.mounted)
		return xasprintf("mount on '%s/mnt/%s'", store->dir, id);
	if (inuse.elsewhere || inuse.shown)
		return xasprintf("mount in the mount namespace of process %d",
				 (int)(inuse.elsewhere ? inuse.elsewhere : inuse.shown));
	return NULL;
}

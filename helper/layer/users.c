/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * users - find the users of a layer: in the mounts of all processes, in the records
 * of holders, and in the journals of running containers.
 */
#include "users.h"
#include "../kernel/all-mounts.h"
#include "../kernel/aufs-info.h"
#include "../uses/aufs-users.h"
#include "../base/cleanup.h"
#include "../record/uses.h"
#include "../base/log.h"
#include "../base/text.h"
#include "../kernel/overlay.h"
#include "holders.h"

#include <fcntl.h>
#include <sys/stat.h>

struct search {
	const char *at, *tail; /* the store's mnt/ID, absolute; /diff/ID */
	struct stat mnt, diff; /* the store's mnt, and diff/ID if that is there */
	bool there;
	struct layer_use *found;
};

/*
 * Return whether an option with this key (NULL: any) is the layer's directory. The store may have several paths, or
 * have been moved, so each value that ends like the layer's directory is looked up in the mount's own namespace.
 */
static bool names(const struct search *search, const struct mount_seen *mount, const char *options, const char *key)
{
	size_t n = strlen(search->tail);

	for (const char *p = options; search->there && (p = strstr(p, search->tail)); p++) {
		_cleanup_free_ char *path = NULL;
		const char *begin = p;

		while (begin > options && !strchr("=:", begin[-1]))
			begin--;
		if (!(p[n] == '\0' || p[n] == ',' || p[n] == ':') ||
		    (key &&
		     (begin - options < (ptrdiff_t)strlen(key) || strncmp(begin - strlen(key), key, strlen(key)) != 0)))
			continue;
		path = xasprintf("%.*s", (int)(p + n - begin), begin);
		if (mount_leads_to(mount, path, &search->diff))
			return true;
	}
	return false;
}

/* Return whether the mount is on the store's mnt/ID. In other namespaces that path may be another directory. */
static bool is_at(const struct search *search, const struct mount_seen *mount)
{
	_cleanup_free_ char *mnt = NULL;

	if (strcmp(mount->entry->target, search->at) != 0)
		return false;
	mnt = xstrndup(search->at, (size_t)(strrchr(search->at, '/') - search->at));
	return !mount->pid || mount_leads_to(mount, mnt, &search->mnt);
}

static bool look_at(const struct mount_seen *mount, void *arg)
{
	const struct mount_entry *entry = mount->entry;
	struct search *search = arg;
	struct layer_use *found = search->found;
	_cleanup_free_ char *options = text_unescape(xstrdup(entry->options));
	bool at = is_at(search, mount),
	     union_fs = strcmp(entry->type, "overlay") == 0 || strcmp(entry->type, "aufs") == 0,
	     upper = union_fs && names(search, mount, options, "upperdir=");

	if (at && !mount->pid) {
		/* The last one is on top. */
		found->mounted = true;
		found->ours = union_fs && strcmp(entry->source, "lxc-bdev") == 0;
		found->writable = found->ours &&
				  (strcmp(entry->type, "aufs") == 0 ? strncmp(options, "rw", 2) == 0
								    : text_option(entry->options, "upperdir") != NULL);
	} else if (at || upper) {
		found->elsewhere = mount->pid ?: getpid();
	} else if (union_fs && names(search, mount, options, NULL)) {
		found->reader = mount->pid ?: getpid();
	}
	return false;
}

int users_look(const struct store *store, const char *id, bool all, struct layer_use *ret)
{
	_cleanup_free_ char *at = xasprintf("%s/mnt/%s", store->dir, id), *tail = xasprintf("/diff/%s", id);
	struct search search = { .at = at, .tail = tail, .found = ret };
	int r = store_look(store, tail + 1, &search.diff);

	*ret = (struct layer_use){ 0 };
	/* Without a directory, no mount can have it. */
	search.there = r > 0;
	if (r >= 0)
		r = store_look(store, "mnt", &search.mnt);
	if (r < 0)
		return r;
	r = mounts_each(all, look_at, &search);
	return r < 0 ? log_errno(r, "layer '%s': read all mounts that it may be in", id) : 0;
}

int users_is_written(const struct store *store, int layer)
{
	if (store->delta.format == DELTA_AUFS)
		return aufs_is_loaded() ? aufs_in_use(layer) : 0;
	return overlayfs_in_use(layer, store->fd);
}

char *users_find_container(const struct store *store, const char *id)
{
	_cleanup_free_ char *key = store_key(store, id);
	char *user;

	(void)uses_who(&(struct claim){ .object = CLAIM_LAYER, .mode = CLAIM_READ, .id = key }, true, NULL, &user);
	return user;
}

int users_find(const struct store *store, const char *id, char **ret)
{
	struct layer_use use;
	char **holders;
	size_t n;
	int r = holders_list_living(store, id, true, &holders, &n);

	*ret = n ? xasprintf("holder '%s'", holders[0]) : NULL;
	strings_free(holders, n);
	if (r == 0 && !*ret)
		*ret = users_find_container(store, id);
	if (r < 0 || *ret)
		return r < 0 ? r : 1;
	r = users_look(store, id, true, &use);
	if (r < 0)
		return r;
	if (use.mounted)
		*ret = xasprintf("mount on '%s/mnt/%s'", store->dir, id);
	else if (use.elsewhere || use.reader)
		*ret = xasprintf("mount in the mount namespace of process %d",
				 (int)(use.elsewhere ? use.elsewhere : use.reader));
	return *ret ? 1 : 0;
}

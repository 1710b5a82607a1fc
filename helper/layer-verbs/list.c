/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list - what is in a store.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../layer/holders.h"
#include "../layer/metadata.h"
#include "../layer/users.h"
#include "../command/json.h"
#include "layer.h"

#include <linux/magic.h>
#include <sys/vfs.h>

/* A layer with what is known of it now. */
struct found {
	struct layer layer;
	const char *why; /* its record is damaged */
	struct layer_use use;
	char **holders;
	size_t nholders;
};

/* 0 or -errno (logged). */
static int look_up(const struct store *store, const char *id, struct found *ret)
{
	int r = layer_read_unchecked(store, id, &ret->layer, &ret->why);

	if (r < 0 && !ret->why && r != -ENOENT)
		return log_errno(r, "read '%s/layers/%s'", store->dir, id);
	return users_look(store, id, false, &ret->use)
		       ?: holders_list_living(store, id, false, &ret->holders, &ret->nholders);
}

static void forget(struct found *found)
{
	layer_clear(&found->layer);
	strings_free(found->holders, found->nholders);
}

static struct json_object *strings_json(char *const *strings, size_t n)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		json_object_array_add(array, json_object_new_string(strings[i]));
	return array;
}

static struct json_object *layer_json(const struct store *store, const struct found *found)
{
	_cleanup_free_ char *diff = xasprintf("%s/diff/%s", store->dir, found->layer.id),
			    *mnt = xasprintf("%s/mnt/%s", store->dir, found->layer.id);
	const struct layer *layer = &found->layer;
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_string(layer->id));
	json_object_object_add(o, "parent", layer->n ? json_object_new_string(layer->lowers[0]) : NULL);
	json_object_object_add(o, "lowers", strings_json(layer->lowers, layer->n));
	json_object_object_add(o, "rw", json_object_new_boolean(layer->rw));
	json_object_object_add(o, "size", layer->size ? json_object_new_int64((int64_t)layer->size) : NULL);
	json_object_object_add(o, "created", layer->created ? json_object_new_int64(layer->created) : NULL);
	json_object_object_add(o, "driver", json_object_new_string(store_driver(store)));
	json_object_object_add(o, "diff", json_object_new_string(diff));
	json_object_object_add(o, "mounted", found->use.ours ? json_object_new_string(mnt) : NULL);
	json_object_object_add(o, "writable", json_object_new_boolean(found->use.writable));
	json_object_object_add(o, "holders", strings_json(found->holders, found->nholders));
	json_object_object_add(o, "damaged", found->why ? json_object_new_string(found->why) : NULL);
	return o;
}

static void print_line(const struct found *found)
{
	const struct layer *layer = &found->layer;

	printf("%s\t%s\t%zu\t%s\n", layer->id, layer->n ? layer->lowers[0] : "-", layer->n + 1,
	       found->why	 ? found->why
	       : found->use.ours ? "mounted"
				 : "-");
}

/* A store comes to be with its first layer: before, there are none. */
static int list_nothing(const struct args *args)
{
	const struct layer_options *options = args->options;

	if (options->json)
		json_print(json_object_new_array());
	return 0;
}

static int run_list(const struct args *args, struct store *store)
{
	const struct layer_options *options = args->options;
	struct json_object *list = options->json ? json_object_new_array() : NULL;
	char **ids;
	size_t n;
	int r = store_list(store, "layers", &ids, &n);

	for (size_t i = 0; i < n; i++) {
		struct found found = { 0 };
		int s = look_up(store, ids[i], &found);

		/* Of what is not known nothing is said. */
		if (s == 0 && list)
			json_object_array_add(list, layer_json(store, &found));
		else if (s == 0)
			print_line(&found);
		forget(&found);
		r = r ?: s;
	}
	if (list)
		json_print(list);
	strings_free(ids, n);
	return r;
}

static void print_metadata(const struct store *store, const struct found *found)
{
	const struct layer *layer = &found->layer;

	printf("id: %s\nparent: %s\nlayers: %zu\nwritable: %s\n", layer->id, layer->n ? layer->lowers[0] : "-",
	       layer->n + 1, layer->rw ? "meant to be" : "no");
	if (layer->size)
		printf("size: %llu\n", (unsigned long long)layer->size);
	if (layer->created)
		printf("created: %lld\n", layer->created);
	printf("driver: %s\ndiff: %s/diff/%s\n", store_driver(store), store->dir, layer->id);
	if (found->use.ours)
		printf("mounted: %s/mnt/%s, %s\n", store->dir, layer->id,
		       found->use.writable ? "writable" : "read-only");
	for (size_t i = 0; i < found->nholders; i++)
		printf("holder: %s\n", found->holders[i]);
}

static int run_metadata(const struct args *args, struct store *store)
{
	const struct layer_options *options = args->options;
	struct layer layer;
	int r = layer_read(store, args->argv[0], &layer);

	if (r == 0) {
		struct found found = { 0 };

		r = look_up(store, layer.id, &found);
		if (r == 0 && options->json)
			json_print(layer_json(store, &found));
		else if (r == 0)
			print_metadata(store, &found);
		forget(&found);
	}
	layer_clear(&layer);
	return r;
}

static const char *fs_name(int fd)
{
	static const struct {
		long magic;
		const char *name;
	} known[] = {
		{ EXT4_SUPER_MAGIC, "ext4" }, { XFS_SUPER_MAGIC, "xfs" },	    { BTRFS_SUPER_MAGIC, "btrfs" },
		{ TMPFS_MAGIC, "tmpfs" },     { OVERLAYFS_SUPER_MAGIC, "overlay" }, { NFS_SUPER_MAGIC, "nfs" },
		{ F2FS_SUPER_MAGIC, "f2fs" },
	};
	struct statfs st;

	for (size_t i = 0; fstatfs(fd, &st) == 0 && i < ARRAY_SIZE(known); i++)
		if (known[i].magic == (long)st.f_type)
			return known[i].name;
	return "other";
}

static int run_status(const struct args *args, struct store *store)
{
	const struct layer_options *options = args->options;
	size_t n, mounted = 0, holders = 0;
	char **ids;
	int r = store_list(store, "layers", &ids, &n);

	for (size_t i = 0; i < n; i++) {
		struct found found;

		look_up(store, ids[i], &found);
		mounted += found.use.ours;
		holders += found.nholders;
		forget(&found);
	}
	strings_free(ids, n);
	if (options->json) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "root", json_object_new_string(store->dir));
		json_object_object_add(o, "driver", json_object_new_string(store_driver(store)));
		json_object_object_add(o, "filesystem", json_object_new_string(fs_name(store->fd)));
		json_object_object_add(o, "layers", json_object_new_int64((int64_t)n));
		json_object_object_add(o, "mounted", json_object_new_int64((int64_t)mounted));
		json_object_object_add(o, "holders", json_object_new_int64((int64_t)holders));
		json_print(o);
	} else {
		printf("root: %s\ndriver: %s\nfilesystem: %s\nlayers: %zu\nmounted: %zu\nholders: %zu\n", store->dir,
		       store_driver(store), fs_name(store->fd), n, mounted, holders);
	}
	return r;
}

static const struct verb_option list_table[] = {
	LAYER_OPTIONS,
	LAYER_JSON,
	{ .name = NULL },
};

const struct layer_verb layer_verb_list = {
	.verb = {
		.name = "list",
		.summary = "list layers: id, parent or -, number of layers, mounted or - (or what is wrong), a line each",
		.options = list_table,
		.size = sizeof(struct layer_options),
		.run = layer_run,
	},
	.without = list_nothing,
	.run = run_list,
};

const struct layer_verb layer_verb_metadata = {
	.verb = {
		.name = "metadata",
		.words = "ID",
		.summary = "show what is known of a layer",
		.options = list_table,
		.size = sizeof(struct layer_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.run = run_metadata,
};

const struct layer_verb layer_verb_status = {
	.verb = {
		.name = "status",
		.summary = "show what is known of the store",
		.options = list_table,
		.size = sizeof(struct layer_options),
		.run = layer_run,
	},
	.run = run_status,
};

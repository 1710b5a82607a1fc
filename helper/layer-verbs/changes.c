/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * changes - what a layer changes, and how large that is.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/progress.h"
#include "../delta/changes.h"
#include "../delta/size.h"
#include "../layer/dir-lock.h"
#include "../layer/fill.h"
#include "../command/json.h"
#include "layer.h"

/* A line stays one: what has no place in it is written \ooo. */
static void print_path(const char *path)
{
	for (; *path; path++) {
		if ((unsigned char)*path < ' ' || *path == 127 || *path == '\\')
			printf("\\%03o", (unsigned char)*path);
		else
			putchar(*path);
	}
}

static int said(void *arg, char kind, const char *path)
{
	struct json_object *list = arg, *o;

	if (!list) {
		printf("%c ", kind);
		print_path(path);
		putchar('\n');
		return 0;
	}
	o = json_object_new_object();
	json_object_object_add(o, "kind", json_object_new_string_len(&kind, 1));
	json_object_object_add(o, "path", json_object_new_string(path));
	json_object_array_add(list, o);
	return 0;
}

static int run_changes(const struct args *args, struct store *store)
{
	const struct layer_options *options = args->options;
	struct json_object *list = options->json ? json_object_new_array() : NULL;
	_cleanup_close_ int fd = -EBADF;
	struct layer layer;
	int *below = NULL, r = layer_read(store, args->argv[0], &layer);

	if (r == 0)
		r = fd = dirlock_shared(store, &layer, &below);
	if (r >= 0)
		r = changes(&store->delta, fd, below, layer.n, said, list);
	if (r == 0 && list)
		json_print(list);
	else
		json_object_put(list);
	if (below)
		dirlock_release(below, layer.n);
	layer_clear(&layer);
	return r;
}

static int run_diffsize(const struct args *args, struct store *store)
{
	const struct layer_options *options = args->options;
	_cleanup_close_ int fd = -EBADF;
	struct layer layer;
	uint64_t size = 0;
	int r = layer_read(store, args->argv[0], &layer);

	if (r == 0)
		r = fd = dirlock_shared(store, &layer, NULL);
	if (r >= 0) {
		r = diffsize(&store->delta, fd, &size);
		if (r < 0)
			(void)log_errno(r, "size of layer '%s'", layer.id);
	}
	if (r == 0 && options->json) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "id", json_object_new_string(layer.id));
		json_object_object_add(o, "size", json_object_new_int64((int64_t)size));
		json_print(o);
	} else if (r == 0) {
		printf("%llu\n", (unsigned long long)size);
	}
	layer_clear(&layer);
	return r;
}

/* Are both the ids of layers of the store? 1, 0 or -errno. */
static int has_both(struct store *store, const char *from, const char *to)
{
	int r = store_is_id(from) && store_is_id(to);

	if (r > 0)
		r = layer_exists(store, from);
	return r > 0 ? layer_exists(store, to) : r;
}

static int squash(struct store *store, const char *from, const char *to, const char *id)
{
	struct copy copy = { 0 };
	struct progress progress;
	int r;

	progress_begin(&progress, "copied", &copy);
	r = fill_from_layers(store, from, to, id, &copy);
	progress_end(&progress);
	return r;
}

/* FROM..TO NEW. An id may have two dots in it: then the layers that exist say where it is to be cut. */
static int run_squash(const struct args *args, struct store *store)
{
	_cleanup_free_ char *range = xstrdup(args->argv[0]);

	if (!strstr(range, ".."))
		return log_refuse(EXIT_USAGE, "'%s': not FROM..TO", range);
	for (char *dots = strstr(range, ".."); dots; dots = strstr(dots + 1, "..")) {
		int r;

		*dots = '\0';
		r = has_both(store, range, dots + 2);
		if (r)
			return r < 0 ? r : squash(store, range, dots + 2, args->argv[1]);
		*dots = '.';
	}
	return log_refuse(-ENOENT, "'%s': not FROM..TO of two layers in '%s'", range, store->dir);
}

static const struct verb_option changes_table[] = {
	LAYER_OPTIONS,
	LAYER_JSON,
	{ .name = NULL },
};

const struct layer_verb layer_verb_changes = {
	.verb = {
		.name = "changes",
		.words = "ID",
		.summary = "list what a layer adds (A), changes (C), deletes (D)",
		.options = changes_table,
		.size = sizeof(struct layer_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.run = run_changes,
};

const struct layer_verb layer_verb_diffsize = {
	.verb = {
		.name = "diffsize",
		.words = "ID",
		.summary = "print the bytes of its files on disk",
		.options = changes_table,
		.size = sizeof(struct layer_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.run = run_diffsize,
};

static const struct verb_option squash_table[] = {
	LAYER_OPTIONS,
	{ .name = NULL },
};

const struct layer_verb layer_verb_squash = {
	.verb = {
		.name = "squash",
		.words = "FROM..TO NEW-ID",
		.summary = "make one layer of those from FROM up to TO",
		.options = squash_table,
		.size = sizeof(struct layer_options),
		.min = 2,
		.max = 2,
		.run = layer_run,
	},
	.writes = true,
	.run = run_squash,
};

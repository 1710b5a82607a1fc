/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount - layers are mounted for those who hold them.
 */
#include "../base/cleanup.h"
#include "../layer/mounts.h"
#include "../layer/cleanup.h"
#include "layer.h"

#include <json-c/json.h>

static int run_get(const struct args *args, struct store *store)
{
	_cleanup_free_ char *path = NULL;
	int r = mounts_get(store, args->argv[0], args->holder, &path);

	if (r < 0)
		return r;
	if (args->json) {
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "id", json_object_new_string(args->argv[0]));
		json_object_object_add(object, "path", json_object_new_string(path));
		layer_print_json(object);
	} else {
		puts(path);
	}
	return 0;
}

static int run_put(const struct args *args, struct store *store)
{
	return mounts_put(store, args->argv[0], args->holder);
}

static int run_cleanup(const struct args *args, struct store *store)
{
	(void)args;
	return cleanup_store(store);
}

const struct layer_verb layer_verb_get = {
	.name = "get",
	.usage = "ID [--holder=NAME]",
	.summary = "mount it with all below, and print where",
	.options = "H",
	.min = 1,
	.max = 1,
	.writes = true,
	.run = run_get,
};

const struct layer_verb layer_verb_put = {
	.name = "put",
	.usage = "ID [--holder=NAME]",
	.summary = "the holder needs it no more; the last one unmounts it",
	.options = "H",
	.min = 1,
	.max = 1,
	.writes = true,
	.run = run_put,
};

const struct layer_verb layer_verb_cleanup = {
	.name = "cleanup",
	.usage = "",
	.summary = "forget dead holders, unmount what nobody holds, remove what belongs to no layer",
	.options = "",
	.min = 0,
	.max = 0,
	.writes = true,
	.run = run_cleanup,
};

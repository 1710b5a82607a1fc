/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount - layers are mounted for those who hold them.
 */
#include "../base/cleanup.h"
#include "../layer/mounts.h"
#include "../layer/cleanup.h"
#include "../command/json.h"
#include "layer.h"

struct get_options {
	struct layer_options layer;
	const char *holder;
};

#define HOLDER                                                                                                       \
	{                                                                                                            \
		.name = "holder", .value = "HOLDER",                                                                 \
		.summary = "who uses the layer (default: the calling process, while it lives)", .take = option_text, \
		AT(struct get_options, holder)                                                                       \
	}

static int run_get(const struct args *args, struct store *store)
{
	const struct get_options *options = args->options;
	_cleanup_free_ char *path = NULL;
	int r = mounts_get(store, args->argv[0], options->holder, &path);

	if (r < 0)
		return r;
	if (options->layer.json) {
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "id", json_object_new_string(args->argv[0]));
		json_object_object_add(object, "path", json_object_new_string(path));
		json_print(object);
	} else {
		puts(path);
	}
	return 0;
}

static int run_put(const struct args *args, struct store *store)
{
	const struct get_options *options = args->options;

	return mounts_put(store, args->argv[0], options->holder);
}

static int run_cleanup(const struct args *args, struct store *store)
{
	(void)args;
	return cleanup_store(store);
}

static const struct verb_option get_table[] = {
	LAYER_OPTIONS,
	LAYER_JSON,
	HOLDER,
	{ .name = NULL },
};

const struct layer_verb layer_verb_get = {
	.verb = {
		.name = "get",
		.words = "ID",
		.summary = "mount a layer with all lower layers, and print where",
		.options = get_table,
		.size = sizeof(struct get_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.writes = true,
	.run = run_get,
};

static const struct verb_option put_table[] = {
	LAYER_OPTIONS,
	HOLDER,
	{ .name = NULL },
};

const struct layer_verb layer_verb_put = {
	.verb = {
		.name = "put",
		.words = "ID",
		.summary = "end the hold on a layer; the last holder unmounts it",
		.options = put_table,
		.size = sizeof(struct get_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.writes = true,
	.run = run_put,
};

static const struct verb_option cleanup_table[] = {
	LAYER_OPTIONS,
	{ .name = NULL },
};

const struct layer_verb layer_verb_cleanup = {
	.verb = {
		.name = "cleanup",
		.summary = "forget dead holders, unmount what nobody holds, remove leftovers",
		.options = cleanup_table,
		.size = sizeof(struct layer_options),
		.run = layer_run,
	},
	.writes = true,
	.run = run_cleanup,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * life - layers are made, asked for, and removed.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../layer/add.h"
#include "../layer/remove.h"
#include "../layer/store-open.h"
#include "layer.h"

struct create_options {
	struct layer_options layer;
	const char *parent;
};

static int run_create(const struct args *args, struct store *store)
{
	const struct create_options *options = args->options;

	return layer_add(store, args->argv[0], options->parent, false, 0, NULL);
}

static int run_create_rw(const struct args *args, struct store *store)
{
	const struct create_options *options = args->options;

	return layer_add(store, args->argv[0], options->parent, true, 0, NULL);
}

static int run_remove(const struct args *args, struct store *store)
{
	return layer_remove(store, args->argv[0]);
}

/* Says nothing, also where there is no store. */
static int run_exists(const struct args *args, struct store *store)
{
	const struct layer_options *options = args->options;
	_cleanup_free_ char *dir = layer_store_dir(options), *layers = xasprintf("%s/layers", dir);
	int has = 0;

	if (store_check_id(args->argv[0]) < 0)
		return EXIT_FAILED;
	if (access(layers, F_OK) < 0 && errno != ENOENT)
		return log_errno(-errno, "look at '%s'", layers);
	if (access(layers, F_OK) == 0) {
		int r = store_open(dir, options->driver, false, store);

		if (r < 0)
			return r;
		has = layer_exists(store, args->argv[0]);
	}
	return has > 0 ? EXIT_DONE : EXIT_FAILED;
}

static const struct verb_option create_table[] = {
	LAYER_OPTIONS,
	LAYER_PARENT(struct create_options, parent),
	{ .name = NULL },
};

const struct layer_verb layer_verb_create = {
	.verb = {
		.name = "create",
		.words = "NEW-ID",
		.summary = "make an empty layer",
		.options = create_table,
		.size = sizeof(struct create_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.create = true,
	.run = run_create,
};

const struct layer_verb layer_verb_create_rw = {
	.verb = {
		.name = "create-rw",
		.words = "NEW-ID",
		.summary = "the same, noted as one to be written to",
		.options = create_table,
		.size = sizeof(struct create_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.create = true,
	.run = run_create_rw,
};

static const struct verb_option exists_table[] = {
	LAYER_OPTIONS,
	{ .name = NULL },
};

const struct layer_verb layer_verb_exists = {
	.verb = {
		.name = "exists",
		.words = "ID",
		.summary = "exit with 0 if there is such a layer, else 1",
		.options = exists_table,
		.size = sizeof(struct layer_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.no_store = true,
	.run = run_exists,
};

const struct layer_verb layer_verb_remove = {
	.verb = {
		.name = "remove",
		.words = "ID",
		.summary = "remove a layer, unless something needs it",
		.options = exists_table,
		.size = sizeof(struct layer_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.writes = true,
	.run = run_remove,
};

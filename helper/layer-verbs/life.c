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

static int run_create(const struct args *args, struct store *store)
{
	return layer_add(store, args->argv[0], args->parent, false, 0, NULL);
}

static int run_create_rw(const struct args *args, struct store *store)
{
	return layer_add(store, args->argv[0], args->parent, true, 0, NULL);
}

static int run_remove(const struct args *args, struct store *store)
{
	return layer_remove(store, args->argv[0]);
}

/* Says nothing, also where there is no store. */
static int run_exists(const struct args *args, struct store *store)
{
	_cleanup_free_ char *dir = layer_store_dir(args), *layers = xasprintf("%s/layers", dir);
	int has = 0;

	if (store_check_id(args->argv[0]) < 0)
		return EXIT_FAILED;
	if (access(layers, F_OK) < 0 && errno != ENOENT)
		return log_errno(-errno, "look at '%s'", layers);
	if (access(layers, F_OK) == 0) {
		int r = store_open(dir, args->driver, false, store);

		if (r < 0)
			return r;
		has = layer_exists(store, args->argv[0]);
	}
	return has > 0 ? EXIT_DONE : EXIT_FAILED;
}

const struct layer_verb layer_verb_create = {
	.name = "create",
	.usage = "ID [--parent=ID]",
	.summary = "an empty layer",
	.options = "r",
	.min = 1,
	.max = 1,
	.create = true,
	.run = run_create,
};

const struct layer_verb layer_verb_create_rw = {
	.name = "create-rw",
	.usage = "ID [--parent=ID]",
	.summary = "the same, noted as one to be written to",
	.options = "r",
	.min = 1,
	.max = 1,
	.create = true,
	.run = run_create_rw,
};

const struct layer_verb layer_verb_exists = {
	.name = "exists",
	.usage = "ID",
	.summary = "exit status 0 if there is such a layer, else 1",
	.options = "",
	.min = 1,
	.max = 1,
	.no_store = true,
	.run = run_exists,
};

const struct layer_verb layer_verb_remove = {
	.name = "remove",
	.usage = "ID",
	.summary = "remove it, unless something needs it",
	.options = "",
	.min = 1,
	.max = 1,
	.writes = true,
	.run = run_remove,
};

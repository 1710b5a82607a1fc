/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layer - a store of layers: the table of what is done with it.
 */
#include "layer.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../layer/store-open.h"
#include "../tar/idmap.h"

#include <unistd.h>

#define LAYER_VERBS(X) \
	X(create)      \
	X(create_rw)   \
	X(exists)      \
	X(get)         \
	X(put)         \
	X(remove)      \
	X(list)        \
	X(metadata)    \
	X(status)      \
	X(cleanup)     \
	X(apply)       \
	X(diff)        \
	X(export)      \
	X(changes)     \
	X(diffsize)    \
	X(squash)      \
	X(check)       \
	X(import)

#define DECLARE(v) extern const struct layer_verb layer_verb_##v;
LAYER_VERBS(DECLARE)

#define ENTRY(v) &layer_verb_##v.verb,
static const struct verb *const layer_verbs[] = { LAYER_VERBS(ENTRY) NULL };

char *layer_store_dir(const struct layer_options *options)
{
	return options->store ? xstrdup(options->store) : store_default(options->lxcpath);
}

int layer_parse_idmap(const struct option_list *ranges, struct idmap *map)
{
	for (size_t i = 0; i < ranges->n; i++)
		if (idmap_add(map, ranges->values[i]) < 0)
			return EXIT_USAGE;
	return 0;
}

int layer_run(const struct args *args)
{
	/* Each of the table begins with its struct verb. */
	const struct layer_verb *verb = (const struct layer_verb *)args->verb;
	const struct layer_options *options = args->options;
	_cleanup_free_ char *dir = layer_store_dir(options);
	struct store store = { .fd = -EBADF, .lock = -EBADF };
	int r = 0;

	if (geteuid() != 0)
		return log_refuse(EXIT_FAILED, "this needs root");
	if (verb->without && access(dir, F_OK) < 0 && errno == ENOENT)
		return verb->without(args);
	if (!verb->no_store)
		r = store_open(dir, options->driver, verb->create, &store);
	if (r == 0 && verb->writes)
		r = store_check_ours(&store);
	if (r == 0)
		r = verb->run(args, &store);
	store_close(&store);
	return r;
}

const struct verb verb_layer = {
	.name = "layer",
	.words = "VERB [OPTION]... [ARGUMENT]...",
	.summary = "work with a store of layers, see lxc-bdev-layer(8): `layer help` lists its verbs",
	.subverbs = layer_verbs,
};

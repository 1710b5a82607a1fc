/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../command/verb.h"
#include "../layer/store.h"

/* The options of every verb of `layer`. The struct of a verb begins with it. */
struct layer_options {
	const char *store, *driver, *lxcpath;
	bool json;
};

/* The entries of struct layer_options, for the table of each verb; LAYER_JSON for those that report. */
#define LAYER_OPTIONS                                                             \
	OPTION_STORE(struct layer_options, store),                                \
		{ .name = "driver",                                               \
		  .value = "FORMAT",                                              \
		  .choices = "overlay|aufs",                                      \
		  .summary = "overlay or aufs: the whiteout format of the store", \
		  .take = option_text,                                            \
		  AT(struct layer_options, driver) },                             \
		OPTION_LXCPATH(struct layer_options, lxcpath)
#define LAYER_JSON OPTION_JSON(struct layer_options, json)
#define LAYER_PARENT(type, member)                                                                     \
	{                                                                                              \
		.name = "parent", .value = "ID", .summary = "the layer below it", .take = option_text, \
		AT(type, member)                                                                       \
	}
#define LAYER_IDMAP(type, member)                                                                      \
	{                                                                                              \
		.name = "idmap", .value = "RANGE",                                                     \
		.summary = "map ids, as lxc.idmap does, with colons: u:0:100000:65536; b is for both", \
		.take = option_add, AT(type, member)                                                   \
	}

/* What is done with a layer store: lxc-bdev layer NAME. */
struct layer_verb {
	struct verb verb; /* its run is layer_run() */
	bool create;	  /* the store is made if there is none */
	bool writes;	  /* the store is changed: one of aufs's graph driver is refused */
	bool no_store;	  /* it opens the store by itself; then there is none given */
	/* Run instead of `run` when there is no store yet; NULL: that is an error. Returns as `run` does. */
	int (*without)(const struct args *args);
	/* Do it. Returns 0, -errno after an error line, or an exit status. */
	int (*run)(const struct args *args, struct store *store);
};

/* Open the store of a struct layer_verb, and do it there. Returns as struct verb's run. */
int layer_run(const struct args *args);

/* Return the directory of the store that the command line names, or LXC's; for the caller to free. */
char *layer_store_dir(const struct layer_options *options);

struct idmap;
/* Parse the values of --idmap. Returns 0, or EXIT_USAGE after an error line. */
int layer_parse_idmap(const struct option_list *ranges, struct idmap *map);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check - is a store as it should be; and the import of one of Docker's.
 */
#include "../kernel/aufs-info.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../layer/fsck.h"
#include "../layer/import.h"
#include "../layer/store-open.h"
#include "../command/json.h"
#include "layer.h"

static void found(struct fsck *fsck, const char *what, const char *name, const char *why, bool repaired)
{
	struct json_object *list = fsck->arg, *o;

	if (!list) {
		printf("%s: %s: %s%s\n", what, name, why ?: "", repaired ? " (repaired)" : "");
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "what", json_object_new_string(what));
	json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "why", why ? json_object_new_string(why) : NULL);
	json_object_object_add(o, "repaired", json_object_new_boolean(repaired));
	json_object_array_add(list, o);
}

struct check_options {
	struct layer_options layer;
	bool repair;
};

static int run_check(const struct args *args, struct store *store)
{
	const struct check_options *options = args->options;
	struct json_object *list = options->layer.json ? json_object_new_array() : NULL;
	struct fsck job = { .store = store, .repair = options->repair, .found = found, .arg = list };
	int r = fsck(&job);

	if (list)
		json_print(list);
	return r < 0 ? r : job.left ? EXIT_FAILED : EXIT_DONE;
}

struct import_options {
	struct layer_options layer;
	const char *aufs;
	bool copy;
};

static int run_import(const struct args *args, struct store *store)
{
	const struct import_options *options = args->options;
	_cleanup_free_ char *dir = layer_store_dir(&options->layer);
	size_t n = 0;
	int r;

	if (options->aufs && options->layer.store && !options->copy)
		return log_refuse(EXIT_USAGE,
				  "--store is for --copy; without it the store at --aufs becomes the layer store "
				  "itself");
	if (!options->aufs)
		return log_refuse(EXIT_USAGE, "missing directory; use --aufs=DIR");
	if (options->layer.driver && strcmp(options->layer.driver, "aufs") != 0 &&
	    strcmp(options->layer.driver, "overlay") != 0)
		return log_refuse(EXIT_USAGE, "driver '%s': neither overlay nor aufs", options->layer.driver);
	if (!options->copy) {
		r = import_in_place(options->aufs, options->layer.driver ?: "aufs", &n);
	} else {
		r = store_open(dir, options->layer.driver, true, store);
		if (r == 0)
			r = import_copy(options->aufs, store, &n);
	}
	if (r == 0 && !options->copy && !options->layer.driver && aufs_impossible())
		log_warn("'%s' stays in aufs format, and this kernel has no aufs; to convert it: lxc-bdev layer import "
			 "--aufs=%s --driver=overlay",
			 options->aufs, options->aufs);
	if (r == 0)
		printf(options->layer.json ? "{ \"layers\": %zu }\n" : "%zu\n", n);
	return r;
}

static const struct verb_option check_table[] = {
	LAYER_OPTIONS,
	LAYER_JSON,
	{ .name = "repair",
	  .summary = "repair what loses nothing",
	  .take = option_flag,
	  AT(struct check_options, repair) },
	{ .name = NULL },
};

const struct layer_verb layer_verb_check = {
	.verb = {
		.name = "check",
		.summary = "list what is wrong with the store (exit 1 if anything)",
		.options = check_table,
		.size = sizeof(struct check_options),
		.run = layer_run,
	},
	.writes = true,
	.run = run_check,
};

static const struct verb_option import_table[] = {
	LAYER_OPTIONS,
	LAYER_JSON,
	{ .name = "aufs",
	  .value = "DIR",
	  .summary = "the store of the aufs driver",
	  .take = option_text,
	  AT(struct import_options, aufs) },
	{ .name = "copy",
	  .summary = "leave that store as it is, copy its layers",
	  .take = option_flag,
	  AT(struct import_options, copy) },
	{ .name = NULL },
};

const struct layer_verb layer_verb_import = {
	.verb = {
		.name = "import",
		.words = "--aufs=DIR",
		.summary = "make a layer store of one of Docker's aufs driver",
		.options = import_table,
		.size = sizeof(struct import_options),
		.run = layer_run,
	},
	.no_store = true,
	.run = run_import,
};

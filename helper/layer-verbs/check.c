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
#include "layer.h"

#include <json-c/json.h>

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

static int run_check(const struct args *args, struct store *store)
{
	struct json_object *list = args->json ? json_object_new_array() : NULL;
	struct fsck job = { .store = store, .repair = args->repair, .found = found, .arg = list };
	int r = fsck(&job);

	if (list)
		layer_print_json(list);
	return r < 0 ? r : job.left ? EXIT_FAILED : EXIT_DONE;
}

static int run_import(const struct args *args, struct store *store)
{
	_cleanup_free_ char *dir = layer_store_dir(args);
	size_t n = 0;
	int r;

	if (args->aufs && args->store && !args->copy)
		return log_refuse(EXIT_USAGE,
				  "--store is for --copy; without it the store at --aufs becomes the layer store "
				  "itself");
	if (!args->aufs)
		return log_refuse(EXIT_USAGE, "usage: lxc-bdev layer import --aufs=DIR, or with --copy [--store=DIR]");
	if (args->driver && strcmp(args->driver, "aufs") != 0 && strcmp(args->driver, "overlay") != 0)
		return log_refuse(EXIT_USAGE, "driver '%s': neither overlay nor aufs", args->driver);
	if (!args->copy) {
		r = import_in_place(args->aufs, args->driver ?: "aufs", &n);
	} else {
		r = store_open(dir, args->driver, true, store);
		if (r == 0)
			r = import_copy(args->aufs, store, &n);
	}
	if (r == 0 && !args->copy && !args->driver && aufs_impossible())
		log_warn("'%s' stays in aufs format, and this kernel has no aufs; to convert it: lxc-bdev layer import "
			 "--aufs=%s --driver=overlay",
			 args->aufs, args->aufs);
	if (r == 0)
		printf(args->json ? "{ \"layers\": %zu }\n" : "%zu\n", n);
	return r;
}

const struct layer_verb layer_verb_check = {
	.name = "check",
	.usage = "[--repair]",
	.summary = "what is wrong with the store; --repair: what loses nothing is repaired",
	.options = "x",
	.min = 0,
	.max = 0,
	.writes = true,
	.run = run_check,
};

const struct layer_verb layer_verb_import = {
	.name = "import",
	.usage = "--aufs=DIR [--copy]",
	.summary = "a store of Docker's aufs driver becomes one of these, or is copied to one",
	.options = "AC",
	.min = 0,
	.max = 0,
	.no_store = true,
	.run = run_import,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layer - a store of layers: the table of what is done with it.
 */
#include "layer.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../layer/store-open.h"

#include <json-c/json.h>
#include <unistd.h>

#define ENTRY(v) &layer_verb_##v,
static const struct layer_verb *const layer_verbs[] = { LAYER_VERBS(ENTRY) };

#define COMMON "sdPj"

char *layer_store_dir(const struct args *args)
{
	return args->store ? xstrdup(args->store) : store_default(args->lxcpath);
}

void layer_print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static const struct layer_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(layer_verbs); i++)
		if (strcmp(layer_verbs[i]->name, name) == 0)
			return layer_verbs[i];
	return NULL;
}

static void print_verbs(void)
{
	printf("usage: lxc-bdev layer [--store DIR] [--driver overlay|aufs] VERB ..., see lxc-bdev-layer(8)\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(layer_verbs); i++)
		printf("  %s%s%s\n            %s\n", layer_verbs[i]->name, *layer_verbs[i]->usage ? " " : "",
		       layer_verbs[i]->usage, layer_verbs[i]->summary);
}

static int usage(const struct layer_verb *verb)
{
	return log_refuse(EXIT_USAGE, "usage: lxc-bdev layer %s%s%s", verb->name, *verb->usage ? " " : "", verb->usage);
}

/* The verb takes these words and options. 0, or EXIT_USAGE after an error line. */
static int check(const struct layer_verb *verb, const struct args *args)
{
	for (const char *letter = verb_layer.options; *letter; letter++)
		if (args->given[(unsigned char)*letter] && !strchr(COMMON, *letter) && !strchr(verb->options, *letter))
			return usage(verb);
	if (args->store && !*args->store)
		return log_refuse(EXIT_USAGE, "--store: its value is empty");
	if (args->argc < verb->min || args->argc > verb->max)
		return usage(verb);
	return 0;
}

static int run(const struct args *args)
{
	const char *word = args->argc ? args->argv[0] : "help";
	const struct layer_verb *verb = find_verb(word);
	_cleanup_free_ char *dir = layer_store_dir(args), *name = NULL;
	struct store store = { .fd = -EBADF, .lock = -EBADF };
	struct args own = *args;
	int r;

	if (strcmp(word, "help") == 0) {
		print_verbs();
		return 0;
	}
	if (!verb)
		return log_refuse(EXIT_USAGE, "unknown verb '%s'; see lxc-bdev layer help", word);
	own.argc--;
	own.argv++;
	r = check(verb, &own);
	if (r == 0 && geteuid() != 0)
		return log_refuse(EXIT_FAILED, "this needs root");
	if (r == 0 && verb->without && access(dir, F_OK) < 0 && errno == ENOENT)
		return verb->without(&own);
	if (r == 0 && !verb->no_store)
		r = store_open(dir, args->driver, verb->create, &store);
	if (r == 0 && verb->writes)
		r = store_check_ours(&store);
	if (r == 0)
		r = verb->run(&own, &store);
	store_close(&store);
	return r;
}

const struct verb verb_layer = {
	.name = "layer",
	.usage = "[--store=DIR] [--driver=overlay|aufs] VERB [ARGUMENT]...",
	.summary = "a store of layers: `layer help` lists what can be done with it",
	.options = COMMON "rHIbewxACG",
	.help = print_verbs,
	.max = 5,
	.run = run,
};

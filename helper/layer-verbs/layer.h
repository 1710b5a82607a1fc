/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../layer/store.h"
#include "../command/verb.h"

/* What is done with a layer store: lxc-bdev layer NAME. */
struct layer_verb {
	const char *name;
	const char *usage;			 /* what follows the name */
	const char *summary;			 /* one line */
	const char *options;			 /* the letters it takes beside --store and --driver, see main.c */
	int min, max;				 /* how many words */
	bool create;				 /* the store is made if there is none */
	bool writes;				 /* the store is changed: one of aufs's graph driver is refused */
	int (*without)(const struct args *args); /* run instead of `run` when there is no store yet; NULL: an error */
	bool no_store;				 /* it opens the store by itself; then there is none given */
	/* args->argv is what follows the name. 0, -errno after an error line, or an exit code. */
	int (*run)(const struct args *args, struct store *store);
};

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

#define DECLARE_LAYER_VERB(v) extern const struct layer_verb layer_verb_##v;
LAYER_VERBS(DECLARE_LAYER_VERB)
#undef DECLARE_LAYER_VERB

/* The store that the command line names, or LXC's; for the caller to free. */
char *layer_store_dir(const struct args *args);

struct json_object;
/* Print the object, and release it. */
void layer_print_json(struct json_object *object);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph.h"
#include "policy.h"

#include <json-c/json.h>

/* Set a text of a node. */
void node_set(struct json_object *object, const char *key, const char *value);
/* Set how a node uses the page cache, and whether it discards. */
void node_set_cache(struct json_object *node, const struct qemu_options *options);

/* Whether images of this format can have a backing file. */
bool node_has_backing(const char *format);

/* The scheme of a URI, for the caller to free; NULL: the name has none. */
char *uri_scheme(const char *name);

struct node_request {
	const struct spec *spec;
	const struct qemu_options *options; /* with a uri */
	const struct policy *policy;
	char **socket; /* set to the path of the socket that QEMU connects to, for the caller to free */
};

/*
 * Make the node of the image that options->uri names, if the host's policy allows that. *ret is for the caller to put,
 * also on failure. 0 or -errno (logged).
 */
int node_of_uri(const struct node_request *request, struct json_object **ret);

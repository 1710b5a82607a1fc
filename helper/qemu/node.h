/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph.h"
#include "policy.h"

#include <json-c/json.h>

/* Set a string of a node. */
void node_set(struct json_object *object, const char *key, const char *value);
/* Set a node's cache mode and discards. */
void node_set_cache(struct json_object *node, const struct qemu_options *options);

/* Return whether images of this format can have a backing file. */
bool node_has_backing(const char *format);

/* Return the scheme of a URI, for the caller to free; NULL: the name has none. */
char *uri_scheme(const char *name);

struct node_request {
	const struct spec *spec;
	const struct qemu_options *options; /* its uri is not NULL */
	const struct policy *policy;
	char **socket; /* set to the path of the socket that QEMU connects to, for the caller to free */
};

/*
 * Make the node of the image at options->uri, if the host's policy allows that. *ret is for the caller to put, also on
 * failure. Returns 0 or -errno (logged).
 */
int node_of_uri(const struct node_request *request, struct json_object **ret);

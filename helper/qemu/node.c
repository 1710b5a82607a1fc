/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * node - make QEMU's block nodes as JSON: their options, and nodes of images on remote servers.
 */
#include "node.h"
#include "../base/cleanup.h"
#include "header.h"

#include <ctype.h>

void node_set(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

void node_set_cache(struct json_object *node, const struct qemu_options *options)
{
	struct json_object *cache = json_object_new_object();

	json_object_object_add(cache, "direct", json_object_new_boolean(options->direct));
	json_object_object_add(cache, "no-flush", json_object_new_boolean(options->no_flush));
	json_object_object_add(node, "cache", cache);
	if (options->discard)
		node_set(node, "discard", "unmap");
}

bool node_has_backing(const char *format)
{
	return strcmp(format, "qcow2") == 0 || strcmp(format, "qed") == 0 || strcmp(format, "vmdk") == 0;
}

char *uri_scheme(const char *name)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) || (name[n] && strchr("+.-", name[n])))
		n++;
	return n && name[n] == ':' ? xstrndup(name, n) : NULL;
}

/* Add nbd://HOST[:PORT][/EXPORT] or nbd+unix:///[EXPORT]?socket=PATH (the NBD project's doc/uri.md). Returns 0 or
 * -EINVAL. */
static int add_nbd(const struct node_request *request, const char *scheme, struct json_object *node)
{
	_cleanup_free_ char *text = xstrdup(request->options->uri + strlen(scheme) + 1);
	struct json_object *server = json_object_new_object();
	char *host = text, *path, *query, *port;

	json_object_object_add(node, "server", server);
	if (strncmp(host, "//", 2) != 0)
		return -EINVAL;
	host += 2;
	query = strchr(host, '?');
	if (query)
		*query++ = '\0';
	path = strchr(host, '/');
	if (path)
		*path++ = '\0';
	node_set(node, "driver", "nbd");
	if (path && *path)
		node_set(node, "export", path);
	if (strcmp(scheme, "nbd+unix") == 0) {
		if (*host || !query || strncmp(query, "socket=/", 8) != 0)
			return -EINVAL;
		node_set(server, "type", "unix");
		node_set(server, "path", query + 7);
		*request->socket = xstrdup(query + 7);
		return 0;
	}
	port = *host == '[' ? strchr(host, ']') : host;
	port = port ? strchr(port, ':') : NULL;
	if (port)
		*port++ = '\0';
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		host++;
	}
	if (!*host || query)
		return -EINVAL;
	node_set(server, "type", "inet");
	node_set(server, "host", host);
	node_set(server, "port", port ?: "10809");
	return 0;
}

/* Add rbd:POOL/[NAMESPACE/]IMAGE; keys and monitors are those of the host, in /etc/ceph. Returns 0 or -EINVAL. */
static int add_rbd(const struct node_request *request, struct json_object *node)
{
	_cleanup_free_ char *text = xstrdup(request->options->uri + strlen("rbd:"));
	char *image = strrchr(text, '/'), *namespace;

	if (!image || !image[1] || image == text || strpbrk(text, ":@"))
		return -EINVAL;
	*image++ = '\0';
	node_set(node, "driver", "rbd");
	node_set(node, "image", image);
	namespace = strchr(text, '/');
	if (namespace) {
		*namespace ++ = '\0';
		node_set(node, "namespace", namespace);
	}
	node_set(node, "pool", text);
	return 0;
}

static bool is_web(const char *scheme)
{
	return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0 || strcmp(scheme, "ftp") == 0 ||
	       strcmp(scheme, "ftps") == 0;
}

int node_of_uri(const struct node_request *request, struct json_object **ret)
{
	const char *uri = request->options->uri;
	_cleanup_free_ char *scheme = uri_scheme(uri);
	struct json_object *node = json_object_new_object(), *top;
	const char *fault;
	int r = -EINVAL;

	*ret = top = json_object_new_object();
	node_set(top, "driver", request->options->format);
	json_object_object_add(top, "file", node);
	json_object_object_add(top, "read-only", json_object_new_boolean(request->options->readonly));
	if (node_has_backing(request->options->format))
		json_object_object_add(top, "backing", NULL);
	node_set_cache(top, request->options);
	node_set_cache(node, request->options);
	json_object_object_add(node, "read-only", json_object_new_boolean(request->options->readonly));
	if (!scheme)
		return spec_refuse(request->spec, -EINVAL, "uri=%s: missing scheme, as in nbd://HOST/EXPORT", uri);
	fault = policy_uri_fault(uri);
	if (fault)
		return spec_refuse(request->spec, -EINVAL, "uri=: %s", fault);
	if (!is_web(scheme) && strcmp(scheme, "nbd") != 0 && strcmp(scheme, "nbd+unix") != 0 &&
	    strcmp(scheme, "rbd") != 0)
		return spec_refuse(
			request->spec, -EINVAL,
			"uri=%s: unknown scheme; use nbd://, nbd+unix://, rbd:, http://, https://, ftp:// or ftps://",
			uri);
	if (!policy_allows_uri(request->policy, uri))
		return spec_refuse(request->spec, -EPERM,
				   "uri=%s is not allowed on this host; to allow it, add 'bdev.policy.uri = %s' "
				   "to " LXC_POLICY,
				   uri, uri);
	if (strcmp(scheme, "nbd") == 0 || strcmp(scheme, "nbd+unix") == 0) {
		r = add_nbd(request, scheme, node);
	} else if (strcmp(scheme, "rbd") == 0) {
		r = add_rbd(request, node);
	} else {
		node_set(node, "driver", scheme);
		node_set(node, "url", uri);
		r = 0;
	}
	return r < 0 ? spec_refuse(request->spec, r, "uri=%s: not of the form %s", uri,
				   strcmp(scheme, "rbd") == 0	     ? "rbd:POOL/IMAGE"
				   : strcmp(scheme, "nbd+unix") == 0 ? "nbd+unix:///EXPORT?socket=/PATH"
								     : "nbd://HOST[:PORT][/EXPORT]")
		     : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * graph - tell QEMU's programs what to open, and let them find out nothing.
 *
 * QEMU probes formats and follows what headers name: a raw image that begins
 * like a qcow2 one can make it read any file of the host. So the headers are
 * read here, what they name is checked and opened, and QEMU gets a graph in
 * which each node has its driver and its file, that as a descriptor: neither
 * a renamed file nor a changed header leads it elsewhere.
 */
#include "graph.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "policy.h"
#include "header.h"

#include <ctype.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <sys/stat.h>

#define CHAIN_MAX 64

struct walk {
	int root; /* where absolute paths begin, or -EBADF: at ours */
	const struct spec *spec;
	const struct qemu_options *options;
	struct policy policy;
	struct qemu_graph *graph;
};

static void set(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

static void set_cache(struct json_object *node, const struct qemu_options *options)
{
	struct json_object *cache = json_object_new_object();

	json_object_object_add(cache, "direct", json_object_new_boolean(options->direct));
	json_object_object_add(cache, "no-flush", json_object_new_boolean(options->no_flush));
	json_object_object_add(node, "cache", cache);
	if (options->discard)
		set(node, "discard", "unmap");
}

/* --- files --- */

/*
 * Open an absolute path for reading from that directory, or from our own root (-EBADF). A server keeps the mount of
 * what it has open: in a stage that must be the host's, or umount there would take the disk below an image. fd or
 * -errno.
 */
static int open_absolute(int root, const char *path)
{
	int fd = openat(root < 0 ? AT_FDCWD : root, root < 0 ? path : path + strspn(path, "/"),
			O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* The node of an open file, which becomes the graph's. */
static struct json_object *file_node(struct walk *walk, int fd, bool readonly)
{
	struct json_object *node = json_object_new_object();
	struct qemu_graph *graph = walk->graph;
	_cleanup_free_ char *name = xasprintf("/proc/self/fd/%d", graph->first_fd + (int)graph->nfds);

	set(node, "driver", "file");
	set(node, "filename", name);
	set(node, "aio", walk->options->aio);
	json_object_object_add(node, "read-only", json_object_new_boolean(readonly));
	set_cache(node, walk->options);
	*ARRAY_ADD(graph->fds, graph->nfds) = fd;
	if (!readonly)
		graph->nwritten = graph->nfds;
	return node;
}

/* "nbd", of "nbd://host/x"; NULL: a path. For the caller to free. */
static char *scheme_of(const char *name)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) || (name[n] && strchr("+.-", name[n])))
		n++;
	return n && name[n] == ':' ? xstrndup(name, n) : NULL;
}

/* What an image's header names: below the image's own directory, or where the policy allows it. fd or -errno. */
static int open_named(struct walk *walk, const char *image, const char *name, const char *what)
{
	_cleanup_free_ char *text = xstrdup(image), *scheme = scheme_of(name), *path = NULL, *real = NULL;
	const char *dir = dirname(text);
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (scheme)
		return spec_refuse(walk->spec, -EPERM, "image '%s' names '%s' as its %s: only files are allowed%s",
				   image, name, what,
				   strcmp(what, "backing file") != 0
					   ? ""
					   : "; qemu-img rebase -u -F FORMAT -b PATH makes it the path of a file");
	path = *name == '/' ? xstrdup(name) : xasprintf("%s/%s", dir, name);
	fd = open_absolute(walk->root, path);
	if (fd < 0)
		return spec_refuse(walk->spec, fd, "image '%s': open its %s '%s': %s", image, what, name,
				   strerror(-fd));
	real = path_of(fd);
	if (!policy_allows_file(&walk->policy, real, dir))
		return spec_refuse(walk->spec, -EPERM,
				   "image '%s' names '%s' as its %s, which is not in the image's directory; if that is "
				   "right, add 'bdev.policy.backing = DIRECTORY' to " LXC_POLICY,
				   image, real, what);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return spec_refuse(walk->spec, -EINVAL, "image '%s': its %s '%s' is not a regular file", image, what,
				   real);
	return TAKE_FD(fd);
}

/* --- the chain --- */

static int add_format(struct walk *walk, int fd, const char *format, unsigned int depth, struct json_object **ret);

static int add_data_file(struct walk *walk, const char *image, const struct qformat_refs *refs, bool readonly,
			 struct json_object *node)
{
	int fd;

	if (!refs->data_file)
		return 0;
	if (!walk->policy.data_file || !*refs->data_file)
		return spec_refuse(walk->spec, -EPERM,
				   "image '%s' keeps its data in another file, '%s'; to allow that, add "
				   "'bdev.policy.data-file = yes' to " LXC_POLICY,
				   image, refs->data_file);
	fd = open_named(walk, image, refs->data_file, "data file");
	if (fd < 0)
		return fd;
	json_object_object_add(node, "data-file", file_node(walk, fd, readonly));
	return 0;
}

static int add_backing(struct walk *walk, const char *image, const struct qformat_refs *refs, unsigned int depth,
		       struct json_object *node)
{
	struct json_object *backing = NULL;
	const char *format;
	int fd, r;

	if (!refs->backing) {
		/* Whatever the header says by the time that QEMU reads it. */
		json_object_object_add(node, "backing", NULL);
		return 0;
	}
	if (!refs->backing_format)
		return spec_refuse(walk->spec, -EINVAL,
				   "image '%s' does not say which format its backing file '%s' has; if it is qcow2: "
				   "qemu-img rebase -u -b '%s' -F qcow2 '%s'",
				   image, refs->backing, refs->backing, image);
	format = qformat_find(refs->backing_format);
	if (!format)
		return spec_refuse(walk->spec, -EINVAL, "image '%s': its backing file has an unknown format, '%s'",
				   image, refs->backing_format);
	if (depth + 1 >= CHAIN_MAX)
		return spec_refuse(walk->spec, -ELOOP,
				   "image '%s' is in a cycle or a chain of more than %d backing files; see "
				   "qemu-img info, and qemu-img rebase",
				   image, CHAIN_MAX);
	fd = open_named(walk, image, refs->backing, "backing file");
	if (fd < 0)
		return fd;
	r = add_format(walk, fd, format, depth + 1, &backing);
	json_object_object_add(node, "backing", backing);
	return r;
}

static bool has_backing(const char *format)
{
	return strcmp(format, "qcow2") == 0 || strcmp(format, "qed") == 0 || strcmp(format, "vmdk") == 0;
}

/* The nodes of the open image (whose fd becomes the graph's) and of what it stands on. */
static int add_format(struct walk *walk, int fd, const char *format, unsigned int depth, struct json_object **ret)
{
	_cleanup_free_ char *image = path_of(fd), *reason = NULL;
	struct json_object *node = json_object_new_object();
	bool readonly = depth > 0 || walk->options->readonly;
	struct qformat_refs refs = { 0 };
	int r;

	*ret = node;
	set(node, "driver", format);
	json_object_object_add(node, "file", file_node(walk, fd, readonly));
	json_object_object_add(node, "read-only", json_object_new_boolean(readonly));
	set_cache(node, walk->options);
	r = qformat_read(fd, format, &refs, &reason);
	if (r < 0)
		return spec_refuse(walk->spec, r, "image '%s' %s", image, reason);
	if (refs.readonly && !readonly)
		r = spec_refuse(walk->spec, -EROFS, "image '%s' can only be read by QEMU; add ,ro", image);
	if (r == 0)
		r = add_data_file(walk, image, &refs, readonly, node);
	if (r == 0 && has_backing(format))
		r = add_backing(walk, image, &refs, depth, node);
	qformat_clear(&refs);
	return r;
}

int qemu_open_image(const struct spec *spec, int dirfd, int root)
{
	const char *path = spec->sources[0];
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	fd = *path == '/' ? open_absolute(root, path) : path_open(dirfd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return spec_refuse(spec, fd, "open image '%s': %s", path, path_strerror(fd));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return spec_refuse(spec, -EINVAL, "image '%s' is not a regular file", path);
	return TAKE_FD(fd);
}

/* --- servers elsewhere --- */

/* nbd://HOST[:PORT][/EXPORT], nbd+unix:///[EXPORT]?socket=PATH (the NBD project's doc/uri.md). */
static int add_nbd(const struct walk *walk, const char *scheme, struct json_object *node)
{
	_cleanup_free_ char *text = xstrdup(walk->options->uri + strlen(scheme) + 1);
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
	set(node, "driver", "nbd");
	if (path && *path)
		set(node, "export", path);
	if (strcmp(scheme, "nbd+unix") == 0) {
		if (*host || !query || strncmp(query, "socket=/", 8) != 0)
			return -EINVAL;
		set(server, "type", "unix");
		set(server, "path", query + 7);
		walk->graph->socket = xstrdup(query + 7);
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
	set(server, "type", "inet");
	set(server, "host", host);
	set(server, "port", port ?: "10809");
	return 0;
}

/* rbd:POOL/[NAMESPACE/]IMAGE: keys and monitors are the host's, in /etc/ceph. */
static int add_rbd(const struct walk *walk, struct json_object *node)
{
	_cleanup_free_ char *text = xstrdup(walk->options->uri + strlen("rbd:"));
	char *image = strrchr(text, '/'), *namespace;

	if (!image || !image[1] || image == text || strpbrk(text, ":@"))
		return -EINVAL;
	*image++ = '\0';
	set(node, "driver", "rbd");
	set(node, "image", image);
	namespace = strchr(text, '/');
	if (namespace) {
		*namespace ++ = '\0';
		set(node, "namespace", namespace);
	}
	set(node, "pool", text);
	return 0;
}

static bool is_web(const char *scheme)
{
	return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0 || strcmp(scheme, "ftp") == 0 ||
	       strcmp(scheme, "ftps") == 0;
}

static int add_uri(struct walk *walk, struct json_object **ret)
{
	const char *uri = walk->options->uri;
	_cleanup_free_ char *scheme = scheme_of(uri);
	struct json_object *node = json_object_new_object(), *top;
	const char *fault;
	int r = -EINVAL;

	*ret = top = json_object_new_object();
	set(top, "driver", walk->options->format);
	json_object_object_add(top, "file", node);
	json_object_object_add(top, "read-only", json_object_new_boolean(walk->options->readonly));
	if (has_backing(walk->options->format))
		json_object_object_add(top, "backing", NULL);
	set_cache(top, walk->options);
	set_cache(node, walk->options);
	json_object_object_add(node, "read-only", json_object_new_boolean(walk->options->readonly));
	if (!scheme)
		return spec_refuse(walk->spec, -EINVAL, "uri=%s: no scheme, as in nbd://HOST/EXPORT", uri);
	fault = policy_uri_fault(uri);
	if (fault)
		return spec_refuse(walk->spec, -EINVAL, "uri=: %s", fault);
	if (!is_web(scheme) && strcmp(scheme, "nbd") != 0 && strcmp(scheme, "nbd+unix") != 0 &&
	    strcmp(scheme, "rbd") != 0)
		return spec_refuse(walk->spec, -EINVAL,
				   "uri=%s: known are nbd://, nbd+unix://, rbd:, http://, https://, ftp:// and ftps://",
				   uri);
	if (!policy_allows_uri(&walk->policy, uri))
		return spec_refuse(walk->spec, -EPERM,
				   "uri=%s is not allowed on this host; to allow it, add 'bdev.policy.uri = %s' "
				   "to " LXC_POLICY,
				   uri, uri);
	if (strcmp(scheme, "nbd") == 0 || strcmp(scheme, "nbd+unix") == 0) {
		r = add_nbd(walk, scheme, node);
	} else if (strcmp(scheme, "rbd") == 0) {
		r = add_rbd(walk, node);
	} else {
		set(node, "driver", scheme);
		set(node, "url", uri);
		r = 0;
	}
	return r < 0 ? spec_refuse(walk->spec, r, "uri=%s: not of the form %s", uri,
				   strcmp(scheme, "rbd") == 0	     ? "rbd:POOL/IMAGE"
				   : strcmp(scheme, "nbd+unix") == 0 ? "nbd+unix:///EXPORT?socket=/PATH"
								     : "nbd://HOST[:PORT][/EXPORT]")
		     : 0;
}

int qemu_open(const struct spec *spec, const struct qemu_options *options, int dirfd, int root, struct qemu_graph *ret)
{
	struct walk walk = { .root = root, .spec = spec, .options = options, .graph = ret };
	struct json_object *top = NULL;
	int r = policy_read(&walk.policy);

	if (r == 0 && options->uri) {
		r = add_uri(&walk, &top);
	} else if (r == 0) {
		int fd = qemu_open_image(spec, dirfd, root);

		r = fd < 0 ? fd : add_format(&walk, fd, options->format, 0, &top);
	}
	if (r == 0) {
		set(top, "node-name", "image");
		ret->json = xstrdup(json_object_to_json_string_ext(top, JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	json_object_put(top);
	policy_clear(&walk.policy);
	return r;
}

void qemu_close(struct qemu_graph *graph)
{
	for (size_t i = 0; i < graph->nfds; i++)
		(void)close(graph->fds[i]);
	free(graph->fds);
	free(graph->json);
	free(graph->socket);
	*graph = (struct qemu_graph){ 0 };
}

char *qemu_graph_key(const struct spec *spec, const struct qemu_graph *graph, const char *how)
{
	char *key = xasprintf("%s %s %s", how, spec->nsources > 1 ? spec->sources[1] : "", graph->json);

	/* Two names of one file may stand on different files: its backing file is relative to the name. */
	for (size_t i = 0; i < graph->nfds; i++) {
		_cleanup_free_ char *before = key, *inode = path_inode(graph->fds[i]);

		key = xasprintf("%s %s", before, inode);
	}
	for (size_t i = 0; i < spec->noptions; i++) {
		_cleanup_free_ char *before = key;

		key = xasprintf("%s,%s=%s", before, spec->options[i].name, spec->options[i].value);
	}
	return key;
}

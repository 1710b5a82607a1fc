/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * graph - give QEMU's programs a complete graph of block nodes.
 *
 * On its own, QEMU probes formats and opens the files that headers name: a raw
 * image with a qcow2 header in it can make QEMU read any file of the host. So
 * the headers are read here, and the files that they name are checked and
 * opened. QEMU gets a graph in which each node has its driver and an open
 * descriptor of its file. Neither a renamed file nor a changed header can make
 * QEMU open another file.
 *
 * A graph cannot pin everything: QEMU opens a data file (qcow2) or extents
 * (vmdk) that the header names when QEMU reads it. sandbox.c and
 * qemu_nbd_check_files() prevent that. Descriptors are named as
 * /proc/self/fd/N, as qemu-nbd 7.2 has no /dev/fdset. QEMU opens these paths
 * again, so the permissions of the file must allow that to QEMU's user.
 */
#include "graph.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "policy.h"
#include "header.h"
#include "node.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <sys/stat.h>

#define CHAIN_MAX 64

struct walk {
	int root; /* where absolute paths begin; -EBADF: at the process's root */
	const struct spec *spec;
	const struct qemu_options *options;
	struct policy policy;
	struct qemu_graph *graph;
};

/* --- files --- */

/*
 * Open an absolute path for reading, beginning at root or, with -EBADF, at the process's root. In a stage, root must be
 * the host's: a server holds the mounts of its files, and those must be the ones that umount finds busy. Returns the fd
 * or -errno.
 */
static int open_absolute(int root, const char *path)
{
	int fd = openat(root < 0 ? AT_FDCWD : root, root < 0 ? path : path + strspn(path, "/"),
			O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Make the node of an open file; the graph takes fd. */
static struct json_object *file_node(struct walk *walk, int fd, bool readonly)
{
	struct json_object *node = json_object_new_object();
	struct qemu_graph *graph = walk->graph;
	_cleanup_free_ char *name = xasprintf("/proc/self/fd/%d", graph->first_fd + (int)graph->nfds);

	node_set(node, "driver", "file");
	node_set(node, "filename", name);
	node_set(node, "aio", walk->options->aio);
	json_object_object_add(node, "read-only", json_object_new_boolean(readonly));
	node_set_cache(node, walk->options);
	*ARRAY_ADD(graph->fds, graph->nfds) = fd;
	if (!readonly)
		graph->nwritten = graph->nfds;
	return node;
}

/* Open a file that an image's header names, in the image's directory or where the policy allows it. Returns the fd or
 * -errno (logged). */
static int open_named(struct walk *walk, const char *image, const char *name, const char *what)
{
	_cleanup_free_ char *text = xstrdup(image), *scheme = uri_scheme(name), *path = NULL, *real = NULL;
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

static int add_data_file(struct walk *walk, const char *image, const struct header_refs *refs, bool readonly,
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

static int add_backing(struct walk *walk, const char *image, const struct header_refs *refs, unsigned int depth,
		       struct json_object *node)
{
	struct json_object *backing = NULL;
	const char *format;
	int fd, r;

	if (!refs->backing) {
		/* Explicitly none, whatever the header names when QEMU reads it. */
		json_object_object_add(node, "backing", NULL);
		return 0;
	}
	if (!refs->backing_format)
		return spec_refuse(walk->spec, -EINVAL,
				   "image '%s' does not say which format its backing file '%s' has; if it is qcow2: "
				   "qemu-img rebase -u -b '%s' -F qcow2 '%s'",
				   image, refs->backing, refs->backing, image);
	format = header_find(refs->backing_format);
	if (!format)
		return spec_refuse(walk->spec, -EINVAL, "image '%s': unknown format '%s' of its backing file", image,
				   refs->backing_format);
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

/* Make the nodes of an open image, its data and backing files; the graph takes fd. Returns 0 or -errno (logged). */
static int add_format(struct walk *walk, int fd, const char *format, unsigned int depth, struct json_object **ret)
{
	_cleanup_free_ char *image = path_of(fd), *reason = NULL;
	struct json_object *node = json_object_new_object();
	bool readonly = depth > 0 || walk->options->readonly;
	struct header_refs refs = { 0 };
	int r;

	*ret = node;
	node_set(node, "driver", format);
	json_object_object_add(node, "file", file_node(walk, fd, readonly));
	json_object_object_add(node, "read-only", json_object_new_boolean(readonly));
	node_set_cache(node, walk->options);
	r = header_read(fd, format, &refs, &reason);
	if (r < 0)
		return spec_refuse(walk->spec, r, "image '%s' %s", image, reason);
	if (refs.readonly && !readonly)
		r = spec_refuse(walk->spec, -EROFS, "image '%s' can only be read by QEMU; add ,ro", image);
	if (r == 0)
		r = add_data_file(walk, image, &refs, readonly, node);
	if (r == 0 && node_has_backing(format))
		r = add_backing(walk, image, &refs, depth, node);
	header_clear(&refs);
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

int qemu_open(const struct spec *spec, const struct qemu_options *options, int dirfd, int root, struct qemu_graph *ret)
{
	struct walk walk = { .root = root, .spec = spec, .options = options, .graph = ret };
	struct json_object *top = NULL;
	int r = policy_read(&walk.policy);

	if (r == 0 && options->uri) {
		r = node_of_uri(
			&(struct node_request){
				.spec = spec, .options = options, .policy = &walk.policy, .socket = &ret->socket },
			&top);
	} else if (r == 0) {
		int fd = qemu_open_image(spec, dirfd, root);

		r = fd < 0 ? fd : add_format(&walk, fd, options->format, 0, &top);
	}
	if (r == 0) {
		node_set(top, "node-name", "image");
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

	/* All inodes of the chain: two names of an image may have different backing files, which are relative to the
	 * name. */
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

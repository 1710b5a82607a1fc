/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar - layers from tars, and tars from layers.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/number.h"
#include "../base/sha256.h"
#include "../layer/fill.h"
#include "../tar/idmap.h"
#include "../layer/users.h"
#include "../layer/dir-lock.h"
#include "../layer/staging.h"
#include "../layer/store-open.h"
#include "../layer/union-mount.h"
#include "../delta/merge.h"
#include "../tar/tar.h"
#include "layer.h"
#include "../command/output.h"

#include <ctype.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <sys/stat.h>

/* A number of an option, with K, M, G, T; 0: no limit. 0, or EXIT_USAGE after an error line. */
static int parse_limit(const char *option, const char *text, uint64_t *ret)
{
	if (text && number_parse(text, NUMBER_UNITS, UINT64_MAX, ret) < 0)
		return log_refuse(EXIT_USAGE, "%s '%s': not a number", option, text);
	return 0;
}

static int parse_idmap(const struct args *args, struct idmap *map)
{
	for (size_t i = 0; i < args->nidmap; i++)
		if (idmap_add(map, args->idmap[i]) < 0)
			return EXIT_USAGE;
	return 0;
}

static int open_input(const char *file)
{
	struct stat st;
	int fd;

	if (!file || strcmp(file, "-") == 0) {
		if (isatty(STDIN_FILENO))
			return log_refuse(-EINVAL, "a tar is not read from a terminal; name a FILE");
		return dup(STDIN_FILENO);
	}
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return log_errno(-errno, "open '%s'", file);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return log_refuse(-EISDIR, "'%s' is a directory; tar -C %s -cf - . | lxc-bdev layer apply ID", file,
				  file);
	}
	return fd;
}

static void print_applied(const struct args *args, const struct untar *untar)
{
	struct json_object *o;

	if (untar->skipped)
		log_warn("layer '%s': %llu entries that a layer cannot have were left out", args->argv[0],
			 (unsigned long long)untar->skipped);
	if (!args->json) {
		printf("%llu\n", (unsigned long long)untar->size);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "id", json_object_new_string(args->argv[0]));
	json_object_object_add(o, "size", json_object_new_int64((int64_t)untar->size));
	json_object_object_add(o, "entries", json_object_new_int64((int64_t)untar->entries));
	json_object_object_add(o, "skipped", json_object_new_int64((int64_t)untar->skipped));
	layer_print_json(o);
}

static int run_apply(const struct args *args, struct store *store)
{
	struct untar untar = { .limits = untar_defaults };
	unsigned char digest[SHA256_SIZE];
	struct idmap map = { 0 };
	_cleanup_close_ int input = -EBADF;
	int r;

	if (args->digest) {
		if (sha256_parse(args->digest, digest) < 0)
			return log_refuse(EXIT_USAGE,
					  "--digest '%s': not a digest; sha256: and 64 lower-case hexadecimal digits",
					  args->digest);
		untar.digest = digest;
	}
	r = parse_limit("--max-bytes", args->max_bytes, &untar.limits.bytes);
	if (r == 0)
		r = parse_limit("--max-entries", args->max_entries, &untar.limits.entries);
	if (r == 0)
		r = parse_idmap(args, &map);
	if (r == 0) {
		input = open_input(args->argc > 1 ? args->argv[1] : NULL);
		r = input < 0 ? input : 0;
	}
	untar.idmap = &map;
	if (args->argc > 1 && strcmp(args->argv[1], "-") != 0)
		untar.name = args->argv[1];
	if (r == 0)
		r = fill_from_tar(store, args->argv[0], args->parent, &untar, input);
	if (r == 0)
		print_applied(args, &untar);
	idmap_clear(&map);
	return r;
}

/* SOURCE_DATE_EPOCH, -1 when it is not set. 0, or EXIT_USAGE after an error line. */
static int read_epoch(int64_t *ret)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*ret = -1;
	if (!text)
		return 0;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	if (errno || end == text || *end || *ret < 0)
		return log_refuse(EXIT_USAGE, "SOURCE_DATE_EPOCH '%s': not a number of seconds", text);
	return 0;
}

static int write_tar(const struct args *args, struct totar *tar, int from)
{
	struct idmap map = { 0 };
	struct output output;
	int r;

	tar->idmap = &map;
	r = parse_idmap(args, &map);
	if (r == 0)
		r = read_epoch(&tar->epoch);
	if (r == 0) {
		r = output_open(args->output, &output);
		if (r == 0)
			r = totar(tar, from, output.fd);
		r = output_close(&output, r);
	}
	if (r == 0 && tar->skipped)
		log_warn("layer '%s': %llu sockets, which a tar cannot have, were left out", args->argv[0],
			 (unsigned long long)tar->skipped);
	tar->idmap = NULL;
	idmap_clear(&map);
	return r;
}

/* The changes of several layers at once: the n uppermost of these, as one. */
static int diff_several(const struct args *args, const struct store *store, struct totar *tar, const int *all, size_t n)
{
	struct staging stage;
	int r = store_check_ours(store) ?: staging_create(store, &stage);

	if (r == 0)
		r = merge_deltas(&store->delta, all, n, NULL, stage.fd);
	if (r == 0)
		r = write_tar(args, tar, stage.fd);
	staging_discard(store, &stage);
	return r;
}

static int diff(const struct args *args, const struct store *store, const struct layer *layer)
{
	int *all = NULL, *below = NULL, r = dirlock_shared(store, layer, &below);
	struct totar tar = { .delta = store->delta };
	size_t n = 0, i = 0;

	if (r < 0)
		return r;
	*ARRAY_ADD(all, n) = r;
	for (size_t k = 0; k < layer->n; k++)
		*ARRAY_ADD(all, n) = below[k];
	free(below);
	while (args->parent && i < layer->n && strcmp(layer->lowers[i], args->parent) != 0)
		i++;
	tar.lowers = all + 1 + i;
	tar.nlowers = layer->n - i;
	if (args->parent && i == layer->n)
		r = log_refuse(-EINVAL, "layer '%s' does not depend on '%s'", layer->id, args->parent);
	else
		r = i ? diff_several(args, store, &tar, all, 1 + i) : write_tar(args, &tar, all[0]);
	dirlock_release(all, n);
	return r;
}

static int run_diff(const struct args *args, struct store *store)
{
	struct layer layer;
	int r = layer_read(store, args->argv[0], &layer);

	if (r == 0)
		r = diff(args, store, &layer);
	layer_clear(&layer);
	return r;
}

/* The whole tree, from a mount that nobody else sees. */
static int run_export(const struct args *args, struct store *store)
{
	struct totar tar = { .delta = store->delta, .merged = true };
	_cleanup_close_ int held = -EBADF, mount = -EBADF, top = -EBADF;
	struct layer_use use = { 0 };
	struct layer layer;
	int r = layer_read(store, args->argv[0], &layer);

	if (r == 0) {
		held = dirlock_shared(store, &layer, NULL);
		r = held;
	}
	if (r >= 0)
		r = users_look(store, layer.id, false, &use);
	if (r >= 0 && use.writable)
		r = log_refuse(-EBUSY, "layer '%s' is mounted writable; put it first", layer.id);
	if (r >= 0)
		r = mount = union_mount(store, &layer, false);
	if (r >= 0) {
		top = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = top < 0 ? log_errno(-errno, "layer '%s': open its mount", layer.id) : 0;
	}
	if (r >= 0)
		r = write_tar(args, &tar, top);
	layer_clear(&layer);
	return r;
}

const struct layer_verb layer_verb_apply = {
	.name = "apply",
	.usage = "ID [FILE|-] [--digest=DIGEST] [--parent=ID] [--idmap=RANGE]... [--max-bytes=N] [--max-entries=N]",
	.summary = "a layer from an OCI layer tar, plain or compressed",
	.options = "rIbeG",
	.min = 1,
	.max = 2,
	.create = true,
	.run = run_apply,
};

const struct layer_verb layer_verb_diff = {
	.name = "diff",
	.usage = "ID [--parent=ID] [--idmap=RANGE]... [-o FILE]",
	.summary = "the layer as an OCI layer tar",
	.options = "rIw",
	.min = 1,
	.max = 1,
	.run = run_diff,
};

const struct layer_verb layer_verb_export = {
	.name = "export",
	.usage = "ID [--idmap=RANGE]... [-o FILE]",
	.summary = "the whole tree, with all layers below, as a tar",
	.options = "Iw",
	.min = 1,
	.max = 1,
	.run = run_export,
};

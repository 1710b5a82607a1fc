/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar - write layers as tars.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/progress.h"
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

#include <fcntl.h>

struct tar_options {
	struct layer_options layer;
	const char *parent, *output;
	struct option_list idmap;
};

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
	const struct tar_options *options = args->options;
	struct idmap map = { 0 };
	struct copy copy = { 0 };
	struct progress progress;
	struct output output;
	int r;

	tar->idmap = &map;
	r = layer_parse_idmap(&options->idmap, &map);
	if (r == 0)
		r = read_epoch(&tar->epoch);
	if (r == 0) {
		progress_begin(&progress, "written", &copy);
		tar->progress = &copy;
		r = output_open(options->output, &output);
		if (r == 0)
			r = totar(tar, from, output.fd);
		progress_end(&progress);
		r = output_close(&output, r);
	}
	if (r == 0 && tar->skipped)
		log_warn("layer '%s': %llu sockets, which a tar cannot have, were left out", args->argv[0],
			 (unsigned long long)tar->skipped);
	tar->idmap = NULL;
	tar->progress = NULL;
	idmap_clear(&map);
	return r;
}

/* The changes of several layers at once: the n uppermost of these, as one. */
static int diff_several(const struct args *args, const struct store *store, struct totar *tar, const int *all, size_t n)
{
	struct copy copy = { 0 };
	struct progress progress;
	struct staging stage;
	int r = store_check_ours(store) ?: staging_create(store, &stage);

	progress_begin(&progress, "copied", &copy);
	if (r == 0)
		r = merge_deltas(&store->delta, all, n, NULL, stage.fd, &copy);
	progress_end(&progress);
	if (r == 0)
		r = write_tar(args, tar, stage.fd);
	staging_discard(store, &stage);
	return r;
}

static int diff(const struct args *args, const struct store *store, const struct layer *layer)
{
	const struct tar_options *options = args->options;
	int *all = NULL, *below = NULL, r = dirlock_shared(store, layer, &below);
	struct totar tar = { .delta = store->delta };
	size_t n = 0, i = 0;

	if (r < 0)
		return r;
	*ARRAY_ADD(all, n) = r;
	for (size_t k = 0; k < layer->n; k++)
		*ARRAY_ADD(all, n) = below[k];
	free(below);
	while (options->parent && i < layer->n && strcmp(layer->lowers[i], options->parent) != 0)
		i++;
	tar.lowers = all + 1 + i;
	tar.nlowers = layer->n - i;
	if (options->parent && i == layer->n)
		r = log_refuse(-EINVAL, "layer '%s' does not depend on '%s'", layer->id, options->parent);
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

/* The options of every verb that writes a tar. */
#define TAR_OPTIONS                                                                                      \
	LAYER_IDMAP(struct tar_options, idmap),                                                          \
	{                                                                                                \
		.name = "output", .value = "FILE", .summary = "write to this file", .take = option_text, \
		AT(struct tar_options, output)                                                           \
	}

static const struct verb_option diff_table[] = {
	LAYER_OPTIONS,
	LAYER_PARENT(struct tar_options, parent),
	TAR_OPTIONS,
	{ .name = NULL },
};

const struct layer_verb layer_verb_diff = {
	.verb = {
		.name = "diff",
		.words = "ID",
		.summary = "write a layer as an OCI layer tar",
		.options = diff_table,
		.size = sizeof(struct tar_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.run = run_diff,
};

static const struct verb_option export_table[] = {
	LAYER_OPTIONS,
	TAR_OPTIONS,
	{ .name = NULL },
};

const struct layer_verb layer_verb_export = {
	.verb = {
		.name = "export",
		.words = "ID",
		.summary = "write the whole tree, with all lower layers, as a tar",
		.options = export_table,
		.size = sizeof(struct tar_options),
		.min = 1,
		.max = 1,
		.run = layer_run,
	},
	.run = run_export,
};

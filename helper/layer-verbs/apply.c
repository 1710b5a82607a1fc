/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apply - make a layer of a tar.
 */
#include "../layer/fill.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/number.h"
#include "../base/progress.h"
#include "../base/sha256.h"
#include "../tar/idmap.h"
#include "../command/json.h"
#include "layer.h"

#include <fcntl.h>
#include <sys/stat.h>

struct apply_options {
	struct layer_options layer;
	const char *digest, *parent, *max_bytes, *max_entries;
	struct option_list idmap;
};

/* A number of an option, with K, M, G, T; 0: no limit. 0, or EXIT_USAGE after an error line. */
static int parse_limit(const char *option, const char *text, uint64_t *ret)
{
	if (text && number_parse(text, NUMBER_UNITS, UINT64_MAX, ret) < 0)
		return log_refuse(EXIT_USAGE, "%s '%s': not a number", option, text);
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
	const struct apply_options *options = args->options;
	struct json_object *o;

	if (untar->skipped)
		log_warn("layer '%s': %llu entries that a layer cannot have were left out", args->argv[0],
			 (unsigned long long)untar->skipped);
	if (!options->layer.json) {
		printf("%llu\n", (unsigned long long)untar->size);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "id", json_object_new_string(args->argv[0]));
	json_object_object_add(o, "size", json_object_new_int64((int64_t)untar->size));
	json_object_object_add(o, "entries", json_object_new_int64((int64_t)untar->entries));
	json_object_object_add(o, "skipped", json_object_new_int64((int64_t)untar->skipped));
	json_print(o);
}

static int run_apply(const struct args *args, struct store *store)
{
	const struct apply_options *options = args->options;
	struct untar untar = { .limits = untar_defaults };
	unsigned char digest[SHA256_SIZE];
	struct idmap map = { 0 };
	_cleanup_close_ int input = -EBADF;
	struct copy copy = { 0 };
	struct progress progress;
	int r;

	if (options->digest) {
		if (sha256_parse(options->digest, digest) < 0)
			return log_refuse(EXIT_USAGE,
					  "--digest '%s': not a digest; sha256: and 64 lower-case hexadecimal digits",
					  options->digest);
		untar.digest = digest;
	}
	r = parse_limit("--max-bytes", options->max_bytes, &untar.limits.bytes);
	if (r == 0)
		r = parse_limit("--max-entries", options->max_entries, &untar.limits.entries);
	if (r == 0)
		r = layer_parse_idmap(&options->idmap, &map);
	if (r == 0) {
		input = open_input(args->argc > 1 ? args->argv[1] : NULL);
		r = input < 0 ? input : 0;
	}
	untar.idmap = &map;
	if (args->argc > 1 && strcmp(args->argv[1], "-") != 0)
		untar.name = args->argv[1];
	progress_begin(&progress, "unpacked", &copy);
	untar.progress = &copy;
	if (r == 0)
		r = fill_from_tar(store, args->argv[0], options->parent, &untar, input);
	progress_end(&progress);
	if (r == 0)
		print_applied(args, &untar);
	idmap_clear(&map);
	return r;
}

static const struct verb_option apply_table[] = {
	LAYER_OPTIONS,
	LAYER_JSON,
	{ .name = "digest",
	  .value = "DIGEST",
	  .summary = "refuse an input with another digest, sha256:HEX",
	  .take = option_text,
	  AT(struct apply_options, digest) },
	LAYER_PARENT(struct apply_options, parent),
	LAYER_IDMAP(struct apply_options, idmap),
	{ .name = "max-bytes",
	  .value = "N",
	  .summary = "refuse more data than this",
	  .take = option_text,
	  AT(struct apply_options, max_bytes) },
	{ .name = "max-entries",
	  .value = "N",
	  .summary = "refuse more names than this",
	  .take = option_text,
	  AT(struct apply_options, max_entries) },
	{ .name = NULL },
};

const struct layer_verb layer_verb_apply = {
	.verb = {
		.name = "apply",
		.words = "NEW-ID [FILE|-]",
		.summary = "make a layer of an OCI layer tar, plain or compressed",
		.options = apply_table,
		.size = sizeof(struct apply_options),
		.min = 1,
		.max = 2,
		.run = layer_run,
	},
	.create = true,
	.run = run_apply,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layer-tar - layers from tars, and tars from layers.
 */
#include "../core/cleanup.h"
#include "../core/log.h"
#include "../core/sha256.h"
#include "../layer/apply.h"
#include "../layer/idmap.h"
#include "../layer/inuse.h"
#include "../layer/mounts.h"
#include "../layer/squash.h"
#include "../layer/totar.h"
#include "layer.h"

#include <ctype.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>

/* A number of an option, with K, M, G, T; 0: no limit. 0, or EXIT_USAGE after an error line. */
static int parse_limit(const char *option, const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	unsigned long long n;
	const char *unit;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (errno || end == text || !isdigit((unsigned char)*text) || (*end && (!unit || end[1])) ||
	    (unit && n > ULLONG_MAX >> (10 * (unit - units + 1))))
		return log_refuse(EXIT_USAGE, "%s '%s': not a number", option, text);
	*ret = unit ? n << (10 * (unit - units + 1)) : n;
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
		r = apply(store, args->argv[0], args->parent, &untar, input);
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

/*
 * Where a tar goes: stdout, or a file that has its name when it is whole. Until then it has no name, if the file system
 * can do that, and so nothing of it is left whatever happens; else a signal that ends the process removes it.
 */
struct output {
	const char *file;
	char *temp; /* NULL: it is written to where it is */
	int fd;
	bool named; /* temp is there */
};

static const char *volatile unfinished;

static void remove_unfinished(int number)
{
	if (unfinished)
		(void)unlink(unfinished);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

/* The output has the name `temp` from now on. */
static void set_named(struct output *output)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };

	unfinished = output->temp;
	output->named = true;
	/* One that is ignored stays so. */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (signal(signals[i], remove_unfinished) == SIG_IGN)
			(void)signal(signals[i], SIG_IGN);
}

static int open_new(struct output *output)
{
	_cleanup_free_ char *copy = xstrdup(output->file);

	output->temp = xasprintf("%s.XXXXXX", output->file);
	output->fd = open(dirname(copy), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (output->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return output->fd;
	output->fd = mkostemp(output->temp, O_CLOEXEC);
	if (output->fd >= 0)
		set_named(output);
	return output->fd;
}

static int open_output(const char *file, struct output *ret)
{
	struct stat st;

	*ret = (struct output){ .file = file, .fd = -EBADF };
	if (!file || strcmp(file, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return log_refuse(EXIT_USAGE, "a tar is not for a terminal; use -o FILE");
		ret->fd = dup(STDOUT_FILENO);
	} else if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		ret->fd = open(file, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	} else {
		(void)open_new(ret);
	}
	return ret->fd < 0 ? log_errno(-errno, "write '%s'", file ?: "stdout") : 0;
}

/* Give a file without a name one: its own, or another where its own is taken. 0 or -errno. */
static int give_name(struct output *output)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", output->fd);
	if (linkat(AT_FDCWD, path, AT_FDCWD, output->file, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	do {
		unsigned int random = 0;

		free(output->temp);
		(void)!getrandom(&random, sizeof(random), 0);
		output->temp = xasprintf("%s.%08x", output->file, random);
		errno = 0;
	} while (linkat(AT_FDCWD, path, AT_FDCWD, output->temp, AT_SYMLINK_FOLLOW) < 0 && errno == EEXIST);
	if (errno)
		return -errno;
	set_named(output);
	return 0;
}

/* r: what writing came to. 0, r, or -errno (logged). */
static int close_output(struct output *output, int r)
{
	if (output->temp && r == 0) {
		r = fsync(output->fd) < 0 ? -errno : output->named ? 0 : give_name(output);
		if (r == 0 && output->named && rename(output->temp, output->file) < 0)
			r = -errno;
		if (r < 0)
			(void)log_errno(r, "write '%s'", output->file);
	}
	if (output->named && r != 0)
		(void)unlink(output->temp);
	unfinished = NULL;
	/* Some file systems say only now that it is not written. */
	if (output->fd >= 0 && close(TAKE_FD(output->fd)) < 0 && r == 0)
		r = log_errno(-errno, "write '%s'", output->file ?: "stdout");
	free(output->temp);
	return r;
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
		r = open_output(args->output, &output);
		if (r == 0)
			r = totar(tar, from, output.fd);
		r = close_output(&output, r);
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
	struct stage_dir stage;
	int r = store_check_ours(store) ?: store_stage(store, &stage);

	if (r == 0)
		r = squash(&store->delta, all, n, false, stage.fd);
	if (r == 0)
		r = write_tar(args, tar, stage.fd);
	store_unstage(store, &stage);
	return r;
}

static int diff(const struct args *args, const struct store *store, const struct layer *layer)
{
	int *all = NULL, *below = NULL, r = store_hold(store, layer, &below);
	struct totar tar = { .delta = store->delta };
	size_t n = 0, i = 0;

	if (r < 0)
		return r;
	*ARRAY_ADD(all, n) = r;
	for (size_t k = 0; k < layer->n; k++)
		*ARRAY_ADD(all, n) = below[k];
	free(below);
	while (args->parent && i < layer->n && strcmp(layer->below[i], args->parent) != 0)
		i++;
	tar.lowers = all + 1 + i;
	tar.nlowers = layer->n - i;
	if (args->parent && i == layer->n)
		r = log_refuse(-EINVAL, "layer '%s' does not lie on '%s'", layer->id, args->parent);
	else
		r = i ? diff_several(args, store, &tar, all, 1 + i) : write_tar(args, &tar, all[0]);
	store_let_go(all, n);
	return r;
}

static int run_diff(const struct args *args, struct store *store)
{
	struct layer layer;
	int r = store_read(store, args->argv[0], &layer);

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
	struct inuse inuse = { 0 };
	struct layer layer;
	int r = store_read(store, args->argv[0], &layer);

	if (r == 0) {
		held = store_hold(store, &layer, NULL);
		r = held;
	}
	if (r >= 0)
		r = inuse_look(store, layer.id, false, &inuse);
	if (r >= 0 && inuse.writable)
		r = log_refuse(-EBUSY, "layer '%s' is mounted, and written to; put it first", layer.id);
	if (r >= 0)
		r = mount = mounts_make(store, &layer, false);
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

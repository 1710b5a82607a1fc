/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-store - the layers of a store of Docker's aufs driver, in their order.
 */
#include "aufs-store.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct layer {
	char *id;
	char **ancestors; /* nearest first */
	size_t n;
};

struct store {
	const char *path;
	int layers_fd, diff, mnt; /* its directories */
	struct layer *layers;
	size_t n;
};

/* 0 or -errno. */
static int store_open(struct store *store, const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*store = (struct store){ .path = path, .layers_fd = -EBADF, .diff = -EBADF, .mnt = -EBADF };
	if (fd < 0 || (store->layers_fd = openat(fd, "layers", OPEN_DIR)) < 0 ||
	    (store->diff = openat(fd, "diff", OPEN_DIR)) < 0 || (store->mnt = openat(fd, "mnt", OPEN_DIR)) < 0)
		return -errno;
	return 0;
}

static void store_close(struct store *store)
{
	for (size_t i = 0; i < store->n; i++) {
		for (size_t j = 0; j < store->layers[i].n; j++)
			free(store->layers[i].ancestors[j]);
		free(store->layers[i].ancestors);
		free(store->layers[i].id);
	}
	free(store->layers);
	cleanup_close(&store->layers_fd);
	cleanup_close(&store->diff);
	cleanup_close(&store->mnt);
}

int aufsstore_is(const char *path)
{
	struct store store;
	int r = store_open(&store, path);

	store_close(&store);
	if (r == 0)
		return 1;
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
}

int aufsstore_ours(const char *path, char **ret)
{
	static const struct {
		const char *name;
		mode_t type;
	} has[] = { { "driver", S_IFREG }, { "layers", S_IFDIR }, { "diff", S_IFDIR } };

	*ret = NULL;
	for (_cleanup_free_ char *at = xstrdup(path);;) {
		_cleanup_close_ int fd = open(at, O_PATH | O_DIRECTORY | O_CLOEXEC);
		char *slash = strrchr(at, '/');
		size_t i = 0;
		int r = fd >= 0;

		if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
			return -errno;
		while (r > 0 && i < ARRAY_SIZE(has)) {
			r = path_has(fd, has[i].name, has[i].type);
			i++;
		}
		if (r > 0)
			*ret = TAKE_PTR(at);
		if (r)
			return r;
		if (!slash || slash == at)
			return 0;
		*slash = '\0';
	}
}

int aufsstore_more(const char *path, char **ret)
{
	const char *const own[] = { ".", "..", "layers", "diff", "mnt" };
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r;

	*ret = NULL;
	if (!dir)
		return -errno;
	while (!*ret && (errno = 0, entry = readdir(dir))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(own) && strcmp(entry->d_name, own[i]) != 0)
			i++;
		if (i == ARRAY_SIZE(own))
			*ret = xstrdup(entry->d_name);
	}
	r = *ret ? 1 : -errno;
	(void)closedir(dir);
	return r;
}

static bool is_id(const char *id)
{
	return *id && !strchr(id, '/') && strcmp(id, ".") != 0 && strcmp(id, "..") != 0 && strlen(id) <= NAME_MAX;
}

/* Read the record of a layer. Returns 0 or -errno (logged). */
static int read_layer(const struct store *store, struct layer *layer)
{
	_cleanup_free_ char *line = NULL;
	int fd = openat(store->layers_fd, layer->id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;
	FILE *f = fd < 0 ? NULL : must(fdopen(fd, "re"));
	size_t size = 0;
	struct stat st;

	if (!f)
		return log_errno(-errno, "open '%s/layers/%s'", store->path, layer->id);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		r = -EINVAL;
	while (r == 0 && getline(&line, &size, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line)
			continue;
		if (is_id(line))
			*ARRAY_ADD(layer->ancestors, layer->n) = xstrdup(line);
		else
			r = -EINVAL;
	}
	/* A record that was read in part would list fewer layers. */
	if (r == 0 && !feof(f))
		r = -EIO;
	(void)fclose(f);
	if (r == -EIO)
		return log_errno(r, "read '%s/layers/%s'", store->path, layer->id);
	return r < 0 ? log_refuse(r, "'%s/layers/%s' is not a list of layers", store->path, layer->id) : 0;
}

static int compare(const void *a, const void *b)
{
	const struct layer *x = a, *y = b;

	return x->n != y->n ? (x->n > y->n) - (x->n < y->n) : strcmp(x->id, y->id);
}

/* Read all records, and sort them: lower layers first. Returns 0 or -errno (logged). */
static int read_layers(struct store *store)
{
	DIR *dir = fdopendir(fcntl(store->layers_fd, F_DUPFD_CLOEXEC, 0));
	const struct dirent *entry;
	int r = 0;

	while (dir && r == 0 && (errno = 0, entry = readdir(dir))) {
		struct layer *layer;

		if (!is_id(entry->d_name))
			continue;
		layer = ARRAY_ADD(store->layers, store->n);
		layer->id = xstrdup(entry->d_name);
		r = read_layer(store, layer);
	}
	if (!dir || (r == 0 && errno))
		r = log_errno(-errno, "read '%s/layers'", store->path);
	if (dir)
		(void)closedir(dir);
	if (store->n)
		qsort(store->layers, store->n, sizeof(*store->layers), compare);
	return r;
}

/* Return whether there is a record of this layer. */
static bool has_record(const struct store *store, const char *id)
{
	for (size_t i = 0; i < store->n; i++)
		if (strcmp(store->layers[i].id, id) == 0)
			return true;
	return false;
}

static bool is_layer(const struct store *store, const char *id)
{
	struct stat st;

	return fstatat(store->diff, id, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* Check that each layer has its record and its directory, and so have its lower layers. Returns 0 or -errno (logged).
 */
static int check_whole(const struct store *store)
{
	_cleanup_close_ int again = openat(store->diff, ".", OPEN_DIR);
	DIR *diff = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;
	int r = diff ? 0 : log_errno(-errno, "read '%s/diff'", store->path);

	for (size_t i = 0; r == 0 && i < store->n; i++) {
		const struct layer *layer = &store->layers[i];

		if (!is_layer(store, layer->id))
			r = log_refuse(-ENOENT, "'%s/layers/%s' is the record of a layer that '%s/diff' does not have",
				       store->path, layer->id, store->path);
		for (size_t k = 0; r == 0 && k < layer->n; k++)
			if (!is_layer(store, layer->ancestors[k]))
				r = log_refuse(-ENOENT, "'%s/layers/%s' names '%s', which '%s/diff' does not have",
					       store->path, layer->id, layer->ancestors[k], store->path);
	}
	while (r == 0 && diff && (errno = 0, entry = readdir(diff))) {
		const char *end = strstr(entry->d_name, "-removing");

		/* A layer that was being removed does not count. */
		if (is_id(entry->d_name) && is_layer(store, entry->d_name) && !has_record(store, entry->d_name) &&
		    !(end && !end[strlen("-removing")]))
			r = log_refuse(-ENOENT,
				       "'%s/diff/%s' has no record '%s/layers/%s' of its lower layers: remove it, or "
				       "write that (an ID a line, nearest first)",
				       store->path, entry->d_name, store->path, entry->d_name);
	}
	if (r == 0 && errno)
		r = log_errno(-errno, "read '%s/diff'", store->path);
	if (diff) {
		(void)TAKE_FD(again);
		(void)closedir(diff);
	}
	return r;
}

/* Check that no layer is mounted. Returns 0 or -EBUSY (logged). */
static int check_unmounted(const struct store *store)
{
	struct statx top, st;

	if (statx(store->mnt, "", AT_EMPTY_PATH, STATX_MNT_ID, &top) < 0)
		return log_errno(-errno, "look at '%s/mnt'", store->path);
	for (size_t i = 0; i < store->n; i++)
		if (statx(store->mnt, store->layers[i].id, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) ==
			    0 &&
		    st.stx_mnt_id != top.stx_mnt_id)
			return log_refuse(-EBUSY, "'%s/mnt/%s' is mounted: stop the users of the store first",
					  store->path, store->layers[i].id);
	return 0;
}

static int one(const struct store *store, const struct layer *layer,
	       int (*call)(void *arg, const char *path, const int *lowers, size_t n), void *arg)
{
	_cleanup_free_ char *path = xasprintf("%s/diff/%s", store->path, layer->id);
	_cleanup_free_ int *lowers = NULL;
	size_t n = 0;
	int r = 0;

	while (r == 0 && n < layer->n) {
		int fd = openat(store->diff, layer->ancestors[n], OPEN_DIR);

		if (fd < 0)
			r = log_errno(-errno, "open '%s/diff/%s', a lower layer of '%s'", store->path,
				      layer->ancestors[n], path);
		else
			*ARRAY_ADD(lowers, n) = fd;
	}
	if (r == 0)
		r = call(arg, path, lowers, n);
	while (n)
		(void)close(lowers[--n]);
	return r;
}

int aufsstore_each(const char *path, int (*layer)(void *arg, const char *path, const int *lowers, size_t n), void *arg)
{
	struct store store;
	int r = store_open(&store, path);

	if (r < 0)
		(void)log_errno(r, "open the store '%s'", path);
	if (r == 0)
		r = read_layers(&store);
	if (r == 0)
		r = check_whole(&store) ?: check_unmounted(&store);
	for (size_t i = 0; r == 0 && i < store.n; i++)
		r = one(&store, &store.layers[i], layer, arg);
	store_close(&store);
	return r;
}

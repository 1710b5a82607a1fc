/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * metadata - the records of layers, and their relations.
 *
 * layers/ID lists a layer's lower layers, in the layout of Docker's aufs driver.
 * It is written by a rename, so it is never half a record. But others may have
 * written it, so it is checked when it is read.
 */
#include "metadata.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>
#include <sys/stat.h>

#define RECORD_MAX (4U << 20)

void layer_clear(struct layer *layer)
{
	strings_free(layer->lowers, layer->n);
	free(layer->id);
	*layer = (struct layer){ 0 };
}

/* Read DIR/ID of the store as text, for the caller to free. Returns 0 or -errno. */
static int read_text(const struct store *store, const char *dir, const char *id, char **ret)
{
	_cleanup_free_ char *name = xasprintf("%s/%s", dir, id), *text = NULL;
	_cleanup_close_ int fd = openat(store->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > RECORD_MAX)
		return -EINVAL;
	text = xcalloc((size_t)st.st_size + 1, 1);
	for (size_t done = 0; done < (size_t)st.st_size && (n = read(fd, text + done, (size_t)st.st_size - done));) {
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	if (strlen(text) != (size_t)st.st_size)
		return -EINVAL;
	*ret = TAKE_PTR(text);
	return 0;
}

/* Read the layer's information, if there is any. Returns 0 or -errno. */
static int read_info(const struct store *store, struct layer *layer)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	int r = read_text(store, STORE_INFO, layer->id, &text);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (strcmp(line, "rw=1") == 0)
			layer->rw = true;
		else if (strncmp(line, "size=", 5) == 0)
			layer->size = strtoull(line + 5, NULL, 10);
		else if (strncmp(line, "created=", 8) == 0)
			layer->created = strtoll(line + 8, NULL, 10);
	}
	return 0;
}

/* Parse a record. Returns NULL, or what is wrong with it. */
static const char *parse(char *text, struct layer *layer)
{
	char *line, *end;

	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (!store_is_id(line))
			return "a line is not an ID";
		if (strcmp(line, layer->id) == 0)
			return "it lists itself";
		*ARRAY_ADD(layer->lowers, layer->n) = xstrdup(line);
	}
	return *line ? "it is cut off" : NULL;
}

int layer_exists(const struct store *store, const char *id)
{
	_cleanup_free_ char *name = xasprintf("layers/%s", id);

	return store_look(store, name, NULL);
}

int layer_read_unchecked(const struct store *store, const char *id, struct layer *ret, const char **ret_why)
{
	_cleanup_free_ char *text = NULL;
	int r;

	*ret = (struct layer){ .id = xstrdup(id) };
	*ret_why = NULL;
	r = read_text(store, "layers", id, &text);
	if (r == -EINVAL)
		*ret_why = "it is not text";
	if (r < 0 || !text)
		return r;
	*ret_why = parse(text, ret);
	r = read_info(store, ret);
	if (r < 0 && !*ret_why)
		*ret_why = "info/ID of the layer cannot be read";
	return *ret_why ? (r < 0 ? r : -EINVAL) : 0;
}

int layer_read(const struct store *store, const char *id, struct layer *ret)
{
	const char *why;
	int r;

	*ret = (struct layer){ 0 };
	r = store_check_id(id);
	if (r < 0)
		return r;
	r = layer_read_unchecked(store, id, ret, &why);
	if (r == -ENOENT)
		return log_refuse(r, "there is no layer '%s' in '%s'", id, store->dir);
	if (why)
		return log_refuse(r, "layer '%s': its record is damaged: %s", id, why);
	if (r < 0)
		return log_errno(r, "read '%s/layers/%s'", store->dir, id);
	r = ret->n ? layer_depends_on(store, ret->lowers[0], id) : 0;
	if (r > 0)
		return log_refuse(-EINVAL,
				  "layer '%s': its record is damaged: it and its lower layer '%s' depend on each other",
				  id, ret->lowers[0]);
	for (size_t i = 0; r == 0 && i < ret->n; i++) {
		r = layer_exists(store, ret->lowers[i]);
		if (r == 0)
			return log_refuse(-EINVAL, "layer '%s' depends on '%s', which does not exist", id,
					  ret->lowers[i]);
		r = r < 0 ? r : 0;
	}
	return r;
}

int layer_write_info(const struct store *store, const struct layer *layer)
{
	_cleanup_free_ char *info = xasprintf("%ssize=%llu\ncreated=%lld\n", layer->rw ? "rw=1\n" : "",
					      (unsigned long long)layer->size, layer->created);

	return store_write(store, STORE_INFO, layer->id, info);
}

int layer_write_record(const struct store *store, const struct layer *layer)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 1;
	char *end;
	int r;

	for (size_t i = 0; i < layer->n; i++)
		size += strlen(layer->lowers[i]) + 1;
	end = text = xcalloc(size, 1);
	for (size_t i = 0; i < layer->n; i++)
		end = stpcpy(stpcpy(end, layer->lowers[i]), "\n");
	/* In this order: a layer that has information and no record has lost it. */
	r = store_write(store, "layers", layer->id, text);
	if (r == 0 && (r = layer_write_info(store, layer)) < 0) {
		_cleanup_free_ char *name = xasprintf("layers/%s", layer->id);

		(void)unlinkat(store->fd, name, 0);
	}
	return r;
}

/* Return whether a line of the text is this ID. */
static bool has_line(const char *text, const char *id)
{
	size_t n = strlen(id);

	for (const char *p = text; (p = strstr(p, id)); p++)
		if ((p == text || p[-1] == '\n') && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

/* Return 1 if the record of `id` lists `other`; 0: it does not, or is no record; or -errno (logged). */
static int lists(const struct store *store, const char *id, const char *other, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	int r = read_text(store, "layers", id, &text);

	/* A file that is not text is no record, and a missing one was removed concurrently. */
	if (r == -ENOENT || r == -EINVAL || r == -ELOOP)
		return 0;
	if (r < 0)
		return log_errno(r, "read '%s/layers/%s'", store->dir, id);
	r = text && has_line(text, other);
	if (ret_text)
		*ret_text = TAKE_PTR(text);
	return r;
}

int layer_depends_on(const struct store *store, const char *id, const char *child)
{
	return lists(store, id, child, NULL);
}

/* Return 2 if `other` is a child of this layer, 1 if it depends on it, 0 if not (nor if both depend on each other: then
 * neither is a layer), or -errno (logged). */
static int is_child(const struct store *store, const char *id, const char *other)
{
	_cleanup_free_ char *text = NULL;
	int r = lists(store, other, id, &text);

	if (r > 0) {
		r = layer_depends_on(store, id, other);
		r = r < 0 ? r : !r;
	}
	if (r <= 0 || !text)
		return r;
	return strncmp(text, id, strlen(id)) == 0 && text[strlen(id)] == '\n' ? 2 : 1;
}

int layer_find_child(const struct store *store, const char *id, char **ret)
{
	char **ids, *child = NULL;
	size_t n;
	int r = store_list(store, "layers", &ids, &n), best = 0;

	for (size_t i = 0; r >= 0 && i < n && best < 2; i++) {
		r = is_child(store, id, ids[i]);
		if (r <= best)
			continue;
		best = r;
		free(child);
		child = xstrdup(ids[i]);
	}
	strings_free(ids, n);
	if (r < 0) {
		free(child);
		child = NULL;
	}
	*ret = child;
	return r < 0 ? r : best > 0;
}

int layer_lost_record(const struct store *store, const char *id)
{
	_cleanup_free_ char *diff = xasprintf("diff/%s", id), *info = xasprintf(STORE_INFO "/%s", id), *child = NULL;
	struct stat st;
	int r;

	if (!store_is_id(id))
		return 0;
	r = layer_exists(store, id);
	if (r)
		return r < 0 ? r : 0;
	r = store_look(store, diff, &st);
	if (r <= 0 || !S_ISDIR(st.st_mode))
		return r < 0 ? r : 0;
	return store_look(store, info, NULL) ?: layer_find_child(store, id, &child);
}

int layer_guess_record(const struct store *store, const char *id, const char *child, struct layer *ret)
{
	struct layer layer;
	const char *why;
	size_t i = 0;
	int r = layer_read_unchecked(store, child, &layer, &why);

	*ret = (struct layer){ .id = xstrdup(id) };
	while (r == 0 && i < layer.n && strcmp(layer.lowers[i], id) != 0)
		i++;
	if (r == 0 && i == layer.n)
		r = -ENOENT;
	for (i++; r == 0 && i < layer.n; i++)
		*ARRAY_ADD(ret->lowers, ret->n) = xstrdup(layer.lowers[i]);
	layer_clear(&layer);
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apply - a tar becomes a layer.
 *
 * The input is read into a stage, with no lock held but those on the layers
 * below, so that whoever writes it may take as long as he likes.
 */
#include "fill.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What the layer is to lie on: that of the layer that is there, or what was asked for. 0 or -errno (logged). */
static int choose_parent(struct store *store, const char *id, const char *parent, char **ret)
{
	struct layer layer;
	int r = store_check_id(id);

	*ret = NULL;
	if (r < 0)
		return r;
	r = store_has(store, id);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret = parent ? xstrdup(parent) : NULL;
		return 0;
	}
	r = store_read(store, id, &layer);
	if (r == 0 && (parent || layer.n))
		*ret = xstrdup(parent ?: layer.below[0]);
	layer_clear(&layer);
	return r < 0 ? r : store_may_fill(store, id, *ret);
}

/* There is a file of this name in the directory, and `text` in how it begins (NULL: whatever is). */
static bool has_file(int dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char begin[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (!text)
		return true;
	n = pread(fd, begin, sizeof(begin), 0);
	return n > 0 && memmem(begin, (size_t)n, text, strlen(text));
}

/* What is in the directory is a root's, or a part of one: not an image with layers in it. 0 or -EINVAL (logged). */
static int check_contents(int dir, const char *name)
{
	if (!has_file(dir, "oci-layout", NULL) && !has_file(dir, "manifest.json", "\"Layers\""))
		return 0;
	return log_refuse(
		-EINVAL,
		"%s%s%s is an image, not a layer: unpack it, and apply the layers that its manifest names, lowest "
		"first",
		name ? "'" : "", name ?: "the tar", name ? "'" : "");
}

int apply(struct store *store, const char *id, const char *parent, struct untar *how, int input)
{
	struct stage_dir stage = { .fd = -EBADF };
	_cleanup_free_ char *on = NULL;
	int *parents = NULL, r;
	size_t n = 0;

	r = choose_parent(store, id, parent, &on);
	if (r == 0)
		r = store_hold_all(store, on, &parents, &n);
	if (r == 0)
		r = store_stage(store, &stage);
	if (r == 0)
		r = store_stage_like(store, &stage, n ? parents[0] : -EBADF, false);
	if (r == 0) {
		how->delta = store->delta;
		how->parents = parents;
		how->nparents = n;
		r = untar(how, input, stage.fd);
	}
	if (r == 0)
		r = check_contents(stage.fd, how->name);
	if (r == 0)
		r = store_add(store, id, on, false, how->size, &stage);
	store_unstage(store, &stage);
	store_let_go(parents, n);
	return r;
}

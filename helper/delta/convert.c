/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert - convert a delta to the other whiteout format: find what changes, then
 * write a copy.
 *
 * Both are walks that read one directory at a time, so memory is that of the
 * largest directory, and both use the same table, act().
 */
#include "convert.h"
#include "check.h"
#include "../base/cleanup.h"
#include "aufs-opaque.h"
#include "xattr.h"
#include "write.h"
#include "aufs-names.h"

#include <fcntl.h>

#define INSIDE 1U /* walk_dir's state: an opaque directory, or below one */

struct conversion {
	struct walk walk; /* convert_look */
	struct convert *convert;
	int top; /* convert_tree: of the new tree */
	/* The names that an opaque top directory hides, sorted. */
	char **hidden;
	size_t nhidden;
};

void convert_begin(struct convert *convert, enum whiteout_format to, bool user)
{
	*convert = (struct convert){
		.from = { .format = to == DELTA_AUFS ? DELTA_OVERLAY : DELTA_AUFS, .user = user },
		.to = { .format = to, .user = user },
	};
}

const char *convert_format_name(const struct delta *delta)
{
	return delta->format == DELTA_AUFS ? "aufs" : "overlay";
}

static void tell(struct convert *convert, const struct walk *walk, enum convert_kind kind, const char *name,
		 const char *why)
{
	_cleanup_free_ char *path = NULL;

	convert->counts[kind]++;
	if (!convert->found)
		return;
	path = walk_path(walk, name);
	convert->found(convert, kind, path, why);
}

/* Return what becomes of an entry. inside: an opaque directory, or below one. CONVERT_OWN: it is kept. */
static enum convert_kind act(const struct delta_entry *entry, bool inside)
{
	switch (entry->kind) {
	case DELTA_WHITEOUT:
		return inside ? CONVERT_GHOST : CONVERT_WHITEOUT;
	case DELTA_HIDDEN:
		return CONVERT_HIDDEN;
	case DELTA_FOREIGN:
		return CONVERT_FOREIGN;
	default:
		return CONVERT_OWN;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_entry(const void *name, const void *entry)
{
	return strcmp(name, ((const struct delta_entry *)entry)->name);
}

/* Return the visible entry of this name, or NULL. */
static const struct delta_entry *find(const struct delta_dir *dir, const char *name)
{
	const struct delta_entry *entry =
		dir->n ? bsearch(name, dir->entries, dir->n, sizeof(*entry), compare_entry) : NULL;

	return entry && (entry->kind == DELTA_FILE || entry->kind == DELTA_DIR) ? entry : NULL;
}

static bool hides(const struct conversion *conversion, const char *name)
{
	return conversion->nhidden && bsearch(&name, conversion->hidden, conversion->nhidden, sizeof(char *), compare);
}

/* Add the names at a lower's top, in whichever format it is. Returns 0 or -errno. */
static int read_lower(struct conversion *conversion, int fd)
{
	const struct delta overlay = { .format = DELTA_OVERLAY, .user = conversion->convert->to.user };
	_cleanup_close_ int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct delta_dir dir = { 0 };
	int r = again < 0 ? -errno : delta_read(&overlay, again, true, &dir);

	for (size_t i = 0; r == 0 && i < dir.n; i++)
		if (dir.entries[i].kind != DELTA_WHITEOUT && !is_whiteout_name(dir.entries[i].name))
			*ARRAY_ADD(conversion->hidden, conversion->nhidden) = xstrdup(dir.entries[i].name);
	delta_dir_clear(&dir);
	return r;
}

/* Read the names at the tops of all lowers. Overlay ignores that its top is opaque, so each needs a whiteout. Returns 0
 * or -errno. */
static int read_lowers(struct conversion *conversion)
{
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < conversion->convert->nlowers; i++)
		r = read_lower(conversion, conversion->convert->lowers[i]);
	if (conversion->nhidden)
		qsort(conversion->hidden, conversion->nhidden, sizeof(char *), compare);
	for (size_t i = 0; i < conversion->nhidden; i++) {
		if (n && strcmp(conversion->hidden[n - 1], conversion->hidden[i]) == 0)
			free(conversion->hidden[i]);
		else
			conversion->hidden[n++] = conversion->hidden[i];
	}
	conversion->nhidden = n;
	return r;
}

/* Read the current directory. *ret_opaque: it is opaque, itself or because the top is. Returns 0 or -errno. */
static int read_dir(struct conversion *conversion, struct walk *walk, struct delta_dir *dir, bool *ret_opaque)
{
	struct walk_dir *here = walk->here;
	bool top = !here->parent, overlay = conversion->convert->to.format == DELTA_OVERLAY;
	int r;

	/* convert_tree() comes after convert_look(). */
	r = (conversion->top ? delta_read_again : delta_read)(&conversion->convert->from, walk->fd, top, dir);
	if (r < 0)
		return walk_failed(walk, "", r);
	if (dir->opaque)
		here->state |= INSIDE;
	*ret_opaque = dir->opaque && !(top && overlay);
	if (!top && !here->parent->parent)
		*ret_opaque |= hides(conversion, here->name);
	if (top && overlay && dir->opaque)
		r = read_lowers(conversion);
	return r < 0 ? walk_failed(walk, "", r) : 0;
}

static void conversion_clear(struct conversion *conversion)
{
	while (conversion->nhidden)
		free(conversion->hidden[--conversion->nhidden]);
	free(conversion->hidden);
}

/* --- what is to change --- */

/* Report the whiteouts that replace an opaque top. */
static void look_top(const struct conversion *conversion, const struct walk *walk, const struct delta_dir *dir)
{
	struct convert *convert = conversion->convert;

	if (!convert->nlowers)
		tell(convert, walk, CONVERT_FOREIGN, "",
		     "overlay cannot make the top directory opaque; if the lower directories are given (--lower), their "
		     "names are removed one by one");
	else /* even without a name to hide, aufs's mark is removed */
		tell(convert, walk, CONVERT_OPAQUE, "", NULL);
	for (size_t i = 0; i < conversion->nhidden; i++)
		if (!find(dir, conversion->hidden[i]))
			tell(convert, walk, CONVERT_WHITEOUT, conversion->hidden[i], NULL);
}

static int look_dir(struct walk *walk)
{
	struct conversion *conversion = walk->arg;
	struct convert *convert = conversion->convert;
	struct delta_dir dir = { 0 };
	bool opaque = false;
	int r = read_dir(conversion, walk, &dir, &opaque);

	/* It can neither be linked into the new tree nor removed with the old one. */
	if (r == 0 && walk->here->st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND))
		tell(convert, walk, CONVERT_FOREIGN, "", "it is immutable or append-only (chattr -i -a)");
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		const struct delta_entry *entry = &dir.entries[i];
		enum convert_kind kind = act(entry, walk->here->state & INSIDE);

		if (kind != CONVERT_OWN || entry->own)
			tell(convert, walk, kind, entry->name, entry->why);
		if (entry->kind == DELTA_DIR)
			walk_later(walk, entry->name);
		r = copy_progress(&convert->copy, 0, 1);
		if (r < 0)
			(void)walk_failed(walk, "", r);
	}
	if (r == 0) {
		if (dir.foreign)
			tell(convert, walk, CONVERT_FOREIGN, "", dir.foreign);
		if (opaque)
			tell(convert, walk, CONVERT_OPAQUE, "", NULL);
		else if (dir.opaque)
			look_top(conversion, walk, &dir);
		else if (dir.own)
			tell(convert, walk, CONVERT_OWN, "", NULL);
	}
	delta_dir_clear(&dir);
	return r;
}

int convert_look(struct convert *convert, int fd)
{
	_cleanup_free_ struct conversion *conversion = xcalloc(1, sizeof(*conversion));
	int r;

	(void)memset(convert->counts, 0, sizeof(convert->counts));
	*convert->copy.error = '\0';
	conversion->convert = convert;
	conversion->walk = (struct walk){ .enter = look_dir, .arg = conversion };
	r = walk_tree(&conversion->walk, fd);
	if (r < 0)
		(void)memcpy(convert->copy.error, conversion->walk.error, sizeof(convert->copy.error));
	conversion_clear(conversion);
	/* The progress of the conversion begins anew. */
	convert->copy.bytes = convert->copy.files = 0;
	return r < 0 ? r : convert->counts[CONVERT_FOREIGN] ? -EINVAL : 0;
}

int convert_wanted(const struct convert *convert, int fd)
{
	int r = check_has_format(&convert->from, fd);

	if (r)
		return r;
	r = delta_is_marked(&convert->to, fd);
	return r < 0 ? r : !r;
}

/* --- the tree in which it is changed --- */

static int write_top_whiteouts(const struct conversion *conversion, const struct delta_dir *dir, int to)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < conversion->nhidden; i++)
		if (!find(dir, conversion->hidden[i]))
			r = write_whiteout(&conversion->convert->to, conversion->top, to, conversion->hidden[i]);
	return r;
}

static int write_entry(const struct conversion *conversion, struct walk *walk, const struct delta_entry *entry, int to)
{
	int r;

	switch (act(entry, walk->here->state & INSIDE)) {
	case CONVERT_FOREIGN:
		return walk_failed(walk, entry->name, -EINVAL);
	case CONVERT_WHITEOUT:
		r = write_whiteout(&conversion->convert->to, conversion->top, to, entry->name);
		return r < 0 ? walk_failed(walk, entry->name, r) : 0;
	case CONVERT_OWN:
		return copy_keep(walk, entry->name, entry->type);
	default:
		return 0;
	}
}

static int write_dir(struct copy_form *form, struct walk *walk, int to)
{
	struct conversion *conversion = form->arg;
	struct delta_dir dir = { 0 };
	bool opaque = false;
	int r = read_dir(conversion, walk, &dir, &opaque);

	/* It may be new since convert_look(). */
	if (r == 0 && (dir.foreign || (!walk->here->parent && dir.opaque && !opaque && !conversion->convert->nlowers)))
		r = walk_failed(walk, "", -EINVAL);
	if (r == 0 && !walk->here->parent && (r = write_top(&conversion->convert->to, to)) < 0)
		(void)walk_failed(walk, "", r);
	if (r == 0 && opaque && (r = write_opaque(&conversion->convert->to, to)) < 0)
		(void)walk_failed(walk, "", r);
	if (r == 0 && !walk->here->parent && (r = write_top_whiteouts(conversion, &dir, to)) < 0)
		(void)walk_failed(walk, "", r);
	for (size_t i = 0; r == 0 && i < dir.n; i++)
		r = write_entry(conversion, walk, &dir.entries[i], to);
	delta_dir_clear(&dir);
	return r;
}

static bool keeps(const struct copy_form *form, const char *xattr)
{
	const struct conversion *conversion = form->arg;

	return !xattr_is_own(&conversion->convert->from, xattr);
}

int convert_tree(struct convert *convert, int from, int to, bool link)
{
	_cleanup_free_ struct conversion *conversion = xcalloc(1, sizeof(*conversion));
	struct copy_form form = { .enter = write_dir, .keeps = keeps, .link = link, .arg = conversion };
	int r;

	conversion->convert = convert;
	conversion->top = to;
	r = copy_tree_as(from, to, &convert->copy, &form);
	conversion_clear(conversion);
	if (r == 0 && convert->to.format == DELTA_AUFS)
		r = settle_aufs(to, convert->lowers, convert->nlowers, convert->copy.error);
	return r;
}

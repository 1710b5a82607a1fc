/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount-table-libmount - read mountinfo by libmount.
 *
 * What libmount adds to the kernel's text would mislead: it undoes the escapes
 * in options too, so that a comma in a value becomes a separator, cuts
 * "//deleted" off a target, and replaces the source "/dev/root". So it is given
 * a text whose fields are escaped once more than the kernel has done. Lines
 * that it does not understand it skips; here they are an error.
 */
#include "mount-table.h"
#include "../base/cleanup.h"
#include "../base/text.h"

#include <ctype.h>
#include <libmount/libmount.h>

static void free_table(struct libmnt_table **table)
{
	mnt_unref_table(*table);
}

static void free_iterator(struct libmnt_iter **iterator)
{
	mnt_free_iter(*iterator);
}

static void close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

/*
 * Escape all that is not a letter, a digit or part of mountinfo's syntax, so that libmount's mnt_unmangle() gives text
 * with octal escapes. Returns the text, for the caller to free, and its length in *n.
 */
static char *escape(const char *text, size_t *n)
{
	static const char digits[] = "01234567";
	char *out = xcalloc(*n + 1, sizeof("\\134000")), *end = out;

	for (size_t i = 0; i < *n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (isalnum(c) || (c && strchr(" \n:+-", c))) {
			*end++ = (char)c;
			continue;
		}
		end = stpcpy(end, "\\134");
		*end++ = digits[c >> 6];
		*end++ = digits[(c >> 3) & 7];
		*end++ = digits[c & 7];
	}
	*n = (size_t)(end - out);
	return out;
}

/* Count lines. Returns their number, or -EBADMSG: the last one is cut, or there is a NUL byte. */
static ssize_t count_lines(const char *text, size_t n)
{
	ssize_t lines = 0;

	if (memchr(text, '\0', n) || (n && text[n - 1] != '\n'))
		return -EBADMSG;
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Make a table of the escaped text. Returns 0 or -errno. */
static int parse(char *text, size_t n, const char *path, struct libmnt_table *table)
{
	__attribute__((cleanup(close_file))) FILE *file = fmemopen(text, n, "r");

	return file ? mnt_table_parse_stream(table, file, path) : -errno;
}

/* Undo escape(). Returns the text as the kernel wrote it, for the caller to free. */
static char *as_read(const char *text)
{
	return text_unescape(xstrdup(text));
}

/* Test whether libmount has read all fields: it has not if it took the text for another kind of table. */
static bool is_complete(struct libmnt_fs *fs)
{
	return mnt_fs_get_root(fs) && mnt_fs_get_target(fs) && mnt_fs_get_fstype(fs) && mnt_fs_get_source(fs) &&
	       mnt_fs_get_fs_options(fs) && mnt_fs_get_id(fs) >= 0 && mnt_fs_get_parent_id(fs) >= 0;
}

static bool call(struct libmnt_fs *fs, bool (*found)(const struct mount_entry *entry, void *arg), void *arg)
{
	_cleanup_free_ char *root = text_unescape(as_read(mnt_fs_get_root(fs))),
			    *target = text_unescape(as_read(mnt_fs_get_target(fs))),
			    *source = text_unescape(as_read(mnt_fs_get_source(fs))),
			    *type = as_read(mnt_fs_get_fstype(fs)), *options = as_read(mnt_fs_get_fs_options(fs));
	const struct mount_entry entry = {
		.id = (unsigned int)mnt_fs_get_id(fs),
		.dev = mnt_fs_get_devno(fs),
		.root = root,
		.target = target,
		.type = type,
		.source = source,
		.options = options,
	};

	return found(&entry, arg);
}

/* Fill the table from the file. Returns 0 or -errno. */
static int read_table(const char *path, struct libmnt_table *table)
{
	_cleanup_free_ char *text = NULL, *escaped = NULL;
	ssize_t lines;
	size_t n;
	int r = text_read(path, &text, &n);

	if (r < 0)
		return r;
	lines = count_lines(text, n);
	if (lines <= 0)
		return (int)lines;
	escaped = escape(text, &n);
	r = parse(escaped, n, path, table);
	/* libmount skips lines that are empty, comments, or not mountinfo's. */
	return r < 0 ? r : mnt_table_get_nents(table) == lines ? 0 : -EBADMSG;
}

int mount_table_each(const char *path, bool (*found)(const struct mount_entry *entry, void *arg), void *arg)
{
	__attribute__((cleanup(free_iterator))) struct libmnt_iter *iterator = must(mnt_new_iter(MNT_ITER_FORWARD));
	__attribute__((cleanup(free_table))) struct libmnt_table *table = must(mnt_new_table());
	struct libmnt_fs *fs;
	int r = read_table(path, table);

	if (r < 0)
		return r;
	while (mnt_table_next_fs(table, iterator, &fs) == 0)
		if (!is_complete(fs))
			return -EBADMSG;
	mnt_reset_iter(iterator, MNT_ITER_FORWARD);
	while (mnt_table_next_fs(table, iterator, &fs) == 0)
		if (call(fs, found, arg))
			return 1;
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-model - directory trees in memory: read from disk and written to it,
 * compared, and put on top of each other as aufs does it.
 *
 * A tree is kept as it is on disk, `.wh.` names and all. Memory comes from one
 * arena, which arena_reset() empties.
 */
#pragma once

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define WH     ".wh."
#define OPAQUE ".wh..wh..opq"
#define OWN    ".wh..wh."

struct node {
	const char *name;
	/* 'd'irectory, 'f'ile, sym'l'ink, fifo 'p', 'c'haracter device, 'w'hiteout (char 0:0), '?' nothing answers */
	char type;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	const char *data;	   /* contents, target, or device number */
	const char *xattrs;	   /* "name=value;", sorted */
	const char *form;	   /* of these, overlay's own */
	bool opaque, merged;	   /* a directory: overlay's attributes opaque=y and origin */
	uint64_t link;		   /* two nodes of a tree with the same: links of one file */
	unsigned int layer;	   /* of a union: where it is from */
	struct node *child, *next; /* sorted by name */
};

static struct {
	size_t used;
	char memory[16 << 20] __attribute__((aligned(16)));
} arena;

static void arena_reset(void)
{
	memset(arena.memory, 0, arena.used);
	arena.used = 0;
}

static void *arena_get(size_t size)
{
	void *p = arena.memory + arena.used;

	arena.used += (size + 15) & ~(size_t)15;
	return must(arena.used > sizeof(arena.memory) ? NULL : p);
}

__attribute__((format(printf, 1, 2))) static char *text(const char *format, ...)
{
	char buffer[PATH_MAX * 4];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	must(n < 0 || (size_t)n >= sizeof(buffer) ? NULL : buffer);
	return memcpy(arena_get((size_t)n + 1), buffer, (size_t)n + 1);
}

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static struct node *node_new(const char *name, char type)
{
	struct node *node = arena_get(sizeof(*node));

	node->name = text("%s", name);
	node->type = type;
	node->data = node->xattrs = node->form = "";
	return node;
}

static struct node *node_copy(const struct node *node)
{
	struct node *copy = arena_get(sizeof(*copy));

	*copy = *node;
	copy->child = copy->next = NULL;
	return copy;
}

static struct node *node_find(const struct node *dir, const char *name)
{
	struct node *node = dir->child;

	while (node && strcmp(node->name, name) != 0)
		node = node->next;
	return node;
}

static struct node *node_add(struct node *dir, struct node *node)
{
	struct node **at = &dir->child;

	while (*at && strcmp((*at)->name, node->name) < 0)
		at = &(*at)->next;
	node->next = *at;
	*at = node;
	return node;
}

static bool has_whiteout(const struct node *dir, const char *name)
{
	char wh[NAME_MAX + 8];

	(void)snprintf(wh, sizeof(wh), WH "%s", name);
	return node_find(dir, wh);
}

/* --- from disk --- */

static const char *add_xattr(const char *list, const char *path, const char *name)
{
	char value[256];
	ssize_t n = lgetxattr(path, name, value, sizeof(value) - 1);

	value[n < 0 ? 0 : n] = '\0';
	/* Overlay's origin names inodes. */
	return text("%s%s=%s;", list, name, strstr(name, "overlay.origin") ? "" : value);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_xattrs(struct node *node, const char *path)
{
	char list[2048], *names[32];
	ssize_t size = llistxattr(path, list, sizeof(list));
	size_t n = 0;

	for (char *name = list; name < list + size && n < ARRAY_SIZE(names); name += strlen(name) + 1)
		names[n++] = name;
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		const char *own = starts(names[i], "trusted.overlay.") ? names[i] + 16
				  : starts(names[i], "user.overlay.")  ? names[i] + 13
								       : NULL;

		if (own)
			node->form = add_xattr(node->form, path, names[i]);
		else if (!starts(names[i], "security."))
			node->xattrs = add_xattr(node->xattrs, path, names[i]);
		if (!own || node->type != 'd')
			continue;
		node->opaque |= strcmp(own, "opaque") == 0 && strstr(node->form, "opaque=y;");
		node->merged |= strcmp(own, "origin") == 0;
	}
}

static void read_file(struct node *node, const char *path)
{
	char buffer[PATH_MAX] = "";
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = read(fd, buffer, sizeof(buffer) - 1);

	node->data = n < 0 ? text("cannot be read: %s", strerror(errno)) : text("%s", buffer);
	if (fd >= 0)
		(void)close(fd);
}

/* What is at this path in the working directory. */
static struct node *read_node(const char *path)
{
	char target[PATH_MAX] = "";
	struct node *node = node_new(path, '?');
	struct stat st;

	if (lstat(path, &st) < 0) {
		node->data = text("%s", strerror(errno));
		return node;
	}
	node->mode = st.st_mode & 07777;
	node->uid = st.st_uid;
	node->gid = st.st_gid;
	node->mtime = st.st_mtim;
	node->link = st.st_ino;
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		node->type = 'd';
		break;
	case S_IFREG:
		node->type = 'f';
		if (st.st_size)
			read_file(node, path);
		break;
	case S_IFLNK:
		node->type = 'l';
		(void)!readlink(path, target, sizeof(target) - 1);
		node->data = text("%s", target);
		break;
	case S_IFIFO:
		node->type = 'p';
		break;
	case S_IFCHR:
		node->type = st.st_rdev ? 'c' : 'w';
		node->data = text("%u:%u", major(st.st_rdev), minor(st.st_rdev));
	}
	read_xattrs(node, path);
	return node;
}

/* The names in the directory at fd, and whether they are directories. */
static struct node *read_names(int fd)
{
	_Alignas(struct dirent64) char buffer[16 << 10];
	struct node *dir = node_new("", 'd');
	ssize_t n;

	while ((n = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		const struct dirent64 *e = (void *)buffer;

		for (; (const char *)e < buffer + n; e = (const void *)((const char *)e + e->d_reclen))
			if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
				node_add(dir, node_new(e->d_name, e->d_type == DT_DIR ? 'd' : '?'));
	}
	return dir;
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* All that is in the directory; leaves the process in it. */
static void read_below(struct node *dir, int fd)
{
	bool here = fchdir(fd) == 0;

	for (const struct node *name = here ? read_names(fd)->child : NULL; name; name = name->next)
		node_add(dir, read_node(name->name));
	for (struct node *node = dir->child; node; node = node->next) {
		int sub = node->type == 'd' ? open_dir(fd, node->name) : -1;

		if (sub < 0)
			continue;
		read_below(node, sub);
		(void)close(sub);
		(void)!fchdir(fd);
	}
}

/* The tree at this path in the working directory. */
static struct node *read_tree(const char *path)
{
	_cleanup_close_ int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = open_dir(AT_FDCWD, path);
	struct node *top = read_node(path);

	top->name = "";
	if (fd >= 0)
		read_below(top, fd);
	(void)!fchdir(back);
	return top;
}

/* --- to disk --- */

struct writer {
	int top;
	const char *prefix; /* of overlay's attributes: "trusted" or "user" */
	struct written {
		uint64_t link;
		const char *path;
	} * written;
	size_t n;
};

static void write_xattrs(const struct writer *writer, const struct node *node, const char *path)
{
	const char *at = node->xattrs, *end;
	bool ok = true;

	for (; (end = strchr(at, ';')); at = end + 1) {
		const char *equal = strchr(at, '=');
		char name[256];

		(void)snprintf(name, sizeof(name), "%.*s", (int)(equal - at), at);
		ok &= lsetxattr(path, name, equal + 1, (size_t)(end - equal - 1), 0) == 0;
	}
	if (node->opaque)
		ok &= lsetxattr(path, text("%s.overlay.opaque", writer->prefix), "y", 1, 0) == 0;
	if (node->merged)
		ok &= lsetxattr(path, text("%s.overlay.origin", writer->prefix), "", 0, 0) == 0;
	CHECK(ok);
}

static void write_attributes(const struct writer *writer, const struct node *node, const char *path)
{
	const struct timespec times[2] = { node->mtime, node->mtime };

	/* Most need none of it: the umask is 0. */
	CHECK((!node->uid && !node->gid) || lchown(path, node->uid, node->gid) == 0);
	CHECK(node->type == 'l' || !(node->mode & 07000) || chmod(path, node->mode) == 0);
	write_xattrs(writer, node, path);
	CHECK(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0);
}

/* true: made as a link of what was made before. */
static bool write_link(struct writer *writer, const struct node *node, const char *path)
{
	struct written *written;

	if (!node->link || node->type == 'd')
		return false;
	for (size_t i = 0; i < writer->n; i++)
		if (writer->written[i].link == node->link)
			return linkat(writer->top, writer->written[i].path, AT_FDCWD, node->name, 0) == 0;
	written = ARRAY_ADD(writer->written, writer->n);
	written->link = node->link;
	written->path = path;
	return false;
}

static void write_below(struct writer *writer, const struct node *dir, const char *at);

static void write_node(struct writer *writer, const struct node *node, const char *at)
{
	const char *path = text("%s%s%s", at, *at ? "/" : "", node->name);
	int fd;

	if (write_link(writer, node, path))
		return;
	switch (node->type) {
	case 'd':
		CHECK(mkdir(node->name, node->mode) == 0 && chdir(node->name) == 0);
		write_below(writer, node, path);
		CHECK(chdir("..") == 0);
		break;
	case 'f':
		fd = open(node->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, node->mode);
		CHECK(write(fd, node->data, strlen(node->data)) == (ssize_t)strlen(node->data) && close(fd) == 0);
		break;
	case 'l':
		CHECK(symlink(node->data, node->name) == 0);
		break;
	case 'p':
		CHECK(mkfifo(node->name, node->mode) == 0);
		break;
	default:
		CHECK(mknod(node->name, S_IFCHR | node->mode, node->type == 'w' ? 0 : makedev(1, 3)) == 0);
	}
	write_attributes(writer, node, node->name);
}

static void write_below(struct writer *writer, const struct node *dir, const char *at)
{
	for (const struct node *node = dir->child; node; node = node->next)
		write_node(writer, node, at);
}

/* The tree as the new directory `path` in the working directory. */
static void write_tree(const struct node *top, const char *path, const char *prefix)
{
	_cleanup_close_ int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct writer writer = { -EBADF, prefix, NULL, 0 };

	CHECK(mkdir(path, top->mode) == 0 && chdir(path) == 0);
	writer.top = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	write_below(&writer, top, "");
	write_attributes(&writer, top, ".");
	(void)close(writer.top);
	free(writer.written);
	CHECK(fchdir(back) == 0);
}

/* --- what aufs makes of it --- */

struct branch {
	const struct node *dir;
	unsigned int layer;
};

/*
 * Which directories, or which file, of the branches (uppermost first) are seen under one name: to *found, which has
 * room for n. How many of them.
 */
typedef size_t find_t(const char *name, const struct branch *branches, size_t n, struct branch *found);

/* As it is meant: an opaque directory hides all below it, and so does a file. */
static size_t find_meant(const char *name, const struct branch *branches, size_t n, struct branch *found)
{
	size_t have = 0;

	for (size_t i = 0; i < n && !has_whiteout(branches[i].dir, name); i++) {
		const struct node *here = node_find(branches[i].dir, name);

		if (here && (have == 0 || here->type == 'd'))
			found[have++] = (struct branch){ here, branches[i].layer };
		if ((here && here->type != 'd') || node_find(branches[i].dir, OPAQUE))
			break;
	}
	return have;
}

/*
 * As the code of aufs does it after a remount: the lowest opaque directory is the last one, and a file below a
 * directory is passed over.
 */
static size_t find_shown(const char *name, const struct branch *branches, size_t n, struct branch *found)
{
	size_t have = 0, last = 0;

	for (size_t i = 0; i < n && !has_whiteout(branches[i].dir, name); i++) {
		const struct node *here = node_find(branches[i].dir, name);

		if (here && (have == 0 || here->type == 'd'))
			found[have++] = (struct branch){ here, branches[i].layer };
		if (here && here->type == 'd' && node_find(here, OPAQUE))
			last = have;
		if (have && found[0].dir->type != 'd')
			break;
	}
	return last ? last : have;
}

static void aufs_union(struct node *to, const struct branch *branches, size_t n, find_t *find);

static void aufs_lookup(struct node *to, const char *name, const struct branch *branches, size_t n, find_t *find)
{
	struct branch found[n];
	size_t have = find(name, branches, n, found);
	struct node *node;

	if (have == 0)
		return;
	node = node_add(to, node_copy(found[0].dir));
	node->layer = found[0].layer;
	if (node->type == 'd')
		aufs_union(node, found, have, find);
}

static void aufs_union(struct node *to, const struct branch *branches, size_t n, find_t *find)
{
	for (size_t i = 0; i < n; i++)
		for (const struct node *node = branches[i].dir->child; node; node = node->next)
			if (!starts(node->name, WH) && !node_find(to, node->name))
				aufs_lookup(to, node->name, branches, n, find);
}

static struct node *aufs_tree(struct node *const *layers, size_t n, find_t *find)
{
	struct branch branches[n];
	struct node *to = node_copy(layers[0]);

	for (size_t i = 0; i < n; i++)
		branches[i] = (struct branch){ layers[i], (unsigned int)i };
	aufs_union(to, branches, n, find);
	return to;
}

/* The union of trees in aufs's form, uppermost first, as it is meant. */
static struct node *aufs_mount(struct node *const *layers, size_t n)
{
	return aufs_tree(layers, n, find_meant);
}

/* The same as aufs itself shows it, when it is mounted anew. */
static struct node *aufs_show(struct node *const *layers, size_t n)
{
	return aufs_tree(layers, n, find_shown);
}

/*
 * What a tree in aufs's form says, as a tree in overlay's: without what does nothing. `alone`: nothing of other
 * layers is in this directory, so nothing in it can be taken away. A top directory that is opaque is left to who calls.
 */
static struct node *aufs_meaning(const struct node *dir, bool alone)
{
	struct node *to = node_copy(dir);

	to->opaque = !alone && node_find(dir, OPAQUE);
	alone |= to->opaque;
	for (const struct node *node = dir->child; node; node = node->next) {
		const char *name = node->name;

		if (starts(name, OWN))
			continue;
		if (!starts(name, WH)) {
			if (!has_whiteout(dir, name))
				node_add(to, node->type == 'd' ? aufs_meaning(node, alone) : node_copy(node));
		} else if (!alone) {
			node_add(to, node_new(name + strlen(WH), 'w'));
			to->merged = true;
		}
	}
	return to;
}

/* --- compared --- */

/* For one line of output. */
static const char *plain(const char *name)
{
	char *copy = text("%s", name);

	for (char *c = copy; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return copy;
}

enum { SAME_FORM = 1, SAME_DIR_TIMES = 2, SAME_OPAQUE = 4 };

struct comparison {
	const char *what;
	int how;
	unsigned int differences;
	struct pair {
		const struct node *wanted, *got;
		const char *path;
	} * leaves;
	size_t n;
};

__attribute__((format(printf, 3, 4))) static void differs(struct comparison *c, const char *path, const char *format,
							  ...)
{
	va_list args;

	if (c->differences++ >= 8)
		return;
	va_start(args, format);
	printf("#   %s: '%s': ", c->what, plain(path));
	vprintf(format, args);
	printf("\n");
	va_end(args);
}

static void compare_node(struct comparison *c, const struct node *wanted, const struct node *got, const char *path)
{
	if (wanted->type != got->type) {
		differs(c, path, "wanted a '%c', got a '%c' %s", wanted->type, got->type, got->data);
		return;
	}
	if (wanted->type == 'w')
		return;
	if (strcmp(wanted->data, got->data) != 0)
		differs(c, path, "wanted '%s', got '%s'", wanted->data, got->data);
	if (wanted->type != 'l' && wanted->mode != got->mode)
		differs(c, path, "wanted mode %o, got %o", wanted->mode, got->mode);
	if (wanted->uid != got->uid || wanted->gid != got->gid)
		differs(c, path, "wanted owner %u:%u, got %u:%u", wanted->uid, wanted->gid, got->uid, got->gid);
	if ((wanted->type != 'd' || (c->how & SAME_DIR_TIMES)) &&
	    (wanted->mtime.tv_sec != got->mtime.tv_sec || wanted->mtime.tv_nsec != got->mtime.tv_nsec))
		differs(c, path, "wanted mtime %ld.%09ld, got %ld.%09ld", wanted->mtime.tv_sec, wanted->mtime.tv_nsec,
			got->mtime.tv_sec, got->mtime.tv_nsec);
	if (strcmp(wanted->xattrs, got->xattrs) != 0)
		differs(c, path, "wanted attributes '%s', got '%s'", wanted->xattrs, got->xattrs);
	if ((c->how & SAME_FORM) && strcmp(wanted->form, got->form) != 0)
		differs(c, path, "wanted overlay's '%s', got '%s'", wanted->form, got->form);
	if ((c->how & SAME_OPAQUE) && wanted->opaque != got->opaque)
		differs(c, path, "wanted it %sopaque", wanted->opaque ? "" : "not ");
}

static void compare_dir(struct comparison *c, const struct node *wanted, const struct node *got, const char *path)
{
	const struct node *a = wanted->child, *b = got->child;

	while (a || b) {
		int order = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);
		const char *at = text("%s%s%s", path, *path ? "/" : "", order > 0 ? b->name : a->name);

		if (order != 0) {
			differs(c, at, order < 0 ? "is missing ('%c')" : "is too much ('%c')",
				order < 0 ? a->type : b->type);
		} else {
			compare_node(c, a, b, at);
			if (a->type == 'd' && b->type == 'd')
				compare_dir(c, a, b, at);
			else if (a->type != 'w')
				*ARRAY_ADD(c->leaves, c->n) = (struct pair){ a, b, at };
		}
		a = order <= 0 ? a->next : a;
		b = order >= 0 ? b->next : b;
	}
}

/* `got` is to be `wanted`; says what is not. Of a union, links are compared within each layer. */
static bool same(const char *what, const struct node *wanted, const struct node *got, int how)
{
	struct comparison c = { .what = what, .how = how };

	compare_node(&c, wanted, got, "");
	compare_dir(&c, wanted, got, "");
	for (size_t i = 0; i < c.n; i++)
		for (size_t j = 0; j < i; j++) {
			const struct pair *a = c.leaves + i, *b = c.leaves + j;
			bool linked = a->wanted->link && a->wanted->link == b->wanted->link;

			if (a->wanted->layer == b->wanted->layer && linked != (a->got->link == b->got->link))
				differs(&c, a->path, "is %sto be a link of '%s'", linked ? "" : "not ", plain(b->path));
		}
	free(c.leaves);
	if (c.differences > 8)
		printf("#   %s: and %u more\n", what, c.differences - 8);
	return c.differences == 0;
}

/* A tree for a human: one line for each name. */
static void show(const struct node *dir, const char *path)
{
	for (const struct node *node = dir->child; node; node = node->next) {
		const char *at = text("%s/%s", path, plain(node->name));

		if (node->type == 'd')
			printf("#     %s/ %04o%s%s %s\n", at, node->mode, node->opaque ? " opaque" : "",
			       node->merged ? " merged" : "", node->xattrs);
		else
			printf("#     %s %c '%s' %" PRIu64 " %s\n", at, node->type, node->data, node->link,
			       node->xattrs);
		show(node, at);
	}
}

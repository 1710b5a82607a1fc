/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delta - the two whiteout formats, in which a directory tree says what it changes in its lower layers: its files are
 * added or changed; a removed name is a whiteout, which aufs writes as a file `.wh.NAME`, and overlay as a character
 * device 0:0; and a directory may be opaque, which hides the lower ones.
 *
 * One directory is read at a time. A tree without whiteouts and opaque directories is a delta in both formats.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum whiteout_format { DELTA_AUFS, DELTA_OVERLAY };

enum delta_kind {
	DELTA_FILE,	/* anything but a directory */
	DELTA_DIR,	/* a directory: merged with the lower ones of this name, unless it is opaque */
	DELTA_WHITEOUT, /* a removed name; `name` is without the format's prefix */
	DELTA_HIDDEN,  /* not visible in a mount of the delta (`why`): a file of the format's own, a leftover, or a name
			* that a whiteout in the same directory hides */
	DELTA_FOREIGN, /* not representable in the other format, or would get another meaning there (`why`) */
};

struct delta_entry {
	char *name;
	enum delta_kind kind;
	unsigned char type; /* DT_*, as from readdir */
	bool own;	    /* no directory, and has attributes of the format's own */
	const char *why;    /* of a hidden or not representable entry; a constant */
};

/* One directory of a delta, sorted by name (bytes). */
struct delta_dir {
	struct delta_entry *entries;
	size_t n;
	bool opaque;	     /* it hides the lower directories */
	const char *foreign; /* why the directory itself is not representable, or NULL */
	bool again;	     /* as delta_read_again() */
	bool own;	     /* the directory itself has attributes of the format's own */
	bool merged;	     /* overlay: marked as merged (origin), so its whiteouts are never visible */
};

/* A whiteout format. */
struct delta {
	enum whiteout_format format;
	bool user; /* overlay's attributes are user.overlay.*, as with its option userxattr; aufs: those of the overlay
		    * that it is read for */
};

/* Read the directory at fd (open for reading), which is the delta's top or not. Returns 0 or -errno; delta_dir_clear()
 * in both cases. */
int delta_read(const struct delta *delta, int fd, bool top, struct delta_dir *ret);
/* Read a directory that was read before: attributes of files are read only where they make whiteouts. */
int delta_read_again(const struct delta *delta, int fd, bool top, struct delta_dir *ret);
/* Free what a directory has. */
void delta_dir_clear(struct delta_dir *dir);

/* Return 1 if the directory is opaque; 0; or -errno. A delta's top counts, too, where overlay ignores it. */
int delta_is_opaque(const struct delta *delta, int fd);

/* Return 1 if a delta's top is marked with its whiteout format (see write_top()); 0; or -errno. */
int delta_is_marked(const struct delta *delta, int top);

/* Find a file that any aufs makes at the top of its writable branch: *ret, a constant. Returns 1; 0: there is none; or
 * -errno. */
int delta_aufs_own(int fd, const char **ret);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delta - the two forms in which a directory tree says what was changed above
 * others: what is in it is there, and what was removed is said by aufs with
 * names (`.wh.NAME`), by overlay with devices (char 0:0) and attributes.
 *
 * One directory is read, or written, at a time. A tree that has nothing of
 * either form is a delta that only adds, in both forms.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

enum delta_form { DELTA_AUFS, DELTA_OVERLAY };

enum delta_kind {
	DELTA_FILE,	/* anything but a directory */
	DELTA_DIR,	/* a directory: merged with those below of this name, unless it is opaque */
	DELTA_WHITEOUT, /* nothing is here, whatever is below; `name` without the form's prefix */
	DELTA_HIDDEN, /* is there, but who mounts the delta does not see it (`why`): the form's own, leftovers, and what
		       * a whiteout in the same directory hides */
	DELTA_FOREIGN, /* would mean something else in the other form, or cannot be said in it (`why`) */
};

struct delta_entry {
	char *name;
	enum delta_kind kind;
	unsigned char type; /* DT_*, as readdir says it */
	bool own;	    /* no directory, and has attributes that are the form's own */
	const char *why;    /* of what is hidden or foreign; a constant */
};

/* What one directory of a delta says, sorted by name (bytes). */
struct delta_dir {
	struct delta_entry *entries;
	size_t n;
	bool opaque;	     /* nothing of the directories below is in it */
	const char *foreign; /* why the directory itself is DELTA_FOREIGN, or NULL */
	bool again;	     /* as delta_read_again() */
	bool own;	     /* the directory itself has attributes that are the form's own */
	bool merged;	     /* overlay: marked as merged (origin), so its whiteouts never show */
};

/* How the forms are to be read and written. */
struct delta {
	enum delta_form form;
	bool user; /* overlay's attributes are user.overlay.*, as with its option userxattr; aufs: those of the overlay
		    * that it is read for */
};

/*
 * Read the directory at fd (open for reading), which is the delta's top or not. Foreign is what the other form cannot
 * say or takes for something else. 0 or -errno; delta_dir_clear() in both cases.
 */
int delta_read(const struct delta *delta, int fd, bool top, struct delta_dir *ret);
/* The same of a directory that was read before: attributes of files are asked for only where they make whiteouts. */
int delta_read_again(const struct delta *delta, int fd, bool top, struct delta_dir *ret);
void delta_dir_clear(struct delta_dir *dir);

/* Return 1 if the directory is opaque; 0; or -errno. A delta's top counts, too, where overlay ignores it. */
int delta_is_opaque(const struct delta *delta, int fd);

/* Return 1 if a delta's top is marked with its whiteout format (see write_top()); 0; or -errno. */
int delta_is_marked(const struct delta *delta, int top);

/* Find a file that any aufs makes at the top of its writable branch: *ret, a constant. Returns 1; 0: there is none; or
 * -errno. */
int delta_aufs_own(int fd, const char **ret);

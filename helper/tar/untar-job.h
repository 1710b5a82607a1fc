/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-job - what the parts of untar share: for helper/layer/untar*.c only.
 */
#pragma once

#include "untar.h"
#include "untar-flush.h"
#include "untar-input.h"

#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define WH	".wh."
#define WH_OWN	WH WH
#define WH_OPQ	WH_OWN ".opq"
#define WH_PLNK WH_OWN "plnk"

/* What the parser, or a layer below, says of a file, with ids as they are to be on disk. */
struct attributes {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct timespec times[2]; /* of access, of change */
};

/*
 * A directory that is being filled, and those above it. What would change things made in it (set-group-ID, default
 * ACL) and what they would change (times) is kept here until it is left: so nothing has to be remembered of those that
 * were.
 */
struct node {
	int fd; /* -EBADF: too many are open; the way back is ".." */
	char *name;
	dev_t dev;
	ino_t ino;
	bool setgid, opaque; /* opaque: or one above it is; known only when asked for */
	struct timespec times[2];
	void *acl;
	size_t acl_size;
};

/* The name of an entry, in its parts. */
struct names {
	char *text, **parts; /* parts: in text */
	size_t n, size, room;
};

struct job {
	struct untar *untar;
	struct input input;
	struct flush flush;
	uid_t uid; /* who owns what we make */
	gid_t gid;
	struct node *nodes; /* the first is the top */
	size_t n;
	struct names names, link;
	struct timespec now; /* times of a directory that nothing is known of */
	uint64_t bytes;
	FILE *whiteouts; /* names of the tar, each ended by a zero byte */
	char *text;	 /* one of them, read back */
	size_t text_size;
	bool top_opaque, ask_opaque, plnk, warned;
	const char *name;	 /* of the entry, as the tar has it; NULL: none */
	char *why;		 /* after a failure: what is wrong, instead of the error's text */
	char settling[PATH_MAX]; /* where it failed after the tar's end */
};

/* Say what is wrong; r. */
__attribute__((format(printf, 3, 4))) int job_refuse(struct job *job, int r, const char *format, ...);

/* One more is made, or read. 0, or -E2BIG: that are too many. */
int job_count(struct job *job);

/* untar-names.c */
/* Take a name apart. 0, or -errno for one that leads out or is too deep. */
int names_split(struct job *job, struct names *names, const char *text);
/* Open the directory that has the last of the names, below `top`. fd or -errno. */
int names_open_parent(int top, const struct names *names);
/* Open without following anything or leaving. fd or -errno. */
int names_open(int at, const char *path, int flags);

/* untar-dirs.c */
int dirs_start(struct job *job, int to);
/* The chain becomes the first n of these names. Are some missing: made as they are below, or without `make` -ENOENT.
 * -ENOTDIR, -ELOOP: something else is there. 0 or -errno. */
int dirs_go(struct job *job, const struct names *names, size_t n, bool make);
/* Leave all but the first n. 0 or -errno. */
int dirs_leave(struct job *job, size_t n);
/* The directory of this entry, made or there already. 0 or -errno. */
int dirs_entry(struct job *job, struct archive_entry *entry);
void dirs_free(struct job *job);

static inline struct node *dirs_here(struct job *job)
{
	return &job->nodes[job->n - 1];
}

/* untar-attributes.c */
int attributes_of(struct job *job, struct archive_entry *entry, struct attributes *ret);
/* The entry's extended attributes to the file, whichever is given: fd, or name in the current directory. A directory's
 * default ACL goes to its node. 0 or -errno. */
int attributes_extended(struct job *job, struct archive_entry *entry, int fd, const char *name, struct node *node);
/* All but overlay's own from one directory to another. 0 or -errno. */
int attributes_copy(struct job *job, int from, struct node *to);
/* Take all away. 0 or -errno. */
int attributes_clear(int fd);

/* untar-acl.c: attributes whose values have ids. */
/* The entry's ACL of this type (ARCHIVE_ENTRY_ACL_TYPE_*) as the kernel has it; *ret NULL: none. 0 or -errno. */
int acl_of(struct job *job, struct archive_entry *entry, int type, void **ret, size_t *ret_size);
/* An attribute of a tar as it is to be on disk; *ret NULL: as it is. 0 or -errno. */
int acl_mapped(struct job *job, const char *key, const void *value, size_t size, void **ret, size_t *ret_size);

/* untar-file.c: anything but a directory. 0 or -errno. */
int file_entry(struct job *job, struct archive_entry *entry, const char *name);
/* Read what is left of the entry's data. 0 or -errno. */
int file_skip(struct job *job);
/* Remove what is there under this name. 0 or -errno. */
int file_remove(struct job *job, int fd, const char *name);

/* untar-whiteout.c */
/* What the last of the names says is said at the end, when all that the layer has is there. 0 or -errno. */
int whiteout_later(struct job *job);
int whiteout_all(struct job *job);

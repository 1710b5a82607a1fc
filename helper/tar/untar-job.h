/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-job - the state of an extraction, and what all its parts need: refusals, and names that lead only down.
 *
 * Each part has a header of its own. They call downwards only: untar, then whiteouts, files and directories, then
 * attributes, then ACLs, then this.
 */
#pragma once

#include "untar.h"
#include "untar-input.h"
#include "../base/flush.h"

#include <limits.h>
#include <stdio.h>
#include <sys/types.h>

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

/* A name of the tar, in its parts. */
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

/* Note why the extraction fails, unless that is known already. Returns r. */
__attribute__((format(printf, 3, 4))) int job_refuse(struct job *job, int r, const char *format, ...);

/* Count another entry, or directory that is only implied. Returns 0, or -E2BIG: they are too many. */
int job_count(struct job *job);

/* Return the directory that is being filled. */
static inline struct node *job_here(struct job *job)
{
	return &job->nodes[job->n - 1];
}

/* Split a name into its parts. Returns 0, or -errno for a name that leads out or is too deep. */
int names_split(struct job *job, struct names *names, const char *text);
/* Open the directory of a name, below `top`. Returns a descriptor or -errno. */
int names_open_parent(int top, const struct names *names);
/* Open a path without following a symlink or leaving `at`. Returns a descriptor or -errno. */
int names_open(int at, const char *path, int flags);
/* Remove whatever has this name in a directory. Returns 0 or -errno. */
int names_remove(struct job *job, int fd, const char *name);

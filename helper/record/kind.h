/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kind - the contract between a record kind and the rest.
 *
 * A kind is one thing that is done for a container or a mount and that another process may have to undo, to show, or
 * to know of. It is one file of record-kinds/: its fields, a typed function that writes it, and at its end its
 * `struct record_kind`, which is named in RECORD_KINDS. Nobody else reads the fields or compares kinds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct journal;
struct record;
struct shown;
struct undo;

enum field_type {
	FIELD_END,     /* after the last one */
	FIELD_TEXT,    /* char * */
	FIELD_NUMBER,  /* unsigned long long */
	FIELD_PROCESS, /* struct process: two columns, its pid and its start time */
	FIELD_FLAG,    /* bool, written as one of two words */
};

struct record_field {
	enum field_type type;
	size_t offset;	      /* in the kind's struct */
	const char *words[2]; /* of a flag: when it is false, and when it is true */
};

/* When a record is undone: all of one phase, newest first, before the next phase. */
enum undo_phase {
	UNDO_NOTHING,	/* what it tells of ends with the mount, or with the process */
	UNDO_MOUNT,	/* the stack leaves its place; if that fails, nothing below it is touched */
	UNDO_OVERLAY,	/* what an overlay leaves in its work directory */
	UNDO_DEVICE,	/* block devices with a server */
	UNDO_SERVER,	/* the servers */
	UNDO_IMAGE,	/* images are waited for until they are free */
	UNDO_DIRECTORY, /* unfinished directories */
	UNDO_PHASES,
};

/* What a record claims: while it stands, others are told who has it. */
enum claim_object {
	CLAIM_NOTHING,
	CLAIM_IMAGE,	 /* an image file, by its inode */
	CLAIM_DIRECTORY, /* by its inode; or one that is in it, by its path */
	CLAIM_LAYER,	 /* a layer of a store, by its key */
	CLAIM_CONTAINER, /* a container's stack, by the container's directory */
	CLAIM_DEVICE,	 /* a device that readers share, by its name; or its server, by its number */
	CLAIM_AUFS,	 /* an aufs, by its number in sysfs */
};

enum claim_mode {
	CLAIM_READ = 1,
	CLAIM_WRITE = 2,
	CLAIM_VIEW = 4, /* it must not change while it is shown */
};

struct claim {
	enum claim_object object;
	unsigned int mode;	   /* of a record: one claim_mode; of a question: all that are asked for */
	const char *id;		   /* what identifies the object; NULL: number does */
	unsigned long long number; /* of a server: its pid */
	const char *path;	   /* of a directory: where it is, absolute; or NULL */
	bool branch;		   /* of a directory: a branch of an aufs, which also uses what it lies in */
};

struct record_kind {
	const char *name;
	size_t size; /* of the kind's struct */
	const struct record_field *fields;
	enum undo_phase phase;
	/*
	 * Undo it, as far as the kernel has not done so. Repeating it does no harm, and what is not ours any more stays
	 * as it is. 0; 1: it is in use by others, and ends by itself with the last of them; or -errno (logged).
	 */
	int (*undo)(struct undo *undo, const struct record *record);
	/* Whether the object exists and is still the one that was recorded: 1, 0, or -errno (not logged). */
	int (*alive)(const struct journal *journal, const void *fields);
	/* Fill in what it claims, with strings of the record. NULL: nothing. */
	void (*claim)(const void *fields, struct claim *ret);
	/* Add to what `status` says of the container, or of the record's step, with strings of the record. */
	void (*show)(const void *fields, struct shown *shown);
};

#define RECORD_KINDS(X) \
	X(owner)        \
	X(step)         \
	X(attachment)   \
	X(image)        \
	X(loop)         \
	X(nbd)          \
	X(device)       \
	X(transport)    \
	X(server)       \
	X(offer)        \
	X(upper)        \
	X(branch)       \
	X(lower)        \
	X(volatile)     \
	X(aufs)         \
	X(layer)        \
	X(view)         \
	X(writer)       \
	X(unfinished)

#define DECLARE_KIND(kind) extern const struct record_kind record_##kind;
RECORD_KINDS(DECLARE_KIND)
#undef DECLARE_KIND

/* All kinds, for those who look at each. */
extern const struct record_kind *const record_kinds[];
extern const size_t record_nkinds;

/* Find a kind by its name; NULL: there is none. */
const struct record_kind *record_kind_find(const char *name);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kind - the contract between a record kind and the journal.
 *
 * A kind describes one act for a container or a mount that another process may have to undo, to show, or to know of. It
 * is one file of record-kinds/: the fields, a typed function that writes them, and its `struct record_kind`, which
 * RECORD_KINDS names. No other file reads the fields or compares kinds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct journal;
struct record;
struct shown;
struct undo;

enum field_type {
	FIELD_END,     /* ends the list */
	FIELD_TEXT,    /* char * */
	FIELD_NUMBER,  /* unsigned long long */
	FIELD_PROCESS, /* struct process: two columns, its pid and its start time */
	FIELD_FLAG,    /* bool, written as one of two words */
};

struct record_field {
	enum field_type type;
	size_t offset;	      /* in the kind's struct */
	const char *words[2]; /* of a flag: the words for false and true */
};

/* When a record is undone: all records of one phase, newest first, before the next phase. */
enum undo_phase {
	UNDO_NOTHING,	/* the object ends with the mount or with the process */
	UNDO_MOUNT,	/* unmount the stack; if that fails, the later phases are skipped */
	UNDO_OVERLAY,	/* leftovers of an overlay in its work directory */
	UNDO_DEVICE,	/* block devices with a server */
	UNDO_SERVER,	/* the servers */
	UNDO_IMAGE,	/* wait until images are free */
	UNDO_DIRECTORY, /* unfinished directories */
	UNDO_PHASES,
};

/* What a record claims: while the record exists, others that want the object are told its holder. */
enum claim_object {
	CLAIM_NOTHING,
	CLAIM_IMAGE,	 /* an image file, by its inode */
	CLAIM_DIRECTORY, /* by its inode; directories inside it by their paths */
	CLAIM_LAYER,	 /* a layer of a store, by its key */
	CLAIM_CONTAINER, /* a container's stack, by the container's directory */
	CLAIM_DEVICE,	 /* a device that readers share, by its name; or its server, by its pid */
	CLAIM_AUFS,	 /* an aufs, by its number in sysfs */
};

enum claim_mode {
	CLAIM_READ = 1,
	CLAIM_WRITE = 2,
	CLAIM_VIEW = 4, /* a read-only view, which excludes writers */
};

struct claim {
	enum claim_object object;
	unsigned int mode;	   /* of a record: one claim_mode; of a search: all wanted modes */
	const char *id;		   /* identifies the object; NULL: `number` does */
	unsigned long long number; /* of a server: its pid */
	const char *path;	   /* of a directory: its absolute path; or NULL */
	bool branch;		   /* of a directory: a branch of an aufs, which also uses the directories around it */
};

struct record_kind {
	const char *name;
	size_t size; /* of the kind's struct */
	const struct record_field *fields;
	enum undo_phase phase;
	/*
	 * Undo the act, as far as the kernel has not done so. Repeating it does no harm, and an object that is no
	 * longer the recorded one is left alone. Returns 0; 1: others use the object, and it ends with the last of
	 * them; or -errno (logged).
	 */
	int (*undo)(struct undo *undo, const struct record *record);
	/* Test whether the object exists and is still the recorded one. Returns 1, 0, or -errno (not logged). */
	int (*alive)(const struct journal *journal, const void *fields);
	/* Fill in the claim, with strings of the record. NULL: the kind claims nothing. */
	void (*claim)(const void *fields, struct claim *ret);
	/* Add to what `status` shows of the container, or of the record's step, with strings of the record. */
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

/* All kinds. */
extern const struct record_kind *const record_kinds[];
extern const size_t record_nkinds;

/* Find a kind by its name. Returns NULL if there is none. */
const struct record_kind *record_kind_find(const char *name);

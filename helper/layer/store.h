/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store - layers on disk: ROOT/layers/ID says which layers ID lies on (nearest
 * first, one on a line; empty: none), ROOT/diff/ID/ has what it changes, in the
 * form that the store's driver mounts, ROOT/mnt/ID is where it is mounted.
 *
 * The record in layers/ is what makes a layer: it is written last, when all
 * else is on disk, and goes first. What has no record is rubbish.
 */
#pragma once

#include "../delta/delta.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct store {
	char *dir;	    /* ROOT, absolute */
	int fd;		    /* the same */
	int lock;	    /* the store's lock while it is held, else -EBADF */
	struct delta delta; /* the form of its layers */
	bool foreign;	    /* one of aufs's graph driver, which says no driver: nothing is written to it */
};

/* A layer's record. */
struct layer {
	char *id;
	char **below; /* the layers that it lies on, nearest first */
	size_t n;
	bool rw;	   /* made by create-rw */
	uint64_t size;	   /* bytes, when it was filled; 0: empty or not known */
	long long created; /* seconds since the epoch; 0: not known */
};

/* The directories of a store, beside the three of its layers. */
#define STORE_STAGE   "stage"	/* what is being made, and what is being removed: each locked by who does it */
#define STORE_WORK    "work"	/* overlay's work directories */
#define STORE_INFO    "info"	/* what else is known of a layer, KEY=VALUE lines */
#define STORE_HOLDERS "holders" /* who uses a mounted layer */
#define STORE_EMPTY   "empty"	/* what a base layer is mounted on */

#define STORE_TEMP    ".new" /* a file being written, in any of them; with the lock, so one is enough */

/* Where the store of an lxcpath (NULL: LXC's) is, if none is named; for the caller to free. */
char *store_default(const char *lxcpath);

/* Open the store, made (for driver "overlay" or "aufs") if need be. driver NULL: whichever it is, or overlay. 0 or
 * -errno (logged). */
int store_open(const char *dir, const char *driver, bool create, struct store *ret);
/* Open a store of aufs's graph driver, which says no driver, to make it ours. *ret_begun: somebody began to convert it.
 */
#define STORE_CONVERTING "converting"
int store_open_foreign(const char *dir, struct store *ret, bool *ret_begun);
/* It has what such a store has: its three directories, and in layers/ but files. 1, 0 or -errno (logged). */
int store_is_drivers(const struct store *store);
/* 0, or -EROFS (logged) if it is foreign. */
int store_check_ours(const struct store *store);
/* What dead processes left in it, and what we removed, is purged in the background. */
void store_close(struct store *store);
const char *store_driver(const struct store *store);

/* The store's lock, for moments only: never while reading input or copying. 0 or -errno (logged). */
int store_lock(struct store *store);
void store_unlock(struct store *store);

/* A small file DIR/NAME of the store, written whole or not at all. With the lock. 0 or -errno (logged). */
int store_write(const struct store *store, const char *dir, const char *name, const char *text);

/* An id is [a-z0-9][a-z0-9._-]{0,127} (any case), without the ending that marks a removal. 0, or -EINVAL (logged). */
int store_check_id(const char *id);
bool store_is_id(const char *id);

/* What is at a path of the store: 1; 0: nothing; or -errno (logged). ret, which may be NULL: the stat(2) of it. */
int store_look(const struct store *store, const char *path, struct stat *ret);
/* There is such a layer. 1, 0 or -errno (logged). */
int store_has(const struct store *store, const char *id);
/* The record of a layer; all that are below it exist. 0; -ENOENT or another -errno after one error line.
 * layer_clear() in both cases. */
int store_read(const struct store *store, const char *id, struct layer *ret);
/* The same without an error line, and whatever it says is below. *ret_why: what is wrong with it, or NULL. */
int store_peek(const struct store *store, const char *id, struct layer *ret, const char **ret_why);
void layer_clear(struct layer *layer);
/* Write it: for who makes a layer. store_inform(): only what else is known of it. 0 or -errno (logged). */
int store_record(const struct store *store, const struct layer *layer);
int store_inform(const struct store *store, const struct layer *layer);
/* The layer as the journal of a container that stands on it names it (kind "layer", first field); for the caller to
 * free. */
char *store_key(const struct store *store, const char *id);

/* The ids of all layers, sorted; or of all names in another directory of the store (not those with a dot first). For
 * strings_free(). 0 or -errno (logged). */
int store_list(const struct store *store, const char *dir, char ***ret, size_t *ret_n);
void strings_free(char **strings, size_t n);
/* Find a layer that lies on this one, the next above it if there is one: *ret, for the caller to free. 1; 0: there is
 * none; or -errno (logged): a record cannot be read, so there may be one. */
int store_child(const struct store *store, const char *id, char **ret);
/* What `child` says of the layers below one of those that it lies on. 0 or -errno. layer_clear() in both cases. */
int store_guess(const struct store *store, const char *id, const char *child, struct layer *ret);
/* The record of `id` says that it lies on `other`: one that lies on `id` cannot. 1, 0 or -errno (logged). */
int store_in_cycle(const struct store *store, const char *id, const char *other);

/*
 * The layer's directory, which no one removes while the descriptor is open. And those of the layers below it, nearest
 * first, in *ret (for store_let_go()). fd or -errno (logged). ret may be NULL: none of those.
 */
int store_hold(const struct store *store, const struct layer *layer, int **ret);
/* Those of a layer (NULL: none) and of all below it, uppermost first, in one list. 0 or -errno (logged). */
int store_hold_all(const struct store *store, const char *id, int **ret, size_t *ret_n);
void store_let_go(int *fds, size_t n);
/* The layer's directory for us alone: no one holds it. With the lock. fd or -errno (logged). */
int store_seize(const struct store *store, const char *id);

/* An empty directory of the store that goes away with this process, unless store_add() makes a layer of it. */
struct stage_dir {
	char *name; /* in the store */
	int fd;
};
int store_stage(const struct store *store, struct stage_dir *ret);
void store_unstage(const struct store *store, struct stage_dir *stage);
/* Its top gets owner and mode of the layer that it will lie on (-EBADF: none), which it will cover; all: everything
 * else, too. 0 or -errno (logged). */
int store_stage_like(const struct store *store, const struct stage_dir *stage, int parent, bool all);
/* Move DIR/NAME of the store to where it is purged. 0 (also when there is none) or -errno (logged). */
int store_bury(const struct store *store, const char *dir, const char *name);
/*
 * Look in the stage for entries that no process has locked. remove: remove them. 1, also when others could not be
 * looked at; 0; or -errno: an entry could not be looked at, and no other is unlocked.
 */
int store_rubbish(int stage, bool remove);
/* The same, in a process of its own that nobody waits for: claim what is there, then begin. A descriptor of the stage,
 * for store_purge(), or -EBADF: there is nothing to do. */
int store_purge_claim(const struct store *store);
/* Takes over the descriptor. */
void store_purge(int stage);
/* Whether such a process is at work in the stage, an open directory: 1, 0 or -errno. */
int store_is_purged(int stage);

/*
 * Make a layer of a stage (NULL: an empty one), on top of parent (NULL: none): synced, then named, then recorded. Is
 * there a layer of this id already, it must be empty, unused and on the same parent, and gets the contents. Takes the
 * lock. 0 or -errno (logged).
 */
int store_add(struct store *store, const char *id, const char *parent, bool rw, uint64_t size, struct stage_dir *stage);
/* store_add() could fill that layer. Takes the lock. 0 or -errno (logged). */
int store_may_fill(struct store *store, const char *id, const char *parent);

/* Remove a layer that has no children and no holders: -EBUSY. Takes the lock. 0 or -errno (logged). */
int store_remove(struct store *store, const char *id);
/* The same with the lock. */
int store_drop(const struct store *store, const char *id);

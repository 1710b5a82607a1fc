/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "journal.h"

/* What the records of one step say of it, for `status`. Strings are the journal's, or NULL. */
struct shown_step {
	const char *spec;
	const char *container; /* directory of the container whose spec it is, if that is another */
	const char *image, *lock;
	const char *device;
	const char *how; /* an image is served */
	unsigned long long diskseq;
	bool has_diskseq;
	struct process server; /* the first one, QEMU; .pid 0: none */
	bool server_ended;     /* which should not; unknown is no */
};

/* What the records say of the whole. */
struct shown {
	struct shown_step *step; /* the one whose records are being looked at; [0]: of what is before the first */
	struct shown_step *steps;
	size_t nsteps;	    /* with [0] */
	const char *delta;  /* upper of LXC's own overlay above the stack, or NULL */
	const char **bases; /* directories of the containers whose views are part of it */
	size_t nbases;
};

/* Collect what the kinds of all records show. show_clear() frees the lists. */
void show_records(const struct journal *journal, struct shown *ret);
void show_clear(struct shown *shown);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "journal.h"

/* What the records of one step contain for `status`. Strings are the journal's, or NULL. */
struct shown_step {
	const char *spec;
	const char *container; /* directory of the container whose spec it is, if not the owner */
	const char *image, *lock;
	const char *device;
	const char *how; /* how an image is served */
	unsigned long long diskseq;
	bool has_diskseq;
	struct process server; /* the first one, QEMU; .pid 0: none */
	bool server_ended;     /* it has died; unknown counts as no */
};

/* What the records contain for `status`. */
struct shown {
	struct shown_step *step; /* while collecting: the step of the record; [0]: records before the first step */
	struct shown_step *steps;
	size_t nsteps;	    /* including [0] */
	const char *delta;  /* upper of LXC's own overlay above the stack, or NULL */
	const char **bases; /* directories of the containers whose views the stack contains */
	size_t nbases;
};

/* Collect what all records show. */
void show_records(const struct journal *journal, struct shown *ret);
/* Free what show_records() collected. */
void show_clear(struct shown *shown);

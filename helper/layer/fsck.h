/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/* A check of a store. */
struct fsck {
	struct store *store;
	bool repair; /* repair what can be repaired without losing anything */
	/* Called for each problem: of which layer, or which name in the store. */
	void (*found)(struct fsck *fsck, const char *what, const char *name, const char *why, bool repaired);
	void *arg;
	size_t left; /* problems that are still there */
	int failed;  /* 0, or the first -errno (logged) of something that could not be looked at */
};

/* Check the store. Returns 0, whatever was found, or -errno (logged). */
int fsck(struct fsck *fsck);

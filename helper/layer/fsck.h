/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/* A store being looked at for what does not belong there. */
struct fsck {
	struct store *store;
	bool repair; /* what can be repaired without losing anything is */
	/* Called for each thing: of which layer, or which name in the store. */
	void (*found)(struct fsck *fsck, const char *what, const char *name, const char *why, bool repaired);
	void *arg;
	size_t left; /* problems that are still there */
	int failed;  /* 0, or the first -errno (logged) of something that could not be looked at */
};

/* 0, whatever was found, or -errno (logged). */
int fsck(struct fsck *fsck);

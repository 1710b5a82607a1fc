/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <stdint.h>

/* Return 1 if something in the tree at fd shows that it is a delta in this format; 0; or -errno. */
int check_has_format(const struct delta *delta, int fd);

/* A check of a delta. */
struct check {
	bool user;	   /* overlay's attributes are to be user.overlay.* */
	const int *lowers; /* its lower layers, uppermost first, or none known */
	size_t nlowers;
	/* Called for each problem. */
	void (*found)(struct check *check, const char *what, const char *path, const char *why);
	void *arg;
	bool aufs, overlay; /* it has signs of this format */
	uint64_t whiteouts, opaques, problems;
};

/* Check the tree at fd. Returns 0, whatever was found, or -errno. */
int check_tree(struct check *check, int fd);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <stdint.h>

/* Something in the tree at fd says that it is a delta in this form. 1, 0 or -errno. */
int check_form(const struct delta *delta, int fd);

/* A delta being looked at for what does not belong there. */
struct check {
	bool user;	   /* overlay's attributes are to be user.overlay.* */
	const int *lowers; /* what it lies on, uppermost first, or none known */
	size_t nlowers;
	/* Called for each thing that does not belong there. */
	void (*found)(struct check *check, const char *what, const char *path, const char *why);
	void *arg;
	bool aufs, overlay; /* it has signs of this form */
	uint64_t whiteouts, opaques, problems;
};

/* Look through the tree at fd. 0, whatever was found, or -errno. */
int check_tree(struct check *check, int fd);

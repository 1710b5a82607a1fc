/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Lines of a container's own config file being changed. */
struct confedit {
	const char *file;
	/* What takes the place of this line (numbered from 1, with its newline if it has one): the line itself, another
	 * text, for confedit() to free, or NULL, nothing. */
	char *(*line)(struct confedit *edit, unsigned int number, char *line);
	const char *append; /* whole lines, behind all others; or NULL */
	void *arg;
};

/*
 * Change the file as a whole: the new one is written beside it, with the same owner and mode, synced, and takes its
 * name. So at any time, also after a crash, it is the old one or the new one. 0 or -errno (logged).
 */
int confedit(struct confedit *edit);

/* Could it be changed? Its directory is written to, and is as before. 0 or -errno (logged). */
int confedit_check(const char *file);

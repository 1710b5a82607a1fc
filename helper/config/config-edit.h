/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* A change of lines of a container's own config file. */
struct config_edit {
	const char *file;
	/* Returns what replaces this line (numbered from 1, with its newline if it has one): the line itself, another
	 * text, for config_edit() to free, or NULL: remove it. */
	char *(*line)(struct config_edit *edit, unsigned int number, char *line);
	const char *append; /* whole lines to add behind all others, or NULL */
	void *arg;
};

/*
 * Change the file as a whole: the new file is written beside it with the same owner and mode, synced, and renamed. So
 * at any time, also after a crash, the file has the old or the new content. Returns 0 or -errno (logged).
 */
int config_edit(struct config_edit *edit);

/* Test whether config_edit() could write the file, by making and removing a file beside it. Returns 0 or -errno
 * (logged).
 */
int config_edit_check(const char *file);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Options of QEMU for an image. The strings are static or belong to the spec. */
struct qemu_options {
	const char *uri;    /* instead of a file, or NULL */
	const char *format; /* from header_find() */
	const char *aio;
	bool readonly;
	bool direct;   /* O_DIRECT */
	bool no_flush; /* cache=unsafe */
	bool discard;
	bool writethrough;
	const char *detect_zeroes; /* an option of qemu-nbd: "--detect-zeroes=unmap" */
};

/* An image as a complete graph of QEMU's block nodes. */
struct qemu_graph {
	int *fds; /* its files, the image first; in the server, descriptors first_fd and up */
	size_t nfds;
	size_t nwritten; /* so many of the files, the first ones, are written to: the image and its data file */
	int first_fd;
	char *socket; /* the path of the socket that QEMU connects to, or NULL */
	char *json;   /* the graph; the name of its top node is "image" */
};

/* Open the spec's image, a regular file, for reading, as qemu_open() does. Returns the fd or -errno (logged). */
int qemu_open_image(const struct spec *spec, int dirfd, int root);

/*
 * Open the image and all files that headers name, checked against the host's policy, and make the graph. A relative
 * path begins at dirfd (path_open()), an absolute one at root unless that is -EBADF. The caller has set ret->first_fd.
 * Returns 0 or -errno (logged). Call qemu_close() in both cases.
 */
int qemu_open(const struct spec *spec, const struct qemu_options *options, int dirfd, int root, struct qemu_graph *ret);
/* Close the graph's files and free the rest. */
void qemu_close(struct qemu_graph *graph);

/* Make a key that is equal for readers with the same options and the same files. Returns it, for the caller to free. */
char *qemu_graph_key(const struct spec *spec, const struct qemu_graph *graph, const char *how);

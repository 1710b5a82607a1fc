/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How QEMU's programs are to open an image. Strings are static, or the spec's. */
struct qemu_options {
	const char *uri;    /* instead of a file, or NULL */
	const char *format; /* header_find()'s */
	const char *aio;
	bool readonly;
	bool direct;   /* O_DIRECT */
	bool no_flush; /* cache=unsafe */
	bool discard;
	bool writethrough;
	const char *detect_zeroes; /* as qemu-nbd's option: "--detect-zeroes=unmap" */
};

/* An image as a graph of QEMU's block nodes, complete: nothing of it is left for QEMU to find out. */
struct qemu_graph {
	int *fds; /* its files, the image first; the server gets them as descriptors from `first_fd` on */
	size_t nfds;
	size_t nwritten; /* of these, the first are written to: the image, and its data file */
	int first_fd;
	char *socket; /* the path of one that it connects to, or NULL */
	char *json;   /* the graph; its top node is called "image" */
};

/* Open the spec's image, a regular file, for reading. fd or -errno (logged). */
int qemu_open_image(const struct spec *spec, int dirfd, int root);

/*
 * Open the image (from dirfd, as path_open does; from the directory `root` when absolute, unless -EBADF) and all that
 * its header refers to, checked against the host's policy. *ret->first_fd is given. 0 or -errno after one error line.
 * qemu_close() in both cases.
 */
int qemu_open(const struct spec *spec, const struct qemu_options *options, int dirfd, int root, struct qemu_graph *ret);
void qemu_close(struct qemu_graph *graph);

/* What a reader sees of an image: the same text for all who say the same of the same files. For the caller to free. */
char *qemu_graph_key(const struct spec *spec, const struct qemu_graph *graph, const char *how);

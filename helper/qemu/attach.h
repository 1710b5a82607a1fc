/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/image.h"
#include "graph.h"
#include "server.h"
#include "transport.h"

struct attach_request {
	enum transport_kind transport;
	const struct spec *spec;
	const struct qemu_graph *graph;
	const struct qemu_options *options;
	bool readonly;
	unsigned int reconnect; /* seconds, 0: not */
	unsigned int partition;
	const char *fstype; /* the only one accepted, or NULL */
	int home;	    /* the mount namespace we came from, if we are in a stage, or -EBADF */
	unsigned int step;  /* tells this image from others of the same stack */
};

/* An image as a block device. */
struct attachment {
	const struct attach_request *request;
	struct journal *journal;
	struct server server, worker; /* worker: what passes it on, by ioctl or FUSE */
	const char **argv;	      /* qemu-nbd's */
	int device;		      /* the whole device, or FUSE's file */
	int loop;		      /* on it, -EBADF: none */
	int nr;			      /* nbd's, or -1 */
	char *backend;		      /* what the nbd device is known by */
	char *node;		      /* what to mount */
	struct image_area area;	      /* what is in it */
};

/*
 * Start QEMU on the graph, and make a block device of it, recorded; find the file system in it. 0 or -errno after one
 * error line; *ret is to be ended by attach_settle() or attach_abandon() in case of success, by nothing else.
 */
int attach_image(const struct attach_request *request, struct journal *journal, struct attachment *ret);

/* It is mounted, and from now on ends by itself after the mount. 0 or -errno (logged), then it has been abandoned. */
int attach_settle(struct attachment *attachment, int mount);

/* It could not be mounted: end it all. */
void attach_abandon(struct attachment *attachment);

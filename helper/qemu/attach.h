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
	unsigned int reconnect; /* seconds; 0: start no other server */
	unsigned int partition;
	const char *fstype; /* the only one accepted, or NULL */
	int home;	    /* in a stage: the mount namespace outside of it; or -EBADF */
	unsigned int step;  /* number of the step, unique in the stack */
};

/* An image that is attached as a block device. */
struct attachment {
	const struct attach_request *request;
	struct journal *journal;
	struct server server, worker; /* worker: passes requests on, by ioctl or FUSE */
	const char **argv;	      /* of qemu-nbd */
	int device;		      /* the whole device, or FUSE's file */
	int loop;		      /* above that device; -EBADF: none */
	int nr;			      /* of the nbd device, or -1 */
	char *backend;		      /* the identifier by which the kernel knows the nbd device */
	char *node;		      /* the device node to mount */
	struct image_area area;	      /* of the file system in it */
};

/*
 * Serve the graph by QEMU, record and attach it as a block device, and find its file system. Returns 0, then *ret must
 * be passed to attach_settle() or attach_abandon(); or -errno (logged).
 */
int attach_image(const struct attach_request *request, struct journal *journal, struct attachment *ret);

/* Let the device, which is mounted, end with the mount; frees the attachment. Returns 0 or -errno (logged). */
int attach_settle(struct attachment *attachment, int mount);

/* Detach a device that could not be mounted, end its server and free the attachment. */
void attach_abandon(struct attachment *attachment);

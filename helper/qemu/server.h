/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../record/journal.h"

/* A process that serves an image for as long as it is mounted. */
struct server_request {
	const char *name;	 /* the program, or what a process of our own is called */
	const char *const *argv; /* the program's arguments from argv[1] to a NULL; NULL: call run() instead */
	int (*run)(void *arg);	 /* its exit status; it has no descriptors but the given ones */
	void *arg;
	const int *fds; /* what it gets as descriptors 3, 4, ... */
	size_t nfds;
	size_t nwritten;   /* a program's 3 is a socket; of its files, 4 and up, so many are opened for writing */
	bool network;	   /* the program connects to a server */
	bool listens;	   /* 3 is a listening socket, told by LISTEN_FDS (sd_listen_fds(3)) */
	const char *needs; /* a path it must reach beside the usual ones, or NULL */
	int home;	   /* the mount namespace to leave ours for, or -EBADF */
};

struct server {
	pid_t pid;
	pid_t mover; /* who puts it into its cgroup */
	int log;     /* its stderr */
};

/*
 * Start it, recorded (`server PID START NAME`; journal may be NULL) before it does anything: out of our mount
 * namespace, session, cgroup and descriptors; with a mark that spares it at shutdown until the root is read-only, as
 * storage daemons have; and made to neither wait for its own device when memory is short nor be killed for it. 0 or
 * -errno (logged).
 */
int server_start(const struct server_request *request, struct journal *journal, struct server *ret);

/* The first line that it wrote to stderr, without "PROGRAM: ", for the caller to free; NULL: none. */
char *server_complaint(const struct server *server);

/* It is in its cgroup from now on; the log is closed. */
void server_close(struct server *server);

/* End one that is of no use (the build failed), and close the log. It gets SIGTERM, and time. */
void server_end(struct server *server);

/*
 * Run a program to its end, argv[0] being its name (program_find()). Its exit status, 127: it could not be executed, or
 * -errno. Signals that the caller has blocked are delivered while this waits: -EINTR, and the program still runs.
 */
int server_call(const char *const argv[]);

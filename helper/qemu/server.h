/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../record/journal.h"

/* A process that serves an image for as long as it is mounted. */
struct server_request {
	const char *name;	 /* the program, or the name of a process that runs `run` */
	const char *const *argv; /* the program's arguments from argv[1] to a NULL; NULL: call run() instead */
	int (*run)(void *arg);	 /* returns the exit status; has only the given descriptors */
	void *arg;
	const int *fds; /* the server's descriptors 3, 4, ... */
	size_t nfds;
	size_t nwritten;   /* of a program's files, descriptors 4 and up: so many are opened for writing */
	bool network;	   /* the program connects to a server */
	bool listens;	   /* 3 is a listening socket, passed by LISTEN_FDS (sd_listen_fds(3)) */
	const char *needs; /* a path that it needs besides the usual ones, or NULL */
	int home;	   /* the mount namespace to return to first, or -EBADF */
};

struct server {
	pid_t pid;
	pid_t mover; /* the process that moves it to its cgroup, or -1 */
	int log;     /* its stderr */
};

/*
 * Start a server outside of our mount namespace, session, cgroup and descriptors. Before it does anything it is
 * recorded (`server PID START NAME`) unless journal is NULL. It has the mark of storage daemons, so that systemd does
 * not kill it at shutdown before the root is read-only. When memory is short, it neither waits for its own device nor
 * is it killed. Returns 0 or -errno (logged).
 */
int server_start(const struct server_request *request, struct journal *journal, struct server *ret);

/* Return the first line of the server's stderr, without "PROGRAM: ", for the caller to free; NULL: none. */
char *server_complaint(const struct server *server);

/* Wait until the server is in its cgroup, and close the log. */
void server_close(struct server *server);

/* End the server of a failed build by SIGTERM, wait for it, and close the log. */
void server_end(struct server *server);

/*
 * Run the program argv[0] (program_find()) to its end. Signals that the caller blocks are delivered while this waits.
 * Returns the exit status, 127: it could not be executed; -EINTR: a signal came, and the program still runs; or another
 * -errno.
 */
int server_call(const char *const argv[]);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * release-device - the part of release() that is about served devices: nbd devices, loop devices on what a server
 * serves, and the servers.
 */
#include "release-device.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/loop.h"
#include "../kernel/nbd.h"
#include "../qemu/share.h"

#include <signal.h>

/* The last umount of a file system may be another namespace's, just ending; the kernel then needs milliseconds. */
#define WAIT_MS 5000
/* A watcher or a server that nothing holds any longer. */
#define SERVER_WAIT_MS 2000
#define SERVER_END_MS  60000
/* A start may hold the lock while its server starts. */
#define SHARED_WAIT_MS 35000

static struct process server_of(const struct record *record)
{
	return (struct process){
		.pid = (pid_t)strtol(record->fields[0], NULL, 10),
		.start = strtoull(record->fields[1], NULL, 10),
	};
}

/* Does the recorded server of this pid live? 1, 0 or -errno. */
static int server_lives(const struct journal *journal, const char *pid)
{
	int r = 0;

	for (size_t i = 0; i < journal->n && r == 0; i++) {
		const struct record *record = &journal->records[i];
		struct process server;

		if (strcmp(record->kind, "server") != 0 || record->n != 3 || strcmp(record->fields[0], pid) != 0)
			continue;
		server = server_of(record);
		r = proc_alive(&server);
	}
	return r;
}

/* A reader's device goes by itself when its holder does, with its server: 1. A writer's is waited for. -EBUSY. */
static int complain(const struct release_part *part, const char *device)
{
	if (part->offered) {
		log_warn("'%s' is still in use: a process holds a mount of it", device);
		return 1;
	}
	return log_refuse(-EBUSY, "'%s' is still in use: a process holds a mount of it", device);
}

/*
 * Disconnect the device if it is idle and no other reader has taken it. 1: there is nothing more to do; 0: it is in
 * use; or -errno (logged).
 */
static int try_nbd(const struct release_part *part, const struct record *record)
{
	/* From the look for users to the end of the device, no start may take it. */
	_cleanup_close_ int lock = part->offered ? share_lock(SHARED_WAIT_MS) : -EBADF;
	const char *backend = record->fields[0];
	int r, nr;

	if (part->offered && lock < 0)
		return log_errno(lock, "lock '%s', which readers of '%s' share", RUN_DIR, backend);
	nr = nbd_find(backend);
	if (nr < 0)
		return nr == -ENOENT ? 1 : log_errno(nr, "find the device of '%s'", backend);
	r = share_is_used(part->journal, record);
	if (r)
		return r;
	r = nbd_disconnect_idle(nr, backend);
	/* Without its node, it is being removed. */
	return r == -EBUSY || r == -ENOENT || r == -ENXIO || r == -ENODEV ? 0
	       : r < 0							  ? log_errno(r, "disconnect '/dev/nbd%d'", nr)
									  : 1;
}

/*
 * Armed, it disconnects by itself with its last mount; one whose maker was killed before that is idle, and needs help.
 * It is never cut. 0, 1: a reader's that is in use, or -errno (logged).
 */
int release_nbd(const struct release_part *part, const struct record *record)
{
	const char *backend = record->fields[0];
	long long until = proc_now() + WAIT_MS;
	int r = 1;

	/* A device known by its process's pid is ours only with that process. */
	if (strncmp(backend, NBD_BY_PID, strlen(NBD_BY_PID)) == 0)
		r = server_lives(part->journal, backend + strlen(NBD_BY_PID));
	if (r < 0)
		return log_errno(r, "find out whether the server of '%s' lives", backend);
	if (r == 0)
		return 0;
	while ((r = try_nbd(part, record)) == 0) {
		if (proc_now() >= until)
			return complain(part, backend);
		proc_sleep(5);
	}
	return r < 0 ? r : 0;
}

/* A loop device on what a server serves must be gone before the server is. 0, 1: a reader's in use, or -errno (logged).
 */
int release_loop(const struct release_part *part, const struct record *record)
{
	long long until = proc_now() + WAIT_MS;
	int nr;

	if (sscanf(record->fields[0], "/dev/loop%d", &nr) != 1)
		return 0;
	for (;;) {
		int r = share_is_used(part->journal, record);

		if (r)
			return r < 0 ? r : 0;
		r = loopdev_is_bound(nr, strtoull(record->fields[1], NULL, 10));
		if (r < 0)
			return log_errno(r, "find out whether '%s' is in use", record->fields[0]);
		if (r == 0)
			return 0;
		if (proc_now() >= until)
			return complain(part, record->fields[0]);
		proc_sleep(5);
	}
}

/*
 * What it served is idle by now: it ends by itself, and if it does not, is asked to. It may have much to write. 0 or
 * -errno (logged).
 */
int release_server(const struct release_part *part, const struct record *record)
{
	struct process server = server_of(record);
	int r = share_is_used(part->journal, record);

	if (r)
		return r < 0 ? r : 0;
	r = proc_wait(&server, SERVER_WAIT_MS);
	if (r == -ETIMEDOUT) {
		r = proc_kill(&server, SIGTERM);
		if (r == 0)
			r = proc_wait(&server, SERVER_END_MS);
	}
	if (r == -ETIMEDOUT)
		return log_refuse(-EBUSY, "%s (pid %d) has not ended: it may still write the image", record->fields[2],
				  (int)server.pid);
	return r < 0 ? log_errno(r, "end %s (pid %d)", record->fields[2], (int)server.pid) : 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * as-user - resolve a path with the rights of another user.
 *
 * In a user namespace of their own, users may mount by any path, and replace the
 * path afterwards, also by a symlink to files that only root can reach. A mount
 * shows only files that its maker could reach, so a process with the maker's
 * rights resolves the path.
 */
#include "as-user.h"
#include "cleanup.h"
#include "path.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define GROUPS_MAX 256

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[GROUPS_MAX];
	size_t ngroups;
};

/* Open a file of /proc/PID. Returns it, or NULL with errno set. */
static FILE *open_proc(pid_t pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return fopen(path, "re");
}

/* Read the user and groups of a process for file system access. Returns 0 or -errno. */
static int user_of(pid_t pid, struct user *ret)
{
	FILE *f = open_proc(pid, "status");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int found = 0;

	*ret = (struct user){ 0 };
	if (!f)
		return -errno;
	while (getline(&line, &size, f) >= 0) {
		if (strncmp(line, "Uid:", 4) == 0) {
			found += sscanf(line, "Uid: %*u %*u %*u %u", &ret->uid);
		} else if (strncmp(line, "Gid:", 4) == 0) {
			found += sscanf(line, "Gid: %*u %*u %*u %u", &ret->gid);
		} else if (strncmp(line, "Groups:", 7) == 0) {
			char *at = line + 7, *end;

			for (; ret->ngroups < GROUPS_MAX; at = end) {
				unsigned long group = strtoul(at, &end, 10);

				if (end == at)
					break;
				ret->groups[ret->ngroups++] = (gid_t)group;
			}
		}
	}
	(void)fclose(f);
	return found == 2 ? 0 : -ENODATA;
}

/* Find our id for the id 0 of the process's user namespace. Returns 1; 0: it is not mapped; or -errno. */
static int root_of(pid_t pid, const char *map, unsigned int *ret)
{
	FILE *f = open_proc(pid, map);
	unsigned int inside, outside;
	int found = 0;

	if (!f)
		return -errno;
	while (!found && fscanf(f, "%u %u %*u", &inside, &outside) == 2)
		if (inside == 0) {
			*ret = outside;
			found = 1;
		}
	(void)fclose(f);
	return found;
}

/* In the child: resolve the path as the user. Returns 0: it leads to the inode; 1: it does not; 2: unknown. */
static int look_as(const struct user *user, int root, const char *path, const struct stat *inode)
{
	struct stat st;
	int fd;

	/* With another user id than 0 the process loses its capabilities. */
	if (setgroups(user->ngroups, user->groups) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return 2;
	fd = path_resolve(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? 2 : 1;
	return st.st_dev == inode->st_dev && st.st_ino == inode->st_ino ? 0 : 1;
}

/* Test whether the path leads to the inode for the user. Returns 1, 0 or -errno. */
static int leads_for(const struct user *user, int root, const char *path, const struct stat *inode)
{
	pid_t child = fork(), ended;
	int status;

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(look_as(user, root, path, inode));
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return -errno;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
		return -ENODATA;
	return WEXITSTATUS(status) == 0;
}

int foreign_leads_to(pid_t pid, int root, const char *path, const struct stat *inode)
{
	_cleanup_free_ struct user *user = xcalloc(1, sizeof(*user));
	int r = user_of(pid, user), uid, gid;

	if (r == 0)
		r = leads_for(user, root, path, inode);
	if (r)
		return r;
	*user = (struct user){ 0 };
	uid = root_of(pid, "uid_map", &user->uid);
	gid = root_of(pid, "gid_map", &user->gid);
	if (uid <= 0 || gid < 0)
		return uid < 0 ? uid : gid < 0 ? gid : 0;
	if (gid == 0)
		user->gid = (gid_t)-2; /* a group without files */
	return leads_for(user, root, path, inode);
}

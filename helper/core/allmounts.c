/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * allmounts - the mounts of the whole host.
 *
 * A mount may be in another mount namespace, where a rename does not fail for
 * it, and a rmdir takes it away. So each namespace that a process is in is
 * looked at, once.
 */
#include "allmounts.h"
#include "cleanup.h"
#include "mount.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

static bool read_line(char *line, struct mount_seen *ret)
{
	char *fields[5] = { NULL }, *rest = line;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&rest, " ");
	/* Optional fields are in between. */
	rest = rest ? strstr(rest, " - ") : NULL;
	if (!rest)
		return false;
	rest += 3;
	ret->id = strtoull(fields[0], NULL, 10);
	ret->dev = fields[2];
	ret->root = mount_unescape(fields[3]);
	ret->at = mount_unescape(fields[4]);
	ret->type = strsep(&rest, " ");
	ret->source = strsep(&rest, " ");
	if (!rest)
		return false;
	rest[strcspn(rest, "\n")] = '\0';
	ret->options = rest;
	return true;
}

static bool look_through(pid_t pid, bool (*found)(struct mount_seen *mount, void *arg), void *arg)
{
	char path[40], *line = NULL;
	bool stop = false;
	size_t size = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)(pid ?: getpid()));
	f = fopen(path, "re");
	while (f && !stop && getline(&line, &size, f) >= 0) {
		struct mount_seen mount = { .pid = pid };

		stop = read_line(line, &mount) && found(&mount, arg);
	}
	free(line);
	if (f)
		(void)fclose(f);
	return stop;
}

static unsigned long long namespace_of(const char *pid)
{
	char path[sizeof("/proc//ns/mnt") + NAME_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

bool mounts_each(bool all, bool (*found)(struct mount_seen *mount, void *arg), void *arg)
{
	DIR *proc = all ? opendir("/proc") : NULL;
	bool stop = look_through(0, found, arg);
	unsigned long long *seen = NULL;
	struct dirent *entry;
	size_t n = 0;

	*ARRAY_ADD(seen, n) = namespace_of("self");
	while (proc && !stop && (entry = readdir(proc))) {
		unsigned long long ns = isdigit((unsigned char)entry->d_name[0]) ? namespace_of(entry->d_name) : 0;
		bool known = !ns;

		for (size_t i = 0; i < n && !known; i++)
			known = seen[i] == ns;
		if (known)
			continue;
		*ARRAY_ADD(seen, n) = ns;
		stop = look_through((pid_t)strtol(entry->d_name, NULL, 10), found, arg);
	}
	if (proc)
		(void)closedir(proc);
	free(seen);
	return stop;
}

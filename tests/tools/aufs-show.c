/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-show BRANCH... - the names that aufs shows of these branches, uppermost first, when it is mounted anew: "d PATH"
 * for directories, "f PATH" for the rest, sorted. As its au_do_lookup() does it: a whiteout ends the search for a name,
 * the lowest opaque directory is the last one, and a file in a lower branch is passed over.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BRANCHES = 64, NAMES = 4096 };

static bool is(int dir, const char *prefix, const char *name, mode_t type)
{
	char path[2 * NAME_MAX];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s%s", prefix, name);
	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && (!type || (st.st_mode & S_IFMT) == type);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show(const int *dirs, size_t n, const char *at);

static void show_name(const int *dirs, size_t n, const char *at, const char *name)
{
	int found[BRANCHES];
	size_t have = 0, last = 0;
	char path[PATH_MAX];
	bool file = false;

	for (size_t i = 0; i < n && !file && !is(dirs[i], ".wh.", name, S_IFREG); i++) {
		if (!is(dirs[i], "", name, 0))
			continue;
		if (is(dirs[i], "", name, S_IFDIR)) {
			found[have++] = openat(dirs[i], name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (is(found[have - 1], "", ".wh..wh..opq", S_IFREG))
				last = have;
		} else {
			file = have == 0;
		}
	}
	if (!file && !have)
		return;
	(void)snprintf(path, sizeof(path), "%s%s%s", at, *at ? "/" : "", name);
	(void)printf("%c %s\n", file ? 'f' : 'd', path);
	if (!file)
		show(found, last ? last : have, path);
	while (have)
		(void)close(found[--have]);
}

static void show(const int *dirs, size_t n, const char *at)
{
	char **names = calloc(NAMES, sizeof(*names));
	size_t all = 0;

	for (size_t i = 0; i < n; i++) {
		DIR *dir = fdopendir(openat(dirs[i], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		const struct dirent *entry;

		while (names && dir && all < NAMES && (entry = readdir(dir)))
			if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
			    strncmp(entry->d_name, ".wh.", 4) != 0)
				names[all++] = strdup(entry->d_name);
		if (dir)
			(void)closedir(dir);
	}
	if (!names || all == NAMES)
		abort();
	qsort(names, all, sizeof(*names), compare);
	for (size_t i = 0; i < all; i++) {
		if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
			show_name(dirs, n, at, names[i]);
	}
	while (all)
		free(names[--all]);
	free(names);
}

int main(int argc, char **argv)
{
	int dirs[BRANCHES];
	size_t n = 0;

	while (argc > (int)n + 1 && n < BRANCHES) {
		dirs[n] = open(argv[n + 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dirs[n++] < 0) {
			perror(argv[n]);
			return 1;
		}
	}
	show(dirs, n, "");
	return fflush(stdout) == 0 ? 0 : 1;
}

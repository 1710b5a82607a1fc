/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * origin - find the container that is being cloned.
 *
 * LXC tells a clone hook its name and not its lxcpath, which may be another
 * than the clone's (lxc-copy -p), a directory of snapshots, or that of the
 * container a snapshot is restored from. So these are looked at, what the
 * command line of LXC's program says first, and the one that has the same
 * stack in its config is it.
 */
#include "origin.h"
#include "cleanup.h"
#include "log.h"
#include "path.h"

#include <fcntl.h>
#include <getopt.h>

#define ANCESTORS 6

struct search {
	const struct container *container;
	const struct conf *conf;
	char *found;
	char *looked; /* at, for the message */
};

static bool same_stack(const struct stack *a, const struct stack *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->specs[i].text, b->specs[i].text) != 0)
			return false;
	return true;
}

/* Takes dir. */
static void look(struct search *search, char *dir)
{
	_cleanup_free_ char *given = dir, *real = realpath(dir, NULL), *config = NULL, *before = NULL;
	struct conf conf = { 0 };

	if (search->found)
		return;
	before = search->looked;
	search->looked = xasprintf("%s%s'%s'", before ?: "", before ? ", " : "", given);
	if (!real || strcmp(real, search->container->dir) == 0)
		return;
	config = xasprintf("%s/config", real);
	if (access(config, F_OK) == 0 && conf_read(config, &conf) == 0 && same_stack(&conf.stack, &search->conf->stack))
		search->found = TAKE_PTR(real);
	conf_clear(&conf);
}

/* The words of a process's command line, for the caller to free both; NULL when it cannot be read. */
static char **command_line(pid_t pid, int *ret_argc, char **ret_text)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/cmdline", (int)pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = xcalloc(1 << 17, 1), **argv = NULL;
	ssize_t n = fd < 0 ? 0 : read(fd, text, (1 << 17) - 2);
	size_t argc = 0;

	for (char *word = text; n > 0 && word < text + n; word += strlen(word) + 1)
		*ARRAY_ADD(argv, argc) = word;
	if (argv)
		*ARRAY_ADD(argv, argc) = NULL;
	*ret_argc = (int)argc - 1;
	*ret_text = text;
	return argv;
}

static pid_t parent_of(pid_t pid)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/stat", (int)pid);
	char text[512] = "", *end;
	FILE *f = fopen(path, "re");
	int parent = 0;

	if (f) {
		(void)!fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? (pid_t)parent : 0;
}

/* What lxc-copy and lxc-snapshot were told: -P LXCPATH and -n NAME. */
static void look_where_told(struct search *search, const char *name)
{
	static const struct option options[] = { { "lxcpath", required_argument, NULL, 'P' },
						 { "name", required_argument, NULL, 'n' },
						 { NULL, 0, NULL, 0 } };
	pid_t pid = getppid();

	for (int i = 0; i < ANCESTORS && pid > 1; i++, pid = parent_of(pid)) {
		_cleanup_free_ char *lxcpath = NULL, *text = NULL, *of = NULL;
		_cleanup_free_ char **argv = NULL;
		const char *program;
		int argc, letter;

		argv = command_line(pid, &argc, &text);
		program = argv ? argv[0] : "";
		if (strrchr(program, '/'))
			program = strrchr(program, '/') + 1;
		if (strncmp(program, "lxc-copy", 8) != 0 && strncmp(program, "lxc-snapshot", 12) != 0 &&
		    strncmp(program, "lxc-clone", 9) != 0)
			continue;
		opterr = 0;
		optind = 0;
		while ((letter = getopt_long(argc, argv, "P:n:N:p:B:L:m:r:d:c:o:l:C", options, NULL)) != -1) {
			char **slot = letter == 'P' ? &lxcpath : letter == 'n' ? &of : NULL;

			if (slot && optarg)
				*slot = (free(*slot), xstrdup(optarg));
		}
		if (!lxcpath)
			lxcpath = conf_lxcpath();
		look(search, xasprintf("%s/%s", lxcpath, name));
		if (of)
			look(search, xasprintf("%s/%s/snaps/%s", lxcpath, of, name));
		return;
	}
}

char *origin_find(const struct container *container, const char *name, const struct conf *conf)
{
	struct search search = { .container = container, .conf = conf };
	_cleanup_free_ char *lxcpath = conf_lxcpath();

	if (!name || !*name || strchr(name, '/')) {
		log_error("needs --source; bdev.conf has the right line");
		return NULL;
	}
	look_where_told(&search, name);
	look(&search, xasprintf("%s/snaps/%s", container->dir, name)); /* restored */
	{
		_cleanup_free_ char *above = realpath(container->dir, NULL);
		char *slash = above ? strrchr(above, '/') : NULL;

		if (slash)
			*slash = '\0';
		if (slash && strlen(above) > 6 && strcmp(above + strlen(above) - 6, "/snaps") == 0)
			look(&search, xasprintf("%.*s", (int)strlen(above) - 6, above)); /* snapshot */
		else if (slash)
			look(&search, xasprintf("%s/%s", above, name));
	}
	look(&search, xasprintf("%s/%s", lxcpath, name));
	if (!search.found)
		log_error("'%s': the container '%s' that it is cloned from was not found, with the same bdev.rootfs: "
			  "neither %s",
			  container->name, name, search.looked);
	free(search.looked);
	return search.found;
}

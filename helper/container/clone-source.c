/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone-source - find the source of a clone.
 *
 * LXC passes a clone hook the name of the source, but not its lxcpath, which may differ from the clone's (lxc-copy -p),
 * or be a directory of snapshots, or that of the container to which a snapshot is restored. So all these are searched,
 * first the one on the command line of LXC's program. The source is the container whose config has the same stack.
 */
#include "clone-source.h"
#include "../config/lxcpath.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"
#include "snapshots.h"

#include <fcntl.h>
#include <getopt.h>

#define ANCESTORS   6
#define COMMAND_MAX (1 << 17) /* bytes of a command line */

struct search {
	const struct container *container;
	const struct conf *conf;
	const char *name; /* of the source */
	char *found;
	bool several, rename;
	bool unknown; /* a candidate could not be read (logged) */
	char *looked; /* the candidates so far, for messages */
};

bool clone_source_same_stack(const struct stack *a, const struct stack *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->specs[i].text, b->specs[i].text) != 0)
			return false;
	return true;
}

/* Check a candidate directory, and free dir. */
static void look(struct search *search, char *dir)
{
	_cleanup_free_ char *given = dir, *real = realpath(dir, NULL), *config = NULL, *before = NULL;
	struct conf conf = { 0 };
	int r = real || errno == ENOENT || errno == ENOTDIR ? 0 : log_errno(-errno, "look up '%s'", dir);

	before = search->looked;
	search->looked = xasprintf("%s%s'%s'", before ?: "", before ? ", " : "", given);
	if (r < 0)
		search->unknown = true;
	if (!real || strcmp(real, search->container->dir) == 0)
		return;
	config = xasprintf("%s/config", real);
	if (access(config, F_OK) == 0)
		r = conf_read(config, &conf);
	else
		r = errno == ENOENT ? -ENOENT : log_errno(-errno, "look for '%s'", config);
	/* LXC cannot have copied an invalid config. */
	search->unknown |= r < 0 && !conf_is_wrong(r);
	if (r == 0 && clone_source_same_stack(&conf.stack, &search->conf->stack)) {
		if (!search->found)
			search->found = TAKE_PTR(real);
		else if (strcmp(search->found, real) != 0)
			search->several = true;
	}
	conf_clear(&conf);
}

/*
 * Call ask() with the command line of each of our ancestors, the nearest first, until it returns other than 0. argv is
 * valid during the call. Returns the last result of ask(), or -errno (logged): a command line could not be read.
 */
static int ask_ancestors(int (*ask)(int argc, char **argv, void *arg), void *arg)
{
	pid_t pid = getppid();
	int r = 0;

	for (int i = 0; r == 0 && i < ANCESTORS && pid > 1; i++) {
		_cleanup_free_ char *path = xasprintf("/proc/%d/cmdline", (int)pid),
				    *text = xcalloc(COMMAND_MAX + 2, 1);
		_cleanup_free_ char **argv = NULL;
		_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, COMMAND_MAX);
		size_t argc = 0;

		/* A process that has ended is skipped. */
		if (n < 0 && errno != ENOENT && errno != ESRCH)
			return log_errno(-errno, "read '%s', which may name the source of the clone", path);
		for (char *word = text; word < text + n; word += strlen(word) + 1)
			*ARRAY_ADD(argv, argc) = word;
		if (argc) {
			*ARRAY_ADD(argv, argc) = NULL;
			r = ask((int)argc - 1, argv, arg);
		}
		pid = process_parent(pid);
		if (pid < 0)
			r = r ?: log_errno(pid, "find the callers, which may name the source of the clone");
	}
	return r;
}

/* The arguments of lxc-copy or lxc-snapshot. */
struct told {
	char *lxcpath, *name, *restore;
	bool snapshot, rename;
};

/* Parse a command line if it is one of lxc-copy or lxc-snapshot. Returns 1 or 0. */
static int read_told(int argc, char **argv, void *arg)
{
	static const struct option options[] = { { "lxcpath", required_argument, NULL, 'P' },
						 { "name", required_argument, NULL, 'n' },
						 { "restore", required_argument, NULL, 'r' },
						 { "rename", no_argument, NULL, 'R' },
						 { NULL, 0, NULL, 0 } };
	const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
	struct told *told = arg;
	int letter;

	/* LXC 6 may be one program, `lxc copy`, with the others as links to it. */
	if (strcmp(program, "lxc") == 0 && argc > 1)
		program = (argc--, *++argv);
	else if (strncmp(program, "lxc-", 4) == 0)
		program += 4;
	else
		return 0;
	told->snapshot = strcmp(program, "snapshot") == 0;
	if (!told->snapshot && strcmp(program, "copy") != 0)
		return 0;
	opterr = 0;
	optind = 0;
	while ((letter = getopt_long(argc, argv, told->snapshot ? "P:n:N:d:r:c:o:l:" : "P:n:N:p:B:L:m:o:l:R", options,
				     NULL)) != -1) {
		if (letter == 'P')
			told->lxcpath = (free(told->lxcpath), xstrdup(optarg));
		else if (letter == 'n')
			told->name = (free(told->name), xstrdup(optarg));
		else if (letter == 'r')
			told->restore = (free(told->restore), xstrdup(optarg));
		else if (letter == 'R')
			told->rename = true;
	}
	if (!told->name && optind < argc)
		told->name = xstrdup(argv[optind]);
	if (!told->lxcpath)
		told->lxcpath = lxcpath_default();
	return 1;
}

static void told_clear(struct told *told)
{
	free(told->lxcpath);
	free(told->name);
	free(told->restore);
}

int clone_source_restored(char **ret)
{
	struct told told = { 0 };
	int r = ask_ancestors(read_told, &told);

	*ret = TAKE_PTR(told.restore);
	told_clear(&told);
	return r < 0 ? r : 0;
}

/* Check a snapshot of the container `of` in lxcpath, in either of LXC's directories for snapshots. */
static void look_at_snapshot(struct search *search, const char *lxcpath, const char *of, const char *name)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", lxcpath, of), *usual = snapshots_dir(dir, false),
			    *old = snapshots_dir(dir, true);

	look(search, xasprintf("%s/%s", access(old, F_OK) == 0 ? old : usual, name));
}

/*
 * Check the directory that lxc-copy or lxc-snapshot was called with. Returns 1; 0: neither is an ancestor; or -errno
 * (logged).
 */
static int look_where_told(struct search *search, const char *name)
{
	struct told told = { 0 };
	int r = ask_ancestors(read_told, &told);

	search->rename = told.rename;
	if (r > 0 && told.restore)
		look_at_snapshot(search, told.lxcpath, told.name ?: "", name);
	else if (r > 0)
		look(search, xasprintf("%s/%s", told.lxcpath, name));
	told_clear(&told);
	return r;
}

/* Check each path among the arguments as a possible lxcpath. Returns 0. */
static int look_at_words(int argc, char **argv, void *arg)
{
	struct search *search = arg;

	for (int i = 0; i < argc; i++) {
		const char *path = strchr(argv[i], '/');
		char *dir = path ? xasprintf("%s/%s", path, search->name) : NULL;

		if (dir && access(dir, F_OK) == 0)
			look(search, dir);
		else
			free(dir);
	}
	return 0;
}

/* Check the usual directories, for clones by another program. */
static void look_around(struct search *search, const char *name)
{
	_cleanup_free_ char *lxcpath = lxcpath_default(), *above = xstrdup(search->container->dir);
	char *slash = strrchr(above, '/');

	*slash = '\0';
	/* A container that has a snapshot of this name while it is created is being restored from it. */
	look_at_snapshot(search, above, slash + 1, name);
	if (search->found)
		return;
	if (ask_ancestors(look_at_words, search) < 0)
		search->unknown = true;
	if (slash - above > 6 && strcmp(slash - 6, "/snaps") == 0)
		look(search, xasprintf("%.*s", (int)(slash - above - 6), above)); /* snapshot */
	else
		look(search, xasprintf("%s/%s", above, name));
	look(search, xasprintf("%s/%s", lxcpath, name));
}

char *clone_source_find(const struct container *container, const char *name, const struct conf *conf, bool *ret_rename)
{
	struct search search = { .container = container, .conf = conf, .name = name };
	int told;

	if (!name || !*name || strchr(name, '/')) {
		log_error("missing source container; use --source, as bdev.conf does");
		return NULL;
	}
	told = look_where_told(&search, name);
	if (told == 0)
		look_around(&search, name);
	search.unknown |= told < 0;
	if (!search.found && !search.unknown)
		log_error("cannot find the source '%s' of '%s': no container with the same bdev.rootfs in %s", name,
			  container->name, search.looked);
	if (search.several && !search.unknown)
		log_error(
			"ambiguous source of '%s': %s have the same bdev.rootfs; use lxc-copy, whose command line names "
			"the source",
			container->name, search.looked);
	if (search.several || search.unknown)
		free(TAKE_PTR(search.found));
	free(search.looked);
	*ret_rename = search.rename;
	return search.found;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command - a program that is a table of verbs.
 */
#include "command.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "help.h"
#include "nearest.h"
#include "parse.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static mode_t umask_before; /* the caller's */

/* Open descriptors 0 to 2 if the caller closed them: a file of ours on one of them would receive our messages. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* Reset inherited process state that the program cannot work with. Returns the previous umask. */
static mode_t prepare_process(void)
{
	mode_t before = umask(022);

	open_standard_fds();
	/* A write beyond RLIMIT_FSIZE then fails with EFBIG, and is handled like any other failure. */
	(void)signal(SIGXFSZ, SIG_IGN);
	/* A caller that never waits for its children ignores SIGCHLD; this program does wait. */
	(void)signal(SIGCHLD, SIG_DFL);
	/* It would stop getopt_long() from finding options after operands. */
	(void)unsetenv("POSIXLY_CORRECT");
	return before;
}

/* Return the exit status of a verb that returned r. */
static int exit_status(int r)
{
	if (r >= 0)
		return r;
	return r == -EOPNOTSUPP ? EXIT_IMPOSSIBLE : r == -EMALFORMED ? EXIT_USAGE : EXIT_FAILED;
}

/* Flush stdout. Returns the exit status of a verb that returned r; EXIT_FAILED (logged) if output was lost. */
static int finish(int r)
{
	int status = exit_status(r);
	bool lost = ferror(stdout);

	errno = 0;
	if (fclose(stdout) == 0 && !lost)
		return status;
	/*
	 * This includes the output of a verb that exits 1, as doctor does. A verb that failed has logged its own error
	 * line.
	 */
	if (r >= 0)
		(void)log_errno(-(errno ?: EIO), "write to stdout");
	return status ?: EXIT_FAILED;
}

static int show_version(void)
{
	puts(VERSION);
	return EXIT_DONE;
}

/* Find a verb by its name. called: the command that the hint of --help names. Returns NULL after an error line. */
static const struct verb *find_verb(const struct verb *const *verbs, const char *name, const char *called)
{
	struct nearest nearest = { .word = name };

	for (const struct verb *const *verb = verbs; *verb; verb++)
		if (strcmp((*verb)->name, name) == 0)
			return *verb;
	for (const struct verb *const *verb = verbs; *verb; verb++)
		if (!(*verb)->hidden)
			nearest_offer(&nearest, (*verb)->name);
	nearest_offer(&nearest, "help");
	nearest_offer(&nearest, "version");
	if (nearest.best)
		log_error("unknown verb '%s'; did you mean '%s'?", name, nearest.best);
	else
		log_error("unknown verb '%s'; see %s --help", name, called);
	return NULL;
}

static bool is_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static bool is_version(const char *word)
{
	return strcmp(word, "version") == 0 || strcmp(word, "--version") == 0;
}

/* Run "help [VERB [SUBVERB]]"; words follow "help". Returns an exit status. */
static int run_help(const struct program *program, int n, char **words)
{
	_cleanup_free_ char *called = xstrdup(program->name);
	const struct verb *const *verbs = program->verbs;
	const struct verb *verb = NULL;

	if (n > 0 && strcmp(words[0], "--complete") == 0) {
		help_complete(program);
		return EXIT_DONE;
	}
	for (int i = 0; i < n && verbs; i++) {
		char *longer;

		verb = find_verb(verbs, words[i], called);
		if (!verb)
			return EXIT_USAGE;
		longer = xasprintf("%s %s", called, verb->name);
		free(called);
		called = longer;
		verbs = verb->subverbs;
	}
	if (verb)
		help_verb(verb, called);
	else
		help_program(program);
	return EXIT_DONE;
}

/* Run a verb without subverbs; argv[0] is its name. Returns 0, -errno after an error line, or an exit status. */
static int run_verb(const struct verb *verb, const char *called, int argc, char **argv)
{
	struct common common;
	struct args args;
	int r = parse_args(verb, called, argc, argv, &args, &common);

	if (r == 0 && common.help)
		help_verb(verb, called);
	else if (r == 0 && common.version)
		r = show_version();
	else if (r == 0) {
		args.umask = umask_before;
		r = verb->run(&args);
	}
	args_clear(&args);
	return r;
}

/* Run a verb with subverbs; options may come before the subverb, too. Returns the same as run_verb(). */
static int run_group(const struct program *program, const struct verb *group, const char *called, int argc, char **argv)
{
	int place = parse_find_word(group, argc, argv), r;
	const char *word = place < argc ? argv[place] : "help";
	_cleanup_free_ char *own_called = xasprintf("%s %s", called, word), *logged = NULL;
	_cleanup_free_ char **rest = NULL;
	const struct verb *verb;

	if (place == argc && argc > 1 && is_version(argv[argc - 1]))
		return show_version();
	if (is_version(word))
		return show_version();
	if (is_help(word)) {
		rest = xcalloc((size_t)argc + 1, sizeof(*rest));
		rest[0] = argv[0];
		for (int i = place + 1; i < argc; i++)
			rest[i - place] = argv[i];
		return run_help(program, place < argc ? argc - place : 1, rest);
	}
	verb = find_verb(group->subverbs, word, called);
	if (!verb)
		return EXIT_USAGE;
	logged = xasprintf("%s %s", group->name, verb->name);
	log_verb(logged);
	rest = xcalloc((size_t)argc + 1, sizeof(*rest));
	memcpy(rest, argv, (size_t)place * sizeof(*rest));
	memcpy(rest + place, argv + place + 1, (size_t)(argc - place - 1) * sizeof(*rest));
	r = run_verb(verb, own_called, argc - 1, rest);
	log_verb(group->name);
	return r;
}

int command_run(const struct program *program, int argc, char **argv)
{
	_cleanup_free_ char *called = NULL;
	const struct verb *verb;

	umask_before = prepare_process();
	if (argc < 2)
		return log_refuse(EXIT_USAGE, "missing verb; see %s --help", program->name);
	if (is_help(argv[1]))
		return finish(run_help(program, argc - 2, argv + 2));
	if (is_version(argv[1]))
		return finish(show_version());
	if (*argv[1] == '-')
		return log_refuse(EXIT_USAGE, "'%s': options come after the verb; see %s --help", argv[1],
				  program->name);
	verb = find_verb(program->verbs, argv[1], program->name);
	if (!verb)
		return EXIT_USAGE;
	log_verb(verb->name);
	called = xasprintf("%s %s", program->name, verb->name);
	return finish(verb->subverbs ? run_group(program, verb, called, argc - 1, argv + 1)
				     : run_verb(verb, called, argc - 1, argv + 1));
}

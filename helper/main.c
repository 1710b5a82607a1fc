/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc-bdev - backing storage for LXC containers. The verb table, and what all verbs share.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "command/verb.h"

#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>

#define ENTRY(v) &verb_##v,
static const struct verb *const verbs[] = { VERBS(ENTRY) };

enum { OPT_VERSION = 256 };

/* Of --foreground, as --fix has the letter of its short form. */
#define FOREGROUND 'g'

/* Of --output, whose short form is -o for the verbs that have it. */
#define OUTPUT 'w'

static const struct option options[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "lxcpath", required_argument, NULL, 'P' },
	{ "config", required_argument, NULL, 'f' },
	{ "json", no_argument, NULL, 'j' },
	{ "rootfs", required_argument, NULL, 'R' },
	{ "target", required_argument, NULL, 'T' },
	{ "source", required_argument, NULL, 'S' },
	{ "monitor", required_argument, NULL, 'M' },
	{ "fix", no_argument, NULL, 'F' },
	{ "newname", required_argument, NULL, 'N' },
	{ "newpath", required_argument, NULL, 'p' },
	{ "tmpfs", optional_argument, NULL, 't' },
	{ "upper", required_argument, NULL, 'U' },
	{ "backing", required_argument, NULL, 'B' },
	{ "keepdata", no_argument, NULL, 'D' },
	{ "keepname", no_argument, NULL, 'K' },
	{ "foreground", no_argument, NULL, FOREGROUND },
	{ "to", required_argument, NULL, 'O' },
	{ "lower", required_argument, NULL, 'L' },
	{ "userxattr", no_argument, NULL, 'u' },
	{ "dry-run", no_argument, NULL, 'y' },
	{ "check", no_argument, NULL, 'c' },
	{ "store", required_argument, NULL, 's' },
	{ "driver", required_argument, NULL, 'd' },
	{ "parent", required_argument, NULL, 'r' },
	{ "holder", required_argument, NULL, 'H' },
	{ "idmap", required_argument, NULL, 'I' },
	{ "max-bytes", required_argument, NULL, 'b' },
	{ "max-entries", required_argument, NULL, 'e' },
	{ "digest", required_argument, NULL, 'G' },
	{ "output", required_argument, NULL, OUTPUT },
	{ "repair", no_argument, NULL, 'x' },
	{ "aufs", required_argument, NULL, 'A' },
	{ "copy", no_argument, NULL, 'C' },
	{ "logfile", required_argument, NULL, 'o' },
	{ "logpriority", required_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void print_help(void)
{
	printf("usage: lxc-bdev VERB [OPTION]...\n\n"
	       "Backing storage for LXC containers: see lxc-bdev(8) and bdev.conf(5).\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (verbs[i]->usage)
			printf("  %-9s %s\n            %s\n", verbs[i]->name, verbs[i]->usage, verbs[i]->summary);
	printf("\n  -n, --name=NAME         the container\n"
	       "  -P, --lxcpath=PATH      where containers are (default: LXC's)\n"
	       "  -f, --config=FILE       use this config file instead of the container's own\n"
	       "      --json              write JSON\n"
	       "  -N, --newname=NAME      the new container (default: NAME and six random letters)\n"
	       "  -p, --newpath=PATH      where the new container is made (default: beside the other)\n"
	       "  -t, --tmpfs[=SIZE]      in memory, at most SIZE\n"
	       "      --upper=DIR         in this directory, which is kept\n"
	       "  -B, --backing=TYPE      overlay, the default, or aufs\n"
	       "  -D, --keepdata          keep the new container when it stops\n"
	       "  -K, --keepname          keep the host name\n"
	       "  -F, --foreground        stay attached to the new container\n"
	       "      --to=NEW            convert into this new directory\n"
	       "      --lower=DIR         what a delta lies on, the uppermost first\n"
	       "      --userxattr         overlay's attributes are user.overlay.*\n"
	       "      --dry-run           change nothing, show what would be\n"
	       "      --check             change nothing, show what does not belong there\n"
	       "      --store=DIR         the layer store (default: .bdev-layers in LXC's lxcpath)\n"
	       "      --driver=DRIVER     overlay or aufs: the form of its layers\n"
	       "      --parent=ID         the layer below\n"
	       "      --holder=NAME       who uses the layer (default: the calling process, while it lives)\n"
	       "      --idmap=RANGE       as lxc.idmap has it, with colons: u:0:100000:65536; b is for both\n"
	       "      --max-bytes=N       refuse more data than this\n"
	       "      --max-entries=N     refuse more names than this\n"
	       "      --digest=DIGEST     refuse an input with another digest, sha256:HEX\n"
	       "  -o, --output=FILE       write to this file (layer diff, layer export)\n"
	       "      --repair            repair what loses nothing\n"
	       "      --aufs=DIR          a store of Docker's aufs driver\n"
	       "      --copy              leave it as it is\n"
	       "  -o, --logfile=FILE      append messages to FILE too\n"
	       "  -l, --logpriority=LEVEL show messages from this level on (default WARN)\n"
	       "  -h, --help              show this\n"
	       "      --version           show the version\n\n"
	       "exit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this host\n");
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

/* An option's value into *args. 0, or EXIT_USAGE after an error line. */
static int take_option(int letter, struct args *args)
{
	char *end;
	int r;

	switch (letter) {
	case 'n':
		args->name = optarg;
		break;
	case 'P':
		args->lxcpath = optarg;
		break;
	case 'f':
		args->config = optarg;
		break;
	case 'j':
		args->json = true;
		break;
	case 'F':
		args->fix = true;
		break;
	case 'N':
		args->newname = optarg;
		break;
	case 'p':
		args->newpath = optarg;
		break;
	case 't':
		args->tmpfs = true;
		args->size = optarg;
		break;
	case 'U':
		args->upper = optarg;
		break;
	case 'B':
		args->backing = optarg;
		break;
	case 'D':
		args->keepdata = true;
		break;
	case 'K':
		args->keepname = true;
		break;
	case FOREGROUND:
		args->foreground = true;
		break;
	case 'O':
		args->to = optarg;
		break;
	case 'L':
		*ARRAY_ADD(args->lowers, args->nlowers) = optarg;
		break;
	case 'u':
		args->userxattr = true;
		break;
	case 'y':
		args->dry_run = true;
		break;
	case 'c':
		args->check = true;
		break;
	case 's':
		args->store = optarg;
		break;
	case 'd':
		args->driver = optarg;
		break;
	case 'r':
		args->parent = optarg;
		break;
	case 'H':
		args->holder = optarg;
		break;
	case 'I':
		*ARRAY_ADD(args->idmap, args->nidmap) = optarg;
		break;
	case 'b':
		args->max_bytes = optarg;
		break;
	case 'e':
		args->max_entries = optarg;
		break;
	case 'G':
		args->digest = optarg;
		break;
	case OUTPUT:
		args->output = optarg;
		break;
	case 'x':
		args->repair = true;
		break;
	case 'A':
		args->aufs = optarg;
		break;
	case 'C':
		args->copy = true;
		break;
	case 'R':
		args->rootfs = *optarg ? optarg : NULL;
		break;
	case 'T':
		args->target = optarg;
		break;
	case 'S':
		args->source = optarg;
		break;
	case 'M':
		args->monitor = (pid_t)strtol(optarg, &end, 10);
		if (*end || args->monitor <= 0)
			return log_refuse(EXIT_USAGE, "--monitor '%s': not a process id", optarg);
		break;
	case 'o':
		r = log_open(optarg);
		if (r < 0) {
			(void)log_errno(r, "open log file '%s'", optarg);
			return EXIT_FAILED;
		}
		break;
	case 'l':
		if (log_set_level(optarg) < 0)
			return log_refuse(EXIT_USAGE,
					  "log priority '%s': not one of TRACE DEBUG INFO NOTICE WARN ERROR "
					  "CRIT ALERT FATAL",
					  optarg);
		break;
	default:
		return EXIT_USAGE;
	}
	return 0;
}

/* The word that getopt read last may be the option's value. */
static int refuse_option(int letter, int index, const char *word)
{
	char name[3] = { '-', (char)(letter == '?' ? optopt : letter), '\0' };

	if (index >= 0)
		return log_refuse(EXIT_USAGE, "unknown option '--%s'; see lxc-bdev --help", options[index].name);
	if (strncmp(word, "--", 2) == 0 || !name[1] || name[1] == FOREGROUND)
		return log_refuse(EXIT_USAGE, "unknown option '%s'; see lxc-bdev --help", word);
	return log_refuse(EXIT_USAGE, "unknown option '%s'; see lxc-bdev --help", name);
}

/* 0; EXIT_USAGE or EXIT_FAILED after an error line; -1: help was shown. */
static int parse(const struct verb *verb, int argc, char **argv, struct args *args)
{
	int letter, index, r;

	/* Now, as getopt moves words. */
	for (int i = 1; i < argc && !args->behind; i++)
		if (strcmp(argv[i], "--") == 0)
			args->behind = argc - i - 1;
	opterr = 0;
	/* No '+': options may follow words, as in LXC's tools. */
	while (index = -1, (letter = getopt_long(argc, argv, ":n:P:f:N:p:t::B:DKFo:l:h", options, &index)) != -1) {
		if (letter == 'F' && index < 0)
			letter = FOREGROUND;
		if (letter == 'o' && index < 0 && strchr(verb->options, OUTPUT))
			letter = OUTPUT;
		if (letter == 'h') {
			(verb->help ?: print_help)();
			return -1;
		}
		if (letter == ':')
			return log_refuse(EXIT_USAGE, "option '%s' needs a value", argv[optind - 1]);
		if (letter == '?' || (letter != 'o' && letter != 'l' && !strchr(verb->options, letter)))
			return refuse_option(letter, index, argv[optind - 1]);
		r = take_option(letter, args);
		if (r)
			return r;
		args->given[(unsigned char)letter] = true;
	}
	args->argc = argc - optind;
	args->argv = argv + optind;
	if (args->argc < verb->min || (verb->max >= 0 && args->argc > verb->max))
		return log_refuse(EXIT_USAGE, "usage: lxc-bdev %s %s", verb->name, verb->usage ?: "");
	return 0;
}

/* Descriptors 0 to 2 must be somebody's: a file of ours that got one of them would receive our messages. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
}

/* Write out what was printed. The exit status of a verb that returned r; EXIT_FAILED (logged) where some of the output
 * is lost. */
static int finish(int r)
{
	int status = r >= 0 ? r : r == -EOPNOTSUPP ? EXIT_IMPOSSIBLE : EXIT_FAILED;
	bool lost = ferror(stdout);

	errno = 0;
	if (fclose(stdout) == 0 && !lost)
		return status;
	/* Also what a verb prints before it exits 1, as doctor does. A verb that failed has said so in its one line. */
	if (r >= 0)
		(void)log_errno(-(errno ?: EIO), "write to stdout");
	return status ?: EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct verb *verb;
	struct args args = { 0 };
	int r;

	open_standard_fds();
	/* A write beyond RLIMIT_FSIZE then fails with EFBIG, and is reported and cleared up like any other failure. */
	(void)signal(SIGXFSZ, SIG_IGN);
	args.umask = umask(022);
	/* Whoever never waits for its children ignores it, and we do wait. */
	(void)signal(SIGCHLD, SIG_DFL);
	/* It would keep getopt_long from finding options behind operands. */
	(void)unsetenv("POSIXLY_CORRECT");
	if (argc < 2)
		return log_refuse(EXIT_USAGE, "no verb; see lxc-bdev --help");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help();
		return finish(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts(VERSION);
		return finish(EXIT_DONE);
	}
	verb = find_verb(argv[1]);
	if (!verb && *argv[1] == '-')
		return log_refuse(EXIT_USAGE, "'%s': options come after the verb; see lxc-bdev --help", argv[1]);
	if (!verb)
		return log_refuse(EXIT_USAGE, "unknown verb '%s'; see lxc-bdev --help", argv[1]);
	log_verb(verb->name);
	r = parse(verb, argc - 1, argv + 1, &args);
	if (r)
		return r < 0 ? finish(EXIT_DONE) : r;
	r = verb->run(&args);
	free(args.lowers);
	free(args.idmap);
	return finish(r);
}

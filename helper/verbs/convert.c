/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert - deltas between aufs' form and overlay's.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../command/help.h"
#include "convert-dirs.h"
#include "convert-named.h"

static bool is_form(const char *word)
{
	return strcmp(word, "overlay") == 0 || strcmp(word, "aufs") == 0;
}

static int wrong_usage(const struct args *args)
{
	_cleanup_free_ char *usage = help_usage(args->verb, "lxc-bdev convert");

	return log_refuse(EXIT_USAGE, "%s", usage);
}

/* Check words and options of --check, which has directories alone. Returns 0, or EXIT_USAGE after an error line. */
static int check_check(const struct convert_options *options, const struct args *args)
{
	if (options->to || options->dry_run || options->name)
		return log_refuse(EXIT_USAGE, "--check takes no -n, no --to and no --dry-run");
	return args->argc ? 0 : log_refuse(EXIT_USAGE, "--check: missing directory");
}

/*
 * Check which of the forms of the command line it is, and that its words and options go together: "NAME FORMAT" and
 * "-n NAME FORMAT" (*ret_name), or "FORMAT DIR...". What *ret_format says is a FORMAT. Returns 0, or EXIT_USAGE after
 * an error line.
 */
static int check_words(const struct args *args, const char **ret_name, const char **ret_format)
{
	const struct convert_options *options = args->options;
	const char *first = args->argc ? args->argv[0] : NULL, *second = args->argc > 1 ? args->argv[1] : NULL;
	/* A directory that is here is meant, and its format comes first; so is one with a '/' in it. */
	bool named = second && args->argc == 2 && !is_form(first) && is_form(second) && !strchr(first, '/') &&
		     access(first, F_OK) < 0;

	if (options->name && !args->argc)
		return log_refuse(EXIT_USAGE, "missing format; lxc-bdev convert -n %s overlay, or aufs", options->name);
	if (!first)
		return wrong_usage(args);
	*ret_name = options->name ?: named ? first : NULL;
	*ret_format = named ? second : first;
	if (named && options->name && strcmp(options->name, first) != 0)
		return log_refuse(EXIT_USAGE, "conflicting container names '%s' and '%s'", options->name, first);
	if (!is_form(*ret_format) && is_form(args->argv[args->argc - 1]))
		return log_refuse(EXIT_USAGE, "the format comes first: lxc-bdev convert %s %s",
				  args->argv[args->argc - 1], first);
	if (!is_form(*ret_format))
		return log_refuse(EXIT_USAGE, "unknown format '%s'; convert to overlay, or to aufs", *ret_format);
	if (*ret_name)
		return args->argc > 1 + named || options->to || options->lowers.n || options->userxattr
			       ? log_refuse(EXIT_USAGE, "a container takes no directory, and no option but --dry-run")
			       : 0;
	if (args->argc < 2)
		return wrong_usage(args);
	return options->to && args->argc > 2 ? log_refuse(EXIT_USAGE, "--to takes one directory") : 0;
}

static int run(const struct args *args)
{
	const struct convert_options *options = args->options;
	const char *name = NULL, *format = NULL;
	int r = options->check ? check_check(options, args) : check_words(args, &name, &format);
	enum whiteout_format to;

	if (r)
		return r;
	/* Others do not even see trusted.* attributes. */
	if (geteuid() != 0)
		return log_refuse(EXIT_FAILED, "this needs root");
	if (options->check)
		return convert_dirs(options, DELTA_OVERLAY, args->argv);
	to = strcmp(format, "overlay") == 0 ? DELTA_OVERLAY : DELTA_AUFS;
	return name ? convert_named(options, name, to) : convert_dirs(options, to, args->argv + 1);
}

static const struct verb_option convert_table[] = {
	OPTION_NAME(struct convert_options, name),
	OPTION_LXCPATH(struct convert_options, lxcpath),
	{ .name = "to",
	  .value = "DIR",
	  .summary = "make a converted copy, this new directory",
	  .take = option_text,
	  AT(struct convert_options, to) },
	{ .name = "lower",
	  .value = "DIR",
	  .summary = "a lower layer of the delta, the uppermost first",
	  .take = option_add,
	  AT(struct convert_options, lowers) },
	{ .name = "userxattr",
	  .summary = "overlay's attributes are user.overlay.*",
	  .take = option_flag,
	  AT(struct convert_options, userxattr) },
	{ .name = "dry-run",
	  .summary = "change nothing, show what would be",
	  .take = option_flag,
	  AT(struct convert_options, dry_run) },
	{ .name = "check",
	  .summary = "change nothing, show what does not belong there",
	  .take = option_flag,
	  AT(struct convert_options, check) },
	OPTION_JSON(struct convert_options, json),
	{ .name = NULL },
};

const struct verb verb_convert = {
	.name = "convert",
	.words = "overlay|aufs DIR...\nNAME overlay|aufs\n--check DIR...",
	.summary = "convert deltas between the whiteout formats of aufs and overlay",
	.options = convert_table,
	.size = sizeof(struct convert_options),
	.max = -1,
	.run = run,
};

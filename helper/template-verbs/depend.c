/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * depend - record for LXC that the container whose config is named depends on the base in the directory `source`.
 *
 * For the template, which cannot take LXC's lock, as flock(1) uses another kind.
 */
#include "../config/dependencies.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../command/verb.h"
#include "../config/container.h"

struct depend_options {
	const char *name, *config, *source;
};

static int run(const struct args *args)
{
	const struct depend_options *options = args->options;
	_cleanup_free_ char *called = NULL;
	struct container container = { 0 };
	int r;

	if (!options->name || !options->config || !options->source || *options->source != '/')
		return log_refuse(EXIT_USAGE, "needs --name, --config and --source with an absolute path");
	r = container_from_config(options->name, options->config, &container);
	if (r == 0) {
		called = container_called(&container);
		r = dependencies_record(called, options->source);
		if (r < 0)
			(void)log_errno(r, "record that '%s' depends on '%s'", called, options->source);
	}
	container_clear(&container);
	return r;
}

static const struct verb_option depend_table[] = {
	OPTION_NAME(struct depend_options, name),
	OPTION_CONFIG(struct depend_options, config),
	{ .name = "source",
	  .value = "DIR",
	  .summary = "the directory of the base",
	  .take = option_text,
	  AT(struct depend_options, source) },
	{ .name = NULL },
};

const struct verb verb_depend = {
	.name = "depend",
	.summary = "record for LXC that a container depends on a base",
	.options = depend_table,
	.size = sizeof(struct depend_options),
	.hidden = true,
	.run = run,
};

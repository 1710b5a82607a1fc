/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * depend - record for LXC that the container whose config is named depends on the base in the directory `source`.
 *
 * For the template, which cannot take LXC's lock: that is of another kind than flock(1)'s.
 */
#include "../config/dependencies.h"
#include "../hook-verbs/hook.h"

static int run(const struct args *args)
{
	_cleanup_free_ char *called = NULL;
	struct container container = { 0 };
	int r;

	if (!args->name || !args->config || !args->source || *args->source != '/')
		return log_refuse(EXIT_USAGE, "needs --name, --config and --source with an absolute path");
	r = container_from_config(args->name, args->config, &container);
	if (r == 0) {
		called = container_called(&container);
		r = depends_record(called, args->source);
		if (r < 0)
			(void)log_errno(r, "record that '%s' depends on '%s'", called, args->source);
	}
	container_clear(&container);
	return r;
}

const struct verb verb_depend = {
	.name = "depend",
	.options = "nfS",
	.run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooked - tell whether a config, with all files that it includes, has the hooks of bdev.conf: "yes" or "no".
 *
 * For the template, which adds the include of bdev.conf where it is missing.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../command/verb.h"
#include "../config/config-file.h"

struct hooked_options {
	const char *config;
};

static int run(const struct args *args)
{
	const struct hooked_options *options = args->options;
	struct conf conf = { 0 };
	int r;

	if (!options->config)
		return log_refuse(EXIT_USAGE, "missing config file; use --config");
	r = conf_read(options->config, &conf);
	if (r == 0)
		puts(conf.hooks[HOOK_PRE_START].runs ? "yes" : "no");
	conf_clear(&conf);
	return r;
}

static const struct verb_option hooked_table[] = {
	OPTION_CONFIG(struct hooked_options, config),
	{ .name = NULL },
};

const struct verb verb_hooked = {
	.name = "hooked",
	.summary = "tell whether a config has the hooks of bdev.conf",
	.options = hooked_table,
	.size = sizeof(struct hooked_options),
	.hidden = true,
	.run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hooked - tell whether a config, with all files that it includes, has the hooks of bdev.conf: "yes" or "no".
 *
 * For the template, which adds the include of bdev.conf where it is missing.
 */
#include "../hook-verbs/hook.h"

static int run(const struct args *args)
{
	struct conf conf = { 0 };
	int r;

	if (!args->config)
		return log_refuse(EXIT_USAGE, "missing config file; use --config");
	r = conf_read(args->config, &conf);
	if (r == 0)
		puts(conf.hooks[HOOK_PRE_START].runs ? "yes" : "no");
	conf_clear(&conf);
	return r;
}

const struct verb verb_hooked = {
	.name = "hooked",
	.options = "f",
	.run = run,
};

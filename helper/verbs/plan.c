/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan - show what a start would do, without doing it. */
#include "../container/start-plan.h"
#include "../stack/plan.h"
#include "../base/cleanup.h"
#include "../kernel/apparmor.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../container/convert.h"
#include "../container/convert-lines.h"
#include "../container/linked-clone.h"
#include "../base/log.h"
#include "../kernel/loop.h"
#include "../command/json.h"
#include "../command/verb.h"

static void print_text(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];

		printf("%zu. %s\t%s\n", i + 1, phase_name(step->phase), step->text);
		if (step->spec)
			printf("\t\tfrom: %s (%s)\n", step->spec->text, step->spec->where);
		printf("\t\tundone by: %s\n", step->undo);
	}
}

static void print_json(const struct plan *plan)
{
	struct json_object *steps = json_object_new_array();

	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "phase", json_object_new_string(phase_name(step->phase)));
		json_object_object_add(object, "step", json_object_new_string(step->text));
		json_object_object_add(object, "undo", json_object_new_string(step->undo));
		json_object_object_add(object, "spec", step->spec ? json_object_new_string(step->spec->text) : NULL);
		json_object_object_add(object, "where", step->spec ? json_object_new_string(step->spec->where) : NULL);
		json_object_array_add(steps, object);
	}
	json_print(steps);
}

/* Warn if AppArmor may deny the mounts of a start. */
static void foresee_profile(void)
{
	_cleanup_free_ char *profile = NULL;
	int r = apparmor_foresee(&profile);

	if (r == 1)
		log_warn(
			"the hooks cannot leave AppArmor profile '%s', which may deny what they mount; add the rule '%s' to it",
			profile, APPARMOR_RULE);
	else if (r < 0)
		log_warn("cannot tell whether an AppArmor profile confines the hooks: %s",
			 r == -ENODATA ? "the loaded profiles cannot be listed" : strerror(-r));
}

struct plan_options {
	const char *name, *lxcpath, *config;
	bool json;
};

static int run(const struct args *args)
{
	const struct plan_options *options = args->options;
	struct plan plan = { .dirfd = -EBADF };
	struct container container;
	struct conf conf = { 0 };
	int r = options->config ? container_from_config(options->name, options->config, &container)
				: container_from_lxcpath(options->name, options->lxcpath, &container);

	if (r == 0)
		r = container_check_whole(container.dir) ?: conf_read(container.config, &conf);
	/* Such a start fails before it runs our hook. */
	if (r == 0 && convert_lxc_aufs(conf.rootfs_path))
		r = log_refuse(
			-EINVAL,
			"%s: lxc.rootfs.path: LXC has no aufs since 3.0; use lxc-bdev convert%s%s%s -n %s overlay",
			container.config, options->lxcpath ? " -P '" : "", options->lxcpath ?: "",
			options->lxcpath ? "'" : "", container.name);
	if (r == 0 && !conf.stack.n)
		r = log_refuse(-ENOENT, "%s: no bdev.rootfs in it: LXC's own rootfs is used", container.config);
	if (r == 0)
		r = convert_container_foresee(&container, &conf);
	if (r == 0)
		r = container_plan(&container, &conf, NULL, &plan);
	if (r == 0)
		r = linked_clone_check_start(&container, &plan);
	/* A start finds this out when it attaches a loop device. */
	if (r == 0 && plan.loop)
		r = loop_foresee(plan.loop);
	if (r == 0) {
		foresee_profile();
		if (!plan.at_readonly)
			container_warn_of_hidden(&container, &plan);
		if (options->json)
			print_json(&plan);
		else
			print_text(&plan);
	}
	container_plan_close(&plan);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

static const struct verb_option plan_table[] = {
	OPTION_NAME(struct plan_options, name),
	OPTION_LXCPATH(struct plan_options, lxcpath),
	OPTION_CONFIG(struct plan_options, config),
	OPTION_JSON(struct plan_options, json),
	{ .name = NULL },
};

const struct verb verb_plan = {
	.name = "plan",
	.words = "NAME",
	.summary = "show what starting the container would do, step by step, changing nothing",
	.options = plan_table,
	.size = sizeof(struct plan_options),
	.takes_name = NAME_NEEDED,
	.run = run,
};

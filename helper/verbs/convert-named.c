/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convert-named - convert the deltas of a container by its name. */
#include "convert-named.h"
#include "../base/cleanup.h"
#include "../container/convert.h"
#include "../base/log.h"
#include "../base/progress.h"
#include "convert-report.h"
#include "../command/json.h"

static void list_found(struct convert_container *run, const char *delta, enum convert_kind kind, const char *path,
		       const char *why)
{
	convert_report_found(run->arg, convert_kind_name(kind), delta, path, why);
}

static void list_line(struct convert_container *run, unsigned int number, const char *value)
{
	convert_report_line(run->arg, run->container->config, number, value);
}

static void print_sum(const struct convert_container *run, const char *type)
{
	struct json_object *element = convert_report_element(run->arg);

	if (element) {
		json_add_text(element, "format", type);
		convert_report_count(run->arg, "delta", run->deltas);
		convert_report_count(run->arg, "line", run->lines);
	} else if (!run->lines && !run->deltas)
		printf("%s: nothing to convert: all deltas have the %s format already, or are plain\n",
		       run->container->name, type);
	else
		printf("%s: %s %s: %zu delta%s, %zu line%s of its config\n", run->container->name, type,
		       run->dry_run ? "it would be" : "now", run->deltas, run->deltas == 1 ? "" : "s", run->lines,
		       run->lines == 1 ? "" : "s");
}

int convert_named(const struct convert_options *options, const char *name, enum whiteout_format to)
{
	struct copy copy = { 0 };
	struct progress progress;
	struct container container;
	struct convert_report report;
	struct convert_container run = {
		.container = &container,
		.to = to,
		.dry_run = options->dry_run,
		.found = options->dry_run ? list_found : NULL,
		.line = options->dry_run ? list_line : NULL,
		.progress = &copy,
		.arg = &report,
	};
	int r = container_from_lxcpath(name, options->lxcpath, &container);

	convert_report_begin(&report, options->json);
	convert_report_subject(&report, "container", name);
	if (r == 0) {
		progress_begin(&progress, "converted", &copy);
		progress_catch();
		r = convert_container(&run);
		progress_end(&progress);
	}
	if (r == 0)
		print_sum(&run, to == DELTA_AUFS ? "aufs" : "overlay");
	convert_report_end(&report);
	container_clear(&container);
	return r;
}

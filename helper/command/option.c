/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option - store the values of a verb's options; the options of all verbs. */
#include "option.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/progress.h"
#include "verb.h"

int option_flag(const struct verb_option *option, const char *value, void *target)
{
	(void)option;
	(void)value;
	*(bool *)target = true;
	return 0;
}

int option_text(const struct verb_option *option, const char *value, void *target)
{
	(void)option;
	*(const char **)target = value;
	return 0;
}

int option_add(const struct verb_option *option, const char *value, void *target)
{
	struct option_list *list = target;

	(void)option;
	*ARRAY_ADD(list->values, list->n) = value;
	return 0;
}

int option_maybe(const struct verb_option *option, const char *value, void *target)
{
	(void)option;
	*(struct option_value *)target = (struct option_value){ .given = true, .value = value };
	return 0;
}

int option_pid(const struct verb_option *option, const char *value, void *target)
{
	char *end;
	long pid = strtol(value, &end, 10);

	if (!*value || *end || pid <= 0)
		return log_refuse(EXIT_USAGE, "--%s '%s': not a process id", option->name, value);
	*(pid_t *)target = (pid_t)pid;
	return 0;
}

static int take_logfile(const struct verb_option *option, const char *value, void *target)
{
	int r = log_open(value);

	(void)option;
	(void)target;
	if (r < 0) {
		(void)log_errno(r, "open log file '%s'", value);
		return EXIT_FAILED;
	}
	return 0;
}

static int take_logpriority(const struct verb_option *option, const char *value, void *target)
{
	(void)option;
	(void)target;
	if (log_set_level(value) < 0)
		return log_refuse(EXIT_USAGE,
				  "log priority '%s': not one of TRACE DEBUG INFO NOTICE WARN ERROR CRIT ALERT FATAL",
				  value);
	return 0;
}

static int take_quiet(const struct verb_option *option, const char *value, void *target)
{
	(void)option;
	(void)value;
	(void)target;
	progress_hide();
	return log_set_level("ERROR");
}

const struct verb_option common_options[] = {
	{ .name = "logfile",
	  .letter = 'o',
	  .value = "FILE",
	  .summary = "append messages to FILE, too",
	  .take = take_logfile },
	{ .name = "logpriority",
	  .letter = 'l',
	  .value = "LEVEL",
	  .choices = "TRACE|DEBUG|INFO|NOTICE|WARN|ERROR|CRIT|ALERT|FATAL",
	  .summary = "show messages from this level on (default: WARN)",
	  .take = take_logpriority },
	{ .name = "quiet", .letter = 'q', .summary = "show errors only: no warnings, no progress", .take = take_quiet },
	{ .name = "help", .letter = 'h', .summary = "show the usage", .take = option_flag, AT(struct common, help) },
	{ .name = "version", .summary = "show the version", .take = option_flag, AT(struct common, version) },
	{ .name = NULL },
};

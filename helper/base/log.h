/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Name the verb that every line begins with. The string must live as long as the process. */
void log_verb(const char *verb);

/* Choose the lowest level written, by LXC's names (TRACE..FATAL, any case). 0, or -EINVAL for no such name. */
int log_set_level(const char *name);

/* Also append every line to this file, as lxc-start -o does. 0 or -errno. */
int log_open(const char *file);

/* One line: "lxc-bdev: VERB: text". Errors and warnings also go to syslog: LXC shows hook output at DEBUG only. */
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

/*
 * From now on errors and warnings also go to the terminal, if stderr is a pipe: so a hook of a command that a user has
 * run tells them. LXC reads that pipe, and shows what it reads in its log at DEBUG alone.
 */
void log_to_terminal(void);

/*
 * From now on log_errno() of EACCES or EPERM ends in this remark on who may have denied it. The string must live as
 * long as the process.
 */
void log_denied_by(const char *remark);

/* An error line that ends in ": strerror(-r)"; returns r, so that the statement which fails also reports. */
__attribute__((format(printf, 2, 3))) int log_errno(int r, const char *format, ...);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* An error that has no errno of its own: log the text as it is, return r. */
#define log_refuse(r, ...) (log_line(LOG_LEVEL_ERROR, __VA_ARGS__), (r))

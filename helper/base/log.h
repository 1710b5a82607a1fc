/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>

/*
 * What a user wrote is malformed: a spec, a line of a config, the value of an option. The program exits with 2 then. No
 * system call that it makes returns this errno.
 */
#define EMALFORMED EBADRQC

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Set the verb that every line begins with. The string must live as long as the process. */
void log_verb(const char *verb);

/* Set the lowest level that is written, by LXC's names (TRACE..FATAL, any case). Returns 0 or -EINVAL: no such name. */
int log_set_level(const char *name);

/* Append every line to this file too, as lxc-start -o does. Returns 0 or -errno. */
int log_open(const char *file);

/* Write one line, "lxc-bdev: VERB: text". Errors and warnings also go to syslog: LXC shows hook output at DEBUG only.
 */
__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

/*
 * Write errors and warnings to the terminal too from now on, if stderr is a pipe: so a hook of a user's command reports
 * to the user. LXC reads that pipe and logs it at DEBUG only.
 */
void log_to_terminal(void);

/*
 * Let log_errno() of EACCES and EPERM end in this remark on what may have denied access. The string must live as long
 * as the process.
 */
void log_denied_by(const char *remark);

/* Log an error line that ends in ": strerror(-r)". Returns r, so that the statement which fails also reports. */
__attribute__((format(printf, 2, 3))) int log_errno(int r, const char *format, ...);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* Log an error that has no errno of its own: the text as it is. Returns r. */
#define log_refuse(r, ...) (log_line(LOG_LEVEL_ERROR, __VA_ARGS__), (r))

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log - write lines to stderr, the log file and syslog.
 *
 * A line is written with one write(2), so that those of concurrent hooks do not
 * mix. Lines are short: LXC stops draining a hook's output after
 * about 100 KB and then waits for ever.
 */
#include "log.h"
#include "cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <strings.h>
#include <sys/stat.h>
#include <syslog.h>

#define LINE_MAX_BYTES 2048

static const char *current_verb;
static enum log_level lowest = LOG_LEVEL_WARN;
static int log_fd = -EBADF;
static const char *denied_by;
static bool to_terminal;

void log_verb(const char *verb)
{
	current_verb = verb;
}

void log_denied_by(const char *remark)
{
	denied_by = remark;
}

void log_to_terminal(void)
{
	struct stat st;

	to_terminal = fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Write to the terminal, if there is one, over a line that shows progress. */
static void write_to_terminal(const char *line, size_t n)
{
	_cleanup_close_ int fd = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		(void)dprintf(fd, "\r\033[K%.*s", (int)n, line);
}

int log_set_level(const char *name)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "TRACE", LOG_LEVEL_DEBUG }, { "DEBUG", LOG_LEVEL_DEBUG }, { "INFO", LOG_LEVEL_INFO },
		{ "NOTICE", LOG_LEVEL_INFO }, { "WARN", LOG_LEVEL_WARN },   { "ERROR", LOG_LEVEL_ERROR },
		{ "CRIT", LOG_LEVEL_ERROR },  { "ALERT", LOG_LEVEL_ERROR }, { "FATAL", LOG_LEVEL_ERROR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcasecmp(name, levels[i].name) == 0) {
			lowest = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

int log_open(const char *file)
{
	log_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
	return log_fd < 0 ? -errno : 0;
}

static void log_write(enum log_level level, const char *format, va_list args, const char *reason)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	_cleanup_free_ char *text = NULL;
	char line[LINE_MAX_BYTES];
	size_t n;

	if (vasprintf(&text, format, args) < 0)
		must(NULL);
	n = (size_t)snprintf(line, sizeof(line), "lxc-bdev: %s%s%s%s%s", current_verb ?: "", current_verb ? ": " : "",
			     text, reason ? ": " : "", reason ?: "");
	if (n > sizeof(line) - 2) {
		/* The name of the object is too long; the end of the line is the more important part. */
		_cleanup_free_ char *whole = xasprintf("%s%s%s", text, reason ? ": " : "", reason ?: "");
		size_t tail = sizeof(line) / 2;

		n = sizeof(line) - 2;
		(void)snprintf(line + n - tail, tail + 1, "...%s", whole + strlen(whole) - (tail - 3));
	}
	/* A path may contain newlines and control characters: keep the line one line. */
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			line[i] = '?';
	line[n] = '\0';

	if (level <= LOG_LEVEL_WARN) {
		openlog("lxc-bdev", LOG_PID, LOG_DAEMON);
		syslog(priorities[level], "%s", line + strlen("lxc-bdev: "));
		closelog();
	}
	line[n++] = '\n';
	(void)!write(STDERR_FILENO, line, n);
	if (to_terminal && level <= LOG_LEVEL_WARN)
		write_to_terminal(line, n);
	if (log_fd >= 0)
		(void)!write(log_fd, line, n);
}

void log_line(enum log_level level, const char *format, ...)
{
	int saved = errno;
	va_list args;

	if (level > lowest)
		return;
	va_start(args, format);
	log_write(level, format, args, NULL);
	va_end(args);
	errno = saved;
}

int log_errno(int r, const char *format, ...)
{
	bool denied = denied_by && (r == -EACCES || r == -EPERM);
	_cleanup_free_ char *reason = xasprintf("%s%s%s", strerror(-r), denied ? "; " : "", denied ? denied_by : "");
	va_list args;

	va_start(args, format);
	log_write(LOG_LEVEL_ERROR, format, args, reason);
	va_end(args);
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ephemeral-config - the config of a container that lxc-bdev ephemeral makes: the base's lines, without what belongs to
 * the base alone, and then its own.
 */
#include "ephemeral.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <ctype.h>
#include <fnmatch.h>
#include <sys/random.h>

/*
 * The first line of the config. lxc.ephemeral is not in the config but on the command line of lxc-start: lxc-destroy
 * silently keeps containers that have it in their config, and with them the leftovers of a crash.
 */
#define MARK "# Made by lxc-bdev ephemeral; removed when it stops."

/* The config of the new container, while it is written. */
struct writer {
	const struct ephemeral_request *request;
	FILE *file;
};

/* Write a line as both parsers read it: they cut blanks at the ends, then one pair of quotes. */
static void write_line(FILE *file, const char *key, const char *value)
{
	size_t n = strlen(value);
	const char *quote = n && (strchr(" \t\"'", *value) || strchr(" \t", value[n - 1])) ? "\"" : "";

	(void)fprintf(file, "%s = %s%s%s\n", key, quote, value, quote);
}

static void write_hwaddr(FILE *file, const char *key)
{
	unsigned char random[3] = { 0 };
	char text[24];

	/* Without the line, the kernel chooses an address. */
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return;
	(void)snprintf(text, sizeof(text), "00:16:3e:%02x:%02x:%02x", random[0], random[1], random[2]);
	write_line(file, key, text);
}

/*
 * Test whether a key of the base is not for the new container: keys with a value of its own, log files that the base's
 * monitor writes to, keys that make LXC keep the directory, and a start at boot of a leftover.
 */
static bool is_base_only(const char *key, const struct ephemeral_request *request)
{
	static const char *const keys[] = { "lxc.rootfs.path", "lxc.rootfs.managed",  "lxc.ephemeral",
					    "lxc.log.file",    "lxc.console.logfile", "lxc.start.auto" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return strncmp(key, "bdev.", 5) == 0 || (strcmp(key, "lxc.uts.name") == 0 && !request->keepname);
}

static int copy_line(struct conf_reader *reader, const char *key, const char *value)
{
	struct writer *writer = reader->arg;

	if (*value && fnmatch("lxc.net.*.hwaddr", key, 0) == 0)
		write_hwaddr(writer->file, key);
	else if (!is_base_only(key, writer->request))
		write_line(writer->file, key, value);
	return 0;
}

/* Test whether a container's name is a valid host name. */
static bool is_hostname(const char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr(".-_", *name))
			return false;
	return true;
}

static void write_own(FILE *file, const struct ephemeral_request *request, const struct ephemeral *ephemeral)
{
	_cleanup_free_ char *rootfs = xasprintf("dir:%s/rootfs", ephemeral->dir);
	_cleanup_free_ char *dir = spec_escape(request->base->dir), *base = xasprintf("container:%s", dir);

	if (!request->conf->hooks[HOOK_PRE_START].runs)
		write_line(file, "lxc.include", LXC_BDEV_CONF);
	write_line(file, "lxc.rootfs.path", rootfs);
	if (!request->keepname) {
		write_line(file, "lxc.uts.name", ephemeral->name);
		if (is_hostname(ephemeral->name))
			write_line(file, "bdev.hostname", ephemeral->name);
	}
	write_line(file, "lxc.ephemeral", "0");
	/* Reset the stack, as a file that the base includes may have one. */
	write_line(file, "bdev.rootfs", "");
	write_line(file, "bdev.rootfs", base);
	for (const char *const *spec = request->specs; *spec; spec++)
		write_line(file, "bdev.rootfs", *spec);
}

static int find_ephemeral(struct conf_reader *reader, const char *key, const char *value)
{
	bool *found = reader->arg;

	if (strcmp(key, "lxc.ephemeral") == 0)
		*found = strcmp(value, "1") == 0;
	return 0;
}

int ephemeral_has_mark(const char *config)
{
	_cleanup_free_ char *line = NULL;
	FILE *f = fopen(config, "re");
	size_t size = 0;
	int r;

	if (!f)
		return errno == ENOENT || errno == ENOTDIR ? 0 : log_errno(-errno, "open config '%s'", config);
	errno = 0;
	r = getline(&line, &size, f) > 0 && strncmp(line, MARK, strlen(MARK)) == 0;
	if (ferror(f))
		r = log_errno(-(errno ?: EIO), "read config '%s'", config);
	(void)fclose(f);
	return r;
}

int ephemeral_is(const char *config)
{
	bool found = false;
	struct conf_reader reader = { .file = config, .take = find_ephemeral, .arg = &found };
	int r = ephemeral_has_mark(config);

	if (r == 0)
		r = conf_each(&reader) ?: found;
	return r;
}

int ephemeral_config(const struct ephemeral_request *request, const struct ephemeral *ephemeral, char **ret)
{
	struct writer writer = { .request = request };
	struct conf_reader reader = { .file = request->base->config, .take = copy_line, .arg = &writer };
	size_t size = 0;
	int r;

	*ret = NULL;
	writer.file = must(open_memstream(ret, &size));
	if (!request->keepdata)
		(void)fprintf(writer.file, "%s\n", MARK);
	r = conf_each(&reader);
	if (r == 0)
		write_own(writer.file, request, ephemeral);
	if (fclose(writer.file) != 0)
		(void)must(NULL);
	return r;
}

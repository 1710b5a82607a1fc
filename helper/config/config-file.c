/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config-file - read LXC's config files for the keys that concern us.
 *
 * LXC ignores, keeps and copies lines that do not begin with `lxc.`, so the
 * `bdev.` keys live in the container's own config; but no LXC call returns
 * them, and a hook that asks LXC about its own container hangs the start.
 * So we read the files as LXC does: `lxc.include` of files and of directories
 * (their *.conf), one pair of quotes around a value, and an empty value that
 * clears a list.
 */
#include "config-file.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#define HOSTNAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

#define INCLUDE_DEPTH	    16
#define INCLUDE_FILES	    1024 /* each may include others, so the depth alone bounds nothing */
#define FILE_MAX_BYTES	    (16 << 20)

static int read_conf(const char *file, unsigned int depth, struct conf *conf);

static void replace(char **slot, const char *value)
{
	free(*slot);
	*slot = *value ? xstrdup(value) : NULL;
}

/*
 * Warn of a `#` in a value: it begins a comment at the beginning of a line only, as in LXC's configs. The warning comes
 * once for each line, however often the config is read.
 */
static void warn_of_comment(const char *where, const char *value)
{
	static char *said;

	if (!strstr(value, " #") || (said && strcmp(said, where) == 0))
		return;
	free(said);
	said = xstrdup(where);
	log_warn("%s: '%s': what follows the '#' is part of the value; put a comment on a line of its own", where,
		 value);
}

static int key_bdev(struct conf_reader *reader, const char *key, const char *value)
{
	_cleanup_free_ char *where = xasprintf("%s:%u: %s", reader->file, reader->line, key);
	struct conf *conf = reader->arg;

	if (strcmp(key, "bdev.hostname") == 0) {
		replace(&conf->hostname, value);
		return strspn(value, HOSTNAME_CHARACTERS) == strlen(value)
			       ? 0
			       : log_refuse(-EMALFORMED, "%s: '%s' is no host name", where, value);
	}
	if (strcmp(key, "bdev.clone") == 0) {
		conf->link = strcmp(value, "link") == 0;
		return conf->link || !*value || strcmp(value, "copy") == 0
			       ? 0
			       : log_refuse(-EMALFORMED, "%s: '%s': not copy or link", where, value);
	}
	if (strcmp(key, "bdev.aufs") == 0) {
		conf->convert_aufs = *value != '\0';
		return !*value || strcmp(value, "convert") == 0
			       ? 0
			       : log_refuse(-EMALFORMED, "%s: '%s': the only value is convert", where, value);
	}
	if (strcmp(key, "bdev.rootfs") != 0)
		return log_refuse(-EMALFORMED,
				  "%s: unknown key; known: bdev.rootfs, bdev.clone, bdev.hostname, bdev.aufs", where);
	if (!*value) {
		stack_clear(&conf->stack);
		return 0;
	}
	warn_of_comment(where, value);
	return spec_add(&conf->stack, value, where);
}

static int only_conf(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return n > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

static int include(struct conf_reader *reader, const char *path)
{
	struct conf *conf = reader->arg;
	struct dirent **entries = NULL;
	struct stat st;
	int n, r = 0;

	if (!*path)
		return 0;
	if (conf->files >= INCLUDE_FILES)
		return log_refuse(-ELOOP, "%s:%u: lxc.include: '%s': more than %d files are included", reader->file,
				  reader->line, path, INCLUDE_FILES);
	if (reader->depth >= INCLUDE_DEPTH)
		return log_refuse(-ELOOP, "%s:%u: lxc.include: '%s' is nested deeper than %d files", reader->file,
				  reader->line, path, INCLUDE_DEPTH);
	/* LXC ignores a directory that does not exist. */
	if (stat(path, &st) < 0 && errno == ENOENT && path[strlen(path) - 1] == '/')
		return 0;
	if (stat(path, &st) < 0)
		return log_errno(-errno, "%s:%u: lxc.include: '%s'%s", reader->file, reader->line, path,
				 *path == '/' ? "" : ", a relative path,");
	if (!S_ISDIR(st.st_mode))
		return read_conf(path, reader->depth + 1, conf);

	n = scandir(path, &entries, only_conf, alphasort);
	if (n < 0)
		return log_errno(-errno, "%s:%u: lxc.include: read directory '%s'", reader->file, reader->line, path);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *file = xasprintf("%s/%s", path, entries[i]->d_name);

		if (r == 0)
			r = read_conf(file, reader->depth + 1, conf);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static const char *const hook_names[] = {
	[HOOK_PRE_START] = "pre-start",
	[HOOK_POST_STOP] = "post-stop",
	[HOOK_CLONE] = "clone",
	[HOOK_DESTROY] = "destroy",
};

/* Test whether a value's program, or a word after it, is the script bdev-NAME, in any directory. */
static bool is_our_hook(const char *value, const char *name)
{
	_cleanup_free_ char *script = xasprintf("bdev-%s", name);
	size_t n = strlen(script);

	for (const char *at = value; (at = strstr(at, script)); at += n)
		if ((at == value || strchr("/ \t'\"", at[-1])) && strchr(" \t'\"", at[n]))
			return true;
	return false;
}

/* Take a line of lxc.hook.TYPE; `lxc.hook` stands for all types. An empty value clears LXC's list. */
static void key_hook(struct conf_reader *reader, const char *type, const char *value)
{
	struct conf *conf = reader->arg;

	for (size_t i = 0; i < HOOK_TYPES; i++) {
		struct conf_hook *hook = &conf->hooks[i];

		if (*type && strcmp(type, hook_names[i]) != 0)
			continue;
		if (is_our_hook(value, hook_names[i])) {
			hook->runs++;
			free(hook->cleared);
			hook->cleared = NULL;
		} else if (!*value && hook->runs) {
			hook->runs = 0;
			free(hook->cleared);
			hook->cleared = xasprintf("%s:%u: lxc.hook.%s", reader->file, reader->line, hook_names[i]);
		}
	}
}

int conf_check_hooks(const struct conf *conf)
{
	for (size_t i = 0; i < HOOK_TYPES; i++)
		if (conf->hooks[i].cleared)
			return log_refuse(-EINVAL,
					  "%s: the empty value removes the hook of bdev.conf, without which containers "
					  "with bdev.rootfs do not work; put that line before the lxc.include of "
					  "bdev.conf",
					  conf->hooks[i].cleared);
	return 0;
}

static int key_value(struct conf_reader *reader, const char *key, const char *value)
{
	struct conf *conf = reader->arg;

	if ((strncmp(key, "bdev.", 5) == 0 || strcmp(key, "lxc.include") == 0) && strchr(value, '\r'))
		return log_refuse(
			-EMALFORMED,
			"%s:%u: %s: carriage return in the value: the file has CRLF line ends; sed -i 's/\\r$//' it",
			reader->file, reader->line, key);
	if (strncmp(key, "bdev.", 5) == 0)
		return key_bdev(reader, key, value);
	if (strcmp(key, "lxc.include") == 0)
		return include(reader, value);
	if (strcmp(key, "lxc.rootfs.path") == 0 || strcmp(key, "lxc.rootfs") == 0)
		replace(&conf->rootfs_path, value);
	else if (strcmp(key, "lxc.rootfs.options") == 0)
		replace(&conf->rootfs_options, value);
	else if (strcmp(key, "lxc.uts.name") == 0 || strcmp(key, "lxc.utsname") == 0)
		replace(&conf->uts_name, value);
	else if (strcmp(key, "lxc.idmap") == 0 || strcmp(key, "lxc.id_map") == 0)
		conf->idmap = *value != '\0';
	else if (strcmp(key, "lxc.monitor.unshare") == 0)
		conf->monitor_unshare = strcmp(value, "1") == 0;
	else if (strncmp(key, "lxc.hook.", 9) == 0 || strcmp(key, "lxc.hook") == 0)
		key_hook(reader, key[8] ? key + 9 : "", value);
	return 0;
}

static int read_line(struct conf_reader *reader, char *line)
{
	char *key = text_trim(line), *value;
	size_t n;

	if (!*key || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value) {
		if (strncmp(key, "bdev.", 5) == 0)
			return log_refuse(-EMALFORMED, "%s:%u: '%.80s': no '=' in the line", reader->file, reader->line,
					  key);
		return 0; /* LXC reports errors in its own lines */
	}
	*value++ = '\0';
	key = text_trim(key);
	value = text_trim(value);
	n = strlen(value);
	if (n >= 2 && (*value == '"' || *value == '\'') && value[n - 1] == *value) {
		value[n - 1] = '\0';
		value++;
	}
	return reader->take(reader, key, value);
}

/* Read the whole file as one string, for the caller to free. A NUL byte in it is an error. Returns 0 or -errno
 * (logged). */
static int slurp(const char *file, char **ret)
{
	_cleanup_close_ int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t size = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return log_errno(-errno, "open config '%s'", file);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
		return log_refuse(-EINVAL, "config '%s': %s", file,
				  S_ISREG(st.st_mode) ? "larger than 16 MiB" : "not a regular file");
	text = xcalloc((size_t)st.st_size + 1, 1);
	while (size < (size_t)st.st_size && (n = read(fd, text + size, (size_t)st.st_size - size)) != 0) {
		if (n < 0)
			return log_errno(-errno, "read config '%s'", file);
		size += (size_t)n;
	}
	if (memchr(text, '\0', size)) {
		unsigned int line = 1;

		for (const char *c = text; *c; c++)
			line += *c == '\n';
		return log_refuse(-EMALFORMED, "%s:%u: NUL byte in the file", file, line);
	}
	*ret = TAKE_PTR(text);
	return 0;
}

int conf_each(struct conf_reader *reader)
{
	_cleanup_free_ char *text = NULL;
	char *next;
	int r;

	r = slurp(reader->file, &text);
	next = text;
	while (r == 0 && next && *next) {
		char *line = strsep(&next, "\n");

		reader->line++;
		r = read_line(reader, line);
	}
	return r;
}

static int read_conf(const char *file, unsigned int depth, struct conf *conf)
{
	struct conf_reader reader = { .file = file, .depth = depth, .take = key_value, .arg = conf };

	conf->files++;
	return conf_each(&reader);
}

int conf_read(const char *file, struct conf *ret)
{
	*ret = (struct conf){ 0 };
	return read_conf(file, 0, ret);
}

bool conf_is_wrong(int r)
{
	return r == -EMALFORMED || r == -EINVAL || r == -ELOOP || r == -ENOENT;
}

void conf_clear(struct conf *conf)
{
	stack_clear(&conf->stack);
	free(conf->rootfs_path);
	free(conf->rootfs_options);
	free(conf->uts_name);
	free(conf->hostname);
	for (size_t i = 0; i < HOOK_TYPES; i++)
		free(conf->hooks[i].cleared);
	*conf = (struct conf){ 0 };
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-lines - the type of a delta in a container's config.
 */
#include "convert-lines.h"
#include "../config/rootfs-path.h"
#include "../base/cleanup.h"
#include "../config/config-edit.h"
#include "../base/log.h"
#include "../base/path.h"

#include <fcntl.h>

const char *convert_type(enum whiteout_format form)
{
	return form == DELTA_AUFS ? "aufs" : "overlay";
}

bool convert_is_form(const struct spec *spec, enum whiteout_format form)
{
	return strcmp(spec->type, convert_type(form)) == 0 ||
	       (form == DELTA_OVERLAY && strcmp(spec->type, "overlayfs") == 0);
}

const char *convert_upper_name(const struct spec *spec)
{
	return spec->sources[spec->nsources - 1];
}

char *convert_value(const struct spec *spec, enum whiteout_format to)
{
	const char *source = spec->text + strcspn(spec->text, ":"), *options = source;

	while (*options && *options != ',')
		options += *options == '\\' ? 2 : 1;
	return xasprintf("%s%.*s%s", convert_type(to), (int)(options - source), source, spec->readonly ? ",ro" : "");
}

/* The line of the config that `where` names, which must be the container's own. Or 0. */
static unsigned int own_line(const struct container *container, const char *where)
{
	size_t n = strlen(container->config);

	return strncmp(where, container->config, n) == 0 && where[n] == ':'
		       ? (unsigned int)strtoul(where + n + 1, NULL, 10)
		       : 0;
}

/* aufs takes a path as it is, between such characters. 0 or -EINVAL (logged). */
static int check_names(const struct spec *spec)
{
	for (size_t i = 0; i < spec->nsources; i++)
		if (strpbrk(spec->sources[i], ":,="))
			return spec_refuse(spec, -EINVAL, "aufs cannot have '%s': there is a ':', ',' or '=' in it",
					   spec->sources[i]);
	return 0;
}

/* value and other become its own. */
static int add_line(struct convert_lines *lines, const struct spec *spec, char *value, char *other, bool on_disk)
{
	struct convert_line *line = ARRAY_ADD(lines->lines, lines->n);

	lines->changes++;
	*line = (struct convert_line){ .spec = spec, .value = value, .other = other, .on_disk = on_disk };
	line->number = own_line(lines->container, spec->where);
	if (!line->number)
		return spec_refuse(spec, -EINVAL,
				   "not converted: it is in an included file, which others may use; move it to '%s'",
				   lines->container->config);
	return lines->to == DELTA_AUFS ? check_names(spec) : 0;
}

/* A tmpfs below the spec in its stack is where it writes to. */
static bool is_covered(const struct convert_lines *lines, const struct spec *spec)
{
	_cleanup_free_ char *upper = path_absolute(lines->container->dir, convert_upper_name(spec));
	bool covered = false;

	for (const struct spec *below = lines->conf.stack.specs; below < spec; below++) {
		_cleanup_free_ char *dir = path_absolute(lines->container->dir, below->sources[0]);

		covered |= strcmp(below->type, "tmpfs") == 0 && path_below(upper, dir);
	}
	return covered;
}

/* Its config says overlay, and what it wrote is aufs' still, or a conversion of that was interrupted. 1, 0 or -errno
 * (logged). */
static int is_old(const struct convert_lines *lines, const struct spec *spec)
{
	_cleanup_close_ int dirfd = open(lines->container->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), upper = -EBADF;
	_cleanup_free_ char *path = path_absolute(lines->container->dir, convert_upper_name(spec)), *left = NULL;
	char *slash = strrchr(path, '/');
	const char *own;
	int r;

	if (lines->to != DELTA_OVERLAY || !*convert_upper_name(spec))
		return 0;
	if (dirfd < 0)
		return log_errno(-errno, "open '%s'", lines->container->dir);
	upper = path_open(dirfd, convert_upper_name(spec), O_PATH | O_DIRECTORY);
	if (upper == -ENOENT)
		return 0;
	r = upper < 0 ? upper : delta_aufs_own(upper, &own);
	if (r)
		return r < 0 ? log_errno(r, "look at '%s'", path) : 1;
	left = xasprintf("%.*s/.%s.lxc-bdev-convert", (int)(slash - path), path, slash + 1);
	if (faccessat(AT_FDCWD, left, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : log_errno(-errno, "look at '%s'", left);
}

/* What it writes to is to be converted; the config is right. */
static void add_delta(struct convert_lines *lines, const struct spec *spec)
{
	*ARRAY_ADD(lines->lines, lines->n) = (struct convert_line){ .spec = spec, .on_disk = true };
}

static int find_specs(struct convert_lines *lines)
{
	const struct stack *stack = &lines->conf.stack;
	int r = 0;

	for (size_t i = 0; r == 0 && i < stack->n; i++) {
		const struct spec *spec = &stack->specs[i];

		if (convert_is_form(spec, lines->to)) {
			r = is_covered(lines, spec) ? 0 : is_old(lines, spec);
			if (r > 0)
				add_delta(lines, spec);
			r = r < 0 ? r : 0;
			continue;
		}
		if (!convert_is_form(spec, DELTA_AUFS) && !convert_is_form(spec, DELTA_OVERLAY))
			continue;
		r = add_line(lines, spec, xstrdup(spec->text), convert_value(spec, lines->to),
			     !is_covered(lines, spec));
	}
	return r;
}

struct rootfs_line {
	const char *value; /* the one that counts */
	char *where;
};

static int take_rootfs(struct conf_reader *reader, const char *key, const char *value)
{
	struct rootfs_line *line = reader->arg;

	if (strcmp(key, "lxc.rootfs.path") == 0 || strcmp(key, "lxc.rootfs") == 0) {
		free(line->where);
		line->where = strcmp(value, line->value) == 0 ? xasprintf("%s:%u: %s", reader->file, reader->line, key)
							      : NULL;
	}
	return 0;
}

/* LXC's "aufs:/LOWER:/UPPER" as a spec of ours: there, only ":/" separates. */
static char *as_spec(const char *path)
{
	char *text = xstrdup("aufs");

	for (path++; *path;) {
		const char *end = strstr(path, ":/") ?: path + strlen(path);
		_cleanup_free_ char *source = xstrndup(path, (size_t)(end - path)), *escaped = spec_escape(source);
		_cleanup_free_ char *before = text;

		text = xasprintf("%s:%s", before, escaped);
		path = *end ? end + 1 : end;
	}
	return text;
}

/* What is behind "TYPE:", if it is of this type; lxc-update-config puts "dir:" before it, or the type again. */
static const char *behind_type(const char *path, const char *type)
{
	size_t n = strlen(type);
	const char *behind = NULL;

	if (path && strncmp(path, "dir:", 4) == 0)
		path += 4;
	while (path && strncmp(path, type, n) == 0 && path[n] == ':')
		behind = path = path + n + 1;
	return behind;
}

const char *convert_lxc_aufs(const char *path)
{
	return behind_type(path, "aufs");
}

const char *convert_lxc_overlay(const char *path)
{
	return behind_type(path, "overlay") ?: behind_type(path, "overlayfs");
}

/* What LXC up to 2.1 mounted itself. 0 or -errno (logged). */
static int find_rootfs(struct convert_lines *lines)
{
	const char *path = lines->conf.rootfs_path, *aufs = convert_lxc_aufs(path),
		   *sources = aufs ?: convert_lxc_overlay(path);
	struct rootfs_line line = { .value = path };
	struct conf_reader reader = { .file = lines->container->config, .take = take_rootfs, .arg = &line };
	_cleanup_free_ char *where = NULL, *text = NULL;
	const struct spec *spec;
	int r;

	if (lines->to != DELTA_OVERLAY || !sources)
		return 0;
	r = conf_each(&reader);
	where = line.where;
	text = as_spec(sources - 1);
	if (r == 0)
		r = spec_add(&lines->rootfs, text, where ?: "lxc.rootfs.path");
	if (r < 0)
		return r;
	spec = &lines->rootfs.specs[0];
	if (aufs && (spec->nsources < 2 || *sources != '/'))
		return log_refuse(-EINVAL, "%s: '%s': not of the form aufs:/LOWER:/UPPER, with absolute paths",
				  spec->where, path);
	if (!aufs) {
		r = spec->nsources > 1 ? is_old(lines, spec) : 0;
		if (r > 0)
			add_delta(lines, spec);
		return r < 0 ? r : 0;
	}
	r = add_line(lines, spec, xstrdup(path), xasprintf("overlay:%s", sources), true);
	lines->lines[lines->n - 1].old_key = where && strcmp(strrchr(where, ' ') + 1, "lxc.rootfs") == 0;
	return r;
}

int convert_lines_find(struct convert_lines *lines)
{
	return conf_read(lines->container->config, &lines->conf) ?: find_specs(lines) ?: find_rootfs(lines);
}

/* This line, if it is one of them, with its other value: all else of it stays. */
static char *change_line(struct config_edit *edit, unsigned int number, char *text)
{
	struct convert_lines *lines = edit->arg;

	for (size_t i = 0; i < lines->n; i++) {
		const struct convert_line *line = &lines->lines[i];
		char *equals = strchr(text, '='), *at, *key;

		if (!line->other || line->number != number)
			continue;
		at = equals ? strstr(equals, line->value) : NULL;
		lines->stale |= !at;
		if (!at)
			return text;
		/* LXC knows it by another name since 2.1. */
		key = line->old_key ? strstr(text, "lxc.rootfs") : NULL;
		key = key && key < equals ? key + strlen("lxc.rootfs") : equals;
		return xasprintf("%.*s%s%.*s%s%s", (int)(key - text), text, line->old_key ? ".path" : "",
				 (int)(at - key), key, line->other, at + strlen(line->value));
	}
	return text;
}

int convert_lines_check(const struct convert_lines *lines)
{
	return lines->changes ? config_edit_check(lines->container->config) : 0;
}

int convert_lines_change(struct convert_lines *lines)
{
	struct config_edit edit = { .file = lines->container->config, .line = change_line, .arg = lines };
	int r = lines->changes ? config_edit(&edit) : 0;

	return r == 0 && lines->stale
		       ? log_refuse(-ESTALE, "%s: somebody changed it meanwhile; convert again", edit.file)
		       : r;
}

void convert_lines_clear(struct convert_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		free(lines->lines[i].value);
		free(lines->lines[i].other);
	}
	free(lines->lines);
	stack_clear(&lines->rootfs);
	conf_clear(&lines->conf);
}

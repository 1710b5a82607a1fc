/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-lines - the type of a delta in a container's config.
 */
#include "convert-lines.h"
#include "cleanup.h"
#include "confedit.h"
#include "log.h"
#include "path.h"

const char *convert_type(enum delta_form form)
{
	return form == DELTA_AUFS ? "aufs" : "overlay";
}

bool convert_is_form(const struct spec *spec, enum delta_form form)
{
	return strcmp(spec->type, convert_type(form)) == 0 ||
	       (form == DELTA_OVERLAY && strcmp(spec->type, "overlayfs") == 0);
}

const char *convert_upper_name(const struct spec *spec)
{
	return spec->sources[spec->nsources - 1];
}

char *convert_value(const struct spec *spec, enum delta_form to)
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

static int find_specs(struct convert_lines *lines)
{
	const struct stack *stack = &lines->conf.stack;
	int r = 0;

	for (size_t i = 0; r == 0 && i < stack->n; i++) {
		const struct spec *spec = &stack->specs[i];

		if (convert_is_form(spec, lines->to) ||
		    !(convert_is_form(spec, DELTA_AUFS) || convert_is_form(spec, DELTA_OVERLAY)))
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

/* What LXC up to 2.1 mounted itself. 0 or -errno (logged). */
static int find_rootfs(struct convert_lines *lines)
{
	const char *path = lines->conf.rootfs_path;
	struct rootfs_line line = { .value = path };
	struct conf_reader reader = { .file = lines->container->config, .take = take_rootfs, .arg = &line };
	_cleanup_free_ char *where = NULL, *text = NULL;
	const struct spec *spec;
	int r;

	if (lines->to != DELTA_OVERLAY || !path || strncmp(path, "aufs:", 5) != 0)
		return 0;
	r = conf_each(&reader);
	where = line.where;
	text = as_spec(path + 4);
	if (r == 0)
		r = spec_add(&lines->rootfs, text, where ?: "lxc.rootfs.path");
	if (r < 0)
		return r;
	spec = &lines->rootfs.specs[0];
	if (spec->nsources < 2 || path[5] != '/')
		return spec_refuse(spec, -EINVAL, "not of the form aufs:/LOWER:/UPPER");
	return add_line(lines, spec, xstrdup(path), xasprintf("overlay:%s", path + 5), true);
}

int convert_lines_find(struct convert_lines *lines)
{
	return conf_read(lines->container->config, &lines->conf) ?: find_specs(lines) ?: find_rootfs(lines);
}

/* This line, if it is one of them, with its other value: all else of it stays. */
static char *change_line(struct confedit *edit, unsigned int number, char *text)
{
	struct convert_lines *lines = edit->arg;

	for (size_t i = 0; i < lines->n; i++) {
		const struct convert_line *line = &lines->lines[i];
		char *equals = strchr(text, '='), *at;

		if (line->number != number)
			continue;
		at = equals ? strstr(equals, line->value) : NULL;
		lines->stale |= !at;
		return at ? xasprintf("%.*s%s%s", (int)(at - text), text, line->other, at + strlen(line->value)) : text;
	}
	return text;
}

int convert_lines_change(struct convert_lines *lines)
{
	struct confedit edit = { .file = lines->container->config, .line = change_line, .arg = lines };
	int r = confedit(&edit);

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

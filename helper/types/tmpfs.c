/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tmpfs - memory over a directory, for uppers inside that directory.
 *
 * Nothing is mounted on the directory, so that other processes and LXC do not
 * see the tmpfs. Only uppers and work directories whose paths are inside it
 * are on the tmpfs; images and lowers at such paths are those on disk.
 */
#include "../base/number.h"
#include "../stack/type.h"

#include <fcntl.h>

/* Check a size or number, as the kernel silently lets large ones overflow. Returns 0 or -EMALFORMED (logged). */
static int check_number(const struct spec *spec, const char *name, const char *form, bool percent)
{
	const struct spec_option *option = spec_option(spec, name);
	_cleanup_free_ char *text = option ? xstrdup(option->value) : NULL;
	size_t length = text ? strlen(text) : 0;
	uint64_t n = 0;
	int r;

	if (!option)
		return 0;
	percent = percent && length && text[length - 1] == '%';
	if (percent)
		text[length - 1] = '\0';
	r = number_parse(text, percent ? "" : "KMG", INT64_MAX, &n);
	if (r == -ERANGE)
		return spec_refuse(spec, -EMALFORMED, "%s=%s is too large", name, option->value);
	if (r < 0)
		return spec_refuse(spec, -EMALFORMED, "%s=%s: not %s", name, option->value, form);
	/* For tmpfs, 0 means no limit. */
	return n ? 0 : spec_refuse(spec, -EMALFORMED, "%s=%s would mean no limit", name, option->value);
}

static int check_mode(const struct spec *spec)
{
	const struct spec_option *mode = spec_option(spec, "mode");

	if (mode && (strlen(mode->value) > 4 || strspn(mode->value, "01234567") != strlen(mode->value)))
		return spec_refuse(spec, -EMALFORMED, "mode=%s: not an octal mode of up to 4 digits", mode->value);
	return 0;
}

static int tmpfs_plan(const struct spec *spec, struct plan *plan)
{
	const struct spec_option *size = spec_option(spec, "size"), *keep = spec_option(spec, "keep");
	_cleanup_close_ int fd = -EBADF;
	struct plan_cover *cover;
	int r;

	if (spec->nsources > 1)
		return spec_refuse(spec, -EMALFORMED, "one directory only; write ':' in a path as '\\:'");
	if (spec->readonly)
		return spec_refuse(spec, -EMALFORMED, "conflicting options: a tmpfs cannot be read-only");
	if (keep && strcmp(keep->value, "reboot") != 0 && strcmp(keep->value, "no") != 0)
		return spec_refuse(spec, -EMALFORMED, "keep=%s: not 'reboot' or 'no'", keep->value);
	r = check_number(spec, "size", "bytes (with k, m or g behind) or a percentage of the memory", true);
	if (r == 0)
		r = check_number(spec, "nr_inodes", "a number (with k, m or g behind)", false);
	if (r == 0)
		r = check_mode(spec);
	if (r < 0)
		return r;
	fd = path_open(plan->dirfd, spec->sources[0], O_PATH | O_DIRECTORY);
	if (fd < 0)
		return spec_refuse(spec, fd, "open directory '%s': %s", spec->sources[0], path_strerror(fd));

	cover = ARRAY_ADD(plan->covers, plan->ncovers);
	cover->spec = spec;
	cover->dir = path_absolute(plan->dir, spec->sources[0]);
	cover->keep = !keep || strcmp(keep->value, "reboot") == 0;
	plan_step(plan, spec, NULL, "mount a tmpfs for uppers in '%s', size %s, %s", cover->dir,
		  size ? size->value : "half of the memory",
		  cover->keep ? "kept at reboots of the container" : "new at each reboot");
	return 0;
}

static int tmpfs_build(const struct step *step, struct build *build)
{
	static const char *const passed[] = { "size", "nr_inodes", "mode" };
	_cleanup_close_ int mount = -EBADF;
	const struct spec *spec = step->spec;
	struct fs fs;
	int r;

	r = fs_open(&fs, "tmpfs");
	if (r == 0)
		r = fs_set(&fs, "source", "lxc-bdev");
	if (r == 0 && !spec_option(spec, "mode"))
		r = fs_set(&fs, "mode", "0755");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(passed); i++)
		if (spec_option(spec, passed[i]))
			r = fs_set(&fs, passed[i], spec_option(spec, passed[i])->value);
	if (r == 0)
		r = mount = fs_mount(&fs, false);
	if (r < 0)
		log_error("%s: mount tmpfs: %s%s", spec->where, strerror(-r), fs.error);
	fs_close(&fs);
	return r < 0 ? r : build_add_cover(build, &mount);
}

static int tmpfs_view(const struct spec *spec, struct view *view)
{
	view_cover(view, spec->sources[0]);
	return 0;
}

static int tmpfs_clone(const struct spec *spec, struct clone *clone)
{
	view_cover(&clone->hidden, spec->sources[0]);
	return clone_make_dir(clone, spec->sources[0]);
}

static const struct bdev_option tmpfs_options[] = {
	{ "size", "BYTES", "maximum size, e.g. 512m or 10% (default: half of the memory)" },
	{ "nr_inodes", "N", "maximum number of files" },
	{ "mode", "OCTAL", "mode of its root directory (default 0755)" },
	{ "keep", "reboot|no", "keep it at a reboot of the container or not (default reboot); a stop always ends it" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_tmpfs = {
	.name = "tmpfs",
	.source = "DIR",
	.summary = "memory over a directory ('.': the container's), for uppers in it",
	.undo = "the kernel, with the overlay above it",
	.options = tmpfs_options,
	.filesystem = "tmpfs",
	.plan = tmpfs_plan,
	.view = tmpfs_view,
	.clone = tmpfs_clone,
	.build = tmpfs_build,
};

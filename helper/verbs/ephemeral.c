/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ephemeral - start a linked clone of a container, which goes
 * when it stops, for whatever the other one is made of.
 *
 * Its config names the other container, read-only, and what is above. LXC's
 * own tools start it, run the command in it, and remove it.
 */
#include "../config/lxcpath.h"
#include "../stack/container-view.h"
#include "../container/start-plan.h"
#include "../stack/type.h"
#include "../container/lxc.h"
#include "ephemeral-run.h"

/* An option is wrong, or two exclude each other, or this host cannot do it: an exit code or -errno (logged); else 0. */
static int check_usage(const struct args *args)
{
	const struct ephemeral_options *options = args->options;
	const char *backing = options->backing ?: "overlay", *name = options->newname;
	const struct bdev_type *type = bdev_find(backing);
	bool overlay = strcmp(backing, "overlay") == 0 || strcmp(backing, "overlayfs") == 0;

	if (options->tmpfs.given && options->keepdata)
		return log_refuse(EXIT_USAGE, "--tmpfs and --keepdata: what is in memory cannot be kept");
	if (options->tmpfs.given && options->upper)
		return log_refuse(EXIT_USAGE, "--tmpfs and --upper: changes go to one of them");
	if (options->foreground && args->argc)
		return log_refuse(EXIT_USAGE, "--foreground and a command: only one can have the terminal");
	if (name &&
	    (!*name || strchr(name, '/') || strpbrk(name, "\n\r") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		return log_refuse(EXIT_USAGE, "--newname '%s' is not a container's name", name);
	if (!overlay && strcmp(backing, "aufs") != 0)
		return log_refuse(EXIT_USAGE, "--backing '%s': only overlay and aufs write above another container",
				  backing);
	if (type->impossible && type->impossible())
		return log_refuse(-EOPNOTSUPP, "--backing '%s': %s", backing, type->impossible());
	return 0;
}

/*
 * Where containers are, for the caller to free, or NULL (logged). LXC's tools know a running container by this very
 * text, so only what they do not take is changed.
 */
static char *lxcpath_text(const char *given)
{
	char *path = given ? xstrdup(given) : lxcpath_default();

	if (*path != '/') {
		char *real = realpath(path, NULL);

		if (!real)
			(void)log_errno(-errno, "directory '%s'", path);
		free(path);
		return real;
	}
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return path;
}

/* Set *ret to the spec of the topmost layer, for the caller to free. Returns 0 or -errno (logged). */
static int upper_spec(const struct ephemeral_options *options, const struct container *base, char **ret)
{
	_cleanup_free_ char *real = NULL, *escaped = NULL;
	const char *type = options->backing;
	int r = type ? 0 : container_union(base->dir, false, &type);

	if (r < 0)
		return r;
	if (options->upper) {
		real = realpath(options->upper, NULL);
		if (!real)
			return log_errno(-errno, "--upper '%s' (make it, an empty directory)", options->upper);
		escaped = spec_escape(real);
	}
	*ret = xasprintf("%s:%s", type, escaped ?: "delta0");
	return 0;
}

static char *tmpfs_spec(const struct ephemeral_options *options)
{
	_cleanup_free_ char *size = options->tmpfs.value ? spec_escape(options->tmpfs.value) : NULL;

	return size ? xasprintf("tmpfs:.,size=%s", size) : xstrdup("tmpfs:.");
}

/*
 * Find what the base writes to while it runs: *ret, for the caller to free; NULL: nothing that another could see. 0 or
 * -errno (logged).
 */
static int written_by(const struct container *base, const struct conf *conf, char **ret)
{
	struct plan plan = { .dirfd = -EBADF };
	int r = 0;

	*ret = NULL;
	if (!conf->stack.n) {
		*ret = xstrdup(conf->rootfs_path ?: "its root");
		return 0;
	}
	r = container_plan(base, conf, NULL, &plan);
	if (r == 0 && plan.writer)
		*ret = xstrdup(plan.writer->text);
	container_plan_close(&plan);
	return r;
}

/* 0 or -errno (logged). That another one writes to the base's stack, nobody would notice if that is no image. */
static int check_base(const struct ephemeral_options *options, const struct container *base, const struct conf *conf)
{
	_cleanup_free_ char *lxcpath = lxcpath_text(options->lxcpath), *parent = xstrdup(base->dir), *written = NULL;
	int r = lxcpath ? ephemeral_is(base->config) : -ENOENT;

	if (r > 0)
		return log_refuse(-EINVAL, "container '%s' is ephemeral itself: it would go while it is used",
				  base->name);
	if (r < 0)
		return r;
	*strrchr(parent, '/') = '\0';
	r = lxc_is_running(lxcpath, base->name);
	if (r == 0 && strcmp(parent, lxcpath) != 0)
		r = lxc_is_running(parent, base->name);
	if (r < 0)
		return r;
	r = r ? written_by(base, conf, &written) : 0;
	return written ? log_refuse(-EBUSY, "container '%s' is running and writes to '%s': stop it first", base->name,
				    written)
		       : r;
}

/* Read the base, make the new container. 0 or -errno (logged). */
static int make(const struct ephemeral_options *options, const struct container *base, const char *lxcpath,
		struct ephemeral *ret)
{
	_cleanup_free_ char *upper = NULL, *tmpfs = options->tmpfs.given ? tmpfs_spec(options) : NULL;
	int r = upper_spec(options, base, &upper);
	const char *specs[3] = { tmpfs ?: upper, tmpfs ? upper : NULL };
	struct conf conf = { 0 };

	*ret = (struct ephemeral){ .log = -EBADF };
	if (r < 0)
		return r;
	r = conf_read(base->config, &conf);
	if (r == 0)
		r = check_base(options, base, &conf);
	if (r == 0)
		r = ephemeral_make(
			&(struct ephemeral_request){
				.base = base,
				.conf = &conf,
				.lxcpath = lxcpath,
				.name = options->newname,
				.specs = specs,
				.keepdata = options->keepdata,
				.keepname = options->keepname,
			},
			ret);
	conf_clear(&conf);
	return r;
}

/* What its start would refuse, said here and not in a log. 0 or -errno (logged). */
static int check_plan(const struct ephemeral *ephemeral)
{
	struct plan plan = { .dirfd = -EBADF };
	struct container container;
	struct conf conf = { 0 };
	int r;

	r = container_from_config(ephemeral->name, ephemeral->config, &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	if (r == 0)
		r = container_plan(&container, &conf, NULL, &plan);
	container_plan_close(&plan);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

static int run(const struct args *args)
{
	const struct ephemeral_options *options = args->options;
	_cleanup_free_ char *lxcpath = NULL;
	struct ephemeral ephemeral = { .log = -EBADF };
	struct container base;
	int r = check_usage(args);

	if (r)
		return r;
	r = container_from_lxcpath(options->name, options->lxcpath, &base);
	if (r == 0) {
		lxcpath = lxcpath_text(options->newpath ?: options->lxcpath);
		r = lxcpath ? make(options, &base, lxcpath, &ephemeral) : -ENOENT;
	}
	if (r == 0) {
		r = check_plan(&ephemeral) ?: ephemeral_record(&ephemeral);
		if (r < 0)
			(void)ephemeral_remove(&ephemeral);
		else
			r = ephemeral_run(args, &ephemeral, lxcpath);
	}
	ephemeral_clear(&ephemeral);
	container_clear(&base);
	return r;
}

static const struct verb_option ephemeral_table[] = {
	OPTION_NAME(struct ephemeral_options, name),
	OPTION_LXCPATH(struct ephemeral_options, lxcpath),
	{ .name = "newname",
	  .letter = 'N',
	  .value = "NEWNAME",
	  .summary = "the new container (default: NAME and six random letters)",
	  .take = option_text,
	  AT(struct ephemeral_options, newname) },
	{ .name = "newpath",
	  .letter = 'p',
	  .value = "DIR",
	  .summary = "where the new container is made (default: beside the other)",
	  .take = option_text,
	  AT(struct ephemeral_options, newpath) },
	{ .name = "tmpfs",
	  .letter = 't',
	  .value = "SIZE",
	  .value_is_optional = true,
	  .summary = "keep changes in memory, at most SIZE",
	  .take = option_maybe,
	  AT(struct ephemeral_options, tmpfs) },
	{ .name = "upper",
	  .value = "DIR",
	  .summary = "keep changes in this directory, which stays",
	  .take = option_text,
	  AT(struct ephemeral_options, upper) },
	{ .name = "backing",
	  .letter = 'B',
	  .value = "TYPE",
	  .choices = "overlay|aufs",
	  .summary = "overlay, the default, or aufs",
	  .take = option_text,
	  AT(struct ephemeral_options, backing) },
	{ .name = "keepdata",
	  .letter = 'D',
	  .summary = "keep the new container when it stops",
	  .take = option_flag,
	  AT(struct ephemeral_options, keepdata) },
	{ .name = "keepname",
	  .letter = 'K',
	  .summary = "keep the host name",
	  .take = option_flag,
	  AT(struct ephemeral_options, keepname) },
	{ .name = "foreground",
	  .letter = 'F',
	  .summary = "stay attached to the new container",
	  .take = option_flag,
	  AT(struct ephemeral_options, foreground) },
	{ .name = NULL },
};

const struct verb verb_ephemeral = {
	.name = "ephemeral",
	.words = "NAME [-- COMMAND...]",
	.summary = "start a linked clone of a container, which goes when it stops",
	.options = ephemeral_table,
	.size = sizeof(struct ephemeral_options),
	.takes_name = NAME_NEEDED,
	.command = true,
	.hint = "a command comes after --, a size after = (--tmpfs=SIZE)",
	.max = -1,
	.run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layer - a layer of a layer store and its lower layers, read-only, for an
 * overlay or aufs above them.
 *
 * The spec is replaced by one spec for each layer, lowest first. Each names
 * the store's directory, the layer and the layer's parent.
 */
#include "../stack/type.h"
#include "../base/cleanup.h"
#include "../kernel/overlay.h"
#include "../layer/users.h"
#include "../layer/metadata.h"
#include "../layer/union-mount.h"
#include "../layer/container-lower.h"

#include <fcntl.h>

/* The parts of an expanded spec: sources ID and, unless it is the lowest layer, PARENT; option store=. */
static const char *parent_of(const struct spec *spec)
{
	return spec->nsources > 1 ? spec->sources[1] : NULL;
}

static const char *store_of(const struct spec *spec)
{
	return spec_option(spec, "store")->value;
}

/* Add the spec of one layer; i is 0 for the topmost. */
static void add_one(struct stack *out, const struct spec *spec, const struct store *store, const struct layer *layer,
		    size_t i)
{
	const char *id = i ? layer->lowers[i - 1] : layer->id;
	struct spec *one = spec_copy(out, spec);
	struct spec_option *option;

	if (i) {
		_cleanup_free_ char *dir = spec_option(spec, "store") ? spec_escape(store->dir) : NULL;

		free(one->text);
		one->text = xasprintf("layer:%s%s%s", id, dir ? ",store=" : "", dir ?: "");
	}
	free(one->sources[0]);
	one->sources[0] = xstrdup(id);
	if (i < layer->n)
		*ARRAY_ADD(one->sources, one->nsources) = xstrdup(layer->lowers[i]);
	/* The resolved path of the store, so that a changed symlink does not lead to another one. */
	if (!one->noptions)
		*ARRAY_ADD(one->options, one->noptions) = (struct spec_option){ .name = xstrdup("store") };
	option = &one->options[0];
	free(option->value);
	option->value = xstrdup(store->dir);
	one->readonly = true;
	one->expanded = true;
	one->form = store_driver(store);
}

static int check_spec(const struct spec *spec)
{
	const struct spec_option *option = spec_option(spec, "store");

	if (spec->nsources > 1)
		return spec_refuse(spec, -EMALFORMED, "not the id of one layer");
	if (option && *option->value != '/')
		return spec_refuse(spec, -EMALFORMED, "store=%s: not the absolute path of a layer store",
				   option->value);
	return store_check_id(spec->sources[0]);
}

static int add_all(const struct spec *spec, const struct store *store, struct stack *out)
{
	struct layer layer;
	int r = layer_read(store, spec->sources[0], &layer);

	if (r == 0 && layer.n >= OVERLAYFS_LOWERS_MAX)
		r = spec_refuse(spec, -E2BIG,
				"%zu layers; the kernel takes at most %d: merge some by lxc-bdev layer squash "
				"FROM..TO NEW",
				layer.n + 1, OVERLAYFS_LOWERS_MAX);
	for (size_t i = layer.n + 1; r == 0 && i > 0; i--)
		add_one(out, spec, store, &layer, i - 1);
	layer_clear(&layer);
	return r;
}

static int layer_expand(const struct spec *spec, struct stack *out)
{
	const struct spec_option *option = spec_option(spec, "store");
	_cleanup_free_ char *dir = option ? xstrdup(option->value) : store_default(NULL);
	struct store store;
	int r = check_spec(spec);

	if (r < 0)
		return r;
	if (access(dir, F_OK) < 0)
		return spec_refuse(spec, -errno,
				   "layer store '%s': %s; name it by store=DIR, or make it by lxc-bdev layer apply",
				   dir, strerror(errno));
	r = lower_open_store(dir, &store);
	if (r == 0 && (r = layer_exists(&store, spec->sources[0])) == 0)
		r = spec_refuse(spec, -ENOENT, "there is no layer '%s' in '%s'", spec->sources[0], store.dir);
	if (r >= 0)
		r = add_all(spec, &store, out);
	lower_close_store(&store);
	return r;
}

/* Look for a writable mount in this mount namespace; a start asks the kernel. Returns 1, 0 or -errno (logged). */
static int is_written(const struct spec *spec)
{
	_cleanup_free_ char *work = xasprintf("%s/" STORE_WORK "/%s", store_of(spec), spec->sources[0]);
	struct store store = { .dir = (char *)store_of(spec), .lock = -EBADF };
	struct layer_use use = { 0 };
	int r;

	if (access(work, F_OK) < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "look at '%s'", work);
	store.fd = open(store.dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = store.fd < 0 ? log_errno(-errno, "open '%s'", store.dir)
			 : users_look(&store, spec->sources[0], false, &use);
	cleanup_close(&store.fd);
	return r < 0 ? r : use.writable;
}

static int layer_plan(const struct spec *spec, struct plan *plan)
{
	_cleanup_close_ int fd = lower_open(store_of(spec), spec->sources[0]);
	int r;

	if (fd < 0)
		return spec_refuse(spec, fd, "open '%s/diff/%s': %s", store_of(spec), spec->sources[0], strerror(-fd));
	r = is_written(spec);
	if (r)
		return r < 0 ? r
			     : spec_refuse(spec, -EBUSY, "layer '%s' of '%s' is mounted writable; put it first",
					   spec->sources[0], store_of(spec));
	r = bdev_depth(spec, fd);
	if (r < 0)
		return r;
	plan_step(plan, spec, NULL, "bind layer '%s' of '%s', read-only", spec->sources[0], store_of(spec));
	plan_add_root(plan, spec, r, false);
	if (plan_look_for_aufs(plan, fd) < 0)
		return -EINVAL;
	if (plan->nroots == UNION_MOUNT_MANY + 1)
		log_warn("%s: '%s' is one of more than %d layers, which makes lookups of names slow; merge some: "
			 "lxc-bdev layer squash FROM..TO NEW",
			 spec->where, spec->text, UNION_MOUNT_MANY);
	return 0;
}

static int layer_build(const struct step *step, struct build *build)
{
	const struct spec *spec = step->spec;
	_cleanup_close_ int fd = -EBADF, mount = -EBADF;
	_cleanup_free_ char *path = NULL;
	int r;

	fd = lower_acquire(store_of(spec), strcmp(spec->form, "aufs") == 0 ? DELTA_AUFS : DELTA_OVERLAY,
			   spec->sources[0], parent_of(spec), build->journal);
	if (fd < 0)
		return fd;
	mount = mount_clone(fd, false);
	if (mount < 0)
		return log_errno(mount, "%s: bind layer '%s'", spec->where, spec->sources[0]);
	r = build_add_root(build, &mount, &path);
	if (r < 0)
		return r;
	r = mount_set_readonly(build->roots[build->nroots - 1], false, path);
	if (r == 0 && mount_is_readonly(build->roots[build->nroots - 1]) != 1)
		r = -EROFS;
	return r < 0 ? log_errno(r, "%s: make layer '%s' read-only", spec->where, spec->sources[0]) : 0;
}

/* Copy nothing: the copy uses the same store. Returns 0. */
static int layer_clone(const struct spec *spec, struct clone *clone)
{
	(void)spec;
	(void)clone;
	return 0;
}

static const struct bdev_option layer_options[] = {
	{ "store", "DIR", "the layer store (default: .bdev-layers in LXC's lxcpath)" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_layer = {
	.name = "layer",
	.source = "ID",
	.summary = "a layer of a layer store and its lower layers, read-only",
	.undo = "the kernel, with the mount",
	.options = layer_options,
	.plan = layer_plan,
	.expand = layer_expand,
	.clone = layer_clone,
	.build = layer_build,
};

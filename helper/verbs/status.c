/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status - show the existing stacks, from their journals and the kernel. */
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record-kinds/attachment.h"
#include "../record/owner.h"
#include "../record/show.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../uses/disk-usage.h"
#include "../command/json.h"
#include "../command/verb.h"

#include <fcntl.h>

/* The state of one journal's stack in the kernel. Strings belong to the journal, or are static. */
struct found {
	const struct owner *owner;
	const char *state;
	const char *at;
	bool alive, mounted, unknown;
	struct usage usage;
};

/* Find the stack, below the root of its monitor if it has one, and its disk usage. Returns 1, 0 or -errno. */
static int look_at_mount(const struct journal *journal, struct found *ret)
{
	_cleanup_free_ char *root = ret->alive ? xasprintf("/proc/%d/root", (int)ret->owner->monitor.pid) : xstrdup("");
	_cleanup_close_ int fd = attachment_open(journal, root);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = usage_of(journal, fd, &ret->usage);
	return r < 0 ? r : 1;
}

static void look_up(const struct journal *journal, struct found *ret)
{
	int alive, mounted = 0;
	bool container;

	*ret = (struct found){ .owner = owner_of(journal), .at = attachment_path(journal) };
	container = owner_is_container(ret->owner);
	alive = container ? owner_runs(ret->owner) : 0;
	ret->alive = alive;
	/* A container's stack is attached in the monitor's mount namespace. */
	if (ret->alive || !container)
		mounted = look_at_mount(journal, ret);
	ret->mounted = mounted > 0;
	ret->unknown = alive < 0 || mounted < 0;
	if (ret->unknown) {
		int r = alive < 0 ? alive : mounted;

		(void)log_errno(r, "'%s': find out %s", container ? ret->owner->dir : ret->owner->name,
				alive < 0 ? "whether its monitor runs" : "what is mounted");
		ret->state = "unknown";
	} else if (ret->mounted) {
		ret->state = "mounted";
	} else {
		ret->state = ret->alive || journal_is_locked(journal) ? "starting or stopping"
			     : container ? "left over; the next start, or doctor --fix, clears it"
					 : "left over; lxc-bdev umount, or doctor --fix, clears it";
	}
}

static char *human(unsigned long long bytes)
{
	static const char units[] = "BKMGTP";
	double n = (double)bytes;
	size_t unit = 0;

	while (n >= 1024 && unit + 2 < sizeof(units)) {
		n /= 1024;
		unit++;
	}
	return xasprintf(n < 10 && unit ? "%.1f%c" : "%.0f%c", n, units[unit]);
}

/* Return the lock of a step: an image without a device holds none. */
static const char *lock_of(const struct shown_step *step)
{
	return step->device ? step->lock : NULL;
}

/* Return "  of DIRECTORY  locked ro  /dev/loop0", for the caller to free. */
static char *details_text(const struct shown_step *step, bool mounted)
{
	_cleanup_free_ char *server =
		step->server.pid ? xasprintf("  served %s, pid %d%s", step->how ?: "", (int)step->server.pid,
					     step->server_ended ? ", which has ended: I/O fails" : "")
				 : xstrdup("");
	_cleanup_free_ char *owner = step->container ? xasprintf("  of %s", step->container) : xstrdup("");
	const char *lock = lock_of(step);

	return step->device && mounted
		       ? xasprintf("%s%s%s  %s%s", owner, lock ? "  locked " : "", lock ?: "", step->device, server)
		       : TAKE_PTR(owner);
}

/* Print the uppermost part first. Above all steps is the overlay of LXC's that lxc-copy -s makes, if there is one. */
static void print_tree(const struct shown *shown, bool mounted)
{
	int depth = 0;

	if (shown->delta) {
		printf("  LXC's overlay, delta '%s'\n", shown->delta);
		depth++;
	}
	for (size_t i = shown->nsteps; i > 0; i--) {
		_cleanup_free_ char *more = NULL;

		if (!shown->steps[i - 1].spec)
			continue;
		more = details_text(&shown->steps[i - 1], mounted);
		printf("  %*s%s%s%s\n", depth ? (depth - 1) * 3 : 0, "", depth ? "└─ " : "", shown->steps[i - 1].spec,
		       more);
		depth++;
	}
}

static void print_text(const struct shown *shown, const struct found *found)
{
	if (owner_is_container(found->owner))
		printf("%s  (%s)  %s", found->owner->name, found->owner->dir, found->state);
	else
		printf("%s  %s", found->owner->name, found->state);
	if (found->alive)
		printf(", monitor %d", (int)found->owner->monitor.pid);
	if (found->usage.known) {
		_cleanup_free_ char *used = human(found->usage.used), *size = human(found->usage.size);

		printf(", %s of %s used", used, size);
	}
	printf("\n");
	print_tree(shown, found->mounted);
	for (size_t i = 0; i < shown->nbases; i++)
		printf("  depends on the container in %s\n", shown->bases[i]);
}

static struct json_object *steps_json(const struct shown *shown, bool mounted)
{
	struct json_object *steps = json_object_new_array();

	for (size_t i = 0; i < shown->nsteps; i++) {
		const struct shown_step *from = &shown->steps[i];
		struct json_object *step;

		if (!from->spec)
			continue;
		step = json_object_new_object();
		json_add_text(step, "spec", from->spec);
		if (from->container)
			json_add_text(step, "container", from->container);
		if (from->image) {
			json_add_text(step, "image", from->image);
			json_add_text(step, "lock", mounted ? lock_of(from) : NULL);
		}
		if (mounted && from->device)
			json_add_text(step, "device", from->device);
		if (mounted && from->has_diskseq)
			json_object_object_add(step, "diskseq", json_object_new_int64((int64_t)from->diskseq));
		if (mounted && from->server.pid) {
			json_add_text(step, "served", from->how);
			json_object_object_add(step, "server", json_object_new_int(from->server.pid));
			json_object_object_add(step, "server_ended", json_object_new_boolean(from->server_ended));
		}
		json_object_array_add(steps, step);
	}
	return steps;
}

/* List the directories of the containers that the stack depends on. */
static struct json_object *bases_json(const struct shown *shown)
{
	struct json_object *bases = json_object_new_array();

	for (size_t i = 0; i < shown->nbases; i++)
		json_object_array_add(bases, json_object_new_string(shown->bases[i]));
	return bases;
}

static struct json_object *found_json(const struct shown *shown, const struct found *found)
{
	struct json_object *object = json_object_new_object();
	const struct owner *owner = found->owner;
	bool container = owner_is_container(owner);

	json_object_object_add(object, "container", container ? json_object_new_string(owner->name) : NULL);
	json_add_text(object, container ? "directory" : "target", container ? owner->dir : owner->name);
	json_object_object_add(object, "state", json_object_new_string(found->state));
	json_object_object_add(object, "monitor", found->alive ? json_object_new_int(owner->monitor.pid) : NULL);
	json_object_object_add(object, "at", found->at ? json_object_new_string(found->at) : NULL);
	json_object_object_add(object, "size", json_object_new_int64((int64_t)found->usage.size));
	json_object_object_add(object, "used",
			       found->usage.known ? json_object_new_int64((int64_t)found->usage.used) : NULL);
	json_object_object_add(object, "depends_on", bases_json(shown));
	json_add_text(object, "delta", shown->delta);
	json_object_object_add(object, "stack", steps_json(shown, found->mounted));
	return object;
}

/* Select the journals to show: those of lxcpath's containers; else the container's; without a name, all. */
static bool wanted(const char *lxcpath, const struct container *container, const struct journal *journal)
{
	const struct owner *owner = owner_of(journal);

	if (lxcpath) {
		const char *slash = strrchr(owner->dir, '/');

		return slash && strncmp(owner->dir, lxcpath, (size_t)(slash - owner->dir)) == 0 &&
		       !lxcpath[slash - owner->dir];
	}
	return !container->name ||
	       (strcmp(owner->name, container->name) == 0 && strcmp(owner->dir, container->dir) == 0);
}

/*
 * Say why a container has no record: it is not running, or has no bdev.rootfs. list: as JSON. Returns 0 or -errno
 * (logged).
 */
static int show_unused(const struct container *container, struct json_object *list)
{
	struct conf conf = { 0 };
	const struct owner owner = { .name = container->name, .dir = container->dir };
	struct found found = { .owner = &owner };
	const struct shown none = { 0 };
	int r = conf_read(container->config, &conf);

	if (r < 0)
		return r;
	found.state = conf.stack.n ? "not running" : "no bdev.rootfs in its config: LXC's own rootfs is used";
	if (list)
		json_object_array_add(list, found_json(&none, &found));
	else
		print_text(&none, &found);
	conf_clear(&conf);
	return 0;
}

struct status_options {
	const char *name, *lxcpath, *config;
	bool json;
};

static int run(const struct args *args)
{
	const struct status_options *options = args->options;
	struct json_object *list = NULL;
	_cleanup_free_ char *lxcpath = NULL;
	struct container container = { 0 };
	char **ids = NULL;
	size_t n = 0, shown = 0;
	bool listed;
	int r = 0;

	if (options->config && !options->name)
		return log_refuse(EXIT_USAGE, "-f '%s' without a container name; use -n NAME, too", options->config);
	if (options->name)
		r = options->config ? container_from_config(options->name, options->config, &container)
				    : container_from_lxcpath(options->name, options->lxcpath, &container);
	else if (options->lxcpath && !(lxcpath = realpath(options->lxcpath, NULL)))
		r = log_errno(-errno, "lxcpath '%s'", options->lxcpath);
	if (r == 0)
		r = rundir_list(&ids, &n);
	listed = r == 0;
	list = options->json ? json_object_new_array() : NULL;
	for (size_t i = 0; i < n; i++) {
		struct journal journal;
		struct found found;
		struct shown view;
		int one = journal_peek(ids[i], &journal);

		/* An unreadable journal hides none of the others. */
		if (one < 0 && one != -ENOENT)
			r = journal_unreadable(ids[i], one);
		if (one < 0)
			continue;
		if (!wanted(lxcpath, &container, &journal)) {
			journal_close(&journal);
			continue;
		}
		shown++;
		look_up(&journal, &found);
		if (found.unknown)
			r = -EIO;
		show_records(&journal, &view);
		if (list)
			json_object_array_add(list, found_json(&view, &found));
		else
			print_text(&view, &found);
		show_clear(&view);
		journal_close(&journal);
	}
	rundir_list_free(ids, n);
	if (r == 0 && options->name && !shown)
		r = show_unused(&container, list);
	if (listed && list)
		json_print(TAKE_PTR(list));
	json_object_put(list);
	container_clear(&container);
	return r;
}

static const struct verb_option status_table[] = {
	OPTION_NAME(struct status_options, name),
	OPTION_LXCPATH(struct status_options, lxcpath),
	OPTION_CONFIG(struct status_options, config),
	OPTION_JSON(struct status_options, json),
	{ .name = NULL },
};

const struct verb verb_status = {
	.name = "status",
	.words = "[NAME]",
	.summary = "show the stacks in use: their parts, devices, locks, sizes and bases",
	.options = status_table,
	.size = sizeof(struct status_options),
	.takes_name = NAME_OPTIONAL,
	.run = run,
};

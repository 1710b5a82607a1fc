/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status - the stacks that exist now, from their journals and the kernel.
 */
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../record/usage.h"
#include "../command/verb.h"

#include <fcntl.h>
#include <json-c/json.h>

/* One journal, looked up in the kernel. Strings belong to the journal, or are static. */
struct found {
	const char *name, *place; /* container and directory; or NULL and the mount's target */
	const char *state;
	const char *at;
	struct process monitor;
	bool alive, mounted, unknown;
	struct usage usage;
};

/* Is the recorded mount at path? 1, 0 or -errno. Its size goes to *ret. */
static int look_at_mount(const struct journal *journal, const char *path, const char *id, struct found *ret)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = mount_is(fd, id);
	if (r <= 0)
		return r;
	r = usage_of(journal, fd, &ret->usage);
	return r < 0 ? r : 1;
}

static void look_up(const struct journal *journal, struct found *ret)
{
	const char *id = journal_get(journal, "at", 1);
	_cleanup_free_ char *path = NULL;
	bool container;
	int alive = 0, mounted = 0;

	*ret = (struct found){ .name = journal_get(journal, "container", 0), .at = journal_get(journal, "at", 0) };
	container = ret->name;
	ret->place = container ? journal_get(journal, "container", 1) : journal_get(journal, "target", 0);
	if (container && journal_monitor(journal, &ret->monitor))
		alive = proc_alive(&ret->monitor);
	ret->alive = alive;
	/* It is attached in the monitor's mount namespace. */
	if (ret->alive && ret->at)
		path = xasprintf("/proc/%d/root%s", (int)ret->monitor.pid, ret->at);
	else if (!container && ret->at)
		path = xstrdup(ret->at);
	if (path && id)
		mounted = look_at_mount(journal, path, id, ret);
	ret->mounted = mounted > 0;
	ret->unknown = alive < 0 || mounted < 0;
	if (ret->unknown) {
		int r = alive < 0 ? alive : mounted;

		(void)log_errno(r, "'%s': find out %s", ret->place ?: journal->dir,
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

/* What the records of one step say of it. Strings belong to the journal, or are NULL. */
struct details {
	const char *container; /* directory of the one that it belongs to, if that is another */
	const char *image, *lock, *device, *diskseq, *served, *server;
	bool ended; /* the server, which should not; unknown is no */
};

static struct details details(const struct journal *journal, size_t step)
{
	struct details found = { 0 };

	if (journal->records[step].n > 1)
		found.container = journal->records[step].fields[1];
	for (size_t i = step + 1; i < journal->n && strcmp(journal->records[i].kind, "step") != 0; i++) {
		const struct record *record = &journal->records[i];

		if (strcmp(record->kind, "image") == 0 && record->n == 3) {
			found.image = record->fields[1];
			found.lock = record->fields[2];
		} else if (strcmp(record->kind, "loop") == 0 && record->n == 3) {
			found.device = record->fields[0];
			found.diskseq = record->fields[1];
		} else if (strcmp(record->kind, "device") == 0 && record->n == 1) {
			found.device = record->fields[0];
		} else if (strcmp(record->kind, "served") == 0 && record->n == 1) {
			found.served = record->fields[0];
		} else if (strcmp(record->kind, "server") == 0 && record->n == 3 && !found.server) {
			const struct process server = { .pid = (pid_t)strtol(record->fields[0], NULL, 10),
							.start = strtoull(record->fields[1], NULL, 10) };

			found.server = record->fields[0]; /* the first is QEMU, others watch it */
			found.ended = !proc_alive(&server);
		}
	}
	/* The lock lives with the device: an image that is mounted without one holds none. */
	if (!found.device)
		found.lock = NULL;
	return found;
}

/* "  of DIRECTORY  locked ro  /dev/loop0", for the caller to free. */
static char *details_text(const struct journal *journal, size_t step, bool mounted)
{
	struct details found = details(journal, step);
	_cleanup_free_ char *server = found.server
					      ? xasprintf("  served %s, pid %s%s", found.served ?: "", found.server,
							  found.ended ? ", which has ended: I/O fails" : "")
					      : xstrdup("");

	_cleanup_free_ char *owner = found.container ? xasprintf("  of %s", found.container) : xstrdup("");

	return found.device && mounted ? xasprintf("%s%s%s  %s%s", owner, found.lock ? "  locked " : "",
						   found.lock ?: "", found.device, server)
				       : TAKE_PTR(owner);
}

/* Print the uppermost part first. Above all steps is the overlay of LXC's that lxc-copy -s makes, if there is one. */
static void print_tree(const struct journal *journal, bool mounted)
{
	const char *delta = journal_get(journal, "delta", 0);
	int depth = 0;

	if (delta) {
		printf("  LXC's overlay, delta '%s'\n", delta);
		depth++;
	}
	for (size_t i = journal->n; i > 0; i--) {
		_cleanup_free_ char *more = NULL;

		if (strcmp(journal->records[i - 1].kind, "step") != 0 || !journal->records[i - 1].n)
			continue;
		more = details_text(journal, i - 1, mounted);
		printf("  %*s%s%s%s\n", depth ? (depth - 1) * 3 : 0, "", depth ? "└─ " : "",
		       journal->records[i - 1].fields[0], more);
		depth++;
	}
}

static void print_text(const struct journal *journal, const struct found *found)
{
	if (found->name)
		printf("%s  (%s)  %s", found->name, found->place, found->state);
	else
		printf("%s  %s", found->place, found->state);
	if (found->alive)
		printf(", monitor %d", (int)found->monitor.pid);
	if (found->usage.known) {
		_cleanup_free_ char *used = human(found->usage.used), *size = human(found->usage.size);

		printf(", %s of %s used", used, size);
	}
	printf("\n");
	print_tree(journal, found->mounted);
	for (size_t i = 0; i < journal->n; i++)
		if (strcmp(journal->records[i].kind, "shows") == 0 && journal->records[i].n)
			printf("  depends on the container in %s\n", journal->records[i].fields[0]);
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *steps_json(const struct journal *journal, bool mounted)
{
	struct json_object *steps = json_object_new_array();

	for (size_t i = 0; i < journal->n; i++) {
		struct json_object *step;
		struct details found;

		if (strcmp(journal->records[i].kind, "step") != 0 || !journal->records[i].n)
			continue;
		step = json_object_new_object();
		found = details(journal, i);
		add_text(step, "spec", journal->records[i].fields[0]);
		if (found.container)
			add_text(step, "container", found.container);
		if (found.image) {
			add_text(step, "image", found.image);
			add_text(step, "lock", mounted ? found.lock : NULL);
		}
		if (mounted && found.device)
			add_text(step, "device", found.device);
		if (mounted && found.diskseq)
			json_object_object_add(step, "diskseq",
					       json_object_new_int64(strtoll(found.diskseq, NULL, 10)));
		if (mounted && found.server) {
			add_text(step, "served", found.served);
			json_object_object_add(step, "server", json_object_new_int(atoi(found.server)));
		}
		json_object_array_add(steps, step);
	}
	return steps;
}

/* The directories of the containers whose stacks are part of this one. */
static struct json_object *bases_json(const struct journal *journal)
{
	struct json_object *bases = json_object_new_array();

	for (size_t i = 0; i < journal->n; i++)
		if (strcmp(journal->records[i].kind, "shows") == 0 && journal->records[i].n)
			json_object_array_add(bases, json_object_new_string(journal->records[i].fields[0]));
	return bases;
}

static struct json_object *found_json(const struct journal *journal, const struct found *found)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "container", found->name ? json_object_new_string(found->name) : NULL);
	json_object_object_add(object, found->name ? "directory" : "target",
			       json_object_new_string(found->place ?: ""));
	json_object_object_add(object, "state", json_object_new_string(found->state));
	json_object_object_add(object, "monitor", found->alive ? json_object_new_int(found->monitor.pid) : NULL);
	json_object_object_add(object, "at", found->at ? json_object_new_string(found->at) : NULL);
	json_object_object_add(object, "size", json_object_new_int64((int64_t)found->usage.size));
	json_object_object_add(object, "used",
			       found->usage.known ? json_object_new_int64((int64_t)found->usage.used) : NULL);
	json_object_object_add(object, "depends_on", bases_json(journal));
	add_text(object, "delta", journal_get(journal, "delta", 0));
	json_object_object_add(object, "stack", steps_json(journal, found->mounted));
	return object;
}

/* Select the journals to show: those of lxcpath's containers; else the container's; without a name, all. */
static bool wanted(const char *lxcpath, const struct container *container, const struct journal *journal)
{
	const char *name = journal_get(journal, "container", 0), *place = journal_get(journal, "container", 1);

	if (lxcpath) {
		const char *slash = place ? strrchr(place, '/') : NULL;

		return slash && strncmp(place, lxcpath, (size_t)(slash - place)) == 0 && !lxcpath[slash - place];
	}
	return !container->name ||
	       (name && place && strcmp(name, container->name) == 0 && strcmp(place, container->dir) == 0);
}

/* Say why a container has no record: it is not running, or has no bdev.rootfs. 0 or -errno (logged). */
static int print_unused(const struct container *container)
{
	struct conf conf = { 0 };
	int r = conf_read(container->config, &conf);

	if (r == 0)
		printf("%s  (%s)  %s\n", container->name, container->dir,
		       conf.stack.n ? "not running" : "no bdev.rootfs in its config: LXC's own rootfs is used");
	conf_clear(&conf);
	return r;
}

static int run(const struct args *args)
{
	struct json_object *list = json_object_new_array();
	_cleanup_free_ char *lxcpath = NULL;
	struct container container = { 0 };
	char **ids = NULL;
	size_t n = 0, shown = 0;
	bool listed;
	int r = 0;

	if (args->config && !args->name)
		return log_refuse(EXIT_USAGE, "-f '%s' without a container: name it, too, with -n NAME", args->config);
	if (args->name)
		r = args->config ? container_from_config(args->name, args->config, &container)
				 : container_from_lxcpath(args->name, args->lxcpath, &container);
	else if (args->lxcpath && !(lxcpath = realpath(args->lxcpath, NULL)))
		r = log_errno(-errno, "lxcpath '%s'", args->lxcpath);
	if (r == 0)
		r = rundir_list(&ids, &n);
	listed = r == 0;
	for (size_t i = 0; i < n; i++) {
		struct journal journal;
		struct found found;

		int one = journal_peek(ids[i], &journal);

		/* One that cannot be read hides none of the others. */
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
		if (args->json)
			json_object_array_add(list, found_json(&journal, &found));
		else
			print_text(&journal, &found);
		journal_close(&journal);
	}
	rundir_list_free(ids, n);
	if (listed && args->json)
		puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (r == 0 && args->name && !shown)
		r = print_unused(&container);
	json_object_put(list);
	container_clear(&container);
	return r;
}

const struct verb verb_status = {
	.name = "status",
	.usage = "[-P LXCPATH | -f FILE] [-n NAME] [--json]",
	.summary = "the stacks in use: what stands on what, devices, locks, sizes",
	.options = "nPfj",
	.run = run,
};

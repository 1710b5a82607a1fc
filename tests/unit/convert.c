/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random stacks of layers, converted between aufs's form and overlay's. What a stack in aufs's form shows, says a
 * plain model of aufs (convert-model.h); what one in overlay's form shows, says the kernel.
 *
 * With a seed as the argument: that one alone, with its layers.
 */
#include "convert-model.h"
#include "delta/convert-in-place.h"
#include "delta/aufs-opaque.h"

#include <sched.h>
#include <sys/mount.h>

enum {
	STACKS = 1800,	 /* of aufs's, from seed 1 on */
	OVERLAYS = 250,	 /* of overlay's, likewise */
	SELF_TESTS = 50, /* of the model */
	LAYERS = 4,
	BATCH = 25, /* stacks on one tmpfs */
};

/* Seeds that found a bug, and which. They run first. */
static const struct {
	unsigned int seed;
	const char *name;
} kept[] = {
	{ 251, "an opaque top that takes no name away was no change" },
	/* None failed, but these are the first to see it: */
	{ 1, "a directory beside its own whiteout" },
	{ 4, "an opaque directory" },
	{ 6, "a whiteout where no lower has the directory" },
	{ 10, "links of one file" },
	{ 19, "a whiteout in an opaque directory" },
	{ 191, "an opaque top above a directory that is in it too" },
};

static bool verbose, user_xattrs;

/* --- random --- */

static uint64_t state;

static unsigned int below(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 33) % n;
}

static bool percent(unsigned int n)
{
	return below(100) < n;
}

static void seed_random(unsigned int seed)
{
	state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	for (int i = 0; i < 4; i++)
		(void)below(1);
}

/* --- layers in aufs's form --- */

static struct {
	unsigned int layer, n;
	uint64_t links; /* names given to files so far */
	uint64_t base;	/* the file that whiteouts are links of, or 0 */
	struct node *files[256];
	size_t nfiles;
} making;

static const char *random_name(void)
{
	static const char *const rare[] = { ".wh", "wh.a", "a b", "\xff", ".w", "a\nb", "opq" };

	return percent(96) ? text("%c", 'a' + (int)below(4)) : rare[below(ARRAY_SIZE(rare))];
}

static struct node *make_node(const char *name, char type)
{
	static const mode_t modes[] = { 0755, 0700, 0711, 01777, 02755, 0555, 0644, 0600, 04755, 0444, 0 };
	struct node *node = node_new(name, type);

	node->mode = modes[below(ARRAY_SIZE(modes))];
	node->uid = percent(80) ? 0 : below(3) * 1000;
	node->gid = percent(80) ? 0 : below(3) * 1000;
	node->mtime = (struct timespec){ 900000000 + below(800000000), below(2) * below(1000000000) };
	node->link = ++making.links;
	if (type != 'l' && type != 'p' && percent(8))
		node->xattrs = text("%s.note=%u;", user_xattrs && percent(70) ? "user" : "trusted", below(100));
	return node;
}

/* A name of a file that is there already, whether anybody sees it or not. */
static struct node *make_link(const char *name)
{
	struct node *node = node_copy(making.files[below((unsigned int)making.nfiles)]);

	node->name = name;
	return node;
}

static struct node *make_file(const char *name)
{
	static const char types[] = "fffffffllp";
	struct node *node;

	if (making.nfiles > 0 && percent(15))
		return make_link(name);
	node = make_node(name, types[below(sizeof(types) - 1)]);
	if (node->type == 'p' && percent(20)) {
		node->type = 'c';
		node->data = "1:3";
	} else if (node->type == 'l' || (node->type == 'f' && percent(90))) {
		node->data = text("to/%u.%" PRIu64, making.layer, making.links);
	}
	if (making.nfiles < ARRAY_SIZE(making.files))
		making.files[making.nfiles++] = node;
	return node;
}

static struct node *make_whiteout(const char *name)
{
	struct node *node = node_new(name, 'f');

	node->mode = 0444;
	node->mtime.tv_sec = 1000000000;
	node->link = making.base ?: ++making.links;
	return node;
}

static struct node *make_dir(const char *name, unsigned int depth);

static void make_entry(struct node *dir, const char *name, unsigned int depth)
{
	unsigned int roll = below(100);

	if (node_find(dir, name) || has_whiteout(dir, name))
		return;
	if (roll < 25)
		node_add(dir, make_whiteout(text(WH "%s", name)));
	if (roll >= 18 && roll < 50 && depth < 4)
		node_add(dir, make_dir(name, depth + 1));
	else if (roll >= 18 && roll < 80)
		node_add(dir, make_file(name));
}

static struct node *make_dir(const char *name, unsigned int depth)
{
	struct node *dir = make_node(name, 'd');
	unsigned int entries = depth == 0 ? 2 + below(6) : below(5);

	for (unsigned int i = 0; i < entries; i++)
		make_entry(dir, random_name(), depth);
	if (depth > 0 ? percent(14) : percent(7) && making.layer + 1 < making.n)
		node_add(dir, make_whiteout(OPAQUE));
	if (percent(3)) {
		const char *left = text(OWN "%s.%04x", random_name(), below(65536));

		node_add(dir, percent(50) ? make_file(left) : make_dir(left, depth + 1));
	}
	return dir;
}

/* What aufs leaves in a branch it wrote to. */
static void make_metadata(struct node *top)
{
	struct node *links = node_add(top, make_node(OWN "plnk", 'd'));
	struct node *orphans = node_add(top, make_node(OWN "orph", 'd'));

	node_add(top, make_whiteout(OWN "aufs"));
	for (unsigned int i = below(3); making.nfiles > 0 && i > 0; i--)
		node_add(links, make_link(text("%u.%u", below(100), i)));
	if (percent(20))
		node_add(links, make_file("1.9"));
	if (percent(50))
		node_add(orphans, percent(50) ? make_file("x") : make_dir("x", 3));
}

static struct node *make_layer(unsigned int layer, unsigned int n)
{
	bool metadata = percent(60);
	struct node *top;

	making.layer = layer;
	making.n = n;
	making.nfiles = 0;
	making.links = making.base = 0;
	if (metadata)
		making.base = ++making.links;
	top = make_dir("", 0);
	if (metadata)
		make_metadata(top);
	return top;
}

static unsigned int make_layers(struct node **layers, unsigned int least)
{
	unsigned int n = least + below(LAYERS - least + 1);

	for (unsigned int i = 0; i < n; i++)
		layers[i] = make_layer(i, n);
	return n;
}

/* --- on disk, in the directory of this seed --- */

struct stack {
	unsigned int seed, n;
	bool user;     /* user.overlay.* */
	bool in_place; /* convert in place */
	bool link;
	bool old_lowers; /* tell the converter of lowers in the old form, not in the new one */
	bool writable;	 /* the top is overlay's upper */
	bool settled;	 /* for aufs, lowers are told, too */
	struct node *aufs[LAYERS];
};

static const char *prefix(const struct stack *stack)
{
	return stack->user ? "user" : "trusted";
}

/* The layers `name`0 and so on of the working directory, as an overlay on `m`. */
static bool mount_layers(const struct stack *stack, char name, unsigned int first, bool writable)
{
	char options[512];
	int n = 0;

	for (unsigned int i = first + writable; i < stack->n; i++)
		n += snprintf(options + n, sizeof(options) - (size_t)n, "%s%c%u", n ? ":" : "lowerdir=", name, i);
	if (writable) {
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",upperdir=%c%u,workdir=work", name, first);
		(void)mkdir("work", 0700);
	}
	(void)snprintf(options + n, sizeof(options) - (size_t)n, ",index=off,xino=off,metacopy=off%s",
		       stack->user ? ",userxattr" : ",redirect_dir=nofollow");
	(void)mkdir("m", 0700);
	if (mount("convert", "m", "overlay", writable ? 0 : MS_RDONLY, options) == 0)
		return true;
	printf("#   mount %s: %s\n", options, strerror(errno));
	return false;
}

static void unmount_layers(void)
{
	CHECK(umount2("m", MNT_DETACH) == 0);
}

/* Remove all that is in the directory at fd. */
static bool remove_below(int fd, const char *at)
{
	bool ok = true;

	for (const struct node *node = read_names(fd)->child; node; node = node->next) {
		const char *path = text("%s/%s", at, node->name);
		int sub = node->type == 'd' ? open_dir(fd, node->name) : -1;

		if (sub >= 0) {
			ok &= remove_below(sub, path);
			(void)close(sub);
		}
		if (unlinkat(fd, node->name, sub >= 0 ? AT_REMOVEDIR : 0) < 0) {
			printf("#   '%s' cannot be removed: %s\n", plain(path), strerror(errno));
			ok = false;
		}
	}
	return ok;
}

static bool remove_tree(const char *path)
{
	_cleanup_close_ int fd = open_dir(AT_FDCWD, path);

	return fd >= 0 && remove_below(fd, "");
}

/* In the working directory are layers, and what an overlay is mounted with. */
static bool nothing_beside(void)
{
	_cleanup_close_ int fd = open_dir(AT_FDCWD, ".");
	struct node *here = read_names(fd);
	bool ok = true;

	for (const struct node *node = here->child; node; node = node->next)
		if (strcmp(node->name, "m") != 0 && strcmp(node->name, "work") != 0 && strlen(node->name) != 2) {
			printf("#   '%s' was left beside the layers\n", plain(node->name));
			ok = false;
		}
	return ok;
}

static void say_found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	(void)convert;
	if (kind == CONVERT_FOREIGN)
		printf("#   foreign: '%s': %s\n", plain(path), why ?: "(null)");
}

static bool found_any(const struct convert *convert)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(convert->counts); i++)
		n += convert->counts[i];
	return n;
}

/* The tree in aufs's form would be another one in overlay's. */
static bool has_form(const struct node *dir)
{
	bool has = false;

	for (const struct node *node = dir->child; node && !has; node = node->next)
		has = starts(node->name, WH) || has_form(node);
	return has;
}

/* Layer i of the layers `from`, in the other form as layer i of `to`. */
static bool convert_layer(const struct stack *stack, char from, char to, unsigned int i, enum whiteout_format form)
{
	_cleanup_close_ int in = -EBADF, out = -EBADF, here = open_dir(AT_FDCWD, ".");
	const char *source = text("%c%u", from, i), *target = text("%c%u", to, i);
	struct convert *convert = arena_get(sizeof(*convert));
	int lowers[LAYERS], r;

	convert->from = (struct delta){ form == DELTA_AUFS ? DELTA_OVERLAY : DELTA_AUFS, stack->user };
	convert->to = (struct delta){ form, stack->user };
	convert->found = say_found;
	convert->lowers = lowers;
	for (unsigned int j = i + 1; j < stack->n && (form == DELTA_OVERLAY || stack->settled); j++)
		lowers[convert->nlowers++] =
			openat(here, text("%c%u", stack->old_lowers ? from : to, j), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (stack->in_place) {
		CHECK(rename(source, target) == 0);
		r = convert_in_place(convert, here, target);
	} else {
		CHECK(mkdir(target, 0700) == 0);
		in = open_dir(here, source);
		out = open_dir(here, target);
		r = convert_look(convert, in);
		CHECK(r < 0 || from != 'a' || found_any(convert) == has_form(stack->aufs[i]));
		if (r == 0)
			r = convert_tree(convert, in, out, stack->link);
	}
	for (size_t j = 0; j < convert->nlowers; j++)
		(void)close(lowers[j]);
	if (r < 0)
		printf("#   convert layer %u to %s%s: %s at '%s'\n", i, form == DELTA_AUFS ? "aufs" : "overlay",
		       stack->in_place ? " in place" : "", strerror(-r), plain(convert->copy.error));
	return r == 0 && nothing_beside();
}

/* From the lowest up: what one lies on is in the new form already. */
static bool convert_layers(const struct stack *stack, char from, char to, enum whiteout_format form)
{
	bool ok = true;

	for (unsigned int i = stack->n; ok && i > 0; i--)
		ok = convert_layer(stack, from, to, i - 1, form);
	return ok;
}

/* --- what is promised of one stack --- */

static struct stack new_stack(unsigned int seed, unsigned int least)
{
	struct stack stack = { .seed = seed };

	seed_random(seed);
	stack.in_place = seed % 20 == 11; /* the kernel logs a line each time it is asked who uses a directory */
	stack.link = percent(50);
	stack.old_lowers = percent(50) && !stack.in_place;
	stack.writable = seed % 3 == 0;
	stack.user = user_xattrs && percent(20);
	stack.n = make_layers(stack.aufs, least);
	return stack;
}

static void show_layers(const struct stack *stack)
{
	for (unsigned int i = 0; i < stack->n; i++) {
		printf("#   layer %u:\n", i);
		show(stack->aufs[i], "");
	}
}

/* The mount is what the model says, and, writable, all in it can be removed. */
static bool shown(const struct stack *stack, char name, bool writable, const struct node *wanted)
{
	bool ok = mount_layers(stack, name, 0, writable);

	if (!ok)
		return false;
	ok = same(writable ? "writable overlay" : "overlay", wanted, read_tree("m"), SAME_DIR_TIMES);
	if (writable)
		ok &= remove_tree("m");
	unmount_layers();
	return ok;
}

/*
 * Nothing in the tree is aufs's own but the file that all whiteouts are, and whiteouts and opaque marks that do
 * something; and nothing is overlay's own, save on files that are links of those in the overlay. settled: whiteouts
 * may be in opaque directories.
 */
static bool clean(const struct node *dir, const char *at, bool link, bool settled)
{
	bool ok = true;

	for (const struct node *node = dir->child; node; node = node->next) {
		bool opaque = strcmp(node->name, OPAQUE) == 0;
		bool base = !*at && strcmp(node->name, OWN "aufs") == 0;
		bool whiteout = starts(node->name, WH) && !opaque && !base;

		if ((!opaque && !base && starts(node->name, OWN)) ||
		    (whiteout && (node_find(dir, node->name + strlen(WH)) || (!settled && node_find(dir, OPAQUE)))) ||
		    (*node->form && !(link && node->type != 'd'))) {
			printf("#   back: '%s/%s' should not be there %s\n", plain(at), plain(node->name), node->form);
			ok = false;
		}
		ok &= clean(node, text("%s/%s", at, node->name), link, settled);
	}
	return ok;
}

/* Back in aufs's form, the layers say what they said before. */
static bool came_back(const struct stack *stack, char name)
{
	bool ok = true;

	for (unsigned int i = 0; i < stack->n; i++) {
		struct node *back = read_tree(text("%c%u", name, i));
		/* Which names below an opaque top took away, it does not say any more. */
		bool alone = node_find(stack->aufs[i], OPAQUE);
		const char *what = text("layer %u back", i);

		ok &= clean(back, "", false, false);
		ok &= same(what, aufs_meaning(stack->aufs[i], alone), aufs_meaning(back, alone),
			   SAME_DIR_TIMES | SAME_OPAQUE);
	}
	return ok;
}

static bool aufs_stack(unsigned int seed)
{
	struct stack stack = new_stack(seed, 2);
	struct node *wanted = aufs_mount(stack.aufs, stack.n), *first[LAYERS];
	bool ok = true, again = stack.in_place || seed % 3 == 0;

	if (verbose)
		show_layers(&stack);
	for (unsigned int i = 0; i < stack.n; i++)
		write_tree(stack.aufs[i], text("a%u", i), "");
	ok = convert_layers(&stack, 'a', 'b', DELTA_OVERLAY) && shown(&stack, 'b', false, wanted);
	for (unsigned int i = 0; ok && i < stack.n; i++) {
		first[i] = again ? read_tree(text("b%u", i)) : NULL;
		if (!stack.in_place && seed % 4 == 0)
			ok = same(text("source of layer %u", i), stack.aufs[i], read_tree(text("a%u", i)),
				  SAME_DIR_TIMES);
	}
	ok = ok && convert_layers(&stack, 'b', 'c', DELTA_AUFS) && came_back(&stack, 'c') &&
	     (!again || convert_layers(&stack, 'c', 'd', DELTA_OVERLAY));
	for (unsigned int i = 0; ok && again && i < stack.n; i++)
		ok = same(text("layer %u again", i), first[i], read_tree(text("d%u", i)), SAME_DIR_TIMES | SAME_FORM);
	return ok && (!stack.writable || shown(&stack, again ? 'd' : 'b', true, wanted));
}

/* --- stacks of overlay's --- */

/* The layers in overlay's form, made without the converter; so none has a top that is opaque. */
static void write_overlay(struct stack *stack)
{
	for (unsigned int i = 0; i < stack->n; i++) {
		struct node **at = &stack->aufs[i]->child;

		while (*at && strcmp((*at)->name, OPAQUE) != 0)
			at = &(*at)->next;
		if (*at)
			*at = (*at)->next;
		write_tree(aufs_meaning(stack->aufs[i], false), text("b%u", i), prefix(stack));
	}
}

static bool model_of_stack(unsigned int seed)
{
	struct stack stack = new_stack(seed, 2);

	if (verbose)
		show_layers(&stack);
	write_overlay(&stack);
	return shown(&stack, 'b', stack.writable, aufs_mount(stack.aufs, stack.n));
}

/* Into a random directory at or below the working directory. */
static unsigned int enter_random(void)
{
	unsigned int depth = 0;

	while (depth < 4 && percent(65)) {
		int fd = open(random_name(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			continue;
		CHECK(fchdir(fd) == 0);
		(void)close(fd);
		depth++;
	}
	return depth;
}

static void write_random(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0640);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)!dprintf(fd, "new %u", below(1000));
	if (fd >= 0)
		(void)close(fd);
}

static void remove_random(const char *name)
{
	int fd = open_dir(AT_FDCWD, name);

	if (fd >= 0) {
		(void)remove_below(fd, "");
		(void)close(fd);
	}
	(void)unlinkat(AT_FDCWD, name, fd >= 0 ? AT_REMOVEDIR : 0);
}

/* Whatever it may be, and whether or not it works. */
static void act_random(void)
{
	const char *name = random_name(), *other = random_name();
	struct stat st;

	switch (below(11)) {
	case 0:
	case 1:
		write_random(name);
		break;
	case 2:
		(void)unlink(name);
		break;
	case 3:
		remove_random(name);
		break;
	case 4:
		remove_random(name);
		/* fall through */
	case 5:
		(void)mkdir(name, 0750);
		break;
	case 6:
		(void)!rename(name, other);
		break;
	case 7:
		(void)!rename(name, text("../%s", other));
		break;
	case 8:
		(void)!link(name, other);
		break;
	case 9:
		(void)!symlink("to/nowhere", name);
		break;
	default:
		if (lstat(name, &st) == 0 && !S_ISLNK(st.st_mode))
			(void)chmod(name, 0711);
		(void)lsetxattr(name, "trusted.new", "1", 1, 0);
	}
}

static void live_in(const char *path)
{
	_cleanup_close_ int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int top = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (unsigned int i = 10 + below(30); i > 0; i--) {
		CHECK(fchdir(top) == 0);
		/* ".." of the top is the top no more: stay below it. */
		if (enter_random() == 0)
			(void)mkdir("d", 0755), (void)!chdir("d");
		act_random();
	}
	CHECK(fchdir(top) == 0);
	act_random();
	CHECK(fchdir(back) == 0);
}

static bool overlay_stack(unsigned int seed)
{
	struct stack stack = new_stack(seed, 1);
	struct node *wanted, *back[LAYERS + 1];
	bool ok;

	stack.settled = true;
	/* The lowers are b1 and so on, the upper b0. */
	if (stack.n == LAYERS)
		stack.n--;
	memmove(stack.aufs + 1, stack.aufs, stack.n++ * sizeof(*stack.aufs));
	stack.aufs[0] = make_node("", 'd');
	write_overlay(&stack);
	if (!mount_layers(&stack, 'b', 0, true))
		return false;
	live_in("m");
	/* Anew: what overlay remembers of a file that was copied up may hide that it has other names. */
	unmount_layers();
	if (!mount_layers(&stack, 'b', 0, true))
		return false;
	wanted = read_tree("m");
	unmount_layers();
	if (verbose) {
		show_layers(&stack);
		printf("#   upper:\n");
		show(read_tree("b0"), "");
		printf("#   shown:\n");
		show(wanted, "");
	}
	ok = convert_layers(&stack, 'b', 'c', DELTA_AUFS);
	for (unsigned int i = 0; ok && i < stack.n; i++) {
		back[i] = read_tree(text("c%u", i));
		ok = clean(back[i], "", stack.link && !stack.in_place, true);
	}
	return ok && same("model", aufs_mount(back, stack.n), wanted, SAME_DIR_TIMES) &&
	       same("aufs", aufs_show(back, stack.n), wanted, SAME_DIR_TIMES);
}

/* --- what aufs shows --- */

static bool settled_stack(unsigned int seed)
{
	struct stack stack = new_stack(seed, 2);
	struct node *wanted = aufs_mount(stack.aufs, stack.n), *settled[LAYERS] = { NULL };
	char error[PATH_MAX] = "";
	int fds[LAYERS];
	bool ok = true;

	if (verbose)
		show_layers(&stack);
	for (unsigned int i = stack.n; ok && i-- > 0;) {
		write_tree(stack.aufs[i], text("a%u", i), "");
		fds[i] = open_dir(AT_FDCWD, text("a%u", i));
		ok = settle_aufs(fds[i], fds + i + 1, stack.n - i - 1, error) == 0;
		settled[i] = read_tree(text("a%u", i));
	}
	if (!ok)
		printf("#   '%s'\n", plain(error));
	if (ok && verbose)
		for (unsigned int i = 0; i < stack.n; i++)
			show(settled[i], "");
	ok = ok && same("as it is meant", wanted, aufs_mount(settled, stack.n), SAME_DIR_TIMES) &&
	     same("as aufs shows it", wanted, aufs_show(settled, stack.n), SAME_DIR_TIMES);
	for (unsigned int i = 0; i < stack.n; i++)
		(void)close(fds[i]);
	return ok;
}

/* --- all of them --- */

/* One seed, in a directory of its own on a tmpfs that is renewed now and then. */
static bool run_seed(bool (*run)(unsigned int seed), unsigned int seed, const char *name)
{
	static unsigned int used;
	bool failed = unit_failed, ok;
	const char *dir;

	arena_reset();
	dir = text("s%u", used);
	if (used++ % BATCH == 0) {
		(void)umount2("t", MNT_DETACH);
		CHECK(mount("convert", "t", "tmpfs", 0, "mode=0700") == 0);
	}
	CHECK(chdir("t") == 0 && mkdir(dir, 0700) == 0 && chdir(dir) == 0);
	unit_failed = false;
	ok = run(seed) && !unit_failed;
	unit_failed = failed | !ok;
	CHECK(chdir("../..") == 0);
	if (!ok)
		printf("# seed %u failed%s%s (to see it alone: %s %u)\n", seed, name ? ": " : "", name ?: "",
		       program_invocation_name, seed);
	return ok;
}

static void run_seeds(bool (*run)(unsigned int seed), unsigned int n)
{
	unsigned int failures = 0, seed = 1;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		failures += !run_seed(run, kept[i].seed, kept[i].name);
	for (; seed <= n && failures < 5; seed++)
		failures += !run_seed(run, seed, NULL);
	printf("# seeds 1 to %u\n", seed - 1);
}

static void the_model_is_what_overlay_shows(void)
{
	run_seeds(model_of_stack, SELF_TESTS);
}

static void a_converted_aufs_stack_shows_what_it_showed(void)
{
	run_seeds(aufs_stack, STACKS);
}

static void a_converted_overlay_stack_shows_what_it_showed(void)
{
	run_seeds(overlay_stack, OVERLAYS);
}

static void a_settled_stack_shows_on_aufs_what_is_meant(void)
{
	run_seeds(settled_stack, STACKS);
}

static int run_one(unsigned int seed)
{
	bool ok = true;

	verbose = true;
	printf("# the model\n");
	ok &= run_seed(model_of_stack, seed, NULL);
	printf("# from aufs\n");
	ok &= run_seed(aufs_stack, seed, NULL);
	printf("# from overlay\n");
	ok &= run_seed(overlay_stack, seed, NULL);
	printf("# for aufs\n");
	ok &= run_seed(settled_stack, seed, NULL);
	printf("%s seed %u\n", ok ? "ok" : "not ok", seed);
	return !ok;
}

int main(int argc, char **argv)
{
	static const struct unit_test tests[] = {
		TEST(the_model_is_what_overlay_shows),
		TEST(a_converted_aufs_stack_shows_what_it_showed),
		TEST(a_converted_overlay_stack_shows_what_it_showed),
		TEST(a_settled_stack_shows_on_aufs_what_is_meant),
	};
	_cleanup_free_ char *dir = xasprintf("%s/convert.XXXXXX", getenv("TMPDIR") ?: "/var/tmp");
	int status;

	(void)umask(0);
	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("t", 0700) < 0)
		return 1;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("convert", "t", "tmpfs", 0, NULL) < 0)
		return 1;
	/* tmpfs has them since Linux 6.6. */
	user_xattrs = setxattr("t", "user.note", "", 0, 0) == 0;
	status = argc > 1 ? run_one((unsigned int)strtoul(argv[1], NULL, 10)) : unit_run(tests, ARRAY_SIZE(tests));
	CHECK(umount2("t", MNT_DETACH) == 0 && rmdir("t") == 0 && chdir("/") == 0 && rmdir(dir) == 0);
	return status;
}

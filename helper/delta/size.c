/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * size - sum up the bytes of a layer's regular files, without their holes.
 * Everything else, whiteouts included, counts for nothing.
 */
#include "size.h"
#include "hard-links.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/walk.h"
#include "aufs-names.h"

#include <fcntl.h>

struct diffsize_run {
	bool aufs;
	uint64_t size;
	struct links links;
	struct walk walk;
};

static int entry(struct walk *walk, const struct dirent64 *entry)
{
	struct diffsize_run *run = walk->arg;
	struct statx st;

	if (run->aufs && is_whiteout_name(entry->d_name))
		return 0;
	if (entry->d_type != DT_DIR && statx(walk->fd, entry->d_name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	if (entry->d_type == DT_DIR || S_ISDIR(st.stx_mode))
		walk_later(walk, entry->d_name);
	else if (S_ISREG(st.stx_mode) && st.stx_size && (st.stx_nlink == 1 || !links_met(&run->links, &st, NULL, NULL)))
		run->size += st.stx_size < st.stx_blocks * 512 ? st.stx_size : st.stx_blocks * 512;
	return 0;
}

static int enter(struct walk *walk)
{
	return walk_entries(walk, entry);
}

int diffsize(const struct delta *delta, int layer, uint64_t *ret)
{
	_cleanup_free_ struct diffsize_run *run = xcalloc(1, sizeof(*run));
	int r;

	run->aufs = delta->format == DELTA_AUFS;
	run->walk.enter = enter;
	run->walk.arg = run;
	r = walk_tree(&run->walk, layer);
	links_clear(&run->links);
	if (r < 0)
		return log_errno(r, "look at '%s'", *run->walk.error ? run->walk.error : ".");
	*ret = run->size;
	return 0;
}

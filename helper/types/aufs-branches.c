/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-branches - the branches of a planned aufs.
 */
#include "aufs-branches.h"
#include "../kernel/aufs-info.h"

void aufs_branches_free(struct branch_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->at[i].name);
		free(list->at[i].path);
	}
	free(list->at);
}

int aufs_branches_put(const struct spec *spec, struct branch_list *list, char *name, char *path, const struct stat *st)
{
	struct branch *new = ARRAY_ADD(list->at, list->n);

	*new = (struct branch){ .name = name, .path = path, .st = *st };
	for (struct branch *old = list->at; old < new; old++) {
		bool inside = path_below(new->path, old->path);

		if ((st->st_ino && old->st.st_ino == st->st_ino && old->st.st_dev == st->st_dev) ||
		    strcmp(new->path, old->path) == 0)
			return spec_refuse(spec, -EINVAL, "%s and %s are the same directory", old->name, new->name);
		if (inside || path_below(old->path, new->path))
			return spec_refuse(spec, -EINVAL, "%s is inside %s; aufs accepts no branch inside another",
					   inside ? new->name : old->name, inside ? old->name : new->name);
	}
	return 0;
}

int aufs_branches_add(const struct spec *spec, struct branch_list *list, int fd, char *name, char *path, bool made)
{
	const char *reason = aufs_bad_path(path), *filesystem = aufs_bad_filesystem(fd);
	struct stat st = { 0 };
	int r = !made && fstat(fd, &st) < 0 ? -errno : 0;

	if (r < 0)
		(void)log_errno(r, "%s: %s", spec->where, name);
	else if (filesystem)
		r = spec_refuse(spec, -EINVAL, "%s lies on %s, which aufs does not accept as a branch", name,
				filesystem);
	else if (reason)
		r = spec_refuse(spec, -EINVAL, "%s: %s", name, reason);
	if (r == 0)
		return aufs_branches_put(spec, list, name, path, &st);
	free(name);
	free(path);
	return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* directory - a directory of the host that is a lower of the stack, or that its overlay or aufs writes to. */
#include "directory.h"
#include "../base/cleanup.h"
#include "../base/path.h"

#include <fcntl.h>

struct directory_record {
	char *inode, *path;
};

int directory_record(struct journal *journal, int dir, enum directory_role role)
{
	static const struct record_kind *const kinds[] = {
		[DIRECTORY_LOWER] = &record_lower,
		[DIRECTORY_UPPER] = &record_upper,
		[DIRECTORY_BRANCH] = &record_branch,
	};
	_cleanup_free_ char *inode = path_inode(dir), *path = path_of(dir);

	return journal_add(journal, kinds[role], &(struct directory_record){ inode, path });
}

/*
 * Open the directory if it is still the recorded one. Returns an fd; -ESTALE: another directory has its path; or
 * -errno.
 */
static int open_recorded(const struct directory_record *directory)
{
	return path_open_inode(directory->path, directory->inode, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

int directory_open_written(const struct journal *journal, unsigned int step)
{
	for (size_t i = 0; i < journal->n; i++) {
		const struct record *record = &journal->records[i];

		if (record->step == step && (record->kind == &record_upper || record->kind == &record_branch))
			return open_recorded(record->fields);
	}
	return -ENOENT;
}

static int directory_alive(const struct journal *journal, const void *fields)
{
	_cleanup_close_ int fd = open_recorded(fields);

	(void)journal;
	return fd >= 0 ? 1 : fd == -ESTALE || fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
}

static struct claim claim_of(const struct directory_record *directory, unsigned int mode)
{
	return (struct claim){
		.object = CLAIM_DIRECTORY, .mode = mode, .id = directory->inode, .path = directory->path
	};
}

static void lower_claim(const void *fields, struct claim *ret)
{
	*ret = claim_of(fields, CLAIM_READ);
}

static void upper_claim(const void *fields, struct claim *ret)
{
	*ret = claim_of(fields, CLAIM_WRITE);
}

static void branch_claim(const void *fields, struct claim *ret)
{
	*ret = claim_of(fields, CLAIM_WRITE);
	ret->branch = true;
}

static const struct record_field directory_fields[] = {
	{ FIELD_TEXT, offsetof(struct directory_record, inode), { NULL } },
	{ FIELD_TEXT, offsetof(struct directory_record, path), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_lower = {
	.name = "lower",
	.size = sizeof(struct directory_record),
	.fields = directory_fields,
	.alive = directory_alive,
	.claim = lower_claim,
};

const struct record_kind record_upper = {
	.name = "upper",
	.size = sizeof(struct directory_record),
	.fields = directory_fields,
	.alive = directory_alive,
	.claim = upper_claim,
};

const struct record_kind record_branch = {
	.name = "branch",
	.size = sizeof(struct directory_record),
	.fields = directory_fields,
	.alive = directory_alive,
	.claim = branch_claim,
};

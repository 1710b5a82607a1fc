/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unfinished - the directory of a container that is being created. A killed creator leaves two empty directories, which
 * only a release of this record finds.
 */
#include "unfinished.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../record/undo.h"

struct unfinished_record {
	char *dir;
};

int unfinished_record(struct journal *journal, const char *dir)
{
	_cleanup_free_ char *copy = xstrdup(dir);

	return journal_add(journal, &record_unfinished, &(struct unfinished_record){ copy });
}

bool unfinished_is_recorded(const struct journal *journal)
{
	return journal_first(journal, &record_unfinished);
}

int unfinished_remove(const char *dir)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", dir), *config = xasprintf("%s/config", dir);

	if (access(config, F_OK) == 0)
		return 0;
	/* Only empty directories: other content is not ours. */
	if (errno == ENOENT && (rmdir(rootfs) == 0 || errno == ENOENT || errno == ENOTEMPTY) &&
	    (rmdir(dir) == 0 || errno == ENOENT || errno == ENOTEMPTY))
		return 0;
	return log_errno(-errno, "remove '%s', which an interrupted lxc-bdev ephemeral made", dir);
}

static int unfinished_undo(struct undo *undo, const struct record *record)
{
	(void)undo;
	return unfinished_remove(((const struct unfinished_record *)record->fields)->dir);
}

static int unfinished_alive(const struct journal *journal, const void *fields)
{
	_cleanup_free_ char *config = xasprintf("%s/config", ((const struct unfinished_record *)fields)->dir);

	(void)journal;
	if (access(((const struct unfinished_record *)fields)->dir, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	return access(config, F_OK) == 0 ? 0 : errno == ENOENT ? 1 : -errno;
}

static const struct record_field unfinished_fields[] = {
	{ FIELD_TEXT, offsetof(struct unfinished_record, dir), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_unfinished = {
	.name = "unfinished",
	.size = sizeof(struct unfinished_record),
	.fields = unfinished_fields,
	.phase = UNDO_DIRECTORY,
	.undo = unfinished_undo,
	.alive = unfinished_alive,
};

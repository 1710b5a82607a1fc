/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kind - the table of record kinds.
 */
#include "kind.h"
#include "../base/cleanup.h"

#define ENTRY(kind) &record_##kind,
const struct record_kind *const record_kinds[] = { RECORD_KINDS(ENTRY) };
const size_t record_nkinds = ARRAY_SIZE(record_kinds);

const struct record_kind *record_kind_find(const char *name)
{
	for (size_t i = 0; i < record_nkinds; i++)
		if (strcmp(record_kinds[i]->name, name) == 0)
			return record_kinds[i];
	return NULL;
}

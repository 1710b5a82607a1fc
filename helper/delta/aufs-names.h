/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-names - the names by which aufs marks a delta. A regular file WH and NAME is a whiteout of NAME; WH_OPQ makes
 * its directory opaque; all other names that begin with WH_OWN are aufs's own files.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

#define WH	 ".wh."
#define WH_OWN	 WH WH
#define WH_BASE	 WH_OWN "aufs"
#define WH_OPQ	 WH_OWN ".opq"
#define WH_HINO	 WH_OWN "hino"
#define WH_PLNK	 WH_OWN "plnk"
#define WH_ORPH	 WH_OWN "orph"
#define WH_DR	 WH_OWN ".dr."
#define AUFS_MAX 242 /* of a name: aufs needs the rest for its own prefixes */

/* Return whether the name begins as all of aufs's do: a whiteout, or a name of aufs's own. */
static inline bool is_whiteout_name(const char *name)
{
	return strncmp(name, WH, strlen(WH)) == 0;
}

/* Return whether the name begins as those that are not whiteouts, but aufs's own. */
static inline bool is_aufs_own_name(const char *name)
{
	return strncmp(name, WH_OWN, strlen(WH_OWN)) == 0;
}

/* Return whether the name makes its directory opaque. */
static inline bool is_opaque_name(const char *name)
{
	return strcmp(name, WH_OPQ) == 0;
}

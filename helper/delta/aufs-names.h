/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* aufs' own names: whiteouts are WH and what is removed, all that begins with WH_OWN is neither. */
#define WH	 ".wh."
#define WH_OWN	 WH WH
#define WH_BASE	 WH_OWN "aufs"
#define WH_OPQ	 WH_OWN ".opq"
#define WH_HINO	 WH_OWN "hino"
#define WH_DR	 WH_OWN ".dr."
#define AUFS_MAX 242 /* of a name: aufs needs the rest for its own prefixes */

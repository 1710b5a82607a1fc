/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* State until the next boot: a directory for each container and each mount target (record/rundir.c), and caches. */
#define RUN_DIR "/run/lxc-bdev"

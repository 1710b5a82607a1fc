/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/fuse.h>
#include <stddef.h>
#include <stdint.h>

#define FUSE_SLOTS  64
#define FUSE_MAX_IO (1U << 20)

/*
 * Answer the request `unique` with an error (-errno) or with n bytes. Returns 0; -ENODEV: the file system has ended; or
 * another -errno.
 */
int fuse_answer(int fuse, uint64_t unique, int error, const void *data, size_t n);

/* Answer FUSE_INIT, FUSE_GETATTR and FUSE_STATFS. Each returns the result of fuse_answer(). */
int fuse_answer_init(int fuse, uint64_t unique, const struct fuse_init_in *in);
int fuse_answer_attr(int fuse, uint64_t unique, uint64_t size);
int fuse_answer_statfs(int fuse, uint64_t unique);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a tar, into a directory of the working directory's; a file beside it must stay. libFuzzer:
 * clang -fsanitize=fuzzer,address,undefined -std=gnu11 -D_GNU_SOURCE -Ihelper tests/fuzz/untar.c helper/core/SOME.c
 * helper/layer/untar*.c helper/tar/idmap.c -larchive ...
 */
#include "base/remove.h"
#include "base/cleanup.h"
#include "tar/untar.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static int below = -EBADF;
	struct untar untar_ = { .limits = { .bytes = 1 << 20, .entries = 1000, .depth = 100, .attributes = 1 << 16 } };
	_cleanup_close_ int input = memfd_create("tar", MFD_CLOEXEC), to = -EBADF;

	if (below < 0) {
		(void)mkdir("below", 0755);
		below = open("below", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		/* Its refusals are not of interest. */
		(void)close(open("/dev/null", O_WRONLY));
	}
	if (size < 1)
		return 0;
	untar_.delta.format = data[0] & 1 ? DELTA_AUFS : DELTA_OVERLAY;
	untar_.parents = &below;
	untar_.nparents = data[0] & 2 ? 1 : 0;
	(void)mkdir("layer", 0700);
	to = open("layer", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (write(input, data + 1, size - 1) != (ssize_t)size - 1 || lseek(input, 0, SEEK_SET) != 0)
		abort();
	(void)untar(&untar_, input, to);
	if (access("file", F_OK) < 0 || access("below", F_OK) < 0 || remove_tree(AT_FDCWD, "layer", NULL) < 0)
		abort();
	return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image-content - what a file is that was taken for an image of another kind.
 */
#include "image-content.h"

#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define HEAD_BYTES     512

#define QEMU(format)   "it looks like " format ": nbd:IMAGE,format=" format
#define PACKED(format) "it is compressed by " format ": unpack it first"

static const struct {
	size_t at, bytes;
	const char *magic, *advice;
} contents[] = {
	{ 0, 4, "QFI\xfb", QEMU("qcow2") },
	{ 0, 4, "QED\0", QEMU("qed") },
	{ 0, 4, "KDMV", QEMU("vmdk") },
	{ 0, 4, "COWD", QEMU("vmdk") },
	{ 0, 21, "# Disk DescriptorFile", QEMU("vmdk") },
	{ 64, 4, "\x7f\x10\xda\xbe", QEMU("vdi") },
	{ 0, 8, "vhdxfile", QEMU("vhdx") },
	{ 0, 8, "conectix", QEMU("vpc") },
	{ 0, 2, "\x1f\x8b", PACKED("gzip") },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  PACKED("xz") },
	{ 0, 4, "\x28\xb5\x2f\xfd", PACKED("zstd") },
	{ 0, 3, "BZh", PACKED("bzip2") },
	{ 257, 5, "ustar", "it is a tar archive: lxc-create -t bdev makes a container of it (--tarball)" },
};

const char *content_advice(int fd, uint64_t offset)
{
	unsigned char head[HEAD_BYTES] = { 0 };

	if (pread(fd, head, sizeof(head), (off_t)offset) <= 0)
		return NULL;
	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++)
		if (memcmp(head + contents[i].at, contents[i].magic, contents[i].bytes) == 0)
			return contents[i].advice;
	return NULL;
}

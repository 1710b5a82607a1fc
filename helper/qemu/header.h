/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What an image's header refers to. The strings are the caller's to free (header_clear). */
struct header_refs {
	uint64_t size;	      /* virtual size in bytes, at most INT64_MAX; 0: not read here (vhdx, vpc) */
	char *backing;	      /* name as stored, never "", or NULL */
	char *backing_format; /* as stored, or NULL: the header leaves it to be guessed, or there is no backing */
	char *data_file;      /* qcow2: external data file's name, "" when it has one without a name; or NULL */
	bool readonly;	      /* QEMU only reads this image (vmdk streamOptimized or version 3, qcow2 marked corrupt) */
};

/* The format's own name, static ("vhd" is "vpc"), or NULL when it is none of raw, qcow2, qed, vdi, vmdk, vhdx, vpc. */
const char *header_find(const char *name);

/* The format that the file name's extension stands for, in any case; NULL when it stands for none. */
const char *header_by_extension(const char *path);

/* QEMU can write images of this format; one of them may still be read-only (struct header_refs). */
bool header_writable(const char *format);

/*
 * Read the header of the open regular file as this format and no other. Names are as QEMU would open them: relative to
 * the image's directory, and "json:..." and "PROTOCOL:..." are not files for it. All of *ret is set.
 * 0; or -EINVAL or -errno, then *ret is empty, and *ret_reason a caller-freed text that completes "image 'X' ...".
 */
int header_read(int fd, const char *format, struct header_refs *ret, char **ret_reason);

/* Free the strings; all is 0 then. */
void header_clear(struct header_refs *refs);

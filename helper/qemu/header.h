/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The files that an image's header refers to. header_clear() frees the strings. */
struct header_refs {
	uint64_t size;	      /* virtual size in bytes, at most INT64_MAX; 0: not read (vhdx, vpc) */
	char *backing;	      /* name as stored, never "", or NULL */
	char *backing_format; /* as stored; NULL: the header does not tell it, or has no backing file */
	char *data_file;      /* qcow2: name of the external data file, "" if that has no name; or NULL */
	bool readonly;	      /* QEMU cannot write it (vmdk streamOptimized or version 3, qcow2 marked corrupt) */
};

/* Find a format by its name; "vhd" is "vpc". Returns one of raw, qcow2, qed, vdi, vmdk, vhdx, vpc (static), or NULL. */
const char *header_find(const char *name);

/* Find the format for a file name's extension, in upper or lower case. Returns its name (static) or NULL. */
const char *header_by_extension(const char *path);

/* Return whether QEMU can write images of this format; a single image may still be read-only (header_refs). */
bool header_writable(const char *format);

/*
 * Read the header of the open regular file as this format and no other. Names are as QEMU would open them: relative to
 * the image's directory, and "json:..." and "PROTOCOL:..." are not files. All of *ret is set. Returns 0, or -EINVAL or
 * another -errno: then *ret is empty, and *ret_reason, for the caller to free, completes "image 'X' ...".
 */
int header_read(int fd, const char *format, struct header_refs *ret, char **ret_reason);

/* Free the strings and set all to 0. */
void header_clear(struct header_refs *refs);

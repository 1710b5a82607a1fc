/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * header - find the files that the header of a QEMU image refers to.
 *
 * QEMU's tools open the files that an image names before they print the names,
 * so they must not be run on an untrusted image. This parser reads the same
 * fields at the same places as QEMU: a name that only QEMU finds would be
 * opened unchecked. Ambiguous headers are refused.
 *
 * The caller gives the format, which is never probed: a writer of a raw image
 * writes its first bytes, too, and could make it look like any other format.
 */
#include "header.h"
#include "header-read.h"
#include "../base/bytes.h"
#include "../base/cleanup.h"

#include <strings.h>
#include <sys/stat.h>

static int read_raw(struct image *image)
{
	return header_set_size(image, image->file_size, 1);
}

/* --- qcow2: QEMU's docs/interop/qcow2 --- */

enum { QCOW2_CORRUPT = 1 << 1, QCOW2_DATA_FILE = 1 << 2, QCOW2_KNOWN_FEATURES = (1 << 5) - 1 };
enum { QCOW2_V2_BYTES = 72, QCOW2_V3_BYTES = 104, QCOW2_MAX_EXTENSIONS = 64 };
#define QCOW2_BACKING_FORMAT 0xe2792acaU
#define QCOW2_DATA_FILE_NAME 0x44415441U

static int read_qcow2_extensions(const struct image *image, uint64_t at, uint64_t end)
{
	for (unsigned int n = 0; at < end; n++) {
		uint8_t extension[8];
		uint64_t kind, size;
		int r = header_read_whole(image, at, extension, sizeof(extension));

		if (r < 0)
			return r;
		at += sizeof(extension);
		kind = be(extension, 4);
		size = be(extension + 4, 4);
		if (n == QCOW2_MAX_EXTENSIONS || at > end || size > end - at)
			return refuse_broken(image, "extensions");
		if (kind == 0)
			return 0;
		if (kind == QCOW2_BACKING_FORMAT)
			r = header_read_name(image, at, size, FORMAT_MAX_BYTES, &image->refs->backing_format);
		else if (kind == QCOW2_DATA_FILE_NAME)
			r = header_read_name(image, at, size, NAME_MAX_BYTES, &image->refs->data_file);
		if (r < 0)
			return r;
		at += (size + 7) / 8 * 8;
	}
	return 0;
}

static int read_qcow2_names(const struct image *image, uint64_t header_bytes, uint64_t cluster, uint64_t features)
{
	uint64_t backing = be(image->head + 8, 8);
	uint64_t backing_bytes = backing ? be(image->head + 16, 4) : 0;
	int r;

	if (backing && (backing < header_bytes || backing > cluster || backing_bytes > cluster - backing))
		return refuse_broken(image, "place of the backing name");
	r = read_qcow2_extensions(image, header_bytes, backing ?: cluster);
	if (r >= 0 && backing_bytes)
		r = header_read_name(image, backing, backing_bytes, NAME_MAX_BYTES, &image->refs->backing);
	/* The feature bit decides, not the name: without the bit QEMU ignores a name, with it QEMU needs one. */
	if (!(features & QCOW2_DATA_FILE))
		free(TAKE_PTR(image->refs->data_file));
	else if (!image->refs->data_file)
		image->refs->data_file = xstrdup("");
	return r;
}

static int read_qcow2(struct image *image)
{
	uint64_t version = be(image->head + 4, 4), cluster_bits = be(image->head + 20, 4);
	uint64_t features = version == 2 ? 0 : be(image->head + 72, 8);
	uint64_t header_bytes = version == 2 ? QCOW2_V2_BYTES : be(image->head + 100, 4), cluster;
	int r;

	if (version != 2 && version != 3)
		return refuse(image, "is qcow version %llu, which is not supported", (unsigned long long)version);
	if (be(image->head + 32, 4))
		return refuse(image, "is encrypted, which is not supported");
	if (features & ~(uint64_t)QCOW2_KNOWN_FEATURES)
		return refuse(image, "uses qcow2 features that are not known here");
	if (cluster_bits < 9 || cluster_bits > 21)
		return refuse_broken(image, "cluster size");
	cluster = UINT64_C(1) << cluster_bits;
	if ((version == 3 && header_bytes < QCOW2_V3_BYTES) || header_bytes > cluster || header_bytes % 8)
		return refuse_broken(image, "header length");
	image->refs->readonly = features & QCOW2_CORRUPT;
	r = header_set_size(image, be(image->head + 24, 8) / SECTOR, SECTOR); /* as QEMU rounds it */
	return r < 0 ? r : read_qcow2_names(image, header_bytes, cluster, features);
}

/* --- qed: QEMU's docs/interop/qed_spec --- */

enum { QED_BYTES = 64, QED_BACKING = 1 << 0, QED_BACKING_IS_RAW = 1 << 2, QED_KNOWN_FEATURES = (1 << 3) - 1 };

static int read_qed(struct image *image)
{
	uint64_t header_bytes = le(image->head + 4, 4) * le(image->head + 12, 4);
	uint64_t features = le(image->head + 16, 8);
	uint64_t backing = le(image->head + 56, 4), backing_bytes = le(image->head + 60, 4);
	int r;

	if (features & ~(uint64_t)QED_KNOWN_FEATURES)
		return refuse(image, "uses qed features that are not known here");
	r = header_set_size(image, le(image->head + 48, 8), 1);
	if (r < 0 || !(features & QED_BACKING) || !backing_bytes)
		return r;
	if (backing < QED_BYTES || backing + backing_bytes > header_bytes)
		return refuse_broken(image, "place of the backing name");
	if (features & QED_BACKING_IS_RAW)
		image->refs->backing_format = xstrdup("raw");
	return header_read_name(image, backing, backing_bytes, NAME_MAX_BYTES, &image->refs->backing);
}

/* --- vmdk: QEMU's block/vmdk.c, which ignores more of the header than the specification --- */

#define CONVERT "convert it: qemu-img convert -O qcow2"

/* Read KEY="VALUE" where QEMU does, at the first KEY in the descriptor; *ret is unchanged if there is none. Returns 0
 * or -EINVAL. */
static int descriptor_value(const struct image *image, const char *key, char **ret)
{
	const char *value = strstr((const char *)image->head + SECTOR, key);
	size_t n;

	if (!value)
		return 0;
	value += strlen(key);
	if (strncmp(value, "=\"", 2) != 0)
		return refuse_broken(image, key);
	value += 2;
	n = strcspn(value, "\"\r\n");
	if (value[n] != '"' || n > NAME_MAX_BYTES)
		return refuse_broken(image, key);
	if (n)
		*ret = xstrndup(value, n);
	return 0;
}

/* Read the descriptor. QEMU opens the parent that it names and ignores parentCID. Returns 0 or -EINVAL. */
static int read_vmdk_descriptor(const struct image *image)
{
	_cleanup_free_ char *type = NULL;
	int r;

	r = descriptor_value(image, "createType", &type);
	if (r >= 0)
		r = descriptor_value(image, "parentFileNameHint", &image->refs->backing);
	if (r < 0)
		return r;
	if (!type || (strcmp(type, "monolithicSparse") != 0 && strcmp(type, "streamOptimized") != 0))
		return refuse(image, "is a VMDK of type '%s', not of one file; " CONVERT, type ?: "");
	if (image->refs->backing)
		image->refs->backing_format = xstrdup("vmdk");
	return 0;
}

static int read_vmdk(struct image *image)
{
	const uint8_t *header = image->head;
	int r;

	if (memcmp(header, "KDMV", 4) != 0)
		return strstr((const char *)header, "createType=")
			       ? refuse(image, "is a VMDK descriptor that names other files; " CONVERT)
			       : header_refuse_magic(image);
	/* Without a capacity, QEMU opens the descriptor's extents. It looks for a parent only in a descriptor at 1. */
	if (!le(header + 12, 8) || le(header + 28, 8) != 1)
		return refuse(image, "is a VMDK of several files; " CONVERT);
	if (le(header + 56, 8) == UINT64_MAX) { /* the valid header is at the end */
		r = header_read_whole(image, header_whole_sectors(image->file_size) - 2 * SECTOR, image->head, SECTOR);
		if (r < 0)
			return r;
		if (memcmp(header, "KDMV", 4) != 0)
			return refuse_broken(image, "footer");
	}
	image->refs->readonly = le(header + 4, 4) == 3 || le(header + 77, 2) == 1;
	r = header_set_size(image, le(header + 12, 8), SECTOR);
	return r < 0 ? r : read_vmdk_descriptor(image);
}

/* --- formats whose parents QEMU does not open: images with a parent are refused --- */
static int read_vdi(struct image *image)
{
	static const uint8_t none[32];
	uint64_t type = le(image->head + 76, 4), size = le(image->head + 368, 8);

	if ((type != 1 && type != 2) || memcmp(image->head + 424, none, sizeof(none)) != 0)
		return refuse(image, "is a differencing VDI, which is not supported");
	if (le(image->head + 384, 4) > 16 << 20) /* QEMU holds all of it in memory; this is for 16 TiB */
		return refuse(image, "has a block map of over 64 MiB");
	return header_set_size(image, size / SECTOR + !!(size % SECTOR), SECTOR);
}

/* Read a VHD, but no size: QEMU's versions take that from different fields, by the program that made the image. */
static int read_vpc(struct image *image)
{
	uint64_t wanted = 3; /* dynamic */
	int r;

	if (memcmp(image->head, "conectix", 8) != 0) {
		wanted = 2; /* fixed */
		r = header_read_padded(image, header_whole_sectors(image->file_size) - SECTOR, image->head, SECTOR);
		if (r < 0)
			return r;
	}
	if (memcmp(image->head, "conectix", 8) != 0)
		return header_refuse_magic(image);
	if (be(image->head + 60, 4) != wanted)
		return refuse(image, "is neither a fixed nor a dynamic VHD, which is not supported");
	return 0;
}

static const struct format formats[] = {
	{ "raw", read_raw, 0, 0, 0, "" },
	{ "qcow2", read_qcow2, QCOW2_V3_BYTES, 0, 4, "QFI\xfb" },
	{ "qed", read_qed, QED_BYTES, 0, 4, "QED\0" },
	{ "vdi", read_vdi, SECTOR, 64, 4, "\x7f\x10\xda\xbe" },
	{ "vmdk", read_vmdk, 79, 0, 0, "" },
	{ "vhdx", NULL, 8, 0, 8, "vhdxfile" },
	{ "vpc", read_vpc, SECTOR, 0, 0, "" },
	{ 0 },
};

/* Find a format. Returns its entry or the last one, which has no name. */
static const struct format *find_format(const char *name, int (*compare)(const char *a, const char *b))
{
	const struct format *format = formats;

	if (compare(name, "vhd") == 0)
		name = "vpc";
	while (format->name && compare(format->name, name) != 0)
		format++;
	return format;
}

const char *header_find(const char *name)
{
	return find_format(name, strcmp)->name;
}

const char *header_by_extension(const char *path)
{
	const char *dot = strrchr(path, '.') ?: ".";

	return find_format(strcasecmp(dot, ".img") == 0 ? "raw" : dot + 1, strcasecmp)->name;
}

bool header_writable(const char *format)
{
	return header_find(format);
}

int header_read(int fd, const char *format, struct header_refs *ret, char **ret_reason)
{
	struct image image = { .fd = fd, .format = find_format(format, strcmp), .refs = ret, .reason = ret_reason };
	struct stat st;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!image.format->name)
		return refuse(&image, "has the unknown format '%s'", format);
	if (fstat(fd, &st) < 0)
		return header_refuse_errno(&image);
	image.file_size = (uint64_t)st.st_size;
	r = header_read_padded(&image, 0, image.head, HEAD_BYTES);
	if (r < 0)
		return r;
	if (memcmp(image.head + image.format->magic_at, image.format->magic, image.format->magic_bytes) != 0)
		return header_refuse_magic(&image);
	if (image.file_size < image.format->header_bytes)
		return refuse(&image, "ends within its %s header", image.format->name);
	r = image.format->read ? image.format->read(&image) : 0;
	if (r < 0)
		header_clear(ret);
	else if (!ret->backing || (ret->backing_format && !*ret->backing_format))
		free(TAKE_PTR(ret->backing_format));
	return r;
}

void header_clear(struct header_refs *refs)
{
	free(refs->backing);
	free(refs->backing_format);
	free(refs->data_file);
	memset(refs, 0, sizeof(*refs));
}

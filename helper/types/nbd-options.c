/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nbd-options - parse and check the options of an nbd spec, and set the defaults.
 *
 * By default discards reach the image, so that fstrim in the container shrinks it. QEMU uses O_DIRECT if the image's
 * file system supports it, because the device has a page cache already: QEMU must not need a second one to write it
 * back.
 */
#include "nbd-options.h"
#include "../base/cleanup.h"
#include "../base/path.h"
#include "../qemu/header.h"

#include <fcntl.h>

static int parse_format(const struct spec *spec, struct qemu_options *qemu)
{
	const struct spec_option *option = spec_option(spec, "format");
	const char *path = qemu->uri ?: spec->sources[0];

	qemu->format = option ? header_find(option->value) : header_by_extension(path);
	/* The header of an image on a server is read by QEMU alone, which opens any local file that it names. */
	if (qemu->uri && (!option || !qemu->format || strcmp(qemu->format, "raw") != 0))
		return spec_refuse(spec, -EMALFORMED,
				   "uri= needs format=raw; let the server itself read other formats");
	if (qemu->format)
		return 0;
	if (option)
		return spec_refuse(spec, -EMALFORMED, "format=%s: not one of raw, qcow2, qed, vdi, vmdk, vhdx, vpc",
				   option->value);
	return spec_refuse(spec, -EMALFORMED,
			   "the extension of '%s' is not that of a known format; add format=raw, qcow2, ...", path);
}

/* Return whether the image's file system supports O_DIRECT. false for an image on a server. */
static bool can_direct(const struct spec *spec, const struct plan *plan)
{
	_cleanup_close_ int fd = *spec->sources[0] ? path_open(plan->dirfd, spec->sources[0],
							       O_RDONLY | O_NONBLOCK | O_NOCTTY | O_DIRECT)
						   : -EBADF;

	return fd >= 0;
}

static int parse_cache(const struct spec *spec, const struct plan *plan, struct nbd_data *data)
{
	static const char *const words[] = { "none", "writeback", "writethrough", "directsync", "unsafe", NULL };
	bool direct = can_direct(spec, plan);
	const char *cache = spec_choice(spec, "cache", words, direct ? "none" : "writeback");

	if (!cache)
		return -EMALFORMED;
	data->qemu.direct = strcmp(cache, "none") == 0 || strcmp(cache, "directsync") == 0;
	data->qemu.no_flush = strcmp(cache, "unsafe") == 0;
	data->qemu.writethrough = strcmp(cache, "writethrough") == 0 || strcmp(cache, "directsync") == 0;
	if (data->qemu.direct && !direct)
		return spec_refuse(spec, -EOPNOTSUPP,
				   "cache=%s needs O_DIRECT, which %s does not support; use cache=writeback%s", cache,
				   data->qemu.uri ? "a remote server" : "the image's file system",
				   data->qemu.writethrough ? " or writethrough" : "");
	return 0;
}

static int parse_io(const struct spec *spec, struct nbd_data *data)
{
	static const char *const aios[] = { "threads", "native", "io_uring", NULL };
	static const char *const discards[] = { "unmap", "ignore", NULL };
	static const char *const zeroes[] = { "unmap", "on", "off", NULL };
	const char *discard = spec_choice(spec, "discard", discards, "unmap"), *zero;

	data->qemu.aio = spec_choice(spec, "aio", aios, "threads");
	if (!discard || !data->qemu.aio)
		return -EMALFORMED;
	data->qemu.discard = strcmp(discard, "unmap") == 0;
	zero = spec_choice(spec, "detect-zeroes", zeroes, data->qemu.discard ? "unmap" : "off");
	if (!zero)
		return -EMALFORMED;
	data->qemu.detect_zeroes = strcmp(zero, "unmap") == 0 ? "--detect-zeroes=unmap"
				   : strcmp(zero, "on") == 0  ? "--detect-zeroes=on"
							      : "--detect-zeroes=off";
	if (strcmp(zero, "unmap") == 0 && !data->qemu.discard)
		return spec_refuse(spec, -EMALFORMED, "detect-zeroes=unmap contradicts discard=ignore");
	if (strcmp(data->qemu.aio, "native") == 0 && !data->qemu.direct)
		return spec_refuse(spec, -EINVAL, "aio=native needs cache=none or cache=directsync");
	return 0;
}

int nbd_options_check_reconnect(const struct spec *spec, const struct nbd_data *data)
{
	if (!data->reconnect || data->transport.kind == TRANSPORT_NETLINK)
		return 0;
	return spec_refuse(spec, -EOPNOTSUPP, "reconnect= needs transport=nbd, by netlink (Linux 5.14)");
}

/* Parse reconnect=. A server that dies loses writes that it has acknowledged but not yet written, so a writable image
 * needs a cache mode without such writes. Returns 0 or -errno (logged). */
static int parse_reconnect(const struct spec *spec, struct nbd_data *data)
{
	const struct spec_option *option = spec_option(spec, "reconnect");
	unsigned long seconds;
	char *end;

	if (!option)
		return 0;
	seconds = strtoul(option->value, &end, 10);
	if (*end || end == option->value || *option->value < '0' || *option->value > '9' || seconds < 1 ||
	    seconds > 86400)
		return spec_refuse(spec, -EMALFORMED, "reconnect=%s: not seconds from 1 to 86400", option->value);
	if (!spec->readonly && !data->qemu.writethrough &&
	    (strcmp(data->qemu.format, "raw") != 0 || data->qemu.no_flush))
		return spec_refuse(
			spec, -EMALFORMED,
			"reconnect= with a %s image needs cache=writethrough or directsync: a server that dies "
			"loses acknowledged writes, and the file system would continue without them",
			data->qemu.format);
	data->reconnect = (unsigned int)seconds;
	return nbd_options_check_reconnect(spec, data);
}

/* Check that the image can be opened; done first, so that a missing file is reported as such and not as a bad format.
 * Returns 0 or -errno (logged). */
static int check_image(const struct spec *spec, const struct plan *plan)
{
	int fd = qemu_open_image(spec, plan->dirfd, -EBADF);

	if (fd < 0)
		return fd;
	(void)close(fd);
	return 0;
}

int nbd_options_parse(const struct spec *spec, const struct plan *plan, struct nbd_data *data)
{
	const struct spec_option *uri = spec_option(spec, "uri");
	int r = spec_partition(spec, &data->partition);

	if (r < 0)
		return r;
	data->qemu.uri = uri ? uri->value : NULL;
	data->qemu.readonly = spec->readonly;
	if (uri && *spec->sources[0])
		return spec_refuse(spec, -EMALFORMED,
				   "conflicting image and uri=; write nbd:,uri=... or nbd::PARTITION,uri=...");
	if (!uri && !*spec->sources[0])
		return spec_refuse(spec, -EMALFORMED, "missing image; use nbd:IMAGE or uri=");
	r = uri ? 0 : check_image(spec, plan);
	if (r == 0)
		r = parse_format(spec, &data->qemu);
	if (r == 0)
		r = transport_choose(spec, &data->transport);
	if (r == 0)
		r = parse_cache(spec, plan, data);
	if (r == 0)
		r = parse_io(spec, data);
	if (r == 0)
		r = parse_reconnect(spec, data);
	return r;
}

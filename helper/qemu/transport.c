/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * transport - choose the way from a server's connection to a block device on this host.
 */
#include "transport.h"
#include "../base/log.h"
#include "../base/cleanup.h"
#include "../kernel/nbd.h"
#include "../base/program.h"
#include "../base/running-kernel.h"
#include "server.h"

#define NO_QEMU_NBD "qemu-nbd is not installed (Debian: package qemu-utils)"

static bool has_fuse(void)
{
	return access("/dev/fuse", R_OK | W_OK) == 0;
}

/* Choose nbd, by netlink if possible. Returns 0, or -EOPNOTSUPP with *ret_reason naming what is missing. */
static int choose_nbd(struct transport *transport, const char **ret_reason)
{
	_cleanup_free_ char *program = program_find("qemu-nbd");
	const char *knob = getenv("LXC_BDEV_NBD"); /* a test knob (HACKING.md) */
	bool ready = access("/sys/block/nbd0", F_OK) == 0;

	*ret_reason = NO_QEMU_NBD;
	if (!program)
		return -EOPNOTSUPP;
	*ret_reason = "this kernel has no nbd module";
	if ((!ready && !kernel_has_module("nbd")) || (knob && strcmp(knob, "fuse") == 0))
		return -EOPNOTSUPP;
	transport->load = !ready;
	transport->kind = !transport->load && (!nbd_has_netlink() || (knob && strcmp(knob, "ioctl") == 0))
				  ? TRANSPORT_IOCTL
				  : TRANSPORT_NETLINK;
	return 0;
}

static int choose_fuse(struct transport *transport, const char **ret_reason)
{
	_cleanup_free_ char *program = program_find("qemu-nbd");

	*ret_reason = NO_QEMU_NBD;
	if (!program)
		return -EOPNOTSUPP;
	*ret_reason = "there is no /dev/fuse (modprobe fuse)";
	if (!has_fuse())
		return -EOPNOTSUPP;
	transport->kind = TRANSPORT_FUSE;
	return 0;
}

int transport_choose(const struct spec *spec, struct transport *transport)
{
	static const char *const words[] = { "auto", "nbd", "fuse", NULL };
	const char *wanted = spec_choice(spec, "transport", words, "auto"), *no_nbd = NULL, *no_fuse = NULL;
	int r = -EOPNOTSUPP;

	if (!wanted)
		return -EMALFORMED;
	if (strcmp(wanted, "fuse") != 0)
		r = choose_nbd(transport, &no_nbd);
	if (r == 0) {
		(void)snprintf(transport->how, sizeof(transport->how), "by qemu-nbd on an nbd device%s%s",
			       transport->kind == TRANSPORT_IOCTL ? " by ioctl (without netlink)" : "",
			       transport->load ? ", after loading the nbd module" : "");
		return 0;
	}
	if (strcmp(wanted, "nbd") == 0)
		return spec_refuse(spec, r, "%s; use transport=fuse", no_nbd);
	r = choose_fuse(transport, &no_fuse);
	if (r < 0)
		return spec_refuse(spec, r, "%s%s%s", no_nbd ?: "", no_nbd ? ", and " : "", no_fuse);
	(void)snprintf(transport->how, sizeof(transport->how), "by qemu-nbd through FUSE on a loop device%s%s%s",
		       no_nbd ? " (" : "", no_nbd ?: "", no_nbd ? ")" : "");
	return 0;
}

int transport_prepare(const struct spec *spec, struct transport *transport)
{
	const char *const argv[] = { "modprobe", "-q", "nbd", NULL };

	if (!transport->load)
		return 0;
	if (server_call(argv) != 0)
		return spec_refuse(spec, -EOPNOTSUPP,
				   "the nbd module cannot be loaded (modprobe nbd); use transport=fuse");
	/* Choose again: only the loaded module shows whether it has a netlink interface. */
	return transport_choose(spec, transport);
}

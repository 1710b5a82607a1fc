/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nbd-handshake - the client's part of the NBD protocol before the transmission
 * phase: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
 */
#include "nbd-handshake.h"
#include "../base/cleanup.h"

#include <endian.h>
#include <sys/socket.h>

#define MAGIC		0x4e42444d41474943ULL /* "NBDMAGIC" */
#define OPTION_MAGIC	0x49484156454f5054ULL /* "IHAVEOPT" */
#define REPLY_MAGIC	0x3e889045565a9ULL
#define FIXED_NEWSTYLE	1
#define NO_ZEROES	2
#define OPT_GO		7
#define REP_ACK		1
#define REP_INFO	3
#define REP_ERROR	(1U << 31)
#define INFO_EXPORT	0
#define INFO_BLOCK_SIZE 3
#define REPLY_MAX	4096
#define REPLIES_MAX	64
#define BLOCK_SIZE_MIN	512
#define BLOCK_SIZE_MAX	4096

struct greeting {
	uint64_t magic, option_magic;
	uint16_t flags;
} __attribute__((packed));

struct option_go {
	uint32_t client_flags;
	uint64_t magic;
	uint32_t option, length;
	uint32_t name_length; /* 0: the default export */
	uint16_t infos, info;
} __attribute__((packed));

struct reply {
	uint64_t magic;
	uint32_t option, type, length;
} __attribute__((packed));

static int read_all(int fd, void *buf, size_t n)
{
	for (char *p = buf; n > 0;) {
		ssize_t got = read(fd, p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -ECONNRESET;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

static void take_info(const char *data, size_t n, struct nbd_export *export)
{
	uint16_t type;

	if (n < sizeof(type))
		return;
	memcpy(&type, data, sizeof(type));
	type = be16toh(type);
	if (type == INFO_EXPORT && n >= 12) {
		memcpy(&export->size, data + 2, sizeof(export->size));
		memcpy(&export->flags, data + 10, sizeof(export->flags));
		export->size = be64toh(export->size);
		export->flags = be16toh(export->flags);
	} else if (type == INFO_BLOCK_SIZE && n >= 14) {
		memcpy(&export->block_size, data + 2, sizeof(export->block_size));
		export->block_size = be32toh(export->block_size);
	}
}

/* Take one reply. Returns 1: the export is negotiated; 0: more replies follow; or -errno. */
static int take_reply(int fd, struct nbd_export *export, char *error, size_t size)
{
	char data[REPLY_MAX + 1];
	struct reply reply;
	int r = read_all(fd, &reply, sizeof(reply));

	if (r < 0)
		return r;
	if (be64toh(reply.magic) != REPLY_MAGIC || be32toh(reply.length) > REPLY_MAX)
		return -EPROTO;
	r = read_all(fd, data, be32toh(reply.length));
	if (r < 0)
		return r;
	data[be32toh(reply.length)] = '\0';
	if (be32toh(reply.type) & REP_ERROR) {
		(void)snprintf(error, size, "%s", data);
		return -EPROTO;
	}
	if (be32toh(reply.type) == REP_INFO)
		take_info(data, be32toh(reply.length), export);
	return be32toh(reply.type) == REP_ACK;
}

int nbd_negotiate(int fd, struct nbd_export *ret, char *error, size_t size)
{
	struct option_go go = {
		.client_flags = htobe32(FIXED_NEWSTYLE | NO_ZEROES),
		.magic = htobe64(OPTION_MAGIC),
		.option = htobe32(OPT_GO),
		.length = htobe32(8),
		.infos = htobe16(1),
		.info = htobe16(INFO_BLOCK_SIZE),
	};
	struct greeting greeting;
	int r = read_all(fd, &greeting, sizeof(greeting));

	*ret = (struct nbd_export){ .block_size = BLOCK_SIZE_MIN };
	*error = '\0';
	if (r == 0 && (be64toh(greeting.magic) != MAGIC || be64toh(greeting.option_magic) != OPTION_MAGIC ||
		       !(be16toh(greeting.flags) & FIXED_NEWSTYLE)))
		r = -EPROTO;
	if (r == 0 && send(fd, &go, sizeof(go), MSG_NOSIGNAL) != (ssize_t)sizeof(go))
		r = -errno;
	for (int i = 0; r == 0 && i < REPLIES_MAX; i++)
		r = take_reply(fd, ret, error, size);
	if (r == 1 && !ret->size)
		(void)snprintf(error, size, "the image is empty");
	if (r >= 0)
		r = r == 1 && ret->size ? 0 : -EPROTO;
	if (ret->block_size < BLOCK_SIZE_MIN)
		ret->block_size = BLOCK_SIZE_MIN;
	if (r == 0 && ret->block_size > BLOCK_SIZE_MAX) {
		(void)snprintf(error, size, "its blocks of %u bytes are larger than a page", ret->block_size);
		r = -EPROTO;
	}
	if (r < 0 && !*error)
		(void)snprintf(error, size, "%s",
			       r == -EAGAIN ? "no answer within the time" : strerror(-r)); /* SO_RCVTIMEO */
	return r;
}

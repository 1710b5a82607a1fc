/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuse-server - serve an NBD connection as a FUSE file, for kernels without nbd.
 *
 * A loop device makes a block device of the file. Requests are passed on as
 * they come, many concurrently, and no buffer is shared between them. QEMU's
 * own FUSE export reads the next request into the buffer of a write that is
 * not finished (seen with 7.2), which destroys file systems.
 *
 * When the loop device closes the file, the file system ends and the kernel
 * reports that on the FUSE descriptor.
 */
#include "fuse-server.h"
#include "fuse-answer.h"
#include "../base/cleanup.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <linux/nbd.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define MAX_ZEROES   (1U << 30) /* in one NBD request */
#define BUFFER	     (FUSE_MAX_IO + 4096)
#define WRITE_ZEROES 6 /* of the NBD protocol; linux/nbd.h lacks it */
#define SEND_ZEROES  (1 << 6)
#define NO_HOLE	     (1U << 17) /* 1 << 1 of the flags, in the upper half of the type */

/* A request that the server has not answered yet. */
struct slot {
	bool used;
	uint64_t unique; /* FUSE's identifier of it */
	uint32_t opcode, length;
	uint32_t type;		/* of zeroes that need several NBD requests: the NBD command, */
	uint64_t rest_at, rest; /* the range that remains, */
	bool ready;		/* and whether the next request can be sent */
};

struct file {
	int fuse, nbd;
	struct nbd_export export;
	struct slot slots[FUSE_SLOTS];
	size_t used, ready;
	char *request, *reply;
};

/* --- to the server --- */

static int take_reply(struct file *file);

/* Send data to the server, and receive replies concurrently: it may accept no more before they are received. */
static int send_all(struct file *file, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		struct pollfd poll_fd = { .fd = file->nbd, .events = POLLIN | POLLOUT };
		ssize_t sent;
		int r;

		if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
			return -errno;
		if (poll_fd.revents & POLLIN) {
			r = take_reply(file);
			if (r < 0)
				return r;
		}
		if (!(poll_fd.revents & ~POLLIN))
			continue;
		sent = send(file->nbd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0) {
			p += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

static int send_request(struct file *file, const struct slot *slot, uint32_t type, uint64_t at, uint32_t length,
			const void *data)
{
	uint64_t index = (uint64_t)(slot - file->slots);
	struct nbd_request request = {
		.magic = htobe32(NBD_REQUEST_MAGIC), .type = htobe32(type), .from = htobe64(at), .len = htobe32(length)
	};
	int r;

	memcpy(request.handle, &index, sizeof(request.handle));
	r = send_all(file, &request, sizeof(request));
	return r == 0 && data ? send_all(file, data, length) : r;
}

/* Take a free slot. There is one, as no more requests than slots are read from the kernel. */
static struct slot *take_slot(struct file *file, const struct fuse_in_header *header, uint32_t length)
{
	struct slot *slot = file->slots;

	while (slot->used)
		slot++;
	*slot = (struct slot){ .used = true, .unique = header->unique, .opcode = header->opcode, .length = length };
	file->used++;
	return slot;
}

static int pass_zeroes(struct file *file, struct slot *slot)
{
	uint32_t n = slot->rest > MAX_ZEROES ? MAX_ZEROES : (uint32_t)slot->rest;
	uint64_t at = slot->rest_at;

	slot->rest_at += n;
	slot->rest -= n;
	return send_request(file, slot, slot->type, at, n, NULL);
}

/* Pass on a hole as zeroes: a loop device punches holes both for discards and to write zeroes. */
static int pass_fallocate(struct file *file, const struct fuse_in_header *header)
{
	const struct fuse_fallocate_in *in = (const void *)(header + 1);
	bool hole = in->mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	struct slot *slot;

	if ((!hole && (in->mode & ~FALLOC_FL_KEEP_SIZE) != FALLOC_FL_ZERO_RANGE) ||
	    !(file->export.flags & SEND_ZEROES) || in->offset > file->export.size ||
	    in->length > file->export.size - in->offset)
		return fuse_answer(file->fuse, header->unique, -EOPNOTSUPP, NULL, 0);
	if (!in->length)
		return fuse_answer(file->fuse, header->unique, 0, NULL, 0);
	slot = take_slot(file, header, 0);
	slot->type = WRITE_ZEROES | (hole ? 0 : NO_HOLE);
	slot->rest_at = in->offset;
	slot->rest = in->length;
	return pass_zeroes(file, slot);
}

static int pass_read(struct file *file, const struct fuse_in_header *header)
{
	const struct fuse_read_in *in = (const void *)(header + 1);
	uint32_t n = in->size > FUSE_MAX_IO ? FUSE_MAX_IO : in->size;

	if (in->offset >= file->export.size)
		n = 0;
	else if (n > file->export.size - in->offset)
		n = (uint32_t)(file->export.size - in->offset);
	if (n)
		return send_request(file, take_slot(file, header, n), NBD_CMD_READ, in->offset, n, NULL);
	return fuse_answer(file->fuse, header->unique, 0, NULL, 0);
}

static int pass_write(struct file *file, const struct fuse_in_header *header)
{
	const struct fuse_write_in *in = (const void *)(header + 1);

	if (in->size > FUSE_MAX_IO || header->len < sizeof(*header) + sizeof(*in) + in->size ||
	    in->offset > file->export.size || in->size > file->export.size - in->offset)
		return fuse_answer(file->fuse, header->unique, -EIO, NULL, 0);
	return send_request(file, take_slot(file, header, in->size), NBD_CMD_WRITE, in->offset, in->size, in + 1);
}

static int pass_fsync(struct file *file, const struct fuse_in_header *header)
{
	if (file->export.flags & NBD_FLAG_SEND_FLUSH)
		return send_request(file, take_slot(file, header, 0), NBD_CMD_FLUSH, 0, 0, NULL);
	return fuse_answer(file->fuse, header->unique, 0, NULL, 0);
}

/* --- from both --- */

static int receive(int fd, void *data, size_t n)
{
	ssize_t got = recv(fd, data, n, MSG_WAITALL);

	return got == (ssize_t)n ? 0 : got < 0 ? -errno : -ECONNRESET;
}

static int take_reply(struct file *file)
{
	struct nbd_reply reply;
	struct fuse_write_out written;
	struct slot *slot;
	uint64_t index;
	int r = receive(file->nbd, &reply, sizeof(reply)), error;

	if (r < 0)
		return r;
	memcpy(&index, reply.handle, sizeof(index));
	if (be32toh(reply.magic) != NBD_REPLY_MAGIC || index >= FUSE_SLOTS || !file->slots[index].used)
		return -EPROTO;
	slot = &file->slots[index];
	error = be32toh(reply.error) > 4095 ? -EIO : -(int)be32toh(reply.error); /* the same numbers as Linux' */
	if (slot->opcode == FUSE_READ && !error) {
		r = receive(file->nbd, file->reply, slot->length);
		if (r < 0)
			return r;
	}
	/* The next one is not sent from here, as send_all() may be in the middle of another request. */
	if (slot->rest && !error) {
		slot->ready = true;
		file->ready++;
		return 0;
	}
	written = (struct fuse_write_out){ .size = slot->length };
	slot->used = false;
	file->used--;
	if (slot->opcode == FUSE_READ)
		return fuse_answer(file->fuse, slot->unique, error, file->reply, slot->length);
	return fuse_answer(file->fuse, slot->unique, error, &written, slot->opcode == FUSE_WRITE ? sizeof(written) : 0);
}

/* Send the next requests of zeroes that need several. Returns 0 or -errno. */
static int pass_rest(struct file *file)
{
	int r = 0;

	for (size_t i = 0; r == 0 && file->ready && i < FUSE_SLOTS; i++) {
		if (!file->slots[i].ready)
			continue;
		file->slots[i].ready = false;
		file->ready--;
		r = pass_zeroes(file, &file->slots[i]);
	}
	return r;
}

static int take_request(struct file *file)
{
	static const struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE };
	ssize_t n = read(file->fuse, file->request, BUFFER);
	const struct fuse_in_header *header = (const void *)file->request;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOENT ? 0 : -errno;
	if ((size_t)n < sizeof(*header))
		return -EPROTO;
	switch (header->opcode) {
	case FUSE_READ:
		return pass_read(file, header);
	case FUSE_WRITE:
		return pass_write(file, header);
	case FUSE_FSYNC:
		return pass_fsync(file, header);
	case FUSE_FALLOCATE:
		return pass_fallocate(file, header);
	case FUSE_INIT:
		return fuse_answer_init(file->fuse, header->unique, (const void *)(header + 1));
	case FUSE_GETATTR:
		return fuse_answer_attr(file->fuse, header->unique, file->export.size);
	case FUSE_STATFS:
		return fuse_answer_statfs(file->fuse, header->unique);
	case FUSE_OPEN:
		return fuse_answer(file->fuse, header->unique, 0, &opened, sizeof(opened));
	case FUSE_RELEASE:
	case FUSE_FLUSH:
	case FUSE_DESTROY:
		return fuse_answer(file->fuse, header->unique, 0, NULL, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return 0; /* these need no answer */
	default:
		return fuse_answer(file->fuse, header->unique, -ENOSYS, NULL, 0);
	}
}

int fuse_serve(int fuse, int nbd, const struct nbd_export *export)
{
	struct file file = { .fuse = fuse, .nbd = nbd, .export = *export };
	int r = 0;

	file.request = xcalloc(1, BUFFER);
	file.reply = xcalloc(1, FUSE_MAX_IO);
	while (r == 0) {
		struct pollfd fds[] = { { .fd = nbd, .events = POLLIN },
					{ .fd = fuse, .events = file.used < FUSE_SLOTS ? POLLIN : 0 } };

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			r = -errno;
		if (r == 0 && fds[0].revents)
			r = take_reply(&file);
		/* Also at the end, which has no POLLIN: then read(2) fails with ENODEV. */
		else if (r == 0 && fds[1].revents)
			r = take_request(&file);
		/* Replies received while these are sent make more of them ready. */
		while (r == 0 && file.ready)
			r = pass_rest(&file);
	}
	free(file.request);
	free(file.reply);
	return r == -ENODEV ? 0 : r;
}

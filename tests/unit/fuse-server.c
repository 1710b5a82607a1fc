/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The FUSE server between the kernel and an NBD server, both of which are this
 * test: a real server and file system rarely come to the order of events that
 * matters.
 */
#include "unit.h"

#include "qemu/fuse-server.h"

#include <endian.h>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <linux/nbd.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define GIB	     (UINT64_C(1) << 30)
#define WRITTEN	     (1U << 20)
#define WRITE_ZEROES 6
#define PAIRS	     3
#define SEND_ZEROES  (1 << 6)

static int kernel, server;
static pid_t pid;

static void begin(void)
{
	const struct nbd_export export = { .size = 8 * GIB, .block_size = 512, .flags = SEND_ZEROES };
	int fuse[2], nbd[2], size = 4 << 20;

	/* A request is one message, as on /dev/fuse. */
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fuse) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, nbd) == 0);
	CHECK(setsockopt(fuse[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)close(fuse[0]);
		(void)close(nbd[0]);
		(void)signal(SIGPIPE, SIG_IGN);
		_exit(fuse_serve(fuse[1], nbd[1], &export) != 0);
	}
	(void)close(fuse[1]);
	(void)close(nbd[1]);
	kernel = fuse[0];
	server = nbd[0];
}

/* Its exit status, once it has no server any more. */
static int end(void)
{
	int status = -1;

	(void)close(server);
	CHECK(waitpid(pid, &status, 0) == pid);
	(void)close(kernel);
	return WEXITSTATUS(status);
}

static void ask(uint32_t opcode, uint64_t unique, const void *in, size_t n, size_t data)
{
	char *message = xcalloc(1, sizeof(struct fuse_in_header) + n + data);
	const struct fuse_in_header header = { .len = (uint32_t)(sizeof(header) + n + data),
					       .opcode = opcode,
					       .unique = unique };

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), in, n);
	memset(message + sizeof(header) + n, 'w', data);
	CHECK(send(kernel, message, header.len, 0) == (ssize_t)header.len);
	free(message);
}

static void ask_zeroes(uint64_t unique, uint64_t offset, uint64_t length)
{
	const struct fuse_fallocate_in in = { .offset = offset,
					      .length = length,
					      .mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };

	ask(FUSE_FALLOCATE, unique, &in, sizeof(in), 0);
}

static void ask_write(uint64_t unique, uint64_t offset)
{
	const struct fuse_write_in in = { .offset = offset, .size = WRITTEN };

	ask(FUSE_WRITE, unique, &in, sizeof(in), WRITTEN);
}

/* The next frame at the server, its data checked; its type, or -1. */
static int take(struct nbd_request *request)
{
	static char data[WRITTEN];
	struct pollfd poll_fd = { .fd = server, .events = POLLIN };
	int type;

	if (poll(&poll_fd, 1, 5000) != 1 ||
	    recv(server, request, sizeof(*request), MSG_WAITALL) != (ssize_t)sizeof(*request) ||
	    be32toh(request->magic) != NBD_REQUEST_MAGIC)
		return -1;
	type = (int)(be32toh(request->type) & 0xffff);
	if (type == NBD_CMD_WRITE) {
		CHECK(recv(server, data, WRITTEN, MSG_WAITALL) == WRITTEN);
		for (size_t i = 0; i < WRITTEN; i++)
			if (data[i] != 'w')
				return -1;
	}
	return type;
}

static void reply(const struct nbd_request *request)
{
	struct nbd_reply answer = { .magic = htobe32(NBD_REPLY_MAGIC) };

	memcpy(answer.handle, request->handle, sizeof(answer.handle));
	CHECK(send(server, &answer, sizeof(answer), 0) == (ssize_t)sizeof(answer));
}

/* The next answer at the kernel: whose it is, or 0. */
static uint64_t answered(int error)
{
	char message[4096];
	struct fuse_out_header header;
	struct pollfd poll_fd = { .fd = kernel, .events = POLLIN };

	if (poll(&poll_fd, 1, 5000) != 1 || recv(kernel, message, sizeof(message), 0) < (ssize_t)sizeof(header))
		return 0;
	memcpy(&header, message, sizeof(header));
	CHECK(header.error == error);
	return header.unique;
}

static void zeroes_of_several_gib_are_several_requests(void)
{
	struct nbd_request request;

	begin();
	ask_zeroes(1, 4096, 3 * GIB);
	for (uint64_t i = 0; i < 3; i++) {
		CHECK(take(&request) == WRITE_ZEROES);
		CHECK(be64toh(request.from) == 4096 + i * GIB && be32toh(request.len) == GIB);
		reply(&request);
	}
	CHECK(answered(0) == 1);
	CHECK(end() == 1);
}

/* The server answers the first GiB while the frame of a write waits for room in the socket. */
static void no_request_is_sent_within_another(void)
{
	struct nbd_request zeroes, request;
	int rest = 0, writes = 0;

	begin();
	ask_zeroes(1, 0, 2 * GIB);
	CHECK(take(&zeroes) == WRITE_ZEROES);
	ask_write(2, 4 * GIB);
	usleep(100000);
	reply(&zeroes);
	usleep(100000);
	for (int i = 0; i < 2; i++) {
		int type = take(&request);

		rest += type == WRITE_ZEROES && be64toh(request.from) == GIB;
		writes += type == NBD_CMD_WRITE && be64toh(request.from) == 4 * GIB;
		if (type >= 0)
			reply(&request);
	}
	CHECK(rest == 1 && writes == 1);
	CHECK(answered(0) + answered(0) == 3);
	CHECK(end() == 1);
}

/* As many as the sockets take at a time. */
static void many_zeroes_and_writes_are_all_answered(void)
{
	struct nbd_request request;
	uint64_t sum = 0;
	int asked = 0, type;

	begin();
	for (uint64_t i = 1; i <= PAIRS; i++) {
		ask_zeroes(2 * i, 0, 2 * GIB);
		ask_write(2 * i + 1, 4 * GIB);
	}
	for (int i = 0; i < 3 * PAIRS; i++) {
		type = take(&request);
		asked += type >= 0;
		if (type < 0)
			break;
		reply(&request);
	}
	CHECK(asked == 3 * PAIRS);
	for (int i = 0; i < 2 * PAIRS; i++)
		sum += answered(0);
	CHECK(sum == 2 + 3 + 4 + 5 + 6 + 7);
	CHECK(end() == 1);
}

/* The kernel does not take the answer, nor the error that is to replace it. */
static void a_server_that_cannot_answer_ends(void)
{
	const struct fuse_getattr_in in = { 0 };
	int status = -1;

	begin();
	CHECK(shutdown(kernel, SHUT_RD) == 0);
	ask(FUSE_GETATTR, 1, &in, sizeof(in), 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	(void)close(server);
	(void)close(kernel);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(zeroes_of_several_gib_are_several_requests),
		TEST(no_request_is_sent_within_another),
		TEST(many_zeroes_and_writes_are_all_answered),
		TEST(a_server_that_cannot_answer_ends),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}

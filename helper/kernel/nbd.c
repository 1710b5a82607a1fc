/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nbd - make a block device of the connection to an NBD server.
 *
 * By netlink the kernel picks the device and connects it atomically, and no
 * process stays: NBD_CFLAG_DISCONNECT_ON_CLOSE is for nbd what autoclear is
 * for a loop device. The flag must be set after the device has been opened, or
 * the first close by a process that probes new devices would disconnect it. The
 * old ioctl interface does the same with a process that serves the device.
 */
#include "nbd.h"
#include "../base/cleanup.h"
#include "../base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/nbd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define NETLINK_ATTR_MAX 256 /* bytes of attributes in one message of ours */

/* --- generic netlink --- */

struct message {
	struct nlmsghdr header;
	struct genlmsghdr generic;
	char attrs[NETLINK_ATTR_MAX];
};

static void begin(struct message *message, uint16_t family, uint8_t command)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	message->header.nlmsg_type = family;
	message->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->generic.cmd = command;
	message->generic.version = 1;
}

/* Add an attribute of n bytes. Returns it. */
static struct nlattr *add(struct message *message, uint16_t type, const void *value, size_t n)
{
	struct nlattr *attr = (struct nlattr *)((char *)message + message->header.nlmsg_len);

	if (message->header.nlmsg_len + NLA_HDRLEN + NLA_ALIGN(n) > sizeof(*message))
		abort(); /* all attributes are of known size, the backend too */
	attr->nla_type = type;
	attr->nla_len = (uint16_t)(NLA_HDRLEN + n);
	memcpy((char *)attr + NLA_HDRLEN, value, n);
	message->header.nlmsg_len += NLA_HDRLEN + NLA_ALIGN(n);
	return attr;
}

static void add_u64(struct message *message, uint16_t type, uint64_t value)
{
	(void)add(message, type, &value, sizeof(value));
}

/* NBD_ATTR_SOCKETS { NBD_SOCK_ITEM { NBD_SOCK_FD } } */
static void add_socket(struct message *message, int fd)
{
	struct nlattr *sockets = add(message, NBD_ATTR_SOCKETS | NLA_F_NESTED, "", 0);
	struct nlattr *item = add(message, NBD_SOCK_ITEM | NLA_F_NESTED, "", 0);
	uint32_t value = (uint32_t)fd;

	(void)add(message, NBD_SOCK_FD, &value, sizeof(value));
	item->nla_len = (uint16_t)((char *)message + message->header.nlmsg_len - (char *)item);
	sockets->nla_len = (uint16_t)((char *)message + message->header.nlmsg_len - (char *)sockets);
}

/* Find an attribute in the answer. Returns its value, or NULL. */
static const void *find(const struct nlmsghdr *header, uint16_t type, size_t n)
{
	const char *p = (const char *)header + NLMSG_LENGTH(GENL_HDRLEN);
	const char *end = (const char *)header + header->nlmsg_len;

	if (header->nlmsg_len < NLMSG_LENGTH(GENL_HDRLEN))
		return NULL;
	while (end - p >= NLA_HDRLEN) {
		const struct nlattr *attr = (const struct nlattr *)p;

		if (attr->nla_len < NLA_HDRLEN || attr->nla_len > end - p)
			return NULL;
		if ((attr->nla_type & NLA_TYPE_MASK) == type && attr->nla_len >= NLA_HDRLEN + n)
			return p + NLA_HDRLEN;
		p += NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

/* Send a message, and read up to the acknowledgement; the answer before it is in `answer`. Returns 0 or -errno. */
static int transact(int fd, const struct message *message, char *answer, size_t size)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	memset(answer, 0, sizeof(struct nlmsghdr));
	if (sendto(fd, message, message->header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	for (;;) {
		char buf[4096] __attribute__((aligned(NLMSG_ALIGNTO)));
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		struct nlmsghdr *header = (struct nlmsghdr *)buf;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; NLMSG_OK(header, n); header = NLMSG_NEXT(header, n)) {
			if (header->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(header))->error;
			if (header->nlmsg_len <= size)
				memcpy(answer, header, header->nlmsg_len);
		}
	}
}

#define ANSWER(name) char name[4096] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 }

/*
 * Open a netlink socket; *ret is the family's number. Returns the socket or -errno. -ENOENT: there is no such family,
 * or one without backend identifiers (before Linux 5.14), with which our devices could not be told from others'.
 */
static int open_family(uint16_t *ret)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct message message;
	ANSWER(answer);
	const void *id, *max;
	uint32_t last = 0;
	int r;

	if (fd < 0)
		return -errno;
	begin(&message, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	(void)add(&message, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME, sizeof(NBD_GENL_FAMILY_NAME));
	r = transact(fd, &message, answer, sizeof(answer));
	id = r == 0 ? find((struct nlmsghdr *)answer, CTRL_ATTR_FAMILY_ID, sizeof(*ret)) : NULL;
	max = id ? find((struct nlmsghdr *)answer, CTRL_ATTR_MAXATTR, sizeof(last)) : NULL;
	if (max)
		memcpy(&last, max, sizeof(last));
	if (!id || last < NBD_ATTR_BACKEND_IDENTIFIER)
		return r ?: -ENOENT;
	memcpy(ret, id, sizeof(*ret));
	return TAKE_FD(fd);
}

bool nbd_has_netlink(void)
{
	uint16_t family = 0;
	_cleanup_close_ int fd = open_family(&family);

	return fd >= 0;
}

int nbd_connect(int fd, const struct nbd_export *export, const char *backend, unsigned int reconnect)
{
	uint16_t family = 0;
	_cleanup_close_ int netlink = open_family(&family);
	struct message message;
	ANSWER(answer);
	const void *index;
	uint32_t nr;
	int r;

	if (netlink < 0)
		return netlink;
	begin(&message, family, NBD_CMD_CONNECT);
	add_u64(&message, NBD_ATTR_SIZE_BYTES, export->size);
	add_u64(&message, NBD_ATTR_BLOCK_SIZE_BYTES, export->block_size);
	add_u64(&message, NBD_ATTR_SERVER_FLAGS, export->flags);
	add_u64(&message, NBD_ATTR_CLIENT_FLAGS, 0);
	if (reconnect)
		add_u64(&message, NBD_ATTR_DEAD_CONN_TIMEOUT, reconnect);
	add_socket(&message, fd);
	(void)add(&message, NBD_ATTR_BACKEND_IDENTIFIER, backend, strlen(backend) + 1);
	r = transact(netlink, &message, answer, sizeof(answer));
	index = r == 0 ? find((struct nlmsghdr *)answer, NBD_ATTR_INDEX, sizeof(nr)) : NULL;
	if (!index)
		return r ?: -EPROTO;
	memcpy(&nr, index, sizeof(nr));
	return (int)nr;
}

/* Reconfigure the device: set the flag, and with fd >= 0 a new connection. Returns 0 or -errno. */
static int reconfigure(int nr, const char *backend, int fd)
{
	uint16_t family = 0;
	_cleanup_close_ int netlink = open_family(&family);
	uint32_t index = (uint32_t)nr;
	struct message message;
	ANSWER(answer);

	if (netlink < 0)
		return netlink;
	begin(&message, family, NBD_CMD_RECONFIGURE);
	(void)add(&message, NBD_ATTR_INDEX, &index, sizeof(index));
	(void)add(&message, NBD_ATTR_BACKEND_IDENTIFIER, backend, strlen(backend) + 1);
	add_u64(&message, NBD_ATTR_CLIENT_FLAGS, NBD_CFLAG_DISCONNECT_ON_CLOSE);
	if (fd >= 0)
		add_socket(&message, fd);
	return transact(netlink, &message, answer, sizeof(answer));
}

int nbd_arm(int nr, const char *backend)
{
	return reconfigure(nr, backend, -1);
}

int nbd_reconnect(int nr, const char *backend, int fd)
{
	return reconfigure(nr, backend, fd);
}

int nbd_cut(int nr, const char *backend)
{
	uint16_t family = 0;
	_cleanup_close_ int netlink = open_family(&family);
	uint32_t index = (uint32_t)nr;
	struct message message;
	ANSWER(answer);
	int found;

	if (netlink < 0)
		return netlink;
	found = nbd_find(backend);
	if (found != nr)
		return found >= 0 || found == -ENOENT ? 0 : found;
	begin(&message, family, NBD_CMD_DISCONNECT);
	(void)add(&message, NBD_ATTR_INDEX, &index, sizeof(index));
	return transact(netlink, &message, answer, sizeof(answer));
}

/* --- devices --- */

char *nbd_node(int nr)
{
	return xasprintf("/dev/nbd%d", nr);
}

int nbd_is_connected(int nr)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "/sys/block/nbd%d/pid", nr);
	return access(path, F_OK) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
}

/* Test whether the device is connected, and its attribute in sysfs is this text. Returns 1, 0 or -errno. */
static int has_attribute(int nr, const char *attribute, const char *wanted)
{
	_cleanup_free_ char *path = xasprintf("/sys/block/nbd%d/%s", nr, attribute);
	char text[256];
	ssize_t n = text_begin(path, text, sizeof(text));

	if (n < 0)
		return n == -ENOENT || n == -ENODEV ? 0 : (int)n; /* ENODEV: it is being removed */
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, wanted) == 0 ? nbd_is_connected(nr) : 0;
}

int nbd_is_ready(int nr, unsigned long long size)
{
	_cleanup_free_ char *wanted = xasprintf("%llu", size / 512);

	return has_attribute(nr, "size", wanted);
}

int nbd_find(const char *backend)
{
	const char *pid = strncmp(backend, NBD_BY_PID, strlen(NBD_BY_PID)) == 0 ? backend + strlen(NBD_BY_PID) : NULL;
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int r = 0, nr = -1;

	if (!dir)
		return -errno;
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		if (sscanf(entry->d_name, "nbd%d", &nr) == 1)
			r = has_attribute(nr, pid ? "pid" : "backend", pid ?: backend);
	if (r == 0)
		r = -errno;
	(void)closedir(dir);
	return r > 0 ? nr : r ?: -ENOENT;
}

int nbd_disconnect_idle(int nr, const char *backend)
{
	_cleanup_free_ char *node = nbd_node(nr);
	_cleanup_close_ int fd = open(node, O_RDONLY | O_EXCL | O_CLOEXEC);
	int found;

	if (fd < 0)
		return -errno;
	/* No other process can use the device while we have it open exclusively. */
	found = nbd_find(backend);
	if (found != nr)
		return found >= 0 || found == -ENOENT ? 0 : found;
	/* NBD_CLEAR_SOCK also removes the leftover connection of a netlink device. */
	(void)ioctl(fd, NBD_DISCONNECT);
	(void)ioctl(fd, NBD_CLEAR_SOCK);
	return 0;
}

/* Bind the connection to the first free device: NBD_SET_SOCK gives EBUSY for one in use. Returns the open device or
 * -errno. */
static int bind_first(int fd, int *ret_nr)
{
	for (int nr = 0;; nr++) {
		_cleanup_free_ char *node = nbd_node(nr);
		_cleanup_close_ int device = -EBADF;

		if (nbd_is_connected(nr) == 1)
			continue;
		device = open(node, O_RDWR | O_CLOEXEC);
		if (device < 0)
			return errno == ENOENT || errno == ENXIO ? -EBUSY : -errno;
		if (ioctl(device, NBD_SET_SOCK, fd) == 0) {
			*ret_nr = nr;
			return TAKE_FD(device);
		}
		if (errno != EBUSY && errno != EINVAL)
			return -errno;
	}
}

int nbd_serve(int fd, const struct nbd_export *export, int tell)
{
	int nr;
	_cleanup_close_ int device = bind_first(fd, &nr);

	if (device < 0)
		return device;
	if (ioctl(device, NBD_SET_BLKSIZE, (unsigned long)export->block_size) < 0 ||
	    ioctl(device, NBD_SET_SIZE_BLOCKS, (unsigned long)(export->size / export->block_size)) < 0 ||
	    ioctl(device, NBD_SET_FLAGS, (unsigned long)export->flags) < 0 ||
	    write(tell, &nr, sizeof(nr)) != (ssize_t)sizeof(nr))
		return -errno;
	(void)close(tell);
	if (ioctl(device, NBD_DO_IT) < 0 && errno != EPIPE)
		return -errno;
	(void)ioctl(device, NBD_CLEAR_QUE);
	(void)ioctl(device, NBD_CLEAR_SOCK);
	return 0;
}

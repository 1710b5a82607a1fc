/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * running - whether a container that others are to stand on runs, told by its
 * monitor's command socket (lxc_make_abstract_socket_name() in LXC's
 * commands.c).
 */
#include "running.h"
#include "../base/bytes.h"
#include "../base/cleanup.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

int base_is_running(const char *lxcpath, const char *name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_free_ char *path = xasprintf("%s/%s", lxcpath, name), *text = xasprintf("%s/command", path);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (fd < 0)
		return -errno;
	if (strlen(text) >= sizeof(address.sun_path) - 1) {
		free(text);
		/* As LXC does with a path that is too long. */
		text = xasprintf("lxc/%016llx/command", (unsigned long long)fnv1a(FNV1A_START, path, strlen(path)));
	}
	/* An abstract name: its first byte is 0, and no byte ends it. */
	memcpy(address.sun_path + 1, text, strlen(text));
	if (connect(fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text))) == 0)
		return 1;
	if (errno == ECONNREFUSED)
		return 0;
	return errno == EAGAIN ? 1 : -errno; /* it has no time for us, but is there */
}

int base_container_runs(const struct container *container)
{
	_cleanup_free_ char *lxcpath = container_called(container);
	char *slash = strrchr(lxcpath, '/');

	if (!slash)
		return 0;
	*slash = '\0';
	return base_is_running(lxcpath, container->name);
}

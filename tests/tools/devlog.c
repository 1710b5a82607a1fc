/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * devlog PATH - be the syslog socket PATH, and print each message as a line, until killed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char message[8192];
	ssize_t n;

	if (argc != 2 || fd < 0 || strlen(argv[1]) >= sizeof(address.sun_path))
		return 2;
	(void)strcpy(address.sun_path, argv[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	while ((n = recv(fd, message, sizeof(message), 0)) >= 0) {
		printf("%.*s\n", (int)n, message);
		(void)fflush(stdout);
	}
	return 1;
}

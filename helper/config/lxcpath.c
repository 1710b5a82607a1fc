/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxcpath - the directory in which LXC looks for containers.
 */
#include "lxcpath.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/text.h"

#include <stdbool.h>

char *lxcpath_default(void)
{
	FILE *f = fopen(LXC_GLOBAL_CONF, "re");
	char *line = NULL, *found = NULL;
	bool read = f || errno == ENOENT || errno == ENOTDIR;
	size_t size = 0;

	while (f && (errno = 0, getline(&line, &size, f) >= 0)) {
		char *value = strchr(line, '=');

		if (!value)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\r\n")] = '\0';
		if (strcmp(text_trim(line), "lxc.lxcpath") == 0) {
			free(found);
			found = xstrdup(text_trim(value));
		}
	}
	read = read && !(f && ferror(f));
	if (!read) {
		(void)log_errno(-(errno ?: EIO), "read '%s'", LXC_GLOBAL_CONF);
		_exit(EXIT_FAILURE);
	}
	free(line);
	if (f)
		(void)fclose(f);
	return found && *found ? found : (free(found), xstrdup(LXC_DEFAULT_PATH));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * policy - the files and servers that images may refer to.
 *
 * An image's header names files, and its author may have no permission to read
 * them. So the host's administrator allows them in LXC's etc directory; the
 * container's config cannot.
 */
#include "policy.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../base/log.h"
#include "../base/path.h"

static int add_text(char ***list, size_t *n, const char *value)
{
	char **slot = array_grow(list, n, sizeof(**list));

	*slot = xstrdup(value);
	return 0;
}

static int take(struct conf_reader *reader, const char *key, const char *value)
{
	struct policy *policy = reader->arg;

	if (strcmp(key, "bdev.policy.backing") == 0 && *value == '/') {
		char **slot = ARRAY_ADD(policy->dirs, policy->ndirs);

		*slot = path_absolute("/", value);
		return 0;
	}
	/* Do not print the value, which may contain a password. */
	if (strcmp(key, "bdev.policy.uri") == 0 && policy_uri_fault(value))
		return log_refuse(-EMALFORMED, "%s:%u: %s: %s", reader->file, reader->line, key,
				  policy_uri_fault(value));
	if (strcmp(key, "bdev.policy.uri") == 0)
		return add_text(&policy->uris, &policy->nuris, value);
	if (strcmp(key, "bdev.policy.data-file") == 0 && (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)) {
		policy->data_file = *value == 'y';
		return 0;
	}
	return log_refuse(-EMALFORMED,
			  "%s:%u: %s: unknown key or invalid value '%s'; use bdev.policy.backing = /DIRECTORY, "
			  "bdev.policy.uri = SCHEME:... or bdev.policy.data-file = yes|no",
			  reader->file, reader->line, key, value);
}

int policy_read(struct policy *ret)
{
	struct conf_reader reader = { .file = LXC_POLICY, .take = take, .arg = ret };

	*ret = (struct policy){ 0 };
	return access(LXC_POLICY, F_OK) < 0 && errno == ENOENT ? 0 : conf_each(&reader);
}

void policy_clear(struct policy *policy)
{
	for (size_t i = 0; i < policy->ndirs; i++)
		free(policy->dirs[i]);
	for (size_t i = 0; i < policy->nuris; i++)
		free(policy->uris[i]);
	free(policy->dirs);
	free(policy->uris);
	*policy = (struct policy){ 0 };
}

bool policy_allows_file(const struct policy *policy, const char *path, const char *own)
{
	if (path_below(path, own))
		return true;
	for (size_t i = 0; i < policy->ndirs; i++)
		if (path_below(path, policy->dirs[i]))
			return true;
	return false;
}

bool policy_allows_uri(const struct policy *policy, const char *uri)
{
	for (size_t i = 0; i < policy->nuris; i++)
		if (policy_uri_matches(policy->uris[i], uri))
			return true;
	return false;
}

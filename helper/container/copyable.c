/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* copyable - check whether a container can be copied. */
#include "copyable.h"
#include "../record/uses.h"
#include "start-plan.h"
#include "../base/cleanup.h"
#include "../stack/clone.h"
#include "../base/log.h"

int copyable_now(const struct container *source)
{
	_cleanup_free_ char *writer = NULL;
	int r = container_check_whole(source->dir);

	(void)uses_container(source->dir, CLAIM_WRITE, NULL, &writer);
	if (r == 0 && writer)
		r = log_refuse(-EBUSY, "cannot copy '%s': %s runs and writes to it; stop it first", source->dir,
			       writer);
	return r;
}

int copyable_apart(const struct container *source, const struct stack *stack, const char *name)
{
	struct plan plan = { .dirfd = -EBADF };
	struct conf conf = { 0 };
	bool shared = false;
	int r;

	for (size_t i = 0; i < stack->n; i++)
		shared |= !stack->specs[i].readonly && !clone_owns(&stack->specs[i]);
	if (!shared)
		return 0;
	r = conf_read(source->config, &conf);
	if (r == 0)
		r = container_plan(source, &conf, NULL, &plan);
	for (size_t i = 0; r == 0 && i < plan.nwriters; i++) {
		const struct spec *writer = &plan.stack.specs[plan.writers[i]];

		if (!clone_owns(writer))
			r = spec_refuse(writer, -EINVAL,
					"cannot clone: '%s' and its source would both write to it; make it read-only "
					"below an overlay, or name it by a relative path, to be copied",
					name);
	}
	container_plan_close(&plan);
	conf_clear(&conf);
	return r;
}

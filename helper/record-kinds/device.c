/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* device - the way an image is served, and its block device; for `status` alone. */
#include "device.h"
#include "../base/cleanup.h"
#include "../record/show.h"

struct device_record {
	char *text;
};

int device_record(struct journal *journal, const char *node)
{
	_cleanup_free_ char *copy = xstrdup(node);

	return journal_add(journal, &record_device, &(struct device_record){ copy });
}

int device_record_transport(struct journal *journal, const char *transport)
{
	_cleanup_free_ char *copy = xstrdup(transport);

	return journal_add(journal, &record_transport, &(struct device_record){ copy });
}

static void device_show(const void *fields, struct shown *shown)
{
	shown->step->device = ((const struct device_record *)fields)->text;
}

static void transport_show(const void *fields, struct shown *shown)
{
	shown->step->how = ((const struct device_record *)fields)->text;
}

static const struct record_field device_fields[] = {
	{ FIELD_TEXT, offsetof(struct device_record, text), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_device = {
	.name = "device",
	.size = sizeof(struct device_record),
	.fields = device_fields,
	.show = device_show,
};

const struct record_kind record_transport = {
	.name = "transport",
	.size = sizeof(struct device_record),
	.fields = device_fields,
	.show = transport_show,
};

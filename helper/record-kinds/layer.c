/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* layer - a layer of a layer store in the stack. */
#include "layer.h"
#include "../base/cleanup.h"

struct layer_record {
	char *key;
};

int layer_record(struct journal *journal, const char *key)
{
	_cleanup_free_ char *copy = xstrdup(key);

	return journal_add(journal, &record_layer, &(struct layer_record){ copy });
}

static void layer_claim(const void *fields, struct claim *ret)
{
	const struct layer_record *layer = fields;

	*ret = (struct claim){ .object = CLAIM_LAYER, .mode = CLAIM_READ, .id = layer->key };
}

static const struct record_field layer_fields[] = {
	{ FIELD_TEXT, offsetof(struct layer_record, key), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_layer = {
	.name = "layer",
	.size = sizeof(struct layer_record),
	.fields = layer_fields,
	.claim = layer_claim,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* types - list the backing store types, from their table. */
#include "../stack/type.h"
#include "../command/json.h"
#include "../command/verb.h"

static void print_text(void)
{
	for (size_t i = 0; i < bdev_ntypes; i++) {
		const struct bdev_type *type = bdev_types[i];

		printf("%s:%s\t%s\n", type->name, type->source, type->summary);
		for (const struct bdev_option *o = type->options; o && o->name; o++)
			printf("\t%s%s%s\t%s\n", o->name, o->value ? "=" : "", o->value ?: "", o->summary);
	}
	printf("any type\n\tro\tread-only\n");
}

static struct json_object *type_json(const struct bdev_type *type)
{
	struct json_object *object = json_object_new_object(), *options = json_object_new_array();

	for (const struct bdev_option *o = type->options; o && o->name; o++) {
		struct json_object *option = json_object_new_object();

		json_object_object_add(option, "name", json_object_new_string(o->name));
		json_object_object_add(option, "value", o->value ? json_object_new_string(o->value) : NULL);
		json_object_object_add(option, "summary", json_object_new_string(o->summary));
		json_object_array_add(options, option);
	}
	json_object_object_add(object, "type", json_object_new_string(type->name));
	json_object_object_add(object, "alias", type->alias ? json_object_new_string(type->alias) : NULL);
	json_object_object_add(object, "source", json_object_new_string(type->source));
	json_object_object_add(object, "summary", json_object_new_string(type->summary));
	json_object_object_add(object, "options", options);
	return object;
}

struct types_options {
	bool json;
};

static int run(const struct args *args)
{
	const struct types_options *options = args->options;

	if (options->json) {
		struct json_object *list = json_object_new_array();

		for (size_t i = 0; i < bdev_ntypes; i++)
			json_object_array_add(list, type_json(bdev_types[i]));
		json_print(list);
	} else {
		print_text();
	}
	return 0;
}

static const struct verb_option types_table[] = {
	OPTION_JSON(struct types_options, json),
	{ .name = NULL },
};

const struct verb verb_types = {
	.name = "types",
	.summary = "list the backing store types and their options",
	.options = types_table,
	.size = sizeof(struct types_options),
	.run = run,
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* json - the output of --json, which lxc-bdev-json(5) describes. */
#include "json.h"

#include <stdio.h>

void json_print(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

void json_add_text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

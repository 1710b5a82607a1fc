/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

/* Print an object, and free it. */
void json_print(struct json_object *object);

/* Add a string, or null. */
void json_add_text(struct json_object *object, const char *key, const char *value);

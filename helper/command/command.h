/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "verb.h"

/*
 * Run a program of verbs: prepare the process, find the verb, parse its options, run it. Returns the exit status, by
 * the rule in verb.h.
 */
int command_run(const struct program *program, int argc, char **argv);

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# For tests/guest_ends_test.sh.
echo c >/proc/sysrq-trigger

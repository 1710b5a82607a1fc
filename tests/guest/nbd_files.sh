# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034
# The test files that need nbd devices, for the guests that run them.
FILES='tests/guest/nbd_netlink_test.sh tests/guest/nbd_ioctl_test.sh tests/guest/nbd_test.sh tests/guest/nbd_lxc_test.sh
	tests/guest/clone_test.sh'
SOURCES=tests/nbd.sh

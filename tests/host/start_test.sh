#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every type on a complete LXC host: it starts, is written, reboots and stops, below AppArmor's profiles.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/host/types.sh
. "$(dirname -- "$0")/types.sh"

# Two in the profile that is generated for each container, as default.conf says; the hooks run in that of lxc-start anyway.
testEveryTypeInTheDefaultLxcpath() {
	in_default_lxcpath
	every_type
	for name in $TYPES; do
		profile="lxc-${name}_</var/lib/lxc>"
		case $name in
		nbd | overlay) ;;
		*)
			profile=lxc-container-default-cgns
			echo "lxc.apparmor.profile = $profile" >>"$LXCPATH/$name/config"
			;;
		esac
		works "$name" "$profile"
		destroyed "$name"
	done
}

# shellcheck source=/dev/null
. shunit2

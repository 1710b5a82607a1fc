# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2154
#
# host/lib.sh - what the tests share that run on a complete LXC host: see tests/guest/host-session. Source it instead of
# ../lib.sh. lxc-bdev is installed there, LXC is as its packages made it, AppArmor is enforced.

# shellcheck source=tests/lib.sh
. /run/project/tree/tests/lib.sh
LXC_BDEV=/usr/local/bin/lxc-bdev
LXC_BDEV_HOOK=/usr/local/libexec/lxc-bdev/lxc-bdev-hook
bdev_conf() { echo /usr/share/lxc/config/bdev.conf; }

# What lxc-create would have begun the config with: the distribution's default.conf.
CONTAINER_CONF=$(cat /etc/lxc/default.conf)

# by_the_clock SECONDS COMMAND... - wait for it to be true.
by_the_clock() {
	read -r _up _ </proc/uptime
	_until=$((${_up%.*} + $1))
	shift
	until "$@"; do
		read -r _up _ </proc/uptime
		[ "${_up%.*}" -lt "$_until" ] || return 1
		sleep 0.2
	done
}
# As in ../lib.sh, but by the clock: where a program takes long to start, so many tries are minutes.
eventually() { by_the_clock 30 "$@"; }

# with_predefined_profile - containers run in LXC's own profile, not in one that is generated for each: compiling that takes
# longer than all the rest of a start.
with_predefined_profile() {
	CONTAINER_CONF=$(grep -v '^lxc.apparmor' /etc/lxc/default.conf && echo 'lxc.apparmor.profile = lxc-container-default-cgns')
}

# What AppArmor denied to the hooks, to their servers, or to LXC in its own profile.
denied() {
	dmesg | grep 'apparmor="DENIED"' | grep -e 'comm="lxc-bdev"' -e 'comm="lxc-bdev-hook"' -e 'comm="bdev-' -e 'comm="qemu-' -e 'profile="/usr/bin/lxc-start"'
}
# Without a blank: LXC's own lxc-attach cuts a generated profile's name there.
setUpEach() {
	LXCPATH=$HERE/lxc
	mkdir -p "$LXCPATH"
	denied >"$SCRATCH/denied"
}
assert_nothing_denied() {
	assertEquals 'denied by AppArmor' '' "$(denied | diff "$SCRATCH/denied" - | sed -n 's/^> //p')"
}
tearDownEach() { assert_nothing_denied; }

# in_default_lxcpath - the containers of this test are in /var/lib/lxc, where the distribution has them.
in_default_lxcpath() { LXCPATH=/var/lib/lxc; }

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# AppArmor's profiles: those that the hooks leave, that they cannot leave, and that nested containers run in.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"

# Denials are what some of these tests are about.
tearDownEach() { profile_as_installed; }

PROFILE=/etc/apparmor.d/usr.bin.lxc-start
RULES=/etc/apparmor.d/abstractions/lxc/start-container

# The profile of lxc-start without the rule that lets hooks leave it.
profile_without_the_way_out() {
	mkdir -p "$SCRATCH/profile/abstractions"
	cp -a /etc/apparmor.d/. "$SCRATCH/profile/"
	sed -i '/change_profile.*unconfined/d' "$SCRATCH/profile/abstractions/lxc/start-container"
	apparmor_parser -r -K -I "$SCRATCH/profile" "$SCRATCH/profile/usr.bin.lxc-start"
}
profile_as_installed() { apparmor_parser -r "$PROFILE"; }

testLxcStartIsConfined() {
	assertContains "$(cat /sys/kernel/security/apparmor/profiles)" '/usr/bin/lxc-start (enforce)'
	assertContains "$(cat "$RULES")" 'change_profile -> unconfined,'
}

testAProfileThatCannotBeLeftIsNamedByTheStartAndBeforeItByPlan() {
	make_image root.img ext4 32
	container c1 "loop:$HERE/root.img,ro" overlay:delta
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	assertEquals 'nothing to say' '' "$err"
	profile_without_the_way_out
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	assert_one_line /usr/bin/lxc-start 'change_profile -> unconfined,'
	start c1
	assertNotEquals 'it does not start' 0 "$status"
	line=$(our_lines c1 pre-start)
	assertContains "$line" "profile '/usr/bin/lxc-start'"
	assertContains "$line" "add the rule 'change_profile -> unconfined,'"
	assertEquals "one line: $line" 1 "$(printf '%s\n' "$line" | wc -l)"
	assert_nothing_left
	profile_as_installed
	start c1
	assert_status 0
	stop c1
	assert_nothing_left
}

# A container whose root is this host's own, so that it has LXC and lxc-bdev; in it another container.
testAContainerNestedInTheProfileForNesting() {
	container outer dir:/,ro overlay:delta
	{
		echo 'lxc.include = /usr/share/lxc/config/common.conf'
		echo 'lxc.include = /usr/share/lxc/config/nesting.conf'
		echo 'lxc.init.cmd = /bin/busybox sleep 100000'
		echo 'lxc.mount.entry = tmpfs run tmpfs rw,mode=0755 0 0'
	} >>"$LXCPATH/outer/config"
	mkdir -p "$LXCPATH/outer/delta/srv"
	cp -a "$(shared_root)" "$LXCPATH/outer/delta/srv/inner"
	start outer
	assert_status 0
	inside outer /bin/sh -c '
		cat /proc/self/attr/apparmor/current
		mkdir -p /var/lib/lxc/inner/rootfs
		{
			echo "lxc.include = /usr/share/lxc/config/bdev.conf"
			echo "lxc.rootfs.path = dir:/var/lib/lxc/inner/rootfs"
			echo "lxc.net.0.type = empty"
			echo "lxc.apparmor.profile = unchanged"
			echo "bdev.rootfs = dir:/srv/inner,ro"
			echo "bdev.rootfs = tmpfs:.,size=8m"
			echo "bdev.rootfs = overlay:delta"
		} >/var/lib/lxc/inner/config
		lxc-start -n inner -l DEBUG -o /root/log || { cat /root/log; exit 1; }
		lxc-attach -n inner -- /bin/cat /etc/marker
		lxc-stop -n inner -k'
	assertEquals "nested; $out; $err" 0 "$status"
	assertContains "$out" base
	assertContains "$out" 'lxc-container-default-with-nesting'
	stop outer
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2

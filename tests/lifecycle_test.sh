#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A container's life through LXC's own tools: start, reboot, stop, start again.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

tearDownEach() { [ -z "${sleeper-}" ] || kill "$sleeper" 2>/dev/null; }

# --- each kind of root, and stacks of them ---

testContainerRunsFromImageBelowTmpfsBelowOverlay() {
	container c1 loop:base.img,ro tmpfs:.,size=16m overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	before=$(md5sum <"$LXCPATH/c1/base.img")
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new && cat /root/new /etc/marker'
	assertEquals 'written
base' "$out"
	stop c1
	assertEquals 'the image' "$before" "$(md5sum <"$LXCPATH/c1/base.img")"
	assertFalse 'the upper was on the tmpfs alone' '[ -e "$LXCPATH/c1/delta0" ]'
	assert_nothing_left
}

testWhatIsWrittenToADirSurvivesRebootAndStop() {
	container c1 dir:root
	cp -a "$(shared_root)" "$LXCPATH/c1/root"
	assert_writes_survive_reboot_and_stop
	assertEquals 'in the directory itself' written "$(cat "$LXCPATH/c1/root/root/new")"
}

testWhatIsWrittenToAnImageSurvivesRebootAndStop() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	assert_writes_survive_reboot_and_stop
}

testWhatIsWrittenToAnUpperOnDiskSurvivesRebootAndStop() {
	container c1 loop:base.img,ro overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	assert_writes_survive_reboot_and_stop
	assertEquals 'in the upper' written "$(cat "$LXCPATH/c1/delta0/root/new")"
}

# Write, reboot, stop, start; the container is c1, and still runs at the end of no test.
assert_writes_survive_reboot_and_stop() {
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new'
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals 'after the reboot' written "$out"
	stop c1
	assert_nothing_left
	start c1
	inside c1 /bin/cat /root/new
	assertEquals 'after stop and start' written "$out"
	stop c1
	assert_nothing_left
}

testContainerOnAReadOnlyRootCannotWrite() {
	container c1 loop:root.img,ro
	make_image "$LXCPATH/c1/root.img" squashfs
	start c1
	assert_status 0
	inside c1 /bin/touch /root/new
	assertContains "$err" 'Read-only file system'
}

testStackOfImagesAndDirsShowsAllOfThem() {
	mkdir -p shared/etc extra/etc
	echo shared >shared/etc/of-the-directory
	echo extra >extra/etc/of-the-second-image
	container c1 loop:base.img,ro "loop:$HERE/extra.img" "dir:$HERE/shared,ro" tmpfs:. overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	make_image "$HERE/extra.img" squashfs 1 extra
	start c1
	assert_status 0
	assertEquals 'while it runs, loop devices' 2 "$(loops)"
	inside c1 /bin/cat /etc/marker /etc/of-the-directory /etc/of-the-second-image
	assertEquals 'base
shared
extra' "$out"
	stop c1
	assert_nothing_left
}

# --- tmpfs ---

testWhatWasWrittenToTheTmpfsSurvivesAReboot() {
	tmpfs_container size=16m
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new'
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals written "$out"
	assertTrue 'rebooted again' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals written "$out"
}

testWhatWasWrittenToTheTmpfsIsGoneAfterAStop() {
	tmpfs_container size=16m
	start c1
	inside c1 /bin/sh -c 'echo written >/root/new'
	assert_status 0
	stop c1
	start c1
	inside c1 /bin/ls /root
	assertEquals '' "$out"
}

testTmpfsWithKeepNoIsFreshAtReboot() {
	tmpfs_container keep=no
	start c1
	inside c1 /bin/sh -c 'echo written >/root/new'
	assert_status 0
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/ls /root
	assertEquals '' "$out"
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

testManyRebootsPileUpNothing() {
	tmpfs_container keep=no
	start c1
	mounts=$(monitor_mounts c1)
	for _ in 1 2 3 4 5; do
		assertTrue 'rebooted' 'reboot c1'
	done
	assertEquals 'mounts in the monitor' "$mounts" "$(monitor_mounts c1)"
	assertEquals 'loop devices' 1 "$(loops)"
}

testContainerCannotWriteMoreThanTheTmpfsHolds() {
	tmpfs_container size=2m
	start c1
	inside c1 /bin/dd if=/dev/zero of=/root/big bs=65536 count=64
	assertContains "$err" 'No space left on device'
	inside c1 /bin/ls -l /root/big
	# shellcheck disable=SC2086
	set -- $out
	assertTrue "it holds at most 2 MiB, not $5" "[ $5 -le 2097152 ] && [ $5 -gt 1000000 ]"
}

# tmpfs_container OPTION - c1, whose upper is on a tmpfs.
tmpfs_container() {
	container c1 loop:base.img,ro "tmpfs:.,$1" overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
}

monitor_mounts() { wc -l <"/proc/$(monitor_pid "$1")/mountinfo"; }

# --- ways to start ---

testContainerRunsInTheForeground() {
	tmpfs_container size=16m
	start_in_foreground "$LXCPATH" c1
	assertTrue 'it runs' 'eventually is_running c1'
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

testRelativeLxcpathWorksInTheForeground() {
	tmpfs_container size=16m
	# LXC cannot do it as a daemon: it changes to / before it opens the path.
	cd "$HERE" || return
	start_in_foreground 'lxc path' c1
	assertTrue 'it runs' 'eventually lxc_is_running_relative'
	run lxc-attach -P 'lxc path' -n c1 --clear-env -- /bin/cat /etc/marker
	assertEquals base "$out"
	lxc-stop -P 'lxc path' -n c1 -k
	assert_nothing_left
}
lxc_is_running_relative() { [ "$(lxc-info -P 'lxc path' -n c1 -sH 2>/dev/null)" = RUNNING ]; }

# start_in_foreground LXCPATH NAME [OPTION...] - ... of a shell's background.
start_in_foreground() {
	_path=$1 _name=$2
	shift 2
	echo "$_name" >>"$SCRATCH/started"
	lxc-start -F -P "$_path" -n "$_name" "$@" </dev/null >/dev/null 2>&1 &
	sleeper=$!
}

testExecuteRunsACommandInTheStack() {
	tmpfs_container size=16m
	run lxc-execute -P "$LXCPATH" -n c1 -- /bin/sh -c 'echo more >>/etc/marker; cat /etc/marker'
	assert_status 0
	assertEquals 'base
more' "$out"
	assert_nothing_left
}

testContainerOfAConfigElsewhereHasItsRelativePathsThere() {
	tmpfs_container size=16m
	mkdir 'else where'
	mv "$LXCPATH/c1/config" 'else where/my.conf'
	mv "$LXCPATH/c1/base.img" 'else where/base.img'
	start c1 -f "$HERE/else where/my.conf"
	assert_status 0
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	assertTrue 'rebooted' 'reboot c1'
	stop c1
	assert_nothing_left
	start_in_foreground "$LXCPATH" c1 -f 'else where/my.conf'
	assertTrue 'it runs, of a relative path in the foreground' 'eventually is_running c1'
	stop c1
	assert_nothing_left
}

testRelativeConfigOfADaemonIsRefusedInOneLine() {
	tmpfs_container size=16m
	mv "$LXCPATH/c1/config" my.conf
	start c1 -f my.conf
	assertNotEquals 0 "$status"
	# Once more of post-stop, which LXC runs after it.
	assertContains "$(our_lines c1 pre-start)" 'my.conf'
	assertContains "$(our_lines c1 pre-start)" 'needs an absolute path, or -F'
	assert_nothing_left
}

testEphemeralContainerIsGoneAfterItsStop() {
	make_image "$HERE/base.img" ext4
	before=$(md5sum <"$HERE/base.img")
	container c1 "loop:$HERE/base.img,ro" overlay:delta0
	echo 'lxc.ephemeral = 1' >>"$LXCPATH/c1/config"
	start c1
	assert_status 0
	inside c1 /bin/touch /root/new
	assertTrue 'rebooted' 'reboot c1'
	assertTrue 'a reboot is no end' '[ -e "$LXCPATH/c1/delta0/root/new" ]'
	stop c1
	assertFalse 'its directory is gone' '[ -e "$LXCPATH/c1" ]'
	assertEquals 'an image outside of it is not' "$before" "$(md5sum <"$HERE/base.img")"
	assert_nothing_left
}

testNamesMayHaveBlanks() { assert_name_works 'my  first box'; }

# With version 0, LXC hands a name to sh unquoted.
testNamesMayHaveShellSyntaxWithHooksOfVersion1() {
	assert_name_works "it's \$HOME \"x\"; touch pwned \`touch pwned\` & * ä" 'lxc.hook.version = 1'
}

assert_name_works() { # NAME [LINE]
	container "$1" loop:base.img,ro tmpfs:. 'overlay:the\ delta'
	printf '%s\n' "${2-}" >>"$LXCPATH/$1/config"
	make_image "$LXCPATH/$1/base.img" ext4
	start "$1"
	assert_status 0
	inside "$1" /bin/cat /etc/marker
	assertEquals base "$out"
	assertTrue 'rebooted' "reboot '$(printf '%s' "$1" | sed "s/'/'\\\\''/g")'"
	stop "$1"
	assertEquals 'nothing of the name was run' '' "$(find / "$HERE" -xdev -maxdepth 2 -name pwned)"
	assert_nothing_left
}

# --- one start after another ---

testStartAtOnceAfterStopIsNeverRefused() {
	container c1 loop:root.img overlay:delta0
	make_image "$LXCPATH/c1/root.img" ext4
	for i in $(seq 20); do
		start c1
		assertEquals "start $i: $err" 0 "$status"
		stop c1
	done
	assert_nothing_left
}

testStartAtOnceAfterSelfPoweroffIsNeverRefused() {
	container c1 loop:root.img overlay:delta0
	make_image "$LXCPATH/c1/root.img" ext4
	for i in $(seq 20); do
		start c1
		assertEquals "start $i: $err" 0 "$status"
		# LXC shows it as stopped before post-stop has run.
		power_off c1
	done
	assert_nothing_left
}

power_off() {
	lxc-attach -P "$LXCPATH" -n "$1" -- /bin/busybox poweroff -f >/dev/null 2>&1
	eventually is_stopped "$1"
}

testStartWaitsForAPostStopThatStillRuns() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	# Before ours, so that the image is not released yet; it ends when somebody waits for it.
	cat >post-stop <<-EOF
		touch '$HERE/stopping'
		i=0
		until grep -q 'waiting for the monitor of its last run' '$LXCPATH/c1.log' ; do
			[ \$((i += 1)) -lt 400 ] || { touch '$HERE/in vain' && break; }
			sleep 0.05
		done
		touch '$HERE/released'
	EOF
	sed -i "1i lxc.hook.post-stop = sh '$HERE/post-stop'" "$LXCPATH/c1/config"
	# LXC itself may ask the monitor that runs this hook, and is not answered before its end: then our hook comes too late.
	for _try in 1 2 3; do
		rm -f stopping released 'in vain'
		start c1
		assert_status 0
		power_off c1
		eventually test -e stopping
		start c1
		assert_status 0
		[ -e 'in vain' ] || break
		stop c1
	done
	assertTrue 'after the post-stop' '[ -e released ]'
	assertContains "$(our_lines c1 pre-start)" 'waiting for the monitor of its last run'
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	sleep 0.2
	assertTrue 'the old post-stop leaves the new run alone' 'is_running c1 && [ "$(loops)" = 1 ]'
}

testStartDoesNotWaitForAPostStopThatHasReleased() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	cat >post-stop <<-EOF
		i=0
		until [ -e '$HERE/started' ] || [ \$((i += 1)) -gt 400 ]; do sleep 0.05; done
		touch '$HERE/stopped'
	EOF
	echo "lxc.hook.post-stop = sh '$HERE/post-stop'" >>"$LXCPATH/c1/config"
	start c1
	power_off c1
	start c1
	assert_status 0
	assertFalse 'before the old monitor has finished' '[ -e stopped ]'
	touch started
	# Its last hook ends while the new run is up.
	eventually test -e stopped
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	assertEquals 'loop devices' 1 "$(loops)"
}

testContainerWithAFullImageStarts() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4 8
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'dd if=/dev/zero of=/big bs=4096; dd if=/dev/zero of=/big2 bs=1; i=0; while touch /root/$i; do i=$((i + 1)); done'
	assertContains "$err" 'No space left on device'
	assertTrue 'rebooted' 'reboot c1'
	stop c1
	start c1
	assert_status 0
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
}

# --- lxc.rootfs.options ---

testOptionsThatLxcAppliesToAStackAreHonoured() {
	container c1 "dir:$(shared_root)"
	echo 'lxc.rootfs.options = ro,nosuid,noatime' >>"$LXCPATH/c1/config"
	start c1
	assert_status 0
	assertEquals 'ro,nosuid,noatime' "$(awk '$5 == "/" { print $6 }' "/proc/$(lxc info c1 -pH)/mountinfo")"
	stop c1
}

testOptionsThatWouldHaveNoEffectAreRefused() {
	for option in discard noatime,data=journal size=10m sync compress=zstd; do
		container c1 "dir:$(shared_root)"
		echo "lxc.rootfs.options = $option" >>"$LXCPATH/c1/config"
		bdev plan -P "$LXCPATH" -n c1
		assert_status 1
		assert_one_line "$LXCPATH/c1/config: lxc.rootfs.options: '${option##*,}' has no effect"
		rm -f "$LXCPATH/c1.log"
		start c1
		assert_refused c1 "lxc.rootfs.options: '${option##*,}' has no effect"
	done
}

# --- lxc.idmap ---

idmap() {
	printf 'lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n' >>"$LXCPATH/$1/config"
	# The container's root must reach its root directory; its own directory is as lxc-create makes it.
	chmod 0711 "$TMPDIR" "$SCRATCH" "$HERE" "$LXCPATH" "$LXCPATH/$1"
}

testIdmapContainerOptionMapsTheIdsOfAnImage() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	idmap c1
	echo 'lxc.rootfs.options = idmap=container' >>"$LXCPATH/c1/config"
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'touch /root/new && ls -ln /etc/marker /root/new'
	assertEquals 'files are of the ids in the image' '0 0' "$(printf '%s\n' "$out" | awk '{print $3, $4}' | sort -u)"
	assertEquals 'root is not root outside' 100000 "$(stat -c %u "/proc/$(lxc info c1 -pH)")"
	stop c1
	assert_nothing_left
	start c1
	assert_status 0
	inside c1 /bin/ls -ln /root/new
	assertEquals 'on disk it is of uid 0' 0 "$(printf '%s\n' "$out" | awk '{print $3}')"
}

testIdmapWithShiftedIdsWorksForAStackAndItsReboot() {
	cp -a "$(shared_root)" shifted
	chown -hR 100000:100000 shifted
	container c1 loop:base.img,ro tmpfs:. overlay:delta0
	make_image "$LXCPATH/c1/base.img" squashfs 64 shifted
	idmap c1
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new; ls -ln /root/new'
	assertEquals '0 0' "$(printf '%s\n' "$out" | awk '{print $3, $4}')"
	for _ in 1 2; do
		assertTrue 'rebooted' 'reboot c1'
		inside c1 /bin/cat /root/new /etc/marker
		assertEquals 'written
base' "$out"
	done
	assertEquals 'the host sees none of it' '' "$(mounts_here)"
	stop c1
	assert_nothing_left
}

testIdmapContainerOptionIsRefusedForAnOverlay() {
	tmpfs_container size=16m
	idmap c1
	echo 'lxc.rootfs.options = idmap=container' >>"$LXCPATH/c1/config"
	start c1
	assert_refused c1 'overlay:delta0' 'cannot be idmapped'
}

# LXC wants to make a file in the root, and starts nothing where it cannot, save on what is read-only.
testFullFileSystemStartsReadOnlyAndCanBeClearedFromInside() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	mkdir m
	bdev mount "loop:$LXCPATH/c1/root.img" m
	mkdir m/fill
	(i=0 && while : >"m/fill/$i"; do i=$((i + 1)); done) 2>/dev/null
	bdev umount m
	assert_status 0
	start c1
	assert_status 0
	assertContains "$(cat "$LXCPATH/c1.log")" "lxc-bdev: pre-start: 'c1': its file system is full (No space left on device)"
	inside c1 /bin/busybox rm /fill/1
	assertContains "$err" 'Read-only file system'
	inside c1 /bin/sh -c 'mount -t proc proc /proc && mount -o remount,rw,bind / && rm -r /fill'
	assert_status 0
	stop c1
	start c1
	inside c1 /bin/touch /new
	assert_status 0
}

# Root is above most quotas, but not above those of btrfs.
testRootThatIsAtItsQuotaStartsReadOnly() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" btrfs
	mkdir m
	bdev mount "loop:$LXCPATH/c1/root.img" m
	btrfs quota enable m
	assertTrue 'the limit' 'eventually btrfs qgroup limit 1M m >/dev/null 2>&1'
	dd if=/dev/zero of=m/fill bs=64k count=64 oflag=sync 2>/dev/null
	_i=0
	while [ "$_i" -lt 10000 ] && : >"m/more.$_i"; do _i=$((_i + 1)); done 2>/dev/null
	bdev umount m
	assert_status 0
	start c1
	assert_status 0
	assertContains "$(cat "$LXCPATH/c1.log")" "lxc-bdev: pre-start: 'c1': its file system is full (Disk quota exceeded)"
	inside c1 /bin/touch /new
	assertContains "$err" 'Read-only file system'
	stop c1
}

testFullTmpfsIsKeptOverAReboot() {
	container c1 loop:base.img,ro tmpfs:.,nr_inodes=30 overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	start c1
	inside c1 /bin/sh -c 'echo kept >/root/data; i=0; while : >/root/$i; do i=$((i + 1)); done; : >/root/x' 2>/dev/null
	assertNotEquals 'the inodes are used up' 0 "$status"
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/data
	assertEquals kept "$out"
	stop c1
}

testContainersOnOneWritableDirectoryStartAtOnce() {
	cp -a "$(shared_root)" tree
	for i in 1 2 3 4 5 6 7 8; do
		container "c$i" "dir:$HERE/tree"
	done
	for i in 1 2 3 4 5 6 7 8; do
		lxc-start -P "$LXCPATH" -n "c$i" &
		echo "c$i" >>"$SCRATCH/started"
	done
	wait
	for i in 1 2 3 4 5 6 7 8; do
		assertTrue "c$i runs" "eventually is_running c$i"
	done
}

testWhatIsMountedBelowADirectoryComesAlongAndIsReleased() {
	mkdir -p tree/mnt other
	cp -a "$(shared_root)/." tree/
	echo below >other/file
	bdev mount "dir:$HERE/other" tree/mnt
	assert_status 0
	for ro in '' ,ro; do
		container c1 "dir:$HERE/tree$ro"
		start c1
		assert_status 0
		inside c1 /bin/cat /mnt/file
		assertEquals below "$out"
		inside c1 /bin/touch /mnt/new
		if [ "$ro" ]; then assertNotEquals 0 "$status"; else assert_status 0; fi
		stop c1
		assertEquals 'what post-stop said' '' "$(grep -o 'lxc-bdev: post-stop.*' "$LXCPATH/c1.log")"
		assertEquals 'still mounted on the host' below "$(cat tree/mnt/file)"
	done
	bdev umount tree/mnt
	assert_status 0
}

# shellcheck source=/dev/null
. shunit2

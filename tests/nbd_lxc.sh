# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2016,SC2154 # shunit2 expands what is in single quotes; lib.sh sets the rest
#
# nbd_lxc.sh - containers on images that QEMU serves: the promises that tests/nbd_lxc_test.sh keeps through FUSE, and
# tests/guest/nbd_lxc_test.sh on nbd devices. After lib.sh. A file may have its own `ours`, `devices`
# and `left`.

# What may hang, in a kernel that waits for a server, ends a test and not all of them.
stop() { timeout 20 lxc-stop -P "$LXCPATH" -n "$1" -k; }
inside() {
	_name=$1
	shift
	run timeout 20 lxc-attach -P "$LXCPATH" -n "$_name" --clear-env -- "$@"
}

# cut_off - disconnect what is connected, mounted or not; for the file that has such devices.
cut_off() { :; }

stop_started() {
	sort -u "$SCRATCH/started" | while IFS= read -r _c; do
		is_stopped "$_c" || stop "$_c" </dev/null >/dev/null 2>&1
	done
}

tearDownEach() {
	[ -z "${foreground-}" ] || kill "$foreground" 2>/dev/null
	foreground=''
	unwrap
	# Of a test that failed, before its images go.
	nothing_left || stop_started
	nothing_left || {
		cut_off
		ours | while read -r _pid _; do
			kill -KILL "$_pid"
		done
		stop_started
	}
	[ -z "${writer-}" ] || kill "$writer" 2>/dev/null
	writer=''
	session_cgroups | xargs rmdir 2>/dev/null
}

# eventually COMMAND... - as in lib.sh, but by the clock: where a program takes long to start, 500 tries are minutes.
eventually() {
	read -r _up _ </proc/uptime
	_until=$((${_up%.*} + 10))
	until "$@"; do
		read -r _up _ </proc/uptime
		[ "${_up%.*}" -lt "$_until" ] || return 1
		sleep 0.02
	done
}

# --- images: made once in $SCRATCH, copied for each test ---

# base FORMAT - the root as ext4 in an image of that format; prints its path.
base() {
	[ -e "$SCRATCH/base.raw" ] || make_image "$SCRATCH/base.raw" ext4 16
	[ -e "$SCRATCH/base.$1" ] || qemu-img convert -f raw -O "$1" "$SCRATCH/base.raw" "$SCRATCH/base.$1"
	printf '%s\n' "$SCRATCH/base.$1"
}

# on_image NAME FORMAT [OPTIONS] - a container with a writable image of its own, $HERE/NAME.FORMAT.
on_image() {
	container "$1" "nbd:$HERE/$1.$2${3-}"
	cp --sparse=always "$(base "$2")" "$1.$2"
}

# partitioned FILE - as cloud images are: a qcow2 with partitions, the first of which holds the root.
partitioned() {
	truncate -s 20M disk.raw &&
		printf 'label: gpt\nstart=2048, size=16MiB\nsize=1MiB\n' | sfdisk -q disk.raw >/dev/null &&
		dd if="$(base raw)" of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none &&
		qemu-img convert -f raw -O qcow2 disk.raw "$1" && rm disk.raw
}

# What is in an image has been released as it should: QEMU's own check, and the file system's.
assert_clean() { # FILE FORMAT
	assert_no_error_in "$1" "$2" 0
	qemu-img convert -f "$2" -O raw "$1" check.raw
	run e2fsck -fn check.raw
	assertEquals "e2fsck of $1: $out" 0 "$status"
	rm check.raw
}

# assert_no_error_in FILE FORMAT STATUS... - qemu-img check ends with one of them; 3 is clusters that are lost, which a
# killed server may well leave, but nothing else.
assert_no_error_in() {
	_image=$1 _format=$2
	shift 2
	[ "$_format" = qcow2 ] || return 0
	run qemu-img check -f qcow2 "$_image"
	assertContains "qemu-img check of $_image, status $status: $out" " $* " " $status "
}

# --- what is connected, what runs ---

# of_the_helper - all that it started and that still runs, also of other tests, and helpers: pid and name of each.
of_the_helper() {
	for _process in /proc/[0-9]*; do
		read -r _comm 2>/dev/null <"$_process/comm" || continue
		case $_comm in
		qemu-nbd | bdev-* | lxc-bdev | lxc-bdev-hook) echo "${_process#/proc/} $_comm" ;;
		esac
	done
}
# ours - those for what is below $HERE.
ours() {
	of_the_helper | while read -r _pid _comm; do
		{ tr '\0' ' ' <"/proc/$_pid/cmdline"; ls -l "/proc/$_pid/fd"; } 2>/dev/null | grep -q -F "$HERE/" &&
			echo "$_pid $_comm"
	done
}
server() { ours | sed -n 's/ qemu-nbd$//p'; }
none_of_ours() { [ -z "$(ours)" ]; }

# A loop device on what a server exports does not show its image, so it is known by its number and use.
remember_devices() { awk -F '\t' '$1 == "loop" && NF == 5 {print $3, $4}' /run/lxc-bdev/*/journal >>"$HERE/devices" 2>/dev/null; }
devices() {
	[ ! -e "$HERE/devices" ] || sort -u "$HERE/devices" | while read -r _node _seq; do
		[ -e "/sys/block/${_node#/dev/}/loop" ] && [ "$(cat "/sys/block/${_node#/dev/}/diskseq")" = "$_seq" ] &&
			echo "$_node"
	done
}
no_devices() { [ -z "$(devices)" ]; }

left() {
	left_anywhere
	devices
	ours
}

# begin NAME [OPTION...] - start it, which works.
begin() {
	start "$@" </dev/null
	assertEquals "start of $1: $err" 0 "$status"
	remember_devices
}

assert_starts_and_stops() {
	begin c1
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

# --- a container's life ---

written_data_survives() { # FORMAT
	on_image c1 "$1"
	begin c1
	inside c1 /bin/sh -c 'echo written >/root/new'
	assertTrue 'rebooted' 'reboot c1'
	remember_devices
	inside c1 /bin/cat /root/new
	assertEquals 'after the reboot' written "$out"
	stop c1
	# At once: whatever takes the image next does not wait.
	run qemu-io -f "$1" -c 'write 0 512' "c1.$1"
	assertEquals "QEMU writes when lxc-stop has returned: $err" 0 "$status"
	assertEquals 'left when lxc-stop has returned' '' "$(left)"
	assert_clean "c1.$1" "$1"
	begin c1
	inside c1 /bin/cat /root/new
	assertEquals 'after stop and start' written "$out"
	stop c1
	assert_nothing_left
}

partition_is_never_written() {
	container c1 "nbd:$HERE/disk.qcow2:1,ro" tmpfs:.,size=16m overlay:delta0
	partitioned disk.qcow2
	before=$(sha256sum <disk.qcow2)
	begin c1
	inside c1 /bin/sh -c 'echo written >/root/new && cat /root/new /etc/marker'
	assertEquals 'written
base' "$out"
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals 'kept over a reboot' written "$out"
	stop c1
	assert_nothing_left
	assertEquals 'the image' "$before" "$(sha256sum <disk.qcow2)"
	begin c1
	inside c1 /bin/ls /root
	assertEquals 'gone at a stop' '' "$out"
}

four_share_an_image() {
	cp "$(base qcow2)" base.qcow2
	before=$(sha256sum <base.qcow2)
	for name in c1 c2 c3 c4; do
		container "$name" "nbd:$HERE/base.qcow2,ro" tmpfs:.,size=1m overlay:delta0
		begin "$name"
		inside "$name" /bin/sh -c 'echo "$0" >/root/who' "$name"
	done
	assertEquals 'one server for all' 1 "$(server | wc -l)"
	for name in c1 c4; do
		inside "$name" /bin/cat /root/who
		assertEquals 'each sees its own' "$name" "$out"
	done
	stop c1
	inside c4 /bin/busybox md5sum /bin/busybox
	assertEquals 'without the first' "$(md5sum </bin/busybox | cut -d ' ' -f 1)" "${out%% *}"
	# Nor does it matter to the others how one ends.
	kill -KILL "$(monitor_pid c2)"
	eventually is_stopped c2
	inside c4 /bin/busybox md5sum /bin/busybox
	assertEquals 'without the second' "$(md5sum </bin/busybox | cut -d ' ' -f 1)" "${out%% *}"
	begin c2
	assertEquals 'still one server' 1 "$(server | wc -l)"
	for name in c2 c3 c4; do
		stop "$name"
	done
	assert_nothing_left
	assertEquals 'the image' "$before" "$(sha256sum <base.qcow2)"
}

second_writer_is_refused() {
	on_image c1 qcow2
	container c2 "nbd:$HERE/c1.qcow2"
	begin c1
	start c2
	assertNotEquals 'the start fails' 0 "$status"
	our_lines c2 pre-start >"$SCRATCH/stderr"
	err=$(cat "$SCRATCH/stderr")
	assert_one_line "image '$HERE/c1.qcow2' is in use by container 'c1'"
	inside c1 /bin/sh -c 'echo still >/root/here && sync && cat /root/here'
	assertEquals 'the first goes on' still "$out"
	stop c1
	assert_nothing_left
	begin c2
	stop c2
	assert_nothing_left
	assert_clean c1.qcow2 qcow2
}

runs_in_the_foreground() {
	on_image c1 qcow2
	echo c1 >>"$SCRATCH/started"
	lxc-start -F -P "$LXCPATH" -n c1 </dev/null >/dev/null 2>&1 &
	foreground=$!
	assertTrue 'it runs' 'eventually is_running c1'
	remember_devices
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
	wait "$foreground"
	foreground=''
}

start_after_poweroff_is_never_refused() { # TIMES
	on_image c1 qcow2
	for i in $(seq "$1"); do
		begin c1
		inside c1 /bin/cat /root/n
		[ "$i" = 1 ] || assertEquals 'of the run before' "$((i - 1))" "$out"
		# LXC shows it as stopped before post-stop has run.
		lxc-attach -P "$LXCPATH" -n c1 --clear-env -- /bin/sh -c "echo $i >/root/n; busybox poweroff -f" >/dev/null 2>&1
		eventually is_stopped c1
	done
	begin c1
	stop c1
	assert_nothing_left
	assert_clean c1.qcow2 qcow2
}

# --- many ---

in_parallel() { # COMMAND NAME...
	_command=$1 _pids=''
	shift
	for _name; do
		$_command "$_name" >/dev/null 2>&1 &
		_pids="$_pids $!"
	done
	for _pid in $_pids; do
		wait "$_pid"
	done
}
start_quietly() { timeout 40 lxc-start -P "$LXCPATH" -n "$1" -o "$LXCPATH/$1.log" -l DEBUG </dev/null; }

sixteen_at_once() { # HOW-MANY-TO-LOOK-INTO
	mkdir images
	cp "$(base qcow2)" images/base.qcow2
	before=$(sha256sum <images/base.qcow2)
	qemu-img create -q -f qcow2 -F qcow2 -b base.qcow2 images/linked.qcow2
	# shellcheck disable=SC2046
	set -- "$1" $(seq -f c%g 16)
	look=$1
	shift
	for name; do
		container "$name" "nbd:$HERE/images/$name.qcow2"
		# In the container's namespace, before its init.
		echo 'lxc.hook.mount = echo "$LXC_NAME" >"$LXC_ROOTFS_MOUNT/root/who"; :' >>"$LXCPATH/$name/config"
		cp images/linked.qcow2 "images/$name.qcow2"
	done
	printf '%s\n' "$@" >>"$SCRATCH/started"
	in_parallel start_quietly "$@"
	remember_devices
	assertEquals 'running' 16 "$(lxc-ls -P "$LXCPATH" -1 --running | wc -l)"
	assertEquals 'servers' 16 "$(server | wc -l)"
	in_parallel stop "$@"
	assert_nothing_left
	for name; do
		assert_no_error_in "images/$name.qcow2" qcow2 0
	done
	for name in $(seq -f c%g 1 "$((16 / look))" 16); do
		assert_clean "images/$name.qcow2" qcow2
		assertEquals 'what it wrote' "$name" "$(debugfs_cat "images/$name.qcow2" root/who)"
	done
	assertEquals 'the image below' "$before" "$(sha256sum <images/base.qcow2)"
}

# debugfs_cat QCOW2 PATH
debugfs_cat() {
	qemu-img convert -f qcow2 -O raw "$1" cat.raw
	debugfs -R "cat $2" cat.raw 2>/dev/null
	rm cat.raw
}

# --- SIGKILL ---

# wrap COMMAND - run c1's pre-start helper through it.
wrap() {
	unwrap
	wrap_hook pre-start "$1"
}
unwrap() { bdev_conf >/dev/null; }

killed_monitor_leaves_nothing() {
	on_image c1 qcow2
	begin c1
	inside c1 /bin/sh -c 'echo written >/root/new && sync'
	kill -KILL "$(recorded c1 owner 4)"
	# All of these without any help of ours.
	assertTrue "a device is connected: $(devices)" 'eventually no_devices'
	assertTrue "a server runs: $(ours)" 'eventually none_of_ours'
	run qemu-io -f qcow2 -c 'write 0 512' c1.qcow2
	assertEquals "the image is free: $err" 0 "$status"
	assert_clean c1.qcow2 qcow2
	begin c1
	inside c1 /bin/cat /root/new
	assertEquals 'what was written' written "$out"
	stop c1
	assert_nothing_left
}

start_after_a_killed_monitor_works() {
	on_image c1 qcow2
	for _ in 1 2; do
		begin c1
		kill -KILL "$(recorded c1 owner 4)"
		eventually is_stopped c1
	done
	assert_starts_and_stops
	assert_clean c1.qcow2 qcow2
}

# The helper is killed at every STEP-th of its system calls, until it makes no more; post-stop clears up after it.
killed_helper_leaves_nothing() { # STEP
	on_image c1 qcow2
	n=0
	while n=$((n + $1)); do
		wrap "env LSAN_OPTIONS=detect_leaks=0 $ROOT/build/tests/tools/kill-at $n"
		start c1 </dev/null
		[ "$status" -ne 0 ] || break
		eventually nothing_left || fail "killed at call $n: $(left)"
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
	done
	assertTrue "it makes more calls than $n" "[ $n -gt 150 ]"
	stop c1
	unwrap
	assert_starts_and_stops
	assert_clean c1.qcow2 qcow2
}

killed_shell_leaves_nothing() {
	on_image c1 qcow2
	# It dies before it has become the helper.
	wrap 'env A=$(kill -KILL $$)'
	start c1
	assertNotEquals 'the start fails' 0 "$status"
	assert_nothing_left
	unwrap
	assert_starts_and_stops
}

# The hook's shell is killed while its helper goes on, beside post-stop and the monitor's end.
helper_that_outlives_its_hook_leaves_nothing() { # DELAY...
	on_image c1 qcow2
	for delay; do
		cat >wrapper <<-END
			#!/bin/sh
			{ sleep $delay; "\$@"; : >"$HERE/ended"; } >/dev/null 2>&1 &
			kill -KILL \$\$
		END
		rm -f ended
		wrap "sh '$HERE/wrapper'"
		start c1
		assertNotEquals 'the start fails' 0 "$status"
		assertTrue 'the helper has ended' 'eventually test -e ended'
		assertTrue "after $delay s, a server runs: $(ours)" 'eventually none_of_ours'
		unwrap
		assert_starts_and_stops
	done
	assert_clean c1.qcow2 qcow2
}

# write_on NAME - a process in it appends numbers to a file and syncs it after each. A number is in ./acked when that was
# said to have worked; after the first that was not, "failed".
write_on() {
	lxc-attach -P "$LXCPATH" -n "$1" --clear-env -- /bin/sh -c '
		i=0
		while i=$((i + 1)); do
			echo $i | dd of=/root/numbers oflag=append conv=notrunc,fsync 2>/dev/null || break
			echo $i
		done
		echo failed' </dev/null >acked 2>/dev/null &
	writer=$!
}
acked() { [ "$(grep -c '^[0-9]' "$HERE/acked")" -ge "$1" ]; }

# assert_numbers NAME - all numbers that were acknowledged are in its file, each once and in order.
assert_numbers() {
	wait "$writer"
	writer=''
	n=$(grep -c '^[0-9]' acked)
	inside "$1" /bin/busybox head -n "$n" /root/numbers
	assertEquals 'what was synced' "$(seq "$n")" "$out"
}

# kill_server_at_work - when it has been sent what it will not answer: the writer waits for it. Its pid is $killed.
kill_server_at_work() {
	_disk=$(recorded c1 device 2)
	_disk=$(basename -- "${_disk:-$(recorded c1 loop 2)}")
	# When the kernel looks whether a request is still to be answered; 30 s otherwise.
	echo 500 >"/sys/block/$_disk/queue/io_timeout"
	killed=$(server)
	kill -STOP "$killed"
	assertTrue 'the writer waits' 'eventually writer_waits'
	kill -KILL "$killed"
}
writer_waits() {
	_n=$(wc -l <"$HERE/acked")
	sleep 0.5
	[ "$(wc -l <"$HERE/acked")" -eq "$_n" ]
}

killed_server_is_an_error_inside() { # FORMAT
	on_image c1 "$1"
	begin c1
	write_on c1
	assertTrue 'it writes' 'eventually acked 5'
	kill_server_at_work
	assertTrue 'the writer is told' 'eventually grep -q failed acked' || return
	inside c1 /bin/busybox timeout 10 /bin/dd if=/dev/zero of=/root/more bs=4096 count=1 conv=fsync
	assertNotEquals 'and whoever comes later' 0 "$status"
	assertNotEquals "it does not wait for ever: $err" 143 "$status"
	stop c1
	assert_nothing_left
	assert_no_error_in "c1.$1" "$1" 0 3
	# The file system's own recovery.
	begin c1
	assert_numbers c1
	stop c1
	assert_nothing_left
	qemu-img check -q -r leaks -f "$1" "c1.$1" >/dev/null 2>&1
	assert_clean "c1.$1" "$1"
}

reboot_mends_a_killed_server() {
	on_image c1 qcow2
	begin c1
	write_on c1
	assertTrue 'it writes' 'eventually acked 5'
	kill_server_at_work
	assertTrue 'the writer is told' 'eventually grep -q failed acked' || return
	assertTrue 'rebooted' 'reboot c1'
	remember_devices
	assert_numbers c1
	inside c1 /bin/sh -c 'echo written >/root/new && sync'
	assert_status 0
	stop c1
	assert_nothing_left
	assert_no_error_in c1.qcow2 qcow2 0 3
}

# As soon as there is a record of c1's server, and DELAY later. Builtins only: it must be fast.
kill_recorded_server() {
	while [ ! -e "$HERE/give-up" ]; do
		for _journal in /run/lxc-bdev/c1.*/journal; do
			while IFS='	' read -r _kind _step _pid _start _name _; do
				case $_kind:$_name in
				server:qemu*)
					sleep "$1"
					kill -KILL "$_pid"
					return
					;;
				esac
			done <"$_journal"
		done 2>/dev/null
	done
}

server_killed_before_the_mount_leaves_nothing() { # DELAY...
	on_image c1 qcow2
	for delay; do
		kill_recorded_server "$delay" &
		killer=$!
		start c1
		touch give-up
		wait "$killer"
		rm give-up
		if [ "$status" -eq 0 ]; then
			stop c1
		else
			# None: it died when our part was done.
			assertTrue "after $delay s, lines: $(our_lines c1 pre-start)" '[ "$(our_lines c1 pre-start | wc -l)" -le 1 ]'
		fi
		rm "$LXCPATH/c1.log"
		assert_nothing_left
	done
	assert_starts_and_stops
	assert_no_error_in c1.qcow2 qcow2 0 3
}

# --- freezing, cgroups ---

frozen_container_has_a_working_server() {
	on_image c1 qcow2
	begin c1
	device=$(recorded c1 device 2)
	device=${device:-$(recorded c1 loop 2)}
	lxc freeze c1
	assertEquals FROZEN "$(state c1)"
	# Past all caches, so that it is the server that answers.
	assertTrue 'the device answers' "timeout 60 dd if=$device of=/dev/null bs=4096 count=4 iflag=direct status=none"
	lxc unfreeze c1
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

# The cgroups of a session that starts a container: one of version 2, and those of version 1 that kill, freeze or limit.
session_cgroups() {
	for _dir in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd /sys/fs/cgroup/freezer \
		/sys/fs/cgroup/memory /sys/fs/cgroup/pids; do
		[ ! -e "$_dir/cgroup.procs" ] || echo "$_dir/lxc-bdev-test-$$"
	done
}

server_is_in_no_cgroup_of_others() {
	on_image c1 qcow2
	session_cgroups | xargs mkdir
	echo c1 >>"$SCRATCH/started"
	(
		for dir in $(session_cgroups); do
			echo 0 >"$dir/cgroup.procs"
		done
		cat /proc/self/cgroup
		start_quietly c1
	) >of-the-starter
	assertTrue 'it runs' 'is_running c1'
	remember_devices
	assertContains "$(cat of-the-starter)" "lxc-bdev-test-$$"
	for pid in $(ours | cut -d ' ' -f 1); do
		cgroups=$(cat "/proc/$pid/cgroup")
		assertNotContains 'of who started it' "$cgroups" "lxc-bdev-test-$$"
		assertNotContains 'of LXC' "$cgroups" lxc.
	done
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
	assertTrue 'the cgroups are empty' 'session_cgroups | xargs rmdir'
}

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL of the monitor, of the helper at each of its system calls, and of a hook's shell.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

# A stack with one of each thing that could be left: a loop device, an image's lock, an upper in use.
lasting() {
	container c1 loop:root.img overlay:delta0
	make_image "$LXCPATH/c1/root.img" ext4 8
}
fleeting() {
	container c1 loop:base.img,ro tmpfs:. overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4 8
}

assert_starts_and_stops() {
	start c1
	assertEquals "start: $err" 0 "$status"
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

# bdev.conf as it should be.
unwrapped() { bdev_conf >/dev/null; }

# --- the monitor ---

# kill_monitor NAME - and wait until its container is dead, which the kernel sees to.
kill_monitor() {
	_init=$(lxc info "$1" -pH)
	kill -KILL "$(monitor_pid "$1")"
	eventually test ! -e "/proc/$_init"
}

testKilledMonitorLeavesNoDeviceMountOrProcess() {
	for stack in lasting fleeting; do
		$stack
		start c1
		assert_status 0
		assertEquals 'while it runs, loop devices' 1 "$(loops)"
		inside c1 /bin/sh -c 'echo written >/root/new'
		assertTrue 'the container is dead' 'kill_monitor c1'
		assertTrue "$stack: no loop device" 'eventually no_loops'
		assertEquals "$stack: mounts" '' "$(mounts_here)"
		assertEquals "$stack: processes" '' "$(pgrep -a -f "$LXCPATH")"
		assert_starts_and_stops
	done
}

testWhatWasWrittenBeforeTheMonitorWasKilledIsThere() {
	lasting
	start c1
	inside c1 /bin/sh -c 'echo written >/root/new && sync'
	kill_monitor c1
	start c1
	assert_status 0
	inside c1 /bin/cat /root/new
	assertEquals written "$out"
}

testStartAtOnceAfterTheMonitorWasKilledWorks() {
	lasting
	for _ in 1 2 3; do
		start c1
		assertEquals "start: $err" 0 "$status"
		# Its container takes a moment more to die and to let go of the image.
		kill -KILL "$(monitor_pid c1)"
		eventually is_stopped c1
	done
	assert_starts_and_stops
}

testDoctorListsAndClearsWhatAKilledMonitorLeft() {
	lasting
	bdev doctor
	assert_status 0
	start c1
	bdev doctor
	assert_status 0
	assertEquals 'a running container is well' '' "$out"
	kill_monitor c1
	bdev doctor
	assert_status 1
	assertEquals "container 'c1' ($LXCPATH/c1) ended without releasing its stack" "$out"
	assertNotEquals 'only listed' '' "$(left)"
	eventually no_loops
	bdev doctor --fix
	assertContains "$out" 'released'
	assert_nothing_left
	bdev doctor
	assert_status 0
	assert_starts_and_stops
}

testMonitorKilledDuringAHookLeavesNothingThatTheNextStartDoesNotClear() {
	for hook in pre-start pre-mount post-stop; do
		lasting
		cp "$LXCPATH/c1/config" config.good
		# The second hook of its type, so the helper has done its work; the parent of pre-mount is not the monitor.
		printf '%s\n' "lxc.hook.$hook = sh -c 'kill -KILL \$(pgrep -f \"^.lxc monitor. $LXCPATH c1\")'" >>"$LXCPATH/c1/config"
		start c1
		[ "$hook" != post-stop ] || stop c1
		assertTrue "$hook: stopped" 'eventually is_stopped c1'
		assertTrue "$hook: no loop device" 'eventually no_loops'
		cp config.good "$LXCPATH/c1/config"
		assert_starts_and_stops
	done
}

# held_start NAME - start it, keep its root mounted by a process of another namespace tree, and kill its monitor.
held_start() {
	start "$1"
	assert_status 0
	nsenter -t "$(lxc info "$1" -pH)" -m /bin/busybox sleep 60 &
	holder=$!
	assertTrue 'held' "eventually grep -q busybox /proc/$holder/comm"
	kill -KILL "$(monitor_pid "$1")"
	assertTrue 'stopped' "eventually is_stopped $1"
}

testUpperThatAKilledContainerStillHoldsIsNotGivenAgain() {
	container c1 "dir:$(shared_root),ro" overlay:delta0
	held_start c1
	for try in 1 2; do
		start c1
		assertNotEquals "start $try" 0 "$status"
		assertContains "$(cat "$LXCPATH/c1.log")" "upper 'delta0' is in use"
	done
	kill "$holder"
	start c1
	assert_status 0
	stop c1
}

testVolatileUpperOfAKilledContainerCanBeUsedWhenItIsFree() {
	container c1 "dir:$(shared_root),ro" overlay:delta0,volatile
	held_start c1
	start c1
	assertNotEquals 0 "$status"
	assertContains "$(cat "$LXCPATH/c1.log")" 'is still in use'
	kill "$holder"
	start c1
	assert_status 0
	stop c1
	bdev doctor
	assert_status 0
}

testMonitorThatDiedBeforeItsHookLookedIsNoMonitor() {
	lasting
	hook pre-start --monitor 1 --name c1 --config "$LXCPATH/c1/config" --rootfs "$LXCPATH/c1/rootfs"
	assert_status 1
	assert_one_line 'the monitor has died'
	assert_nothing_left
	assert_starts_and_stops
}

# --- the helper ---

# Each start makes the same calls: also those that make the upper.
fresh_upper() { rm -rf "$LXCPATH/c1/delta0" "$LXCPATH/c1/delta0.work"; }

# calls HOOK - the system calls of c1's helper in that hook, not those of its children, which strace counts apart: for each,
# a line with its name and how many there are of that name so far.
calls() {
	trace_hook "$1" "-o '$HERE/trace'"
	fresh_upper
	start c1
	stop c1
	awk 'NR == 1 { helper = $1 } $1 == helper' trace | sed -n 's/^[0-9 ]*\([a-z_0-9]*\)(.*/\1/p' | grep -v -x -e execve -e exit_group | awk '{print $1, ++seen[$1]}'
	echo 'exit_group 1'
}

# trace_hook HOOK STRACE-OPTIONS - run HOOK's helper under strace.
trace_hook() {
	unwrapped
	wrap_hook "$1" "strace -f -qq $2"
}

# killed_at HOOK NAME N - a start, and with post-stop a stop, in which HOOK's helper is killed at its N-th call of NAME.
killed_at() {
	trace_hook "$1" "-o /dev/null -e trace=$2 -e inject=$2:signal=KILL:when=$3"
	fresh_upper
	start c1 </dev/null
	if [ "$1" = post-stop ] || [ "$status" -eq 0 ]; then
		stop c1 </dev/null
	fi
	[ "$1" = post-stop ] || [ "$status" -ne 0 ]
}

# Others that attach loop devices at the same time make the helper ask again: such a call is not there each time. One that
# is must kill.
killed_or_not_there() {
	killed_at "$@" || { calls "$1" >again </dev/null && ! grep -q -x "$2 $3" again; } || killed_at "$@"
}

# sweep HOOK STEP - SIGKILL the helper at every SWEEP * STEP-th of its system calls: nothing may stay but what the next start
# or doctor clears.
sweep() {
	calls "$1" >all
	assertTrue "it makes system calls: $(wc -l <all)" '[ "$(wc -l <all)" -gt 20 ]'
	awk -v step="$(($2 * SWEEP))" 'NR % step == 0' all >kills
	while read -r name n; do
		killed_or_not_there "$1" "$name" "$n" || fail "$1: not killed at $name $n"
		eventually no_loops || fail "$1, killed at $name $n: $(left)"
		[ "$1" != post-stop ] || "$LXC_BDEV" doctor --fix >/dev/null
		eventually nothing_left || fail "$1, killed at $name $n: $(left)"
	done <kills
	unwrapped
	assert_starts_and_stops
}

testHelperKilledDuringPreStartLeavesNothing() {
	lasting
	sweep pre-start 2
}

testHelperKilledDuringPreStartLeavesNothingOfATmpfs() {
	fleeting
	sweep pre-start 3
}

testHelperKilledDuringPreStartInOlderKernelsWaysLeavesNothing() {
	lasting
	for LXC_BDEV_OVERLAY in string mount; do
		export LXC_BDEV_OVERLAY
		sweep pre-start 3
	done
	unset LXC_BDEV_OVERLAY
}

testHelperKilledDuringPostStopLeavesNothingThatDoctorDoesNotClear() {
	lasting
	sweep post-stop 1
}

# --- the hook's shell ---

testKilledShellOfAHookLeavesNothing() {
	lasting
	# Its shell dies before it has become the helper.
	sed -i "s|^\\(lxc.hook.pre-start = \\)|\\1env A=\$(kill -KILL \$\$) |" bdev.conf
	start c1
	assertNotEquals 0 "$status"
	assert_nothing_left
	unwrapped
	assert_starts_and_stops
}

testHelperThatOutlivesItsHookLeavesNothingThatTheNextStartDoesNotClear() {
	for delay in 0 0.05 0.2; do
		lasting
		# The hook fails while its helper goes on, beside post-stop and the monitor's end.
		cat >wrapper <<-EOF
			#!/bin/sh
			{ sleep $delay; exec "\$@"; } >/dev/null 2>&1 &
			kill -KILL \$\$
		EOF
		wrap_hook pre-start "sh '$HERE/wrapper'"
		start c1
		assertNotEquals 0 "$status"
		sleep 0.5
		assertTrue 'no loop device' 'eventually no_loops'
		unwrapped
		assert_starts_and_stops
	done
}

# shellcheck source=/dev/null
. shunit2

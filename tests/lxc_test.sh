#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the command asks LXC about containers: unknown is never "stopped".
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# A container whose delta could be committed or converted, if only it were stopped.
with_delta() {
	container "$1" "dir:$(shared_root),ro" overlay:delta0
	rm -rf "$LXCPATH/$1/delta0"
}
convert() { bdev convert -P "$LXCPATH" -n "$1" overlay; }

testARunningAndAFrozenContainerAreNotConverted() {
	with_delta c1
	start c1
	convert c1
	assert_status 1
	assert_one_line "cannot convert 'c1' while it runs"
	lxc freeze c1
	convert c1
	assert_status 1
	assert_one_line "cannot convert 'c1' while it runs"
	lxc unfreeze c1
	stop c1
	convert c1
	assert_status 0
}

# LXC then names the monitor's socket by a hash.
testARunningContainerInALongLxcpathIsNotConverted() {
	LXCPATH="$LXCPATH/$(printf '%0120d' 0)"
	with_delta c1
	start c1
	assert_status 0
	convert c1
	assert_status 1
	assert_one_line "cannot convert 'c1' while it runs"
	stop c1
	convert c1
	assert_status 0
}

testARunningContainerIsSeenWithoutOurJournalAndWithAConfigThatLxcCannotLoad() {
	container c1
	cp -a "$(shared_root)/." "$LXCPATH/c1/rootfs"
	start c1
	assert_status 0
	echo 'lxc.no.such.key = 1' >>"$LXCPATH/c1/config"
	convert c1
	assert_status 1
	assert_one_line "cannot convert 'c1' while it runs"
	sed -i '$d' "$LXCPATH/c1/config"
	stop c1
	echo 'lxc.no.such.key = 1' >>"$LXCPATH/c1/config"
	convert c1
	assert_status 0
}

testAMonitorThatDoesNotAnswerIsNotTakenForAStoppedContainer() {
	container c1
	cp -a "$(shared_root)/." "$LXCPATH/c1/rootfs"
	start c1
	assert_status 0
	monitor=$(monitor_pid c1)
	kill -STOP "$monitor"
	convert c1
	kill -CONT "$monitor"
	assert_status 1
	assert_one_line "cannot find out whether 'c1' is running: its monitor does not answer within 10 s"
	stop c1
}

# A start waits for the journal that a conversion has locked, and its monitor answers nothing meanwhile.
testAConversionAndAStartAtTheSameTimeDoNotWaitForEachOther() {
	with_delta c1
	for delay in 0 0.02 0.05 0.1; do
		start c1 &
		sleep "$delay"
		read -r began _ </proc/uptime
		convert c1
		read -r ended _ </proc/uptime
		assertTrue "after $delay s it took from $began to $ended" "[ $((${ended%.*} - ${began%.*})) -lt 8 ]"
		wait
		assertTrue 'it runs' 'eventually is_running c1'
		stop c1
	done
	assert_nothing_left
}

testWithoutAChildToAskLxcNothingIsDone() {
	with_delta c1
	calls=clone,clone3,fork,vfork
	run strace -o trace -e trace="$calls" -e inject="$calls:error=EAGAIN" "$LXC_BDEV" convert -P "$LXCPATH" -n c1 overlay
	assert_status 1
	assert_one_line "cannot find out whether 'c1' is running"
	run strace -f -o trace -e trace=socket -e inject=socket:error=EMFILE "$LXC_BDEV" convert -P "$LXCPATH" -n c1 overlay
	assertTrue 'LXC was asked' 'grep -q INJECTED trace'
	assert_status 1
	assert_one_line "cannot find out whether 'c1' is running: LXC gives no answer"
	assert_nothing_left
}

testWithoutLiblxcNothingIsDone() {
	with_delta c1
	mkdir lib
	: >lib/liblxc.so.1
	run env LD_LIBRARY_PATH="$PWD/lib" "$LXC_BDEV" convert -P "$LXCPATH" -n c1 overlay
	assert_status 1
	assert_one_line "cannot find out whether 'c1' is running: cannot load liblxc.so.1"
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2

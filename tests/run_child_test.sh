#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# lxc-bdev run-child, by which the template runs other programs: what it hands over, and what it ends.
# shellcheck disable=SC2016 # for inner shells
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# child COMMAND... - run it under run-child, whose parent is a shell of its own.
child() { run sh -c '"$0" run-child --monitor $$ -- "" "$@"; exit $?' "$LXC_BDEV" "$@"; }

gone() { ! kill -0 "$1" 2>/dev/null; }
# assert_gone - all processes in the file `pids` have ended.
assert_gone() {
	while read -r _pid; do
		assertTrue "process $_pid has ended" "gone $_pid"
	done <pids
}

testItsExitStatusIsTheProgramsOne() {
	for _status in 0 1 7 255; do
		child sh -c "exit $_status"
		assert_status $_status
	done
	child sh -c 'kill -KILL $$'
	assert_status 137
	child ./nonexistent
	assert_status 127
	assert_one_line "run './nonexistent': No such file or directory"
}

testTheProgramHasWhatItsCallerHas() {
	echo input >input
	run sh -c 'umask 027; "$0" run-child --monitor $$ -- "" sh -c "umask; cat; grep -E Sig\(Blk\|Ign\) /proc/self/status" <input; exit' "$LXC_BDEV"
	assert_status 0
	assertEquals "$(sh -c 'umask 027; umask; cat; grep -E "Sig(Blk|Ign)" /proc/self/status' <input)" "$out"
}

# Also what has left its process group, its session and its mount namespace, and what ignores SIGTERM.
testAllThatTheProgramHasStartedEndsWithIt() {
	export HERE
	for _code in 0 7; do
		rm -f pids
		child sh -c '
			setsid sh -c "echo \$\$ >>pids; exec sleep 1000" >/dev/null 2>&1 &
			(setsid sh -c "trap \"\" TERM; echo \$\$ >>pids; while :; do sleep 1; done" >/dev/null 2>&1 &)
			setsid unshare --mount sh -c "umount /proc; echo \$\$ >>pids; exec sleep 1000" >/dev/null 2>&1 &
			until [ "$(wc -l <pids 2>/dev/null || echo 0)" -eq 3 ]; do sleep 0.02; done
			exit "$0"' "$_code"
		assert_status "$_code"
		assertEquals 3 "$(wc -l <pids)"
		assert_gone
	done
}

testAProcessThatHandlesSigtermGetsItOnce() {
	child sh -c '
		setsid sh -c "trap \"echo term >>terms; sleep 0.3; exit\" TERM; echo >ready; while :; do sleep 0.01; done" &
		until [ -e ready ]; do sleep 0.02; done'
	assert_status 0
	assertEquals term "$(cat terms)"
}

testSigtermEndsIt() {
	sh -c '"$0" run-child --monitor $$ -- "" sh -c "echo \$\$ >pids; sleep 1000; exit" & echo $! >supervisor; wait $!; exit $?' "$LXC_BDEV" &
	_shell=$!
	eventually [ -s pids ]
	kill -TERM "$(cat supervisor)"
	wait "$_shell"
	assertEquals 143 $?
	assert_gone
}

testAKillOfItsParentEndsIt() {
	sh -c '"$0" run-child --monitor $$ -- "" sh -c "setsid sleep 1000 & echo \$! >pids; echo \$\$ >>pids; sleep 1000; exit" & wait $!' "$LXC_BDEV" &
	_shell=$!
	eventually sh -c '[ "$(wc -l <pids)" -eq 2 ]' 2>/dev/null
	kill -KILL "$_shell"
	wait "$_shell" 2>/dev/null
	while read -r _pid; do
		assertTrue "process $_pid ends" "eventually gone $_pid"
	done <pids
}

# Its parent would have died before it could watch it.
testAnotherParentThanItsCallersIsRefused() {
	run "$LXC_BDEV" run-child --monitor 1 -- '' touch made
	assert_status 1
	assert_one_line 'process 1 is not, or no longer, the parent'
	assertFalse '[ -e made ]'
	bdev run-child -- '' touch made
	assert_status 2
	assert_one_line 'use --monitor'
}

# shellcheck source=/dev/null
. shunit2

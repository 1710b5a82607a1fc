#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# guests that panic, hang or find no KVM.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=6.1

# guest_of FILE - boot a guest that runs it; $status is what tests/guest/run says.
guest_of() {
	mkdir -p share
	run "$ROOT/tests/guest/run" "$SERIES" "$HERE/share" "$1"
}
# The guest's processes have its directory in their arguments.
no_process() { ! pgrep -f "qemu-system-x86_64.*$HERE/share" >/dev/null; }

testAGuestThatPanicsEndsAndIsAFailure() {
	GUEST_SECONDS=300 guest_of tests/guest/panics.sh
	assertNotEquals 'exit status' 0 "$status"
	assertContains "$(cat share/console)" 'Kernel panic'
	assertTrue 'a process is left' no_process
}

testAGuestThatHangsIsEndedByItsTimeLimit() {
	GUEST_SECONDS=20 guest_of tests/guest/hangs.sh
	assertNotEquals 'exit status' 0 "$status"
	assertTrue 'a process is left' no_process
}

testAGuestEndsWithTheProcessThatStartedIt() {
	mkdir share
	"$ROOT/tests/guest/run" "$SERIES" "$HERE/share" tests/guest/hangs.sh &
	guest=$!
	assertTrue 'it runs' 'eventually pgrep -f "qemu-system-x86_64.*$HERE/share"'
	kill -KILL "$guest"
	wait "$guest" 2>/dev/null
	assertTrue 'a process is left' 'eventually no_process'
}

# with_kvm_node COMMAND... - where /dev/kvm is there, and no kernel behind it.
with_kvm_node() {
	unshare --mount sh -c '
		mkdir dev && mount -t tmpfs dev dev && cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/full dev/ &&
			ln -s /proc/self/fd dev/fd && mknod dev/kvm c 10 232 && mount --bind dev /dev && "$@"' sh "$@"
}
testAKvmThatIsThereAndRunsNoGuestIsNotUsed() {
	GUEST_ACCEL='' run with_kvm_node "$ROOT/tests/guest/accel"
	assertEquals "$err" tcg "$out"
}

# As a nested one does: the first processor spins, and nothing comes.
testAKvmOnWhichAGuestHangsIsNotUsed() {
	mkdir bin
	printf '#!/bin/sh\nexec sleep 1000\n' >bin/qemu-system-x86_64
	chmod +x bin/qemu-system-x86_64
	GUEST_ACCEL='' PATH=$HERE/bin:$PATH run with_kvm_node "$ROOT/tests/guest/accel"
	assertEquals "$err" tcg "$out"
}

# shellcheck source=/dev/null
. shunit2

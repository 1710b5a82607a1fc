#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# LXC's records of linked clones change only under LXC's own lock.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. "$(dirname -- "$0")/clone.sh"

# Print the lock file of a container that the installed LXC uses, by tracing lxc-destroy.
lock_of_lxc() { # NAME
	strace -f -o lock.trace -e trace=openat lxc-destroy -P "$LXCPATH" -n "$1" >/dev/null 2>&1
	sed -n 's/.*"\([^"]*\/lxc\/lock\/[^"]*\)".*/\1/p' lock.trace | sed 's|//|/|g' | head -n 1
}
lock_of_ours() { sed -n 's/.*"\([^"]*\/lxc\/lock\/[^"]*\)".*/\1/p' trace | head -n 1; }

with_base() {
	stored c1 stack
	stored victim stack
	lock=$(lock_of_lxc victim | sed 's|\.victim$|.c1|')
	assertContains "$lock" "$LXCPATH/.c1"
}

testTheLockIsLxcs() {
	with_base
	mkdir -p "$LXCPATH/c2"
	: >"$LXCPATH/c2/config"
	run strace -o trace -e trace=openat,fcntl "$LXC_BDEV" depend --name c2 --config "$LXCPATH/c2/config" --source "$LXCPATH/c1"
	assert_status 0
	assertEquals "$lock" "$(lock_of_ours)"
	assertEquals "$LXCPATH
c2" "$(cat "$LXCPATH/c1/lxc_snapshots")"
	assertEquals "$LXCPATH
c1" "$(cat "$LXCPATH/c2/lxc_rdepends")"
}

# hold FILE - hold LXC's lock on it, which is an OFD lock, until `release`.
hold() {
	python3 -c '
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.fcntl(fd, 37, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0))
open("held", "w").close()
sys.stdin.read()
' "$1" <hold.pipe &
	exec 9>hold.pipe
	eventually [ -e held ]
}

testTheTemplateWaitsForTheLock() {
	with_base
	mkfifo hold.pipe
	hold "$lock"
	install_template template "$HERE"
	bdev_conf >/dev/null
	: >common.conf
	lxc-create -P "$LXCPATH" -n c2 -t "$HERE/template" -- --base "$LXCPATH/c1" >create.out 2>&1 9>&- &
	create=$!
	assertTrue 'it is at its end' 'eventually grep -q bdev.rootfs "$LXCPATH/c2/config"'
	sleep 0.5
	assertFalse 'it waits' '[ -e "$LXCPATH/c1/lxc_snapshots" ]'
	exec 9>&-
	wait "$create"
	assertEquals "created: $(cat create.out)" 0 $?
	assertEquals "$LXCPATH
c2" "$(cat "$LXCPATH/c1/lxc_snapshots")"
	destroy c2
	assertFalse 'LXC takes it back' '[ -e "$LXCPATH/c1/lxc_snapshots" ]'
}

# The name of the lock has the lxcpath as it was given to LXC.
testALxcpathThatIsALinkHasBothLocks() {
	with_base
	ln -s "$LXCPATH" link
	printf 'lxc.lxcpath = %s/link\n' "$HERE" >lxc.conf
	mkdir -p "$LXCPATH/c2"
	: >"$LXCPATH/c2/config"
	conf=$(strings "$LXC_BDEV" | grep -m 1 '/lxc\.conf$')
	[ -e "$conf" ] || : >"$conf"
	mount --bind lxc.conf "$conf"
	run strace -o trace -e trace=openat,fcntl "$LXC_BDEV" depend --name c2 --config "$LXCPATH/c2/config" --source "$LXCPATH/c1"
	umount "$conf"
	assert_status 0
	assertEquals "$lock
$(printf '%s\n' "$lock" | sed "s|$LXCPATH|$HERE/link|")" "$(sed -n 's/.*"\([^"]*\/lxc\/lock\/[^"]*\)".*/\1/p' trace)"
}

testHalfAnEntryIsTakenBack() {
	stored c1 stack
	mkdir -p small "$LXCPATH/c2"
	: >"$LXCPATH/c2/config"
	run strace -o /dev/null -e trace=write -P "$LXCPATH/c1/lxc_snapshots" -e inject=write:retval=3 \
		"$LXC_BDEV" depend --name c2 --config "$LXCPATH/c2/config" --source "$LXCPATH/c1"
	assert_status 1
	assert_one_line "record that '$LXCPATH/c2' depends on '$LXCPATH/c1': No space left on device"
	assertFalse 'no half of it' '[ -s "$LXCPATH/c1/lxc_snapshots" ]'
}

# shellcheck source=/dev/null
. shunit2

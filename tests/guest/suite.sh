# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# suite.sh - the test file of a guest: a kernel of $SERIES is booted and runs $FILES; each test in them, and in those that
# they source ($SOURCES), is one here. Source it after lib.sh, with these set. With $HOST the guest is a complete LXC host with
# a disk (tests/guest/host-image); $AFTER_BOOT has the files that run there after one more boot.

AFTER_BOOT=${AFTER_BOOT-}
HOST=${HOST-$AFTER_BOOT}
BOOTS=$SCRATCH/boots # a directory for each boot, shared with the guest

suite() {
	# shellcheck disable=SC2086
	for _test in $(cd "$ROOT" && sed -n 's/^\(test[A-Za-z0-9]*\)() *{.*/\1/p' $FILES $AFTER_BOOT ${SOURCES-}); do
		eval "$_test() { reports_pass $_test; }"
		suite_addTest "$_test"
	done
	suite_addTest testItEndsWithNothingLeftBehind
}

# boot N FILE... - boot, and wait for the end.
boot() {
	_share=$BOOTS/$1
	shift
	mkdir "$_share"
	setpriv --pdeathsig KILL "$ROOT/tests/guest/run" "$SERIES" "$_share" "$@" || cat "$_share/qemu" "$_share/console"
	cat "$_share/about"
	# Without the tests' names, which are ours too.
	[ ! -e "$_share/log" ] || grep -v '^test[A-Z]' "$_share/log"
}

oneTimeSetUp() {
	# shunit2 may come here twice.
	[ ! -d "$BOOTS" ] || return 0
	mkdir "$BOOTS"
	if [ "$HOST" ]; then
		_host=$("$ROOT/tests/guest/host-image") || return
		GUEST_DISK=$SCRATCH/disk.qcow2
		export GUEST_DISK
		qemu-img create -q -f qcow2 -b "$_host/host.img" -F raw "$GUEST_DISK"
	fi
	# shellcheck disable=SC2086
	boot 1 $FILES
	# shellcheck disable=SC2086
	[ ! "$AFTER_BOOT" ] || boot 2 $AFTER_BOOT
}

# reports_pass TEST - what the guest says of it; a guest that did not get there says nothing.
reports_pass() {
	_result=$(cat "$BOOTS"/*/results | grep -e " $1\$" -e " $1:")
	case $_result in
	skip*) skip "${_result#*: }" ;;
	*) assertEquals "pass $1" "$_result" ;;
	esac
}

testItEndsWithNothingLeftBehind() {
	for _file in $FILES $AFTER_BOOT; do
		assertContains "$(cat "$BOOTS"/*/results)" "clean ${_file##*/}"
	done
	for _boot in "$BOOTS"/*; do
		assertEquals end "$(tail -n 1 "$_boot/results")"
		assertNotContains "$(cat "$_boot/log")" 'Call Trace'
	done
}

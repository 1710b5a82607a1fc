#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Tests get nothing of their caller's, and nothing of theirs stays, however they end (tests/apart).
# shellcheck disable=SC2016 # for the shells that are started
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# Its scratch directories go here.
setUpEach() {
	chmod o+x "$TMPDIR" "$SCRATCH" "$HERE"
	mkdir -m 0755 base
}
# Records of killed containers; `lxc-bdev doctor --fix` is tested elsewhere.
tearDownEach() { rm -rf /run/lxc-bdev/c1.*; }
apart() { TMPDIR="$HERE/base" "$ROOT/tests/apart" "$@"; }
directories() { find "$HERE/base" -mindepth 1 -maxdepth 1; }

testTheCommandHasNothingOfItsCallers() {
	ln -s base link
	run sh -c 'umask 777; exec "$@" <&-' sh env -u HOME -u QUEUE -u LANES -u GUEST_ACCEL -u TEST_SECONDS -u SWEEP -u SAN -u FAULTS -u FAULTS_OUT TMPDIR="$HERE/link" LC_ALL=de_DE.UTF-8 LANGUAGE=de CDPATH=/ \
		POSIXLY_CORRECT=1 LXC_BDEV_NBD=x LXC_BDEV_OVERLAY=x TZ=Asia/Tokyo BLOCK_SIZE=1 MAKEFLAGS=-n MUST_RUN=1 \
		env --ignore-signal=INT,CHLD,PIPE "$ROOT/tests/apart" \
		sh -c 'env | cut -d = -f 1 | sort | xargs; umask; readlink /proc/$$/fd/0; grep SigIgn /proc/$$/status; echo "$TMPDIR"'
	assert_status 0
	# Save the two signals that the C library keeps for itself, 32 and 33: env(1) cannot reach them.
	assertEquals 'HOME LC_ALL MUST_RUN PATH PWD TESTS_APART TMPDIR
0022
/dev/null
SigIgn:	0000000000000000' "$(printf '%s\n' "$out" | head -n 4 | sed 's/^\(SigIgn:.*\)000000018\(0*\)$/\1000000000\2/')"
	assertEquals 'by its real path' "$HERE/base/lxc-bdev tests." "$(printf '%s\n' "$out" | sed -n '5s/......$//p')"
	assertEquals '' "$(directories)"
}

testTheKnobsOfTheTestsReachThem() {
	for knob in SWEEP SAN FAULTS FAULTS_OUT TEST_SECONDS GUEST_ACCEL GUEST_CPU; do
		run env "$knob=a b" TMPDIR="$HERE/base" "$ROOT/tests/apart" printenv "$knob"
		assertEquals "$knob" 'a b' "$out"
	done
}

testItsStatusIsTheCommands() {
	run apart sh -c 'exit 7'
	assert_status 7
	assertEquals '' "$out$err"
	run apart sh -c 'kill -KILL $$'
	assertNotEquals 0 "$status"
}

testWhereOthersCannotGoItTakesAnotherPlace() {
	chmod 0700 base
	run apart sh -c 'echo "$TMPDIR"'
	assert_status 0
	assertEquals '/var/tmp/lxc-bdev tests.' "${out%??????}"
	assert_one_line "'$HERE/base'" /var/tmp
}

testTheHostsRunDirectoryStaysUsable() {
	assertEquals 'root 700' "$(nsenter -t 1 -m stat -c '%U %a' /run/lxc-bdev)"
}

# busy - a container, a mount, a loop device without autoclear and a background process, below apart.
busy() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4 16
	env TMPDIR="$HERE/base" "$ROOT/tests/apart" sh -c '
		lxc-start -P "$1" -n c1 || exit
		cp "$1/c1/root.img" "$TMPDIR/image"
		losetup -f "$TMPDIR/image"
		mkdir "$TMPDIR/m" && mount -t tmpfs tmpfs "$TMPDIR/m"
		ln -s "$TMPDIR/m" /tmp/lxc-bdev.linked
		sleep 1234.5 &
		echo >"$2"
		wait' sh "$LXCPATH" "$HERE/ready" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" &
	pid=$!
	eventually test -e ready || fail "it does not start: $(cat "$SCRATCH/stderr")"
	assertTrue 'it runs' 'some_runs'
}
some_runs() { pgrep -f "lxc monitor\\] $LXCPATH|^sleep 1234.5\$" >/dev/null; }
none_runs() { ! some_runs; }

testAKilledOneEndsAllThatItStartedAndTheNextRemovesTheRest() {
	busy
	kill -KILL "$pid"
	wait "$pid"
	assertTrue 'all has ended' 'eventually none_runs'
	eventually test ! -e "$LXCPATH/c1/rootfs/etc"
	left=$(directories)
	assertNotNull 'a directory stays' "$left"
	run apart true
	assert_status 0
	assert_one_line "removing '$left', which killed tests have left"
	assertEquals '' "$(directories)"
	assertFalse 'the link' '[ -L /tmp/lxc-bdev.linked ]'
	assertTrue 'the loop devices' 'eventually no_loops'
}

testAnInterruptedOneLeavesNothing() {
	for signal in TERM HUP; do
		busy
		kill -s "$signal" "$pid"
		wait "$pid"
		assertNotEquals 0 $?
		assertFalse 'all has ended' 'some_runs'
		assertEquals '' "$(directories)"
		assertFalse 'the link' '[ -L /tmp/lxc-bdev.linked ]'
		assertTrue 'the loop devices' 'eventually no_loops'
		rm -r ready "$LXCPATH/c1"
	done
}

testOneThatRunsIsLeftAlone() {
	busy
	run apart true
	assert_status 0
	assertEquals '' "$out$err"
	assertTrue 'it runs on' 'some_runs && [ "$(directories)" ]'
	kill "$pid"
	wait "$pid" || :
}

# shellcheck source=/dev/null
. shunit2

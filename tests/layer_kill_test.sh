#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at every system call of what changes a layer store: nothing half is there, and nothing is in the way.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

setUpEach() {
	store=$HERE/store
	mkdir one
	echo content >one/file
	ln -s target one/link
	tar -cf in.tar -C one .
	layer apply base in.tar
	assert_status 0
}
layer() { bdev layer --store "$store" "$@"; }
has() { [ -e "$store/layers/$1" ]; }

# sweep WORDS... - once for each N: `before`, kill it at the N-th system call that changes anything, repair, `check`; until it lives.
sweep() {
	swept=0
	while :; do
		before
		swept=$((swept + 1))
		status=0
		"$ROOT/build/tests/tools/kill-at" -w $swept "$LXC_BDEV" layer --store "$store" "$@" >/dev/null 2>"$SCRATCH/stderr" ||
			status=$?
		[ "$status" -eq 137 ] || break
		layer check --repair
		assertEquals "repaired after call $swept: $out$err" 0 "$status"
		check
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
	done
	assertEquals "after $swept calls: $(cat "$SCRATCH/stderr")" 0 "$status"
	assertTrue "it makes more calls than $swept" "[ $swept -gt 5 ]"
	layer check
	assertEquals "in the end: $out$err" 0 "$status"
}

# whole ID WORDS... - there is no such layer, and the words make it; or it is there. Its file is whole.
whole() {
	_id=$1
	shift
	if has "$_id"; then
		made=$((${made-0} + 1))
	else
		layer "$@"
		assertEquals "again after call $swept: $err" 0 "$status"
	fi
}

testCreateKilledAnywhere() {
	before() { ! has a || "$LXC_BDEV" layer --store "$store" remove a; }
	check() { whole a create a --parent base; }
	sweep create a --parent base
	assertTrue 'some were killed after it was made' "[ ${made-0} -gt 0 ]"
}

testTheFirstCreateKilledAnywhere() {
	before() { rm -rf "$store"; }
	check() { whole a create a; }
	# There is nothing to repair before there is a store.
	sweep_store() {
		swept=0
		while :; do
			before
			swept=$((swept + 1))
			"$ROOT/build/tests/tools/kill-at" -w $swept "$LXC_BDEV" layer --store "$store" create a 2>/dev/null
			[ $? -eq 137 ] || break
			check
			[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
		done
		has a
	}
	sweep_store
	assert_status 0
	layer check --repair
	assert_status 0
}

testApplyKilledAnywhere() {
	before() { ! has a || "$LXC_BDEV" layer --store "$store" remove a; }
	check() {
		whole a apply a in.tar --parent base
		assertEquals "content after call $swept" content "$(cat "$store/diff/a/file")"
	}
	sweep apply a in.tar --parent base
	assertTrue 'some were killed after it was made' "[ ${made-0} -gt 0 ]"
}

testApplyToAnEmptyLayerKilledAnywhere() {
	before() {
		! has a || "$LXC_BDEV" layer --store "$store" remove a
		"$LXC_BDEV" layer --store "$store" create a
	}
	check() {
		assertTrue "there after call $swept" 'has a'
		[ -e "$store/diff/a/file" ] || layer apply a in.tar
		assertEquals "content after call $swept: $err" content "$(cat "$store/diff/a/file")"
	}
	sweep apply a in.tar
}

testRemoveKilledAnywhere() {
	before() { has a || "$LXC_BDEV" layer --store "$store" apply a in.tar --parent base >/dev/null; }
	check() {
		if has a; then
			assertEquals "content after call $swept" content "$(cat "$store/diff/a/file")"
		else
			assertEquals "left after call $swept" '' "$(find "$store" -name a)"
		fi
	}
	sweep remove a
}

testGetAndPutKilledAnywhere() {
	layer apply a in.tar --parent base
	before() { "$LXC_BDEV" layer --store "$store" put a --holder h 2>/dev/null; }
	check() {
		layer get a --holder h
		assertEquals "get after call $swept: $err" 0 "$status"
		assertEquals "content after call $swept" content "$(cat "$store/mnt/a/file")"
	}
	sweep get a --holder h
	before() { "$LXC_BDEV" layer --store "$store" get a --holder h >/dev/null; }
	check() {
		layer put a --holder h
		# 1: the killed one had come to its end.
		assertContains "put after call $swept: $err" '0 1' "$status"
		assertEquals "mounts after call $swept" '' "$(mounts_here)"
	}
	sweep put a --holder h
}

testSquashKilledAnywhere() {
	layer apply a in.tar --parent base
	layer create b --parent a
	before() { ! has s || "$LXC_BDEV" layer --store "$store" remove s; }
	check() {
		whole s squash base..b s
		assertEquals "content after call $swept" content "$(cat "$store/diff/s/file")"
	}
	sweep squash base..b s
}

. shunit2

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many at once in one layer store.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() { store=$HERE/store; }
layer() { bdev layer --store "$store" "$@"; }
quietly() { "$LXC_BDEV" layer --store "$store" "$@"; }

assert_clean() {
	eventually clean
	assertEquals 'what check finds' '' "$out$err"
	assertEquals 'mounts' '' "$(mounts_here)"
}
clean() { layer check && [ "$status" -eq 0 ]; }

# A life on a base that others use, too: each step must work, whatever they do. Says what did not.
live() { # N
	quietly apply "a$1" in.tar --parent base >/dev/null || echo "apply a$1"
	quietly create "b$1" --parent "a$1" || echo "create b$1"
	_at=$(quietly get "b$1" --holder "h$1") || echo "get b$1"
	[ "$(cat "$_at/base")" = base ] && [ "$(cat "$_at/file")" = content ] || echo "content of b$1"
	echo "$1" >"$_at/file"
	_base=$(quietly get base --holder "h$1") || echo "get base by $1"
	[ "$(cat "$_base/base")" = base ] || echo "content of base for $1"
	quietly put base --holder "h$1" || echo "put base by $1"
	quietly put "b$1" --holder "h$1" || echo "put b$1"
	[ "$(quietly changes "b$1")" = 'C /file' ] || echo "changes b$1"
	[ "$(($1 % 2))" -eq 0 ] || quietly remove "b$1" || echo "remove b$1"
}

testSixtyFourLivesOnOneBase() {
	mkdir one two
	echo base >one/base
	echo content >two/file
	tar -cf base.tar -C one . && tar -cf in.tar -C two .
	layer apply base base.tar
	layer create child --parent base
	for _i in $(seq 64); do
		live "$_i" >"said$_i" 2>&1 &
	done
	wait
	assertEquals '' "$(cat said*)"
	assert_clean
	layer list
	assertEquals $((2 + 64 + 32)) "$(printf '%s\n' "$out" | wc -l)"
	eventually test -z "$(ls "$store/stage")"
}

# race WORDS... - 16 do the same at once; prints how many could.
race() {
	for _i in $(seq 16); do
		(quietly "$@" >/dev/null 2>"err$_i" && echo won) &
	done >won
	wait
	grep -c won won
}

testOneOfManyMakesTheLayer() {
	mkdir one
	echo content >one/file
	tar -cf in.tar -C one .
	assertEquals 1 "$(race create a)"
	assertEquals 1 "$(race apply b in.tar --parent a)"
	assertEquals 1 "$(race apply a2 in.tar)"
	layer create empty
	assertEquals 1 "$(race apply empty in.tar)"
	assertEquals 1 "$(race remove b)"
	assert_clean
}

# All of them at once on one layer: what happens is not known, but it is always something whole.
testAnythingAtOnce() {
	mkdir one
	echo content >one/file
	tar -cf in.tar -C one .
	layer create base
	for _i in $(seq 8); do
		for _words in 'create x --parent base' 'apply x in.tar' 'remove x' 'get x --holder h' 'put x --holder h' \
			'create y --parent x' 'remove y' 'cleanup' 'squash base..x z' 'remove z' 'diff x'; do
			# shellcheck disable=SC2086 # several words
			timeout 60 "$LXC_BDEV" layer --store "$store" $_words >/dev/null 2>"err.$_i" &
		done
	done
	wait
	layer put x --holder h
	assert_clean
	for _id in z y x base; do
		layer exists $_id
		[ "$status" -ne 0 ] || layer remove $_id
		assertContains "remove $_id: $err" '0 1' "$status"
	done
	layer list
	assertEquals '' "$out"
}

testACleanupLeavesWhatIsBeingApplied() {
	mkdir in
	echo first >in/a
	head -c 3M /dev/urandom >in/b
	tar -cf in.tar -C in a b
	{
		head -c 1M in.tar
		eventually test -e cleaned
		tail -c +1048577 in.tar
	} | quietly apply x - >/dev/null &
	assertTrue 'it has begun' 'eventually begun'
	layer cleanup
	assert_status 0
	: >cleaned
	wait $!
	assertEquals 'applied' 0 $?
	assertTrue 'it is what was applied' "cmp in/b '$store/diff/x/b'"
}
begun() { [ "$(find "$store/stage" -name a -size +0)" ]; }

. shunit2

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a crash of the host must not tear apart is synced in the right order.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() { store=$HERE/store; }

# traced COMMAND... - run it; $HERE/trace has what it syncs, renames and removes, with the paths of descriptors.
traced() {
	run strace -f -y -qq -o "$HERE/trace" -e trace=syncfs,fsync,renameat,renameat2,unlinkat "$@"
	assert_status 0
	sed -i "/ = -1 /d; s|$HERE|HERE|g; s/[0-9]*<\([^>]*\)>/<\1>/g" "$HERE/trace"
}
layer() { traced "$LXC_BDEV" layer --store "$store" "$@"; }

# assert_order PATTERN... - lines of the trace match the patterns (grep's basic ones), in this order.
assert_order() {
	_line=0
	for _pattern; do
		_next=$(tail -n "+$((_line + 1))" "$HERE/trace" | grep -n -m 1 -e "$_pattern" | cut -d : -f 1)
		[ "$_next" ] || {
			fail "no '$_pattern' after line $_line of: $(cat "$HERE/trace")"
			return
		}
		_line=$((_line + _next))
	done
}

# assert_added ID SYNC - what is in the layer, then its name, then its record.
assert_added() {
	assert_order "$2(<HERE/store/stage/" "renameat(<HERE/store>, \"stage/.*\"diff/$1\"" 'fsync(<HERE/store/diff>)' \
		'fsync(<HERE/store/layers/.new>)' "renameat(<HERE/store/layers>, \".new\", .*, \"$1\")" 'fsync(<HERE/store/layers>)'
}

testALayerIsOnDiskBeforeItHasItsNameAndItsRecord() {
	mkdir one
	echo one >one/file
	tar -C one -cf in.tar .
	layer apply base in.tar
	assert_added base syncfs
	layer create empty --parent base
	assert_added empty fsync
	"$LXC_BDEV" layer --store "$store" apply top in.tar --parent base
	layer squash base..top all
	assert_added all syncfs
}

testALayerThatIsFilledIsOnDiskBeforeItTakesThePlaceOfTheEmptyOne() {
	"$LXC_BDEV" layer --store "$store" create a
	mkdir one
	echo one >one/file
	tar -C one -cf in.tar .
	layer apply a in.tar
	assert_order 'syncfs(<HERE/store/stage/' 'renameat(<HERE/store>, "stage/.*"diff/a"' 'fsync(<HERE/store/diff>)'
}

testARecordIsRemovedForGoodBeforeItsLayersDirectory() {
	"$LXC_BDEV" layer --store "$store" create a
	layer remove a
	assert_order 'unlinkat(<HERE/store/layers>, "a", 0)' 'fsync(<HERE/store/layers>)' 'renameat2(<HERE/store>, "diff/a"'
}

testTheDriverOfAStoreIsOnDiskBeforeTheFirstLayer() {
	layer create a
	assert_order 'fsync(<HERE/store/.new>)' 'renameat(<HERE/store>, ".new", .*, "driver")' 'fsync(<HERE/store>)' '"diff/a"'
}

testAConvertedDirectoryIsOnDiskBeforeItTakesThePlaceOfTheOldOne() {
	mkdir d
	touch d/.wh.gone d/file
	traced "$LXC_BDEV" convert overlay d
	assert_order 'syncfs(<HERE/.d.lxc-bdev-convert/' 'fsync(<HERE>)' 'renameat2(<HERE>, "d", .*RENAME_EXCHANGE)' \
		'fsync(<HERE/.d.lxc-bdev-convert>)' 'fsync(<HERE>)' 'unlinkat(<HERE/.d.lxc-bdev-convert'
	traced "$LXC_BDEV" convert aufs d --to new
	assert_order 'syncfs(<HERE/.new.lxc-bdev-part>)' 'renameat2(<HERE>, ".new.lxc-bdev-part", .*, "new"' 'fsync(<HERE>)'
}

# Else a crash after the stop would leave a damaged upper without the mark that says so.
testTheMarkOfAVolatileUpperGoesWhenWhatItWroteIsOnDisk() {
	mkdir lower m
	"$LXC_BDEV" mount "dir:$HERE/lower,ro" overlay:up,volatile m
	echo x >m/file
	traced "$LXC_BDEV" umount m
	assert_order 'syncfs(<HERE/up.work>)' 'unlinkat(<HERE/up.work/work/incompat>, "volatile/dirty"'
}

. shunit2

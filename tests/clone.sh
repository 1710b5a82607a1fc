# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2016,SC2154 # shunit2 expands what is in single quotes; lib.sh sets the rest
#
# clone.sh - LXC's workflows on containers whose storage is ours: the promises that tests/clone_test.sh keeps on each
# kind of store, and tests/guest/clone_test.sh on nbd devices. After lib.sh.

# stored NAME KIND - a container that owns its store.
stored() {
	mkdir -p "$LXCPATH/$1"
	case $2 in
	dir)
		cp -a "$(shared_root)" "$LXCPATH/$1/tree"
		container "$1" dir:tree
		;;
	loop)
		make_image "$LXCPATH/$1/i.img" ext4 32
		container "$1" loop:i.img
		;;
	stack)
		make_image "$LXCPATH/$1/i.img" ext4 32
		container "$1" loop:i.img,ro overlay:delta0
		;;
	nbd)
		make_image i.raw ext4 32
		qemu-img convert -f raw -O qcow2 i.raw "$LXCPATH/$1/i.qcow2"
		container "$1" nbd:i.qcow2
		;;
	esac
}

# begin NAME, end NAME
begin() {
	start "$1"
	assert_status 0
}
end() { stop "$1"; }

# mark NAME FILE... - let it write them; both are done with a start and a stop.
mark() {
	_marked=$1
	shift
	begin "$_marked"
	for _file; do
		inside "$_marked" touch "/$_file"
		assert_status 0
	done
	end "$_marked"
}

# has NAME FILE, has_not NAME FILE - of a running container.
has() {
	inside "$1" ls "/$2"
	assertEquals "$1 has $2: $err" 0 "$status"
}
has_not() {
	inside "$1" ls "/$2"
	assertNotEquals "$1 has no $2" 0 "$status"
}

copy() { run lxc-copy -P "$LXCPATH" "$@" -o "$HERE/copy.log" -l DEBUG; }
destroy() {
	run lxc-destroy -P "$LXCPATH" -n "$@"
	assertEquals "destroyed: $err" 0 "$status"
}
gone() { [ ! -e "$LXCPATH/$1" ]; }

# assert_copy_refused NAME TEXT... - there is no clone of that name, and one line that has each TEXT says why.
assert_copy_refused() {
	assertNotEquals 'the copy fails' 0 "$status"
	assertTrue "$1 is gone" "gone $1"
	shift
	_line=$(grep -o 'lxc-bdev: clone: .*' "$HERE/copy.log")
	for _text; do
		assertContains "$_line" "$_text"
	done
	assertEquals "$_line" 1 "$(printf '%s\n' "$_line" | wc -l)"
}

hostname_inside() {
	inside "$1" cat /etc/hostname
	assertEquals "host name of $1" "$2" "$out"
}

tearDownEach() {
	for _config in "$LXCPATH"/*/config; do
		[ -e "$_config" ] || continue
		_c=$(basename -- "$(dirname -- "$_config")")
		is_stopped "$_c" || stop "$_c" </dev/null >/dev/null 2>&1
	done
}

with_hostname() {
	_root=$(shared_root)
	echo base >"$_root/etc/hostname"
}

full_copy_is_independent() { # KIND
	with_hostname
	stored c1 "$1"
	mark c1 first
	copy -n c1 -N c2
	assertEquals "copied: $err $(grep lxc-bdev: "$HERE/copy.log")" 0 "$status"
	begin c2
	has c2 first
	hostname_inside c2 c2
	inside c2 touch /second
	# Both write at once.
	begin c1
	has_not c1 second
	hostname_inside c1 base
	inside c1 rm /first
	has c2 first
	end c1
	end c2
	destroy c1
	begin c2
	has c2 second
	end c2
	destroy c2
	assertEquals 'nothing is left' '' "$(ls -A "$LXCPATH" | grep -v '\.log$')"
	assert_nothing_left
}

running_source_is_not_copied() { # KIND
	stored c1 "$1"
	begin c1
	copy -n c1 -N c2 --allowrunning
	assert_copy_refused c2 "container 'c1'" 'runs and writes'
	inside c1 touch /goes-on
	assert_status 0
	end c1
	copy -n c1 -N c2
	assert_status 0
	assert_nothing_left
}

snapshot_clone_stands_on_the_source() { # KIND
	with_hostname
	stored c1 "$1"
	mark c1 first
	copy -n c1 -N c2 -s
	assert_status 0
	begin c2
	has c2 first
	hostname_inside c2 c2
	inside c2 touch /second
	inside c2 rm /first
	# The source is not written to as long as something stands on it.
	start c1
	assertNotEquals 'the source does not start' 0 "$status"
	assertContains "$(our_lines c1 pre-start)" "has linked clones, which depend on what a start would write to: '$LXCPATH/c2';"
	end c2
	begin c2
	has c2 second
	has_not c2 first
	end c2
	run lxc-destroy -P "$LXCPATH" -n c1
	assertNotEquals 'nor destroyed' 0 "$status"
	destroy c2
	begin c1
	has c1 first
	has_not c1 second
	end c1
	assert_nothing_left
}

# What runs and writes is not shown to others, and what others see is not written to.
writer_and_reader_exclude_each_other() { # KIND
	stored c1 "$1"
	container c2 "container:$LXCPATH/c1" overlay:delta0
	mark c1 first
	begin c1
	start c2
	assertNotEquals 'the reader does not start' 0 "$status"
	assertContains "$(our_lines c2 pre-start)" "container 'c1'"
	assertEquals 'one line' 1 "$(our_lines c2 pre-start | wc -l)"
	end c1
	begin c2
	has c2 first
	start c1
	assertNotEquals 'the writer does not start' 0 "$status"
	assertContains "$(our_lines c1 pre-start)" "container 'c2'"
	end c2
	begin c1
	end c1
	assert_nothing_left
}

# ephemerals_share KIND HOW-MANY
ephemerals_share() {
	needs_lxc_copy_e || return 0
	stored c1 "$1"
	mark c1 first
	_pids=''
	for _i in $(seq "$2"); do
		lxc-copy -P "$LXCPATH" -n c1 -N "e$_i" -e >/dev/null 2>"err.$_i" &
		_pids="$_pids $!"
	done
	for _pid in $_pids; do
		wait "$_pid"
		assertEquals "$(cat err.*)" 0 $?
	done
	for _i in $(seq "$2"); do
		assertTrue "e$_i runs: $(cat "err.$_i")" "is_running e$_i"
	done
	has e1 first
	inside e1 touch /of-e1
	has_not e2 of-e1
	case $1 in
	nbd) assertEquals 'one server for all' 1 "$(sed -n 's/^server	[0-9]*	\([0-9]*\)	.*	qemu-nbd$/\1/p' /run/lxc-bdev/*/journal | sort -u | wc -l)" ;;
	loop | stack) assertEquals 'one loop device for all' 1 "$(losetup --list --noheadings --output BACK-FILE | grep -c -F "$LXCPATH/c1/i.img")" ;;
	esac
	for _i in $(seq "$2"); do
		stop "e$_i"
	done
	for _i in $(seq "$2"); do
		assertTrue "e$_i is gone" "eventually gone e$_i"
	done
	begin c1
	has_not c1 of-e1
	end c1
	assert_nothing_left
}

snapshots_hold_and_restore() { # KIND
	stored c1 "$1"
	mark c1 first
	run lxc-snapshot -P "$LXCPATH" -n c1
	assertEquals "snapshot: $err" 0 "$status"
	mark c1 second
	run lxc-snapshot -P "$LXCPATH" -n c1
	assert_status 0
	run lxc-snapshot -P "$LXCPATH" -n c1 -L
	assertContains "$out" snap0
	assertContains "$out" snap1
	begin c1
	inside c1 rm /first /second
	end c1
	# To another name, then in place.
	run lxc-snapshot -P "$LXCPATH" -n c1 -r snap1 -N c9
	assertEquals "restored to another: $err" 0 "$status"
	begin c9
	has c9 second
	end c9
	destroy c9
	run lxc-snapshot -P "$LXCPATH" -n c1 -r snap0
	assertEquals "restored: $err" 0 "$status"
	begin c1
	has c1 first
	has_not c1 second
	end c1
	run lxc-snapshot -P "$LXCPATH" -n c1 -d snap0
	assert_status 0
	assertFalse 'its data is gone' '[ -e "$LXCPATH/c1/snaps/snap0" ]'
	destroy c1 -s
	assertTrue 'all is gone' 'gone c1'
	assert_nothing_left
}

rename_keeps_the_data() { # KIND
	stored c1 "$1"
	mark c1 first
	copy -n c1 -N c2 -R
	assertEquals "renamed: $err" 0 "$status"
	assertTrue 'the old one is gone' 'gone c1'
	begin c2
	has c2 first
	end c2
	destroy c2
	assert_nothing_left
}

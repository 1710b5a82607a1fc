# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2034,SC2154 # lib.sh sets the rest, the test files use it
#
# aufs.sh - aufs on kernels that have none: what the test files share. After lib.sh.

FAKE=$ROOT/build/tests/tools/fake-aufs
SI=/sys/fs/aufs/si_feed

real_aufs() { grep -qw aufs /proc/filesystems && ! is_mount /proc/filesystems; }
is_mount() { cut -d ' ' -f 5 /proc/self/mountinfo | grep -qx "$1"; }

# cover PLACE [FILE] - put a file, or else a tmpfs, over it, in the namespace of the tests.
cover() {
	if [ "${2-}" ]; then mount --bind "$2" "$1"; else mount -t tmpfs fake "$1"; fi
	printf '%s\n' "$1" >>covered
}
pretend_aufs() {
	real_aufs && return 0
	(cat /proc/filesystems && printf 'nodev\taufs\n') >filesystems
	cover /proc/filesystems filesystems
}

setUpEach() {
	mkdir m m2 a b c
	for _d in a b c; do echo "$_d" >"$_d/who"; done
	: >covered
	case $_shunit_test_ in
	*NoAufs* | testReal*) ;;
	*) pretend_aufs ;;
	esac
}
tearDownEach() {
	sort -u "$HERE/covered" | while read -r _place; do umount "$_place"; done
	rm -f /run/lxc-bdev/.aufs-dirperm1*
}

# told SPEC... - $calls: what a kernel that says yes to everything is told, without our paths. (The first two calls make
# the stage; of a remount, strace shows the type as a number.)
told() {
	run strace -s 5000 -o trace -e trace=mount,umount2 -e inject=mount:retval=0:when=3+ "$LXC_BDEV" mount "$@" m
	calls=$(sed -n "s|/run/lxc-bdev/[^/]*/stage|STAGE|g; s|$HERE|HERE|g; s/ (INJECTED)//; s/ *= 0\$//; s/, 0x[0-9a-f]*, MS_REMOUNT/, \"aufs\", MS_REMOUNT/; /\"aufs\"/p; /^umount2/p" trace)
}

# with_fake N ERRNO SPEC... - on a kernel with a fake of aufs, whose N-th call fails; then $calls.
with_fake() {
	mkdir -p fake "$(printf 'fake/up\001si=feed')" fake/work
	is_mount /sys/fs || cover /sys/fs
	[ ! -d "$SI" ] || mv "$SI" /sys/fs/aufs/next
	_n=$1 _errno=$2
	shift 2
	run env LSAN_OPTIONS=detect_leaks=0 "$FAKE" "$(printf 'lowerdir=a,upperdir=%s/fake/up\001si=feed,workdir=%s/fake/work' "$HERE" "$HERE" | sed "s|=a,|=$HERE/a,|")" \
		"$_n" "$_errno" "$HERE/calls" "$LXC_BDEV" mount "$@" m
	calls=$(sed "/^branch /d; s|/run/lxc-bdev/[^/]*/stage|STAGE|g; s|$HERE|HERE|g" calls)
}
# branches PATH=PERMISSION... - what the fake says of its next mount.
branches() {
	is_mount /sys/fs || cover /sys/fs
	rm -rf "$SI" /sys/fs/aufs/next
	mkdir -p /sys/fs/aufs/next
	_i=0
	for _branch; do
		printf '%s\n' "$_branch" | sed 's/ /\\040/g' >"/sys/fs/aufs/next/br$_i"
		_i=$((_i + 1))
	done
}

record() { # TARGET LINE - of a mount
	mkdir -p /run/lxc-bdev/fake.0
	# shellcheck disable=SC2059 # it has escapes
	printf "version\t2\t$(cat /proc/sys/kernel/random/boot_id)\nowner\t0\t$1\t\t0\t0\trelease\t\n$2\n" >/run/lxc-bdev/fake.0/journal
}

# foreign PLACE PATH=PERMISSION... - a mount on PLACE that those that `see` it take for an aufs of these branches.
foreign() {
	_place=$1
	shift
	branches "$@"
	mv /sys/fs/aufs/next "$SI"
	mkdir -p fake/low "$(printf 'fake/up\001si=feed')" fake/work
	mount -t overlay lxc-b -o "$(printf 'lowerdir=%s/fake/low,upperdir=%s/fake/up\001si=feed,workdir=%s/fake/work' "$HERE" "$HERE" "$HERE")" "$_place"
}
# see COMMAND... - run it with the eyes of a kernel that has aufs; then $calls.
see() { see_as '' "$@"; }
# see_as OPTIONS COMMAND... - an aufs that it mounts is an overlay with these options.
see_as() {
	_options=$1
	shift
	run env LSAN_OPTIONS=detect_leaks=0 "$FAKE" "$_options" 0 0 "$HERE/calls" "$@"
	calls=$(cat calls)
}
